#include "aggregate/histogram_statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/random.h"

namespace salus::aggregate {
namespace {

using enum NegativeCounts;
using Counts = std::vector<Int128>;

ErrorCode CodeOf(const Result<HistogramStatistics>& result) { return result.error().code; }

// Quantiles of the sorted list itself, as Python's statistics.quantiles(method="inclusive") does.
double QuantileOf(const std::vector<std::int64_t>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  if (below + 1 == sorted.size()) return static_cast<double>(sorted.back());
  const auto low = static_cast<double>(sorted[below]);
  const auto high = static_cast<double>(sorted[below + 1]);
  return low + (place - static_cast<double>(below)) * (high - low);
}

// The numbers 30, 32, 32, 33, 36: by hand, and statistics.quantiles(n=4, method="inclusive").
TEST(HistogramStatisticsTest, OfValuesIsExact) {
  const auto s = HistogramStatistics::OfValues(30, 1, Counts{1, 0, 2, 1, 0, 0, 1, 0}, kRefuse);
  ASSERT_TRUE(s);
  EXPECT_EQ(s->count(), 5u);
  EXPECT_EQ(s->Smallest().value(), 30);
  EXPECT_EQ(s->Largest().value(), 36);
  EXPECT_EQ(s->Median().value(), 32);
  EXPECT_EQ(s->Quantile(0.25).value(), 32);
  EXPECT_EQ(s->Quantile(0.75).value(), 33);
  EXPECT_DOUBLE_EQ(s->Quantile(0.9).value(), 34.8);
  EXPECT_EQ(s->Quantile(0).value(), 30);
  EXPECT_EQ(s->Quantile(1).value(), 36);
  EXPECT_EQ(s->Mean().value(), 32.6);
  const Moments moments = s->MomentsOfValues().value();
  EXPECT_EQ(moments.population_variance(), 3.84);
  EXPECT_EQ(moments.SampleVariance().value(), 4.8);
}

TEST(HistogramStatisticsTest, IsWhatTheListOfNumbersSays) {
  SeededRandom random(11);
  for (int run = 0; run < 200; ++run) {
    const std::uint64_t step = 1 + random.Below(5);
    Counts counts(1 + random.Below(30));
    std::vector<std::int64_t> numbers;
    for (std::uint64_t i = 0; i <= random.Below(60); ++i) {
      const std::size_t bucket = random.Below(counts.size());
      counts[bucket] += 1;
      numbers.push_back(-40 + static_cast<std::int64_t>(bucket * step));
    }
    std::sort(numbers.begin(), numbers.end());
    const auto s = HistogramStatistics::OfValues(-40, step, counts, kRefuse).value();
    EXPECT_EQ(s.Smallest().value(), static_cast<double>(numbers.front()));
    EXPECT_EQ(s.Largest().value(), static_cast<double>(numbers.back()));
    for (const double share : {0.0, 0.01, 0.25, 1.0 / 3, 0.5, 0.9, 1.0}) {
      EXPECT_NEAR(s.Quantile(share).value(), QuantileOf(numbers, share), 1e-9) << share;
    }
  }
}

// Ages in classes 0-10-20-40, with 2, 4 and 4 people: by hand.
TEST(HistogramStatisticsTest, BetweenEdgesIsOnALineThroughEachBucket) {
  const auto s = HistogramStatistics::BetweenEdges(std::vector<double>{0, 10, 20, 40},
                                                   Counts{2, 4, 4}, kRefuse)
                     .value();
  EXPECT_EQ(s.Smallest().value(), 0);
  EXPECT_EQ(s.Largest().value(), 40);
  EXPECT_EQ(s.Median().value(), 17.5);
  EXPECT_DOUBLE_EQ(s.Quantile(0.1).value(), 5);
  EXPECT_DOUBLE_EQ(s.Quantile(0.2).value(), 10);
  EXPECT_DOUBLE_EQ(s.Quantile(0.8).value(), 30);
  EXPECT_EQ(s.Quantile(0).value(), 0);
  EXPECT_EQ(s.Quantile(1).value(), 40);
  EXPECT_EQ(s.Mean().value(), 19);
  EXPECT_EQ(s.MomentsOfValues().error().code, ErrorCode::kFailedPrecondition);
}

TEST(HistogramStatisticsTest, EmptyBucketsAreNoBounds) {
  const auto s = HistogramStatistics::BetweenEdges(std::vector<double>{0, 1, 2, 3, 4, 5},
                                                   Counts{0, 3, 0, 3, 0}, kRefuse)
                     .value();
  EXPECT_EQ(s.Smallest().value(), 1);
  EXPECT_EQ(s.Largest().value(), 4);
  EXPECT_EQ(s.Median().value(), 2);
  EXPECT_EQ(s.Quantile(0).value(), 1);
}

TEST(HistogramStatisticsTest, NegativeCountsAreNoiseOrRefused) {
  const Counts noised = {-2, 5, -1, 6, 1};
  EXPECT_EQ(CodeOf(HistogramStatistics::OfValues(0, 1, noised, kRefuse)),
            ErrorCode::kFailedPrecondition);
  const auto s = HistogramStatistics::OfValues(0, 1, noised, kAsZero).value();
  EXPECT_EQ(s.count(), 12u);
  EXPECT_EQ(s.Smallest().value(), 1);
  EXPECT_EQ(s.Median().value(), 3);
}

TEST(HistogramStatisticsTest, NothingIsKnownOfNobody) {
  const auto s = HistogramStatistics::OfValues(0, 1, Counts{0, -3}, kAsZero).value();
  EXPECT_EQ(s.Smallest().error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(s.Largest().error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(s.Median().error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(s.Mean().error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(s.MomentsOfValues().error().code, ErrorCode::kFailedPrecondition);
}

TEST(HistogramStatisticsTest, RefusesBucketsThatAreNone) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const std::vector<double>& edges :
       std::vector<std::vector<double>>{{0, 1},
                                        {0, 1, 2, 3},
                                        {0, 0, 1},
                                        {0, 2, 1},
                                        {0, kNan, 1},
                                        {0, 1, kInfinity},
                                        {-kInfinity, 0, 1},
                                        {-1.7e308, 1.7e308, 1.75e308}}) {
    EXPECT_EQ(CodeOf(HistogramStatistics::BetweenEdges(edges, Counts{1, 1}, kRefuse)),
              ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(CodeOf(HistogramStatistics::BetweenEdges(std::vector<double>{1}, Counts{}, kRefuse)),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(HistogramStatistics::OfValues(0, 1, Counts{}, kRefuse)),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(HistogramStatistics::OfValues(0, 0, Counts{1}, kRefuse)),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(HistogramStatistics::OfValues(0, ~std::uint64_t{0}, Counts{1, 1}, kRefuse)),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(
      CodeOf(HistogramStatistics::OfValues((std::int64_t{1} << 53) + 1, 1, Counts{1}, kRefuse)),
      ErrorCode::kInvalidArgument);
  const Int128 half = Int128{1} << 62;
  EXPECT_EQ(CodeOf(HistogramStatistics::OfValues(0, 1, Counts{half, half}, kRefuse)),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(HistogramStatistics::OfValues(0, 1, Counts{half << 60}, kRefuse)),
            ErrorCode::kInvalidArgument);
  const auto s = HistogramStatistics::OfValues(0, 1, Counts{1, 1}, kRefuse).value();
  for (const double share : {-0.1, 1.1, kNan}) {
    EXPECT_EQ(s.Quantile(share).error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(HistogramStatisticsTest, OfVeryManyAndVeryLarge) {
  const std::int64_t top = std::int64_t{1} << 53;
  const auto s =
      HistogramStatistics::OfValues(top, 1, Counts{(Int128{1} << 63) - 1}, kRefuse).value();
  EXPECT_EQ(s.Mean().value(), static_cast<double>(top));
  EXPECT_EQ(s.Median().value(), static_cast<double>(top));
  EXPECT_EQ(s.MomentsOfValues().error().code, ErrorCode::kFailedPrecondition);
}

}  // namespace
}  // namespace salus::aggregate
