#include "proxy/acme_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace salus::proxy {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

const Timestamp kNow = FromUnixMillis(1'790'000'000'000);

// What uacme 1.7.4 prints, shortened.
constexpr std::string_view kLimited = R"(uacme: version 1.7.4 starting on Mon
uacme: fetching directory at https://127.0.0.1:24001/dir
uacme: acme_get: HTTP headers
HTTP/2 429 
content-type: application/problem+json
Retry-After: 120

uacme: acme_get: return code 429, json=
{
    "type": "urn:ietf:params:acme:error:rateLimited"
}
uacme: failed to fetch directory at https://127.0.0.1:24001/dir
uacme: the server reported the following error:
{
    "type": "urn:ietf:params:acme:error:rateLimited",
    "detail": "too many new orders recently",
    "status": 429
}
)";

TEST(AcmeOutputTest, TellsARateLimit) {
  const AcmeReport report = AcmeReport::Parse(kLimited, kNow);
  EXPECT_EQ(report.reason,
            "the authority's rate limit is reached (it says: too many new orders recently)");
  EXPECT_EQ(report.retry_after, seconds(120));
}

TEST(AcmeOutputTest, TellsARefusedChallenge) {
  const AcmeReport report = AcmeReport::Parse(R"(HTTP/2 200 
retry-after: 7

uacme: challenge https://x/y failed with status invalid
uacme: the server reported the following error:
{
    "type": "urn:ietf:params:acme:error:unauthorized",
    "detail": "The key authorization file did not match \"a\nb\" != \"wrong\"",
    "status": 403
}
uacme: failed to authorize order at https://x/z
)",
                                              kNow);
  EXPECT_THAT(report.reason, HasSubstr("got another answer than ours"));
  EXPECT_THAT(report.reason, HasSubstr("\"a?b\" != \"wrong\""));
  EXPECT_EQ(report.retry_after, std::nullopt) << "of an answer that did not refuse";
}

TEST(AcmeOutputTest, OnlyTheLastAnswerCounts) {
  const std::string later = std::string(kLimited) + "HTTP/2 200 \n\nuacme: odd\n";
  EXPECT_EQ(AcmeReport::Parse(later, kNow).retry_after, std::nullopt);
}

TEST(AcmeOutputTest, TellsFailuresBelowHttp) {
  const AcmeReport report = AcmeReport::Parse(
      "uacme: fetching directory at https://h/d\n"
      "uacme: curl_get: GET https://h/d failed: Couldn't connect to server\n"
      "uacme: curl_get: waiting 5 seconds before retrying\n"
      "uacme: failed to fetch directory at https://h/d\n",
      kNow);
  EXPECT_EQ(report.reason, "GET https://h/d failed: Couldn't connect to server");
}

TEST(AcmeOutputTest, SaysThatNothingWasSaid) {
  EXPECT_EQ(AcmeReport::Parse("", kNow).reason, "it did not say why");
  EXPECT_EQ(AcmeReport::Parse("uacme: the server reported the following error:\n{\n", kNow).reason,
            "the server reported the following error:");
}

TEST(AcmeOutputTest, NoticesALostAccount) {
  EXPECT_TRUE(AcmeReport::Parse("uacme: no account associated with k found at u. Consider trying "
                                "'new'\n",
                                kNow)
                  .is_unknown_account);
  EXPECT_FALSE(AcmeReport::Parse(kLimited, kNow).is_unknown_account);
}

}  // namespace
}  // namespace salus::proxy
