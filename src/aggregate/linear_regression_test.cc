#include "aggregate/linear_regression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace salus::aggregate {
namespace {

using ::testing::HasSubstr;

// A point is its inputs, and the output at the end.
using Points = std::vector<std::vector<std::int64_t>>;

std::vector<Int128> SumsOf(const Points& points) {
  const std::size_t numbers = points.front().size();
  std::vector<Int128> sums(numbers + numbers * (numbers + 1) / 2);
  for (const auto& point : points) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < numbers; ++i) sums[at++] += point[i];
    for (std::size_t i = 0; i < numbers; ++i) {
      for (std::size_t j = i; j < numbers; ++j) sums[at++] += Int128{point[i]} * point[j];
    }
  }
  return sums;
}

Result<LinearRegression> Fit(const Points& points) {
  return LinearRegression::Fit(points.size(), SumsOf(points));
}

TEST(LinearRegressionTest, FindsALineThatAllPointsLieOn) {
  const auto line = Fit({{0, 7}, {1, 4}, {5, -8}}).value();
  EXPECT_EQ(line.intercept(), 7);
  EXPECT_EQ(line.slopes(), std::vector<double>{-3});
  EXPECT_EQ(line.r_squared(), 1.0);
}

TEST(LinearRegressionTest, FindsAPlane) {
  Points points;
  for (std::int64_t x = 0; x < 5; ++x) {
    for (std::int64_t y = 0; y < 3; ++y) points.push_back({x, y, 3 + 2 * x - 5 * y});
  }
  const auto plane = Fit(points).value();
  EXPECT_EQ(plane.intercept(), 3);
  EXPECT_EQ(plane.slopes(), (std::vector<double>{2, -5}));
}

// By hand: (0, 0), (1, 1), (2, 1) has slope 1/2, intercept 1/6 and r^2 3/4.
TEST(LinearRegressionTest, IsTheLeastSquaresOfThreePoints) {
  const auto line = Fit({{0, 0}, {1, 1}, {2, 1}}).value();
  EXPECT_EQ(line.intercept(), 1.0 / 6);
  EXPECT_EQ(line.slopes(), std::vector<double>{0.5});
  EXPECT_EQ(line.r_squared(), 0.75);
}

// NIST StRD, Longley: six inputs that nearly determine each other, with certified values. The first
// input is in tenths.
TEST(LinearRegressionTest, IsTheCertifiedOneOfLongley) {
  const Points points = {{830, 234289, 2356, 1590, 107608, 1947, 60323},
                         {885, 259426, 2325, 1456, 108632, 1948, 61122},
                         {882, 258054, 3682, 1616, 109773, 1949, 60171},
                         {895, 284599, 3351, 1650, 110929, 1950, 61187},
                         {962, 328975, 2099, 3099, 112075, 1951, 63221},
                         {981, 346999, 1932, 3594, 113270, 1952, 63639},
                         {990, 365385, 1870, 3547, 115094, 1953, 64989},
                         {1000, 363112, 3578, 3350, 116219, 1954, 63761},
                         {1012, 397469, 2904, 3048, 117388, 1955, 66019},
                         {1046, 419180, 2822, 2857, 118734, 1956, 67857},
                         {1084, 442769, 2936, 2798, 120445, 1957, 68169},
                         {1108, 444546, 4681, 2637, 121950, 1958, 66513},
                         {1126, 482704, 3813, 2552, 123366, 1959, 68655},
                         {1142, 502601, 3931, 2514, 125368, 1960, 69564},
                         {1157, 518173, 4806, 2572, 127852, 1961, 69331},
                         {1169, 554894, 4007, 2827, 130081, 1962, 70551}};
  const std::array<double, 6> certified = {15.0618722713733 / 10,  -0.358191792925910e-01,
                                           -2.02022980381683,      -1.03322686717359,
                                           -0.511041056535807e-01, 1829.15146461355};
  const auto fit = Fit(points).value();
  EXPECT_NEAR(fit.intercept(), -3482258.63459582, 1e-8);
  for (std::size_t i = 0; i < certified.size(); ++i) {
    EXPECT_NEAR(fit.slopes()[i] / certified[i], 1, 1e-14) << i;
  }
  EXPECT_NEAR(*fit.r_squared(), 0.995479004577296, 1e-15);
}

TEST(LinearRegressionTest, SaysWhichInputIsNotItsOwn) {
  const auto one_place = Fit({{4, 1}, {4, 2}});
  EXPECT_EQ(one_place.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(one_place.error().message, HasSubstr("input 1 is the same in every report"));
  Points points;
  for (std::int64_t x = 0; x < 9; ++x) points.push_back({x, x * x, 3 * x - 2 * x * x + 5, x});
  const auto dependent = Fit(points);
  EXPECT_EQ(dependent.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(dependent.error().message, HasSubstr("input 3"));
  // Fewer reports than inputs.
  EXPECT_FALSE(Fit({{1, 5, 2}, {2, 4, 9}}));
}

const Points kThreePoints = {{0, 0}, {1, 1}, {2, 1}};

TEST(LinearRegressionTest, SaysThatNoiseDidIt) {
  std::vector<Int128> sums = SumsOf(kThreePoints);
  sums[2] = 2;  // the squares of three numbers with sum 3 are 3 at least
  const auto fit = LinearRegression::Fit(3, sums);
  EXPECT_EQ(fit.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(fit.error().message, HasSubstr("only noise can do"));
}

TEST(LinearRegressionTest, HasNoShareExplainedWhereThereIsNone) {
  std::vector<Int128> noised = SumsOf(kThreePoints);
  noised.back() -= 1;  // more explained than there is
  EXPECT_EQ(LinearRegression::Fit(3, noised).value().r_squared(), std::nullopt);
  const auto flat = Fit({{0, 5}, {1, 5}, {2, 5}}).value();
  EXPECT_EQ(flat.r_squared(), std::nullopt);
  EXPECT_EQ(flat.slopes(), std::vector<double>{0});
  EXPECT_EQ(flat.intercept(), 5);
}

TEST(LinearRegressionTest, RefusesListsOfOtherLengths) {
  for (const std::size_t size : {0, 1, 2, 3, 4, 6, 8, 10, 593, 595, 629}) {
    const std::vector<Int128> sums(size);
    EXPECT_EQ(LinearRegression::Fit(3, sums).error().code, ErrorCode::kInvalidArgument) << size;
  }
  EXPECT_EQ(LinearRegression::Fit(0, SumsOf(kThreePoints)).error().code,
            ErrorCode::kFailedPrecondition);
}

TEST(LinearRegressionTest, ManyInputsOfLargeNumbers) {
  constexpr std::size_t kInputs = LinearRegression::kMaxInputs;
  Points points;
  for (std::size_t i = 0; i <= kInputs; ++i) {
    std::vector<std::int64_t> point(kInputs + 1, 1'000'000'000);
    std::int64_t t = 17;
    for (std::size_t j = 0; j < kInputs; ++j) {
      if (i == j) point[j] += static_cast<std::int64_t>(j) + 1;
      t += (point[j] - 1'000'000'000) * static_cast<std::int64_t>(j);
    }
    point.back() = t;
    points.push_back(point);
  }
  const auto fit = Fit(points).value();
  for (std::size_t j = 0; j < kInputs; ++j) EXPECT_EQ(fit.slopes()[j], static_cast<double>(j));
}

}  // namespace
}  // namespace salus::aggregate
