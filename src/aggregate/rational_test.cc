#include "aggregate/rational.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "aggregate/big_fraction.h"

namespace salus::aggregate {
namespace {

constexpr Uint128 kMax = ~Uint128{0};

Rational Of(Uint128 numerator, Uint128 denominator) {
  return Rational::Of(numerator, denominator).value();
}

TEST(RationalTest, IsKeptInLowestTerms) {
  EXPECT_EQ(Of(6, 4), Of(3, 2));
  EXPECT_EQ(Of(0, 7), Rational());
  EXPECT_EQ(Of(kMax, kMax), Rational(1));
  EXPECT_EQ(Rational::Of(1, 0).error().code, ErrorCode::kInvalidArgument);
}

TEST(RationalTest, ReadsWholeNumbersFractionsAndDecimals) {
  EXPECT_EQ(Rational::Parse("0").value(), Rational());
  EXPECT_EQ(Rational::Parse("12").value(), Rational(12));
  EXPECT_EQ(Rational::Parse("0.1").value(), Of(1, 10));
  EXPECT_EQ(Rational::Parse("2.50").value(), Of(5, 2));
  EXPECT_EQ(Rational::Parse("10/4").value(), Of(5, 2));
  const std::string max = "340282366920938463463374607431768211455";
  EXPECT_EQ(Rational::Parse(max).value(), Rational(kMax));
  EXPECT_EQ(Rational::Parse("1/" + max).value(), Of(1, kMax));
  EXPECT_EQ(Rational::Parse(max).value().ToText(), max);
  EXPECT_EQ(Of(5, 2).ToText(), "5/2");
  EXPECT_EQ(Rational().ToText(), "0");
}

TEST(RationalTest, RefusesAllElse) {
  for (const std::string text :
       {"", "-1", "+1", " 1", "1 ", "1/", "/2", ".5", "5.", "1/2/3", "1.2.3", "1.5/2", "0x1", "1e3",
        "nan", "1,5", "1/0", "340282366920938463463374607431768211456",
        "1/340282366920938463463374607431768211456"}) {
    EXPECT_EQ(Rational::Parse(text).error().code, ErrorCode::kInvalidArgument) << text;
  }
  EXPECT_FALSE(Rational::Parse("0." + std::string(39, '0')));
  EXPECT_FALSE(Rational::Parse(std::string(81, '0')));
}

TEST(RationalTest, AddsExactly) {
  Rational sum;
  for (int i = 0; i < 10; ++i) sum = sum.Plus(Of(1, 10)).value();
  EXPECT_EQ(sum, Rational(1));
  EXPECT_EQ(Of(1, 3).Plus(Of(1, 6)).value(), Of(1, 2));
  EXPECT_EQ(Of(1, 2).Minus(Of(1, 3)).value(), Of(1, 6));
  EXPECT_EQ(Of(1, 3).Minus(Of(1, 2)).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Rational(kMax).Plus(Rational(1)).error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(Of(1, kMax).Plus(Of(1, kMax - 1)).error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(Of(kMax - 1, kMax).Plus(Of(1, kMax)).value(), Rational(1));
}

TEST(RationalTest, ComparesExactly) {
  EXPECT_LT(Of(kMax - 2, kMax - 1), Of(kMax - 1, kMax));
  EXPECT_GT(Of(1, 3), Of(333333333, 1000000000));
  EXPECT_LE(Of(2, 4), Of(1, 2));
}

TEST(NearestDoubleTest, RoundsOnceToNearestEven) {
  EXPECT_EQ(NearestDouble(1, 10), 0.1);
  EXPECT_EQ(NearestDouble(-1, 3), -1.0 / 3.0);
  EXPECT_EQ(NearestDouble(0, 3), 0.0);
  const BigInteger two_to_53 = BigInteger(1) << 53;
  EXPECT_EQ(NearestDouble(two_to_53 + 1, 1), 0x1p53);                      // a tie, to even
  EXPECT_EQ(NearestDouble(two_to_53 + 3, 1), 0x1p53 + 4);                  // a tie, to even
  EXPECT_EQ(NearestDouble((two_to_53 + 1) * 1000 + 1, 1000), 0x1p53 + 2);  // just above a tie
  EXPECT_EQ(NearestDouble((two_to_53 + 1) * 1000 - 1, 1000), 0x1p53);      // just below
  EXPECT_EQ(NearestDouble(BigInteger(1) << 1023, 1), 0x1p1023);
  EXPECT_EQ(NearestDouble(BigInteger(1) << 9000, 1), std::numeric_limits<double>::infinity());
  EXPECT_EQ(NearestDouble(1, BigInteger(1) << 9000), 0.0);
  EXPECT_EQ(Of(kMax, 1).ToDouble(), 0x1p128);
}

}  // namespace
}  // namespace salus::aggregate
