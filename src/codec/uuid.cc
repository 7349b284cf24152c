#include "codec/uuid.h"

#include <algorithm>

#include "base/check.h"
#include "codec/hex.h"

namespace salus::codec {

namespace {

constexpr bool IsDash(std::size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

void SetVersion(std::array<std::uint8_t, Uuid::kSize>& bytes, int version) {
  CHECK(version >= 1 && version <= 15);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | version << 4);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
}

}  // namespace

Result<Uuid> Uuid::Parse(std::string_view text) {
  char digits[2 * kSize];
  std::size_t n = 0;
  for (std::size_t i = 0; text.size() == kTextSize && i < kTextSize; ++i) {
    if (IsDash(i)) {
      if (text[i] != '-') break;
    } else {
      digits[n++] = text[i];
    }
  }
  Uuid out;
  if (n != sizeof digits || !HexDecodeInto({digits, n}, out.bytes_)) {
    return InvalidArgument("uuid: must be 8-4-4-4-12 hexadecimal digits");
  }
  return out;
}

Uuid Uuid::FromBytes(std::span<const std::uint8_t, kSize> bytes) {
  Uuid out;
  std::ranges::copy(bytes, out.bytes_.begin());
  return out;
}

Uuid Uuid::Random(RandomSource& random) { return FromHash(random.Array<kSize>(), 4); }

Uuid Uuid::FromHash(std::span<const std::uint8_t, kSize> hash, int version) {
  Uuid out = FromBytes(hash);
  SetVersion(out.bytes_, version);
  return out;
}

std::string Uuid::ToString() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out(kTextSize, '-');
  std::size_t at = 0;
  for (const std::uint8_t byte : bytes_) {
    if (IsDash(at)) ++at;
    out[at++] = kDigits[byte >> 4];
    out[at++] = kDigits[byte & 15];
  }
  return out;
}

}  // namespace salus::codec
