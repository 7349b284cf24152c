// RistrettoPoint is an element of ristretto255 that is no secret, decoded once so that adding many
// is cheap: libsodium decodes both and encodes the sum each time, thirty times the work.
//
// Source:  RFC 9496 sections 4.2 and 4.3; addition RFC 8032 section 5.1.4.
// Shape:   32 bytes encoded, one encoding for each point.
// Secrets: none may come here: the time that it takes depends on its values.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::crypto {

class RistrettoPoint {
 public:
  static constexpr std::size_t kBytes = 32;

  // The point that adds nothing.
  RistrettoPoint() = default;

  // Errors: InvalidArgument unless bytes are a point's encoding.
  static Result<RistrettoPoint> Decode(ByteSpan bytes);
  std::array<std::uint8_t, kBytes> Encode() const;

  void Add(const RistrettoPoint& other);

 private:
  // Element is a number modulo 2^255 - 19 in five limbs of 51 bits and a little.
  using Element = std::array<std::uint64_t, 5>;

  // Extended coordinates of the twisted Edwards curve: x = X / Z, y = Y / Z, x y = T / Z.
  Element x_{0};
  Element y_{1};
  Element z_{1};
  Element t_{0};
};

}  // namespace salus::crypto
