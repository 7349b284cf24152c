#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unordered_set>

#include "base/clock.h"
#include "base/digest.h"
#include "base/endian.h"
#include "base/id.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/utf8.h"

namespace salus {
namespace {

struct TestAccess : SecretAccessMint {
  static SecretAccess Token() { return Mint(); }
};

Result<int> Half(int n) {
  if (n % 2 != 0) return InvalidArgument("odd");
  return n / 2;
}

Result<int> Quarter(int n) {
  TRY(const int half, Half(n));
  TRY(const int quarter, Half(half));
  return quarter;
}

TEST(ResultTest, TryReturnsTheFirstError) {
  EXPECT_EQ(Quarter(8).value(), 2);
  EXPECT_EQ(Quarter(6).error().code, ErrorCode::kInvalidArgument);
}

TEST(ResultTest, ContextStandsInFrontOfTheMessage) {
  EXPECT_EQ(Corruption("hash differs").WithContext("record 7").message, "record 7: hash differs");
}

TEST(Utf8Test, AcceptsWellFormedAndRefusesTheRest) {
  for (const char* good : {"", "abc", "\xc3\xa9", "\xe0\xa0\x80", "\xed\x9f\xbf",
                           "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "ASCII then \xe2\x82\xac"}) {
    EXPECT_TRUE(IsValidUtf8(good)) << good;
  }
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "12345678\xff"}) {
    EXPECT_FALSE(IsValidUtf8(bad));
  }
}

TEST(ShownTextTest, RefusesWhatCouldNotBeShownAsItIs) {
  EXPECT_TRUE(CheckShownText("name", ""));
  EXPECT_TRUE(CheckShownText("name", "Jos\u00e9 Reyes, \u2014 ward 3"));
  EXPECT_TRUE(CheckShownText("name", std::string(1024, 'x')));
  for (const std::string& bad :
       {std::string(1025, 'x'), std::string("a\x1b[31m"), std::string("a\nb"), std::string("a\x7f"),
        std::string("\u0085"), std::string("a\u202e"), std::string("\u2066"), std::string("\xc2"),
        std::string("\xe2\x80"), std::string("a\0b", 3)}) {
    EXPECT_FALSE(CheckShownText("name", bad)) << testing::PrintToString(bad);
  }
}

TEST(IdTest, KeepsEveryByteAndRefusesWhatIsNoId) {
  struct Tag;
  EXPECT_EQ(Id<Tag>::Parse(" A b ").value().text(), " A b ");
  EXPECT_TRUE(Id<Tag>::Parse(std::string(128, 'x')));
  for (const std::string& bad : {std::string(), std::string(129, 'x'), std::string("a\nb"),
                                 std::string("a\0b", 3), std::string("\xff")}) {
    EXPECT_EQ(Id<Tag>::Parse(bad).error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(DigestTest, IsExactlyThirtyTwoBytes) {
  struct Tag;
  EXPECT_FALSE(Digest<Tag>::FromBytes(Bytes(31)));
  EXPECT_TRUE(Digest<Tag>::FromBytes(Bytes(32)));
  EXPECT_EQ(Digest<Tag>::FromBytes(Bytes(32)).value(), Digest<Tag>());
}

TEST(EndianTest, MostSignificantByteFirst) {
  Bytes out;
  AppendBe<std::uint32_t>(out, 0x01020304);
  EXPECT_EQ(out, (Bytes{1, 2, 3, 4}));
  EXPECT_EQ(LoadBe<std::uint16_t>(out.data() + 1), 0x0203);
}

TEST(SecretTest, IsWipedWhenMovedFrom) {
  SecretArray<4> a(std::span<const std::uint8_t, 4>(std::array<std::uint8_t, 4>{1, 2, 3, 4}));
  SecretArray<4> b = std::move(a);
  EXPECT_THAT(a.view(TestAccess::Token()), testing::Each(0));
  EXPECT_THAT(b.view(TestAccess::Token()), testing::ElementsAre(1, 2, 3, 4));
  SecretBytes c(ByteSpan(b.view(TestAccess::Token())));
  SecretBytes d = std::move(c);
  EXPECT_EQ(c.size(), 0u);
  EXPECT_THAT(d.view(TestAccess::Token()), testing::ElementsAre(1, 2, 3, 4));
}

TEST(SecretTest, ConstantTimeEqualComparesContentAndLength) {
  EXPECT_TRUE(ConstantTimeEqual(Bytes{1, 2}, Bytes{1, 2}));
  EXPECT_FALSE(ConstantTimeEqual(Bytes{1, 2}, Bytes{1, 3}));
  EXPECT_FALSE(ConstantTimeEqual(Bytes{1, 2}, Bytes{1, 2, 3}));
}

TEST(RandomTest, SystemRandomDoesNotRepeat) {
  SystemRandom random;
  std::unordered_set<std::uint64_t> seen;
  for (int i = 0; i < 10'000; ++i) {
    const auto bytes = random.Array<8>();
    EXPECT_TRUE(seen.insert(LoadBe<std::uint64_t>(bytes.data())).second);
  }
}

TEST(RandomTest, SeedRepeats) {
  SeededRandom a(7), b(7), c(8);
  EXPECT_EQ(a.Array<32>(), b.Array<32>());
  EXPECT_NE(a.Array<32>(), c.Array<32>());
}

TEST(ClockTest, DayIsTheUtcDay) {
  EXPECT_EQ(ToUnixDay(DayOf(FromUnixMillis(86'399'999))), 0u);
  EXPECT_EQ(ToUnixDay(DayOf(FromUnixMillis(86'400'000))), 1u);
}

TEST(MetricsTest, PrometheusText) {
  MetricRegistry registry;
  registry.NewCounter("salus_events_total", "Events.", "outcome=\"ok\"").Add(3);
  registry.NewHistogram("salus_commit_seconds", "Commit.").Observe(0.001);
  const std::string text = registry.Text();
  EXPECT_THAT(text, testing::HasSubstr("salus_events_total{outcome=\"ok\"} 3\n"));
  EXPECT_THAT(text, testing::HasSubstr("salus_commit_seconds_count 1\n"));
}

}  // namespace
}  // namespace salus
