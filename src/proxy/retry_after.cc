#include "proxy/retry_after.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace salus::proxy {
namespace {

using std::chrono::seconds;

constexpr std::array<std::string_view, 7> kWeekdays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Exactly `size` digits at `at`; -1 for anything else.
int Digits(std::string_view text, std::size_t at, std::size_t size) {
  int value = 0;
  for (const char c : text.substr(at, size)) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::optional<Timestamp> ParseFixdate(std::string_view text) {
  constexpr std::string_view kForm = "Www, DD Mmm YYYY HH:MM:SS GMT";
  if (text.size() != kForm.size()) return std::nullopt;
  for (const std::size_t at : {3u, 4u, 7u, 11u, 16u, 19u, 22u, 25u, 26u, 27u, 28u}) {
    if (text[at] != kForm[at]) return std::nullopt;
  }
  const auto month = std::ranges::find(kMonths, text.substr(8, 3));
  const int day = Digits(text, 5, 2);
  const int year = Digits(text, 12, 4);
  const int hour = Digits(text, 17, 2);
  const int minute = Digits(text, 20, 2);
  const int second = Digits(text, 23, 2);
  if (month == kMonths.end() || day < 0 || year < 1970 || hour < 0 || hour > 23 || minute < 0 ||
      minute > 59 || second < 0 || second > 60) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date(
      std::chrono::year(year),
      std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
      std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok()) return std::nullopt;
  const std::chrono::sys_days start(date);
  if (kWeekdays.at(std::chrono::weekday(start).c_encoding()) != text.substr(0, 3)) {
    return std::nullopt;
  }
  return start + std::chrono::hours(hour) + std::chrono::minutes(minute) + seconds(second);
}

}  // namespace

std::optional<seconds> ParseRetryAfter(std::string_view text, Timestamp now) {
  if (text.empty()) return std::nullopt;
  if (std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) {
    std::uint64_t value = 0;
    const auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    const auto longest = static_cast<std::uint64_t>(kLongestWait.count());
    // More digits than fit are a long time, not a mistake.
    if (failed == std::errc::result_out_of_range || value > longest) return kLongestWait;
    return seconds(value);
  }
  const std::optional<Timestamp> until = ParseFixdate(text);
  if (!until) return std::nullopt;
  return std::clamp(std::chrono::ceil<seconds>(*until - now), seconds(0), kLongestWait);
}

}  // namespace salus::proxy
