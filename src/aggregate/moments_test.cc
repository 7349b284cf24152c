#include "aggregate/moments.h"

#include <gtest/gtest.h>

#include <vector>

namespace salus::aggregate {
namespace {

Moments OfNumbers(const std::vector<std::int64_t>& numbers) {
  Int128 sum = 0;
  Int128 squares = 0;
  for (const std::int64_t number : numbers) {
    sum += number;
    squares += Int128{number} * number;
  }
  return Moments::Of(numbers.size(), sum, squares).value();
}

// By hand: 2, 4, 4, 4, 5, 5, 7, 9 has mean 5 and squares of distances 32.
TEST(MomentsTest, OfAHandfulOfNumbers) {
  const Moments moments = OfNumbers({2, 4, 4, 4, 5, 5, 7, 9});
  EXPECT_EQ(moments.count(), 8u);
  EXPECT_EQ(moments.mean(), 5);
  EXPECT_EQ(moments.population_variance(), 4);
  EXPECT_EQ(moments.population_deviation(), 2);
  EXPECT_EQ(moments.SampleVariance().value(), 32.0 / 7);
  EXPECT_DOUBLE_EQ(moments.SampleDeviation().value(), 2.138089935299395);
}

// NIST StRD, NumAcc1 to NumAcc4: certified, and made to cancel. All but the first in tenths.
TEST(MomentsTest, OfNumbersThatCancel) {
  const Moments first = OfNumbers({10000001, 10000003, 10000002});
  EXPECT_EQ(first.mean(), 10000002);
  EXPECT_EQ(first.SampleDeviation().value(), 1);
  for (const std::int64_t offset : std::vector<std::int64_t>{11, 10000001, 100000001}) {
    std::vector<std::int64_t> numbers = {offset + 1};
    for (int i = 0; i < 500; ++i) {
      numbers.push_back(offset);
      numbers.push_back(offset + 2);
    }
    const Moments moments = OfNumbers(numbers);
    EXPECT_EQ(moments.mean(), static_cast<double>(offset + 1));
    EXPECT_EQ(moments.SampleDeviation().value(), 1);
  }
}

TEST(MomentsTest, OfOneNumber) {
  const Moments moments = OfNumbers({-7});
  EXPECT_EQ(moments.mean(), -7);
  EXPECT_EQ(moments.population_variance(), 0);
  EXPECT_EQ(moments.SampleVariance().error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(moments.SampleDeviation().error().code, ErrorCode::kFailedPrecondition);
}

TEST(MomentsTest, OfTheLargestSums) {
  const Int128 large = (Int128{1} << 126) / 3 * 3;
  EXPECT_EQ(Moments::MeanOf(3, large).value(), static_cast<double>(large / 3));
  EXPECT_EQ(Moments::MeanOf(~std::uint64_t{0}, -large).value(), -0x1p126 / 0x1p64);
}

TEST(MomentsTest, RefusesWhatHasNone) {
  EXPECT_EQ(Moments::MeanOf(0, 0).error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(Moments::Of(0, 0, 0).error().code, ErrorCode::kFailedPrecondition);
  // Noise: two numbers of sum 10 have squares of 50 or more.
  EXPECT_EQ(Moments::Of(2, 10, 49).error().code, ErrorCode::kFailedPrecondition);
  EXPECT_TRUE(Moments::Of(2, 10, 50));
}

}  // namespace
}  // namespace salus::aggregate
