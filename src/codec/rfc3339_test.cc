#include "codec/rfc3339.h"

#include <gtest/gtest.h>

namespace salus::codec {
namespace {

std::string Normal(std::string_view text) {
  auto time = ParseRfc3339(text);
  return time ? FormatRfc3339(*time) : time.error().message;
}

// RFC 3339 section 5.8 says which of its examples are the same instant.
TEST(Rfc3339Test, ExamplesOfTheRfc) {
  EXPECT_EQ(Normal("1985-04-12T23:20:50.52Z"), "1985-04-12T23:20:50.520Z");
  EXPECT_EQ(Normal("1996-12-19T16:39:57-08:00"), "1996-12-20T00:39:57.000Z");
  EXPECT_EQ(Normal("1937-01-01T12:00:27.87+00:20"), "1937-01-01T11:40:27.870Z");
  // The leap seconds of the same section: our timestamps have none.
  EXPECT_FALSE(ParseRfc3339("1990-12-31T23:59:60Z"));
  EXPECT_FALSE(ParseRfc3339("1990-12-31T15:59:60-08:00"));
}

TEST(Rfc3339Test, KnownInstants) {
  EXPECT_EQ(ToUnixMillis(ParseRfc3339("1970-01-01T00:00:00Z").value()), 0);
  EXPECT_EQ(ToUnixMillis(ParseRfc3339("1969-12-31T23:59:59.999Z").value()), -1);
  EXPECT_EQ(ToUnixMillis(ParseRfc3339("2001-09-09T01:46:40Z").value()), 1'000'000'000'000);
  EXPECT_EQ(ToUnixMillis(ParseRfc3339("2038-01-19T03:14:08Z").value()), 2'147'483'648'000);
  EXPECT_EQ(ToUnixMillis(ParseRfc3339("0001-01-01T00:00:00Z").value()), -62'135'596'800'000);
  EXPECT_EQ(ToUnixMillis(ParseRfc3339("9999-12-31T23:59:59.999Z").value()), 253'402'300'799'999);
}

TEST(Rfc3339Test, EdgesThatAreTaken) {
  EXPECT_EQ(Normal("2024-02-29t00:00:00z"), "2024-02-29T00:00:00.000Z");
  EXPECT_EQ(Normal("2000-02-29T00:00:00Z"), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(Normal("2026-11-20T09:30:00.123999999Z"), "2026-11-20T09:30:00.123Z");
  EXPECT_EQ(Normal("2026-11-20T09:30:00.1Z"), "2026-11-20T09:30:00.100Z");
  EXPECT_EQ(Normal("2026-11-20T09:30:00-00:00"), "2026-11-20T09:30:00.000Z");
  EXPECT_EQ(Normal("2026-11-20T23:59:59+23:59"), "2026-11-20T00:00:59.000Z");
  EXPECT_EQ(Normal("0001-01-01T14:00:00+14:00"), "0001-01-01T00:00:00.000Z");
}

TEST(Rfc3339Test, RefusesTheRest) {
  for (const char* bad : {"",
                          "2026-11-20",
                          "2026-11-20T09:30:00",
                          "2026-11-20 09:30:00Z",
                          "2026-11-20T09:30Z",
                          "2026-11-20T24:00:00Z",
                          "2026-11-20T09:60:00Z",
                          "2026-11-20T09:30:60Z",
                          "2026-11-20T09:30:61Z",
                          "2026-13-20T09:30:00Z",
                          "2026-00-20T09:30:00Z",
                          "2026-11-31T09:30:00Z",
                          "2026-11-00T09:30:00Z",
                          "2023-02-29T00:00:00Z",
                          "1900-02-29T00:00:00Z",
                          "0000-01-01T00:00:00Z",
                          "2026-11-20T09:30:00.Z",
                          "2026-11-20T09:30:00.1234567890Z",
                          "2026-11-20T09:30:00,5Z",
                          "2026-11-20T09:30:00+24:00",
                          "2026-11-20T09:30:00+00:60",
                          "2026-11-20T09:30:00+0000",
                          "2026-11-20T09:30:00+00",
                          "2026-11-20T09:30:00ZZ",
                          "2026-11-20T09:30:00Z ",
                          " 2026-11-20T09:30:00Z",
                          "+2026-11-20T09:30:00Z",
                          "12026-11-20T09:30:00Z",
                          "2026-11-2OT09:30:00Z",
                          "2026-1-20T09:30:00Z",
                          "2026/11/20T09:30:00Z",
                          "2026-11-20T09:30:-1Z",
                          "0001-01-01T00:00:00+00:01",
                          "9999-12-31T23:59:59-00:01",
                          "2026-W47-5T09:30:00Z",
                          "2026-11-20T9:30:00.00Z",
                          "20261120T093000.00000Z"}) {
    EXPECT_FALSE(ParseRfc3339(bad)) << bad;
  }
  EXPECT_FALSE(ParseRfc3339(std::string_view("2026-11-20T09:30:00Z\0", 21)));
}

TEST(Rfc3339Test, EveryDayOfFourHundredYearsThereAndBack) {
  const Day first = std::chrono::year(1800) / 1 / 1;
  for (int i = 0; i < 146'097; ++i) {
    const Day day = first + std::chrono::days(i);
    const std::string text = FormatDay(day);
    ASSERT_EQ(ParseDay(text).value(), day) << text;
    const std::chrono::year_month_day date(day);
    ASSERT_EQ(std::stoi(text.substr(0, 4)), static_cast<int>(date.year()));
    ASSERT_EQ(std::stoul(text.substr(8)), static_cast<unsigned>(date.day()));
  }
}

TEST(Rfc3339Test, TimesOutsideTheRangeAreWrittenButNotRead) {
  EXPECT_EQ(FormatRfc3339(FromUnixMillis(253'402'300'800'000)), "+010000-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatRfc3339(FromUnixMillis(-62'135'596'800'001)), "+000000-12-31T23:59:59.999Z");
  for (const std::int64_t extreme : {INT64_MIN, INT64_MAX}) {
    EXPECT_FALSE(ParseRfc3339(FormatRfc3339(FromUnixMillis(extreme))));
  }
}

TEST(DayTest, ReadsOnlyTenCharacters) {
  EXPECT_EQ(ToUnixDay(ParseDay("1970-01-02").value()), 1u);
  for (const char* bad : {"", "2026-11-2", "2026-11-200", "2026-02-30", "2026-11-20T", "0000-01-01",
                          "2026-1-020", "-026-11-20"}) {
    EXPECT_FALSE(ParseDay(bad)) << bad;
  }
}

}  // namespace
}  // namespace salus::codec
