// Hexadecimal text (base16).
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::codec {

// HexDigitValue is 0 to 15 for a digit of either case, 255 for any other character.
constexpr std::uint8_t HexDigitValue(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return 0xff;
}

// HexEncode writes two lower-case digits a byte.
//
// Source: RFC 4648 section 8, in lower case.
std::string HexEncode(ByteSpan bytes);

// HexDecode reads either case.
//
// Errors: InvalidArgument for an odd length or, with its offset, a character that is no digit.
Result<Bytes> HexDecode(std::string_view text);

// HexDecodeInto decodes exactly out.size() bytes, for fixed lengths and secrets.
//
// Errors: as HexDecode; InvalidArgument when the length is not 2 * out.size().
Result<void> HexDecodeInto(std::string_view text, MutableByteSpan out);

}  // namespace salus::codec
