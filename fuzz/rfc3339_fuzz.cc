// A time that is taken has one normal form, which reads back as the same instant; where the input
// is in UTC its digits are those of the normal form. Days likewise. Formatting takes any instant.
#include <cctype>
#include <cstdint>
#include <cstring>

#include "base/check.h"
#include "codec/rfc3339.h"

namespace salus::codec {
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto time = ParseRfc3339(text)) {
    const std::string normal = FormatRfc3339(*time);
    CHECK(normal.size() == 24);
    CHECK(ParseRfc3339(normal).value() == *time);
    if (text.back() == 'Z' || text.back() == 'z') {
      CHECK(text.substr(0, 10) == normal.substr(0, 10));
      CHECK(text.substr(11, 8) == normal.substr(11, 8));
    }
    CHECK(FormatDay(DayOf(*time)) == normal.substr(0, 10));
  }
  if (const auto day = ParseDay(text)) CHECK(FormatDay(*day) == text);
  if (size >= sizeof(std::int64_t)) {
    std::int64_t ms;
    std::memcpy(&ms, data, sizeof ms);
    const Timestamp time = FromUnixMillis(ms);
    const auto back = ParseRfc3339(FormatRfc3339(time));
    CHECK(!back || *back == time);
  }
  return 0;
}

}  // namespace salus::codec
