#include "codec/rfc3339.h"

#include <cstdint>
#include <cstdlib>

namespace salus::codec {

namespace {

using std::chrono::milliseconds;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Reads a fixed number of digits; -1 where one is missing. The caller checked the length.
int Digits(const char* p, int count) {
  int value = 0;
  for (int i = 0; i < count; ++i) {
    if (!IsDigit(p[i])) return -1;
    value = value * 10 + (p[i] - '0');
  }
  return value;
}

Error Bad(std::string_view part) {
  return InvalidArgument("time: " + std::string(part) + "; write it as 2026-11-20T09:30:00.000Z");
}

// Reads YYYY-MM-DD at p, which has 10 characters.
Result<Day> DateAt(const char* p) {
  const int year = Digits(p, 4);
  const int month = Digits(p + 5, 2);
  const int day = Digits(p + 8, 2);
  if (p[4] != '-' || p[7] != '-' || year < 1 || month < 0 || day < 0) return Bad("bad date");
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return Bad("no such day");
  return Day(date);
}

constexpr Day kFirstDay = std::chrono::year(1) / 1 / 1;
constexpr Day kLastDay = std::chrono::year(9999) / 12 / 31;

struct Offset {
  int minutes;
};

// Reads Z or +hh:mm; it must be all that is left.
Result<Offset> OffsetAt(std::string_view text) {
  if (text == "Z" || text == "z") return Offset{0};
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') {
    return Bad("the offset (Z or +hh:mm) is missing or malformed");
  }
  const int hours = Digits(text.data() + 1, 2);
  const int minutes = Digits(text.data() + 4, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return Bad("bad offset");
  const int total = hours * 60 + minutes;
  return Offset{text[0] == '-' ? -total : total};
}

void AppendPadded(std::string& out, std::uint64_t value, std::size_t width) {
  const std::string digits = std::to_string(value);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

// Writes two digits at p.
void Pair(char* p, unsigned value) {
  p[0] = static_cast<char>('0' + value / 10 % 10);
  p[1] = static_cast<char>('0' + value % 10);
}

// The proleptic Gregorian date of any day number; std::chrono::year stops at +-32767.
struct CivilDate {
  std::int64_t year;
  unsigned month;
  unsigned day;
};

CivilDate CivilOf(std::int64_t days) {
  // Source: Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days.
  days += 719468;
  const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const auto day_of_era = static_cast<unsigned>(days - era * 146097);
  const unsigned year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const unsigned day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted_month = (5 * day_of_year + 2) / 153;
  const unsigned day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const unsigned month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  return {static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

void AppendDate(std::string& out, std::int64_t days) {
  const CivilDate date = CivilOf(days);
  if (date.year < 1 || date.year > 9999) {
    out += date.year < 0 ? '-' : '+';
    AppendPadded(out, static_cast<std::uint64_t>(std::llabs(date.year)), 6);
  } else {
    AppendPadded(out, static_cast<std::uint64_t>(date.year), 4);
  }
  char rest[6] = {'-', 0, 0, '-', 0, 0};
  Pair(rest + 1, date.month);
  Pair(rest + 4, date.day);
  out.append(rest, sizeof rest);
}

}  // namespace

Result<Timestamp> ParseRfc3339(std::string_view text) {
  constexpr std::size_t kShortest = 20;  // 2026-11-20T09:30:00Z
  if (text.size() < kShortest) return Bad("too short");
  TRY(const Day day, DateAt(text.data()));
  if (text[10] != 'T' && text[10] != 't') return Bad("no T between date and time");
  const int hour = Digits(text.data() + 11, 2);
  const int minute = Digits(text.data() + 14, 2);
  const int second = Digits(text.data() + 17, 2);
  if (text[13] != ':' || text[16] != ':' || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
      second < 0) {
    return Bad("bad time of day");
  }
  if (second > 59) return Bad("second over 59 (leap seconds are not taken)");

  std::size_t at = 19;
  int millis = 0;
  if (text[at] == '.') {
    const std::size_t first = ++at;
    for (int scale = 100; at < text.size() && IsDigit(text[at]); ++at, scale /= 10) {
      millis += (text[at] - '0') * scale;
    }
    if (at == first || at - first > 9) return Bad("a fraction has 1 to 9 digits");
  }
  TRY(const Offset offset, OffsetAt(text.substr(at)));
  const Timestamp time = Timestamp(day) + std::chrono::hours(hour) +
                         std::chrono::minutes(minute - offset.minutes) +
                         std::chrono::seconds(second) + milliseconds(millis);
  if (time < Timestamp(kFirstDay) || DayOf(time) > kLastDay) return Bad("outside years 1 to 9999");
  return time;
}

std::string FormatRfc3339(Timestamp time) {
  constexpr std::int64_t kDayMillis = 86'400'000;
  const std::int64_t total = ToUnixMillis(time);
  std::int64_t days = total / kDayMillis;
  std::int64_t in_day = total % kDayMillis;
  if (in_day < 0) {
    in_day += kDayMillis;
    --days;
  }
  const auto millis = static_cast<unsigned>(in_day);
  std::string out;
  out.reserve(32);
  AppendDate(out, days);
  char rest[14] = {'T', 0, 0, ':', 0, 0, ':', 0, 0, '.', 0, 0, 0, 'Z'};
  Pair(rest + 1, millis / 3'600'000);
  Pair(rest + 4, millis / 60'000 % 60);
  Pair(rest + 7, millis / 1000 % 60);
  rest[10] = static_cast<char>('0' + millis / 100 % 10);
  Pair(rest + 11, millis % 100);
  out.append(rest, sizeof rest);
  return out;
}

Result<Day> ParseDay(std::string_view text) {
  auto day = text.size() == 10 ? DateAt(text.data()) : Result<Day>(Bad(""));
  if (!day) return InvalidArgument("day: must be a day of the calendar, as 2026-11-20");
  return day;
}

std::string FormatDay(Day day) {
  std::string out;
  AppendDate(out, day.time_since_epoch().count());
  return out;
}

}  // namespace salus::codec
