#include "codec/base64.h"

#include <array>
#include <cstring>

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

// Pairs holds the two digits of each 12-bit number: entries and their keys are sent in base64, and
// two look-ups for three bytes are half of what four cost.
using Pairs = std::array<std::array<char, 2>, 4096>;

constexpr Pairs PairsOf(std::string_view alphabet) {
  Pairs pairs;
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i] = {alphabet[i >> 6], alphabet[i & 63]};
  return pairs;
}

constexpr Pairs kStandardPairs = PairsOf(kStandard);
constexpr Pairs kUrlPairs = PairsOf(kUrl);

// Writes the digits without padding at out.
void EncodeDigits(ByteSpan bytes, const Pairs& pairs, void* out) {
  const std::uint8_t* in = bytes.data();
  char* to = static_cast<char*>(out);
  const auto put = [&](std::uint32_t digits) {
    std::memcpy(to, pairs[digits].data(), 2);
    to += 2;
  };
  std::size_t left = bytes.size();
  for (; left >= 3; left -= 3, in += 3) {
    const std::uint32_t group =
        std::uint32_t{in[0]} << 16 | std::uint32_t{in[1]} << 8 | std::uint32_t{in[2]};
    put(group >> 12);
    put(group & 0xfff);
  }
  if (left == 0) return;
  std::uint32_t group = std::uint32_t{in[0]} << 16;
  if (left == 2) group |= std::uint32_t{in[1]} << 8;
  put(group >> 12);
  if (left == 2) *to = pairs[group & 0xfff][0];
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
  EncodeDigits(bytes, kStandardPairs, out.data());
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

std::string Base64RawEncode(ByteSpan bytes) {
  std::string out(Base64UrlSize(bytes.size()), '\0');
  EncodeDigits(bytes, kStandardPairs, out.data());
  return out;
}

Result<Bytes> Base64RawDecode(std::string_view text) {
  Bytes out(DecodedSize(text.size()));
  TRY_VOID(DecodeDigits(text, kStandardValues, out.data()));
  return out;
}

std::string Base64UrlEncode(ByteSpan bytes) {
  std::string out(Base64UrlSize(bytes.size()), '\0');
  EncodeDigits(bytes, kUrlPairs, out.data());
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
  EncodeDigits(bytes, kUrlPairs, out.data());
}

}  // namespace salus::codec
