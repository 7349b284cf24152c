// Any bytes come back from their text; any text that is taken is the text of its bytes.
#include <cstdint>

#include "base/check.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/uuid.h"

namespace salus::codec {
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteSpan bytes(data, size);
  const std::string_view text = AsText(bytes);
  CHECK(Equal(Base64Decode(Base64Encode(bytes)).value(), bytes));
  CHECK(Equal(Base64UrlDecode(Base64UrlEncode(bytes)).value(), bytes));
  CHECK(Equal(HexDecode(HexEncode(bytes)).value(), bytes));
  if (const auto decoded = Base64Decode(text)) CHECK(Base64Encode(*decoded) == text);
  if (const auto decoded = Base64UrlDecode(text)) CHECK(Base64UrlEncode(*decoded) == text);
  if (const auto decoded = HexDecode(text))
    CHECK(HexDecode(HexEncode(*decoded)).value() == *decoded);
  if (const auto uuid = Uuid::Parse(text)) CHECK(Uuid::Parse(uuid->ToString()).value() == *uuid);
  return 0;
}

}  // namespace salus::codec
