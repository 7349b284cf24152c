// What the ACME client printed, which holds an authority's words: the report is short and printable
// whatever they are, and a wait is believed up to a bound. A date that is read is written back as
// it came.
#include <algorithm>
#include <ctime>

#include "base/check.h"
#include "proxy/acme_output.h"
#include "proxy/retry_after.h"

namespace {

using salus::proxy::kLongestWait;

constexpr std::int64_t kNowSeconds = 1'000'000'000;

void CheckRetryAfter(std::string_view text) {
  const auto now = salus::FromUnixMillis(kNowSeconds * 1000);
  const auto wait = salus::proxy::ParseRetryAfter(text, now);
  if (!wait) return;
  CHECK(wait->count() >= 0 && *wait <= kLongestWait);
  if (text.find(' ') == std::string_view::npos || wait->count() == 0 || *wait == kLongestWait) {
    return;
  }
  const std::time_t when = kNowSeconds + wait->count();
  std::tm parts{};
  char written[40];
  ::gmtime_r(&when, &parts);
  const std::size_t size =
      std::strftime(written, sizeof written, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  // Second 60 is read, and is the next minute's first.
  CHECK(text.substr(23, 2) == "60" || text == std::string_view(written, size));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto now = salus::FromUnixMillis(kNowSeconds * 1000);
  const auto report = salus::proxy::AcmeReport::Parse(text, now);
  CHECK(!report.reason.empty() && report.reason.size() <= salus::proxy::kMaxReasonBytes);
  CHECK(std::ranges::all_of(report.reason, [](char c) { return c >= 0x20 && c < 0x7f; }));
  CHECK(!report.retry_after ||
        (report.retry_after->count() >= 0 && *report.retry_after <= kLongestWait));
  CheckRetryAfter(text);
  return 0;
}
