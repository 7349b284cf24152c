// Keccak-p[1600, 12] and its sponge written down literally; test code only.
//
// Source: FIPS 202 sections 3.2 (step mappings by their formulas, constants from the shift
//         register), RFC 9861 section 2.2.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "base/bytes.h"

namespace salus::crypto::testing {

using ReferenceState = std::array<std::array<std::uint64_t, 5>, 5>;  // [x][y]

// FIPS 202 algorithm 5.
inline bool ReferenceRoundBit(unsigned t) {
  unsigned r = 1;
  for (unsigned i = 0; i < t % 255; ++i) {
    r <<= 1;
    if ((r & 0x100) != 0) r ^= 0x171;
  }
  return (r & 1) != 0;
}

inline std::uint64_t ReferenceRoundConstant(unsigned round) {
  std::uint64_t constant = 0;
  for (unsigned j = 0; j <= 6; ++j) {
    if (ReferenceRoundBit(j + 7 * round)) constant |= std::uint64_t{1} << ((1u << j) - 1);
  }
  return constant;
}

inline ReferenceState ReferenceRound(const ReferenceState& a, unsigned round) {
  ReferenceState theta = a;
  for (unsigned x = 0; x < 5; ++x) {
    std::uint64_t d = 0;
    for (unsigned y = 0; y < 5; ++y) d ^= a[(x + 4) % 5][y] ^ std::rotl(a[(x + 1) % 5][y], 1);
    for (unsigned y = 0; y < 5; ++y) theta[x][y] ^= d;
  }
  ReferenceState rho = theta;
  unsigned x = 1, y = 0;
  for (unsigned t = 0; t < 24; ++t) {
    rho[x][y] = std::rotl(theta[x][y], static_cast<int>((t + 1) * (t + 2) / 2 % 64));
    const unsigned old_x = x;
    x = y;
    y = (2 * old_x + 3 * y) % 5;
  }
  ReferenceState pi, chi;
  for (x = 0; x < 5; ++x) {
    for (y = 0; y < 5; ++y) pi[x][y] = rho[(x + 3 * y) % 5][x];
  }
  for (x = 0; x < 5; ++x) {
    for (y = 0; y < 5; ++y) chi[x][y] = pi[x][y] ^ (~pi[(x + 1) % 5][y] & pi[(x + 2) % 5][y]);
  }
  chi[0][0] ^= ReferenceRoundConstant(round);
  return chi;
}

// ReferencePermute takes word x + 5y for the lane (x, y).
inline void ReferencePermute(std::uint64_t* words) {
  ReferenceState state;
  for (unsigned i = 0; i < 25; ++i) state[i % 5][i / 5] = words[i];
  for (unsigned round = 12; round < 24; ++round) state = ReferenceRound(state, round);
  for (unsigned i = 0; i < 25; ++i) words[i] = state[i % 5][i / 5];
}

// TurboShakeWith is TurboSHAKE over a given permutation; rate 168 makes TurboSHAKE128, 136
// TurboSHAKE256.
template <typename Permute>
Bytes TurboShakeWith(const Permute& permute, std::size_t rate, Bytes message, std::uint8_t domain,
                     std::size_t size) {
  message.push_back(domain);
  message.resize((message.size() + rate - 1) / rate * rate);
  message.back() ^= 0x80;
  std::uint64_t state[25] = {};
  for (std::size_t at = 0; at < message.size(); ++at) {
    state[at % rate / 8] ^= std::uint64_t{message[at]} << (8 * (at % 8));
    if (at % rate == rate - 1) permute(state);
  }
  Bytes out;
  for (std::size_t at = 0; at < size; ++at) {
    if (at > 0 && at % rate == 0) permute(state);
    out.push_back(static_cast<std::uint8_t>(state[at % rate / 8] >> (8 * (at % 8))));
  }
  return out;
}

inline Bytes ReferenceTurboShake128(Bytes message, std::uint8_t domain, std::size_t size) {
  return TurboShakeWith(ReferencePermute, 168, std::move(message), domain, size);
}

}  // namespace salus::crypto::testing
