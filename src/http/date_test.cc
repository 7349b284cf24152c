#include "http/date.h"

#include <gtest/gtest.h>

namespace salus::http {
namespace {

// The first is RFC 9110's own example; the rest were made with `date -u`.
TEST(HttpDate, IsWrittenAsTheRfcSays) {
  const auto format = [](std::int64_t seconds) {
    return FormatDate(Timestamp(std::chrono::seconds(seconds)));
  };
  EXPECT_EQ(format(784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(format(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(format(1'709'164'800), "Thu, 29 Feb 2024 00:00:00 GMT");
  EXPECT_EQ(format(4'102'444'799), "Thu, 31 Dec 2099 23:59:59 GMT");
  EXPECT_EQ(FormatDate(Timestamp(std::chrono::milliseconds(1'999))),
            "Thu, 01 Jan 1970 00:00:01 GMT");
}

TEST(HttpDate, OfNow) { EXPECT_EQ(DateText().size(), 29U); }

}  // namespace
}  // namespace salus::http
