#include "codec/uuid.h"

#include <algorithm>

#include "base/check.h"
#include "codec/hex.h"

namespace salus::codec {

namespace {

// One load a digit: every event has such an id.
constexpr auto kDigitValues = [] {
  std::array<std::uint8_t, 256> values{};
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = HexDigitValue(static_cast<char>(i));
  return values;
}();

constexpr bool IsDash(std::size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

void SetVersion(std::array<std::uint8_t, Uuid::kSize>& bytes, int version) {
  CHECK(version >= 1 && version <= 15);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | version << 4);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
}

}  // namespace

Result<Uuid> Uuid::Parse(std::string_view text) {
  const auto bad = [] { return InvalidArgument("uuid: must be 8-4-4-4-12 hexadecimal digits"); };
  if (text.size() != kTextSize) return bad();
  unsigned wrong = 0;
  Uuid out;
  std::size_t at = 0;
  for (std::uint8_t& byte : out.bytes_) {
    if (IsDash(at)) wrong |= text[at++] != '-';
    const unsigned high = kDigitValues[static_cast<std::uint8_t>(text[at++])];
    const unsigned low = kDigitValues[static_cast<std::uint8_t>(text[at++])];
    wrong |= (high | low) & 0xf0;
    byte = static_cast<std::uint8_t>(high << 4 | low);
  }
  if (wrong != 0) return bad();
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
  std::string out(kTextSize, '-');
  WriteTo(std::span<char, kTextSize>(out));
  return out;
}

void Uuid::WriteTo(std::span<char, kTextSize> out) const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::size_t at = 0;
  for (const std::uint8_t byte : bytes_) {
    if (IsDash(at)) out[at++] = '-';
    out[at++] = kDigits[byte >> 4];
    out[at++] = kDigits[byte & 15];
  }
}

}  // namespace salus::codec
