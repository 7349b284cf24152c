// A point that P256PublicKey accepts has one compressed and one uncompressed form, both of which
// lead back to it; everything else is refused.
#include "base/check.h"
#include "crypto/p256.h"
#include "crypto/p384.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using salus::crypto::P256PublicKey;
  const salus::ByteSpan input(data, size);
  (void)salus::crypto::P384PublicKey::FromSec1(input);
  const auto key = P256PublicKey::FromSec1(input);
  if (!key.has_value()) return 0;
  const auto compressed = key->sec1_compressed();
  CHECK(salus::Equal(input, key->sec1()) || salus::Equal(input, compressed));
  const auto again = P256PublicKey::FromSec1(compressed);
  CHECK(again.has_value() && *again == *key);
  const auto from_coordinates = P256PublicKey::FromCoordinates(key->x(), key->y());
  CHECK(from_coordinates.has_value() && *from_coordinates == *key);
  return 0;
}
