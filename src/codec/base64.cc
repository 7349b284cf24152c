#include "codec/base64.h"

#include <array>

#include "base/check.h"

namespace salus::codec {

namespace {

constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t kNone = 0xff;

using Table = std::array<std::uint8_t, 256>;

constexpr Table Invert(std::string_view alphabet) {
  Table table;
  table.fill(kNone);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}

constexpr Table kStandardValues = Invert(kStandard);
constexpr Table kUrlValues = Invert(kUrl);

// Writes the digits without padding at out, and returns their end.
template <typename Char>
Char* EncodeDigits(ByteSpan bytes, std::string_view alphabet, Char* out) {
  const auto digit = [&](std::uint32_t group, int shift) {
    return static_cast<Char>(alphabet[(group >> shift) & 63]);
  };
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t group = std::uint32_t{bytes[i]} << 16 | std::uint32_t{bytes[i + 1]} << 8 |
                                std::uint32_t{bytes[i + 2]};
    *out++ = digit(group, 18);
    *out++ = digit(group, 12);
    *out++ = digit(group, 6);
    *out++ = digit(group, 0);
  }
  const std::size_t rest = bytes.size() - i;
  if (rest > 0) {
    std::uint32_t group = std::uint32_t{bytes[i]} << 16;
    if (rest == 2) group |= std::uint32_t{bytes[i + 1]} << 8;
    *out++ = digit(group, 18);
    *out++ = digit(group, 12);
    if (rest == 2) *out++ = digit(group, 6);
  }
  return out;
}

Error BadCharacter(std::size_t offset) {
  return InvalidArgument("base64: byte " + std::to_string(offset) + " is not of the alphabet");
}

constexpr std::size_t DecodedSize(std::size_t digits) {
  return digits / 4 * 3 + (digits % 4) * 6 / 8;
}

// Decodes digits without padding to out, which has DecodedSize(digits.size()) bytes.
Result<void> DecodeDigits(std::string_view digits, const Table& values, std::uint8_t* out) {
  if (digits.size() % 4 == 1) return InvalidArgument("base64: impossible length");
  std::uint32_t group = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const std::uint8_t value = values[static_cast<std::uint8_t>(digits[i])];
    if (value == kNone) return BadCharacter(i);
    group = group << 6 | value;
    if (i % 4 == 3) {
      *out++ = static_cast<std::uint8_t>(group >> 16);
      *out++ = static_cast<std::uint8_t>(group >> 8);
      *out++ = static_cast<std::uint8_t>(group);
      group = 0;
    }
  }
  const std::size_t rest = digits.size() % 4;
  if (rest == 0) return {};
  const int unused_bits = rest == 2 ? 4 : 2;
  if ((group & ((1u << unused_bits) - 1)) != 0) {
    return InvalidArgument("base64: unused bits at the end are not zero");
  }
  group >>= unused_bits;
  if (rest == 3) *out++ = static_cast<std::uint8_t>(group >> 8);
  *out = static_cast<std::uint8_t>(group);
  return {};
}

}  // namespace

std::string Base64Encode(ByteSpan bytes) {
  std::string out((bytes.size() + 2) / 3 * 4, '=');
  EncodeDigits(bytes, kStandard, out.data());
  return out;
}

Result<Bytes> Base64Decode(std::string_view text) {
  if (text.size() % 4 != 0) return InvalidArgument("base64: the length is not a multiple of 4");
  std::string_view digits = text;
  if (digits.ends_with("==")) {
    digits.remove_suffix(2);
  } else if (digits.ends_with('=')) {
    digits.remove_suffix(1);
  }
  Bytes out(DecodedSize(digits.size()));
  TRY_VOID(DecodeDigits(digits, kStandardValues, out.data()));
  return out;
}

std::string Base64UrlEncode(ByteSpan bytes) {
  std::string out(Base64UrlSize(bytes.size()), '\0');
  EncodeDigits(bytes, kUrl, out.data());
  return out;
}

Result<Bytes> Base64UrlDecode(std::string_view text) {
  Bytes out(DecodedSize(text.size()));
  TRY_VOID(DecodeDigits(text, kUrlValues, out.data()));
  return out;
}

Result<std::size_t> Base64UrlDecodeInto(std::string_view text, MutableByteSpan out) {
  const std::size_t size = DecodedSize(text.size());
  if (size > out.size()) return InvalidArgument("base64: longer than the value may be");
  TRY_VOID(DecodeDigits(text, kUrlValues, out.data()));
  return size;
}

void Base64UrlEncodeInto(ByteSpan bytes, MutableByteSpan out) {
  CHECK(out.size() >= Base64UrlSize(bytes.size()));
  EncodeDigits(bytes, kUrl, out.data());
}

}  // namespace salus::codec
