#include "codec/hex.h"

namespace salus::codec {

std::string HexEncode(ByteSpan bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out(bytes.size() * 2, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    out[2 * i] = kDigits[bytes[i] >> 4];
    out[2 * i + 1] = kDigits[bytes[i] & 15];
  }
  return out;
}

Result<Bytes> HexDecode(std::string_view text) {
  Bytes out(text.size() / 2);
  TRY_VOID(HexDecodeInto(text, out));
  return out;
}

Result<void> HexDecodeInto(std::string_view text, MutableByteSpan out) {
  if (text.size() != 2 * out.size()) {
    return InvalidArgument(text.size() % 2 != 0
                               ? "hex: an odd number of digits"
                               : "hex: must be " + std::to_string(2 * out.size()) + " digits");
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    const unsigned high = HexDigitValue(text[2 * i]);
    const unsigned low = HexDigitValue(text[2 * i + 1]);
    if (((high | low) & 0xf0) != 0) {
      return InvalidArgument("hex: byte " + std::to_string(2 * i + (high > 15 ? 0 : 1)) +
                             " is no digit");
    }
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return {};
}

}  // namespace salus::codec
