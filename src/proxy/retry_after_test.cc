#include "proxy/retry_after.h"

#include <gtest/gtest.h>

namespace salus::proxy {
namespace {

using std::chrono::seconds;

// 1994-11-06T08:49:37Z, the example of RFC 9110 section 5.6.7.
const Timestamp kExample = FromUnixMillis(784'111'777'000);

TEST(RetryAfterTest, ReadsSeconds) {
  EXPECT_EQ(ParseRetryAfter("0", kExample), seconds(0));
  EXPECT_EQ(ParseRetryAfter("120", kExample), seconds(120));
  EXPECT_EQ(ParseRetryAfter("99999999999999999999999999", kExample), kLongestWait);
  EXPECT_EQ(ParseRetryAfter("2678401", kExample), kLongestWait);
}

TEST(RetryAfterTest, ReadsADate) {
  const char* const date = "Sun, 06 Nov 1994 08:49:37 GMT";
  EXPECT_EQ(ParseRetryAfter(date, kExample - seconds(90)), seconds(90));
  EXPECT_EQ(ParseRetryAfter(date, kExample + seconds(90)), seconds(0));
  EXPECT_EQ(ParseRetryAfter(date, kExample - std::chrono::days(400)), kLongestWait);
}

TEST(RetryAfterTest, RefusesAllElse) {
  for (const char* text : {"", "-1", "+1", "1.5", "1 ", "soon", "Mon, 06 Nov 1994 08:49:37 GMT",
                           "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
                           "Sun, 06 Nov 1994 08:49:37 UTC", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 GMT ",
                           "Sun, 06 nov 1994 08:49:37 GMT"}) {
    EXPECT_EQ(ParseRetryAfter(text, kExample), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace salus::proxy
