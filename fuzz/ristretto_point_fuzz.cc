// RistrettoPoint takes what libsodium takes, in one form; a root beside an encoding never leads to
// another point, and only the right one, in its one form, is taken.
#include <sodium.h>

#include <algorithm>

#include "base/check.h"
#include "crypto/ristretto_point.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using salus::crypto::RistrettoPoint;
  static const bool is_ready = sodium_init() >= 0;
  CHECK(is_ready);
  std::array<std::uint8_t, RistrettoPoint::kRootedBytes> input{};
  std::copy_n(data, std::min(size, input.size()), input.begin());
  const auto encoding = salus::ByteSpan(input).first(RistrettoPoint::kBytes);
  const auto point = RistrettoPoint::Decode(encoding);
  // libsodium 1.0.18 passes over the highest bit.
  const bool is_taken = crypto_core_ristretto255_is_valid_point(encoding.data()) == 1;
  CHECK(point.has_value() == (is_taken && encoding[31] < 0x80));
  const auto rooted = RistrettoPoint::DecodeRooted(input);
  CHECK(point.has_value() || !rooted.has_value());
  if (!point.has_value()) return 0;
  CHECK(salus::Equal(point->Encode(), encoding));
  const auto right = point->EncodeRooted();
  CHECK(rooted.has_value() == (input == right));
  const auto again = RistrettoPoint::DecodeRooted(right);
  CHECK(again.has_value() && *again == *point && again->Encode() == point->Encode());

  // The second half as a difference from the root, so that the fuzzer starts near it.
  auto near = right;
  for (std::size_t i = RistrettoPoint::kBytes; i < near.size(); ++i) near[i] ^= input[i];
  CHECK(RistrettoPoint::DecodeRooted(near).has_value() == (near == right));
  return 0;
}
