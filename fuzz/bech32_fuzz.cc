// A text that decodes is what its prefix and bytes encode to, in its own case; any bytes come back
// from their text.
#include "codec/bech32.h"

#include <algorithm>
#include <string>

#include "base/check.h"

namespace {

std::string InCaseOf(std::string_view text, std::string_view prefix) {
  std::string out(prefix);
  const bool is_upper =
      std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!is_upper) return out;
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const salus::ByteSpan bytes(data, size);
  const std::string_view text = salus::AsText(bytes);
  if (const auto decoded = salus::codec::Bech32Decode(text)) {
    std::string again = salus::codec::Bech32Encode(InCaseOf(text, decoded->prefix), decoded->bytes);
    // A prefix without letters shows no case: then the digits alone have one.
    std::string lower(text);
    for (std::string* one : {&again, &lower}) {
      for (char& c : *one) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    CHECK(again == lower);
    salus::Bytes room(decoded->bytes.size());
    CHECK(salus::codec::Bech32DecodeInto(decoded->prefix, text, room).has_value());
    CHECK(room == decoded->bytes);
  }
  const auto back = salus::codec::Bech32Decode(salus::codec::Bech32Encode("age", bytes));
  CHECK(back.has_value() && salus::Equal(back->bytes, bytes));
  return 0;
}
