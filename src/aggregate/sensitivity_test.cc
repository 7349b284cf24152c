#include "aggregate/sensitivity.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace salus::aggregate {
namespace {

using Aggregate = std::vector<std::int64_t>;

// The largest distance between neighbours, found by trying all reports that a circuit may accept.
Sensitivity Tried(const std::vector<Aggregate>& reports, NeighbourModel model) {
  Sensitivity largest;
  const auto compare = [&](const Aggregate& a, const Aggregate& b) {
    Uint128 l1 = 0;
    Uint128 l2_squared = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const auto distance = static_cast<Uint128>(std::abs(a[i] - b[i]));
      l1 += distance;
      l2_squared += distance * distance;
    }
    largest.l1 = std::max(largest.l1, l1);
    largest.l2_squared = std::max(largest.l2_squared, l2_squared);
  };
  for (const Aggregate& a : reports) {
    if (model == NeighbourModel::kAddOrRemove) {
      compare(a, Aggregate(a.size()));
      continue;
    }
    for (const Aggregate& b : reports) compare(a, b);
  }
  return largest;
}

// All vectors of `length` numbers from 0 to max.
std::vector<Aggregate> AllVectors(std::size_t length, std::int64_t max) {
  std::vector<Aggregate> all = {{}};
  for (std::size_t i = 0; i < length; ++i) {
    std::vector<Aggregate> longer;
    for (const Aggregate& one : all) {
      for (std::int64_t value = 0; value <= max; ++value) {
        longer.push_back(one);
        longer.back().push_back(value);
      }
    }
    all = std::move(longer);
  }
  return all;
}

void ExpectAsTried(const VdafInstance& instance, const std::vector<Aggregate>& reports) {
  for (const NeighbourModel model : {NeighbourModel::kAddOrRemove, NeighbourModel::kReplace}) {
    const Sensitivity tried = Tried(reports, model);
    const Sensitivity said = SensitivityOf(instance, model).value();
    EXPECT_TRUE(said.l1 == tried.l1) << static_cast<std::uint64_t>(said.l1);
    EXPECT_TRUE(said.l2_squared == tried.l2_squared);
  }
}

TEST(SensitivityTest, IsTheLargestStepOfAllReports) {
  ExpectAsTried({.circuit = Circuit::kCount}, AllVectors(1, 1));
  ExpectAsTried({.circuit = Circuit::kSum, .max_measurement = 9}, AllVectors(1, 9));
  ExpectAsTried({.circuit = Circuit::kSumVec, .max_measurement = 3, .length = 3}, AllVectors(3, 3));
  std::vector<Aggregate> one_hot;
  for (const Aggregate& one : AllVectors(4, 1)) {
    if (one[0] + one[1] + one[2] + one[3] == 1) one_hot.push_back(one);
  }
  ExpectAsTried({.circuit = Circuit::kHistogram, .length = 4}, one_hot);
}

TEST(SensitivityTest, OfMultihotVectorsKnowsTheirWeight) {
  for (std::uint32_t weight = 1; weight <= 5; ++weight) {
    std::vector<Aggregate> reports;
    for (const Aggregate& one : AllVectors(5, 1)) {
      if (std::accumulate(one.begin(), one.end(), 0u) <= weight) reports.push_back(one);
    }
    ExpectAsTried({.circuit = Circuit::kMultihotCountVec, .length = 5, .max_weight = weight},
                  reports);
  }
}

TEST(SensitivityTest, OfOurCircuitsHasTheProductsIn) {
  std::vector<Aggregate> squares;
  for (const Aggregate& one : AllVectors(1, 7)) squares.push_back({one[0], one[0] * one[0]});
  ExpectAsTried({.circuit = Circuit::kMeanVar, .max_measurement = 7}, squares);
  std::vector<Aggregate> sums;
  for (const Aggregate& v : AllVectors(3, 4)) {
    sums.push_back({v[0], v[1], v[2], v[0] * v[0], v[0] * v[1], v[0] * v[2], v[1] * v[1],
                    v[1] * v[2], v[2] * v[2]});
  }
  ExpectAsTried({.circuit = Circuit::kLinReg, .max_measurement = 4, .length = 2}, sums);
}

TEST(SensitivityTest, RefusesWhatIsTooLargeOrNothing) {
  const auto code = [](const VdafInstance& instance) {
    return SensitivityOf(instance, NeighbourModel::kReplace).error().code;
  };
  EXPECT_EQ(code({.circuit = Circuit::kSum}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.circuit = Circuit::kSumVec, .max_measurement = 1}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.circuit = Circuit::kMultihotCountVec, .length = 4}),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.circuit = Circuit::kMeanVar, .max_measurement = ~std::uint64_t{0}}),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.circuit = static_cast<Circuit>(99)}), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(SensitivityOf({.circuit = Circuit::kSum, .max_measurement = ~std::uint64_t{0}},
                            NeighbourModel::kReplace));
}

}  // namespace
}  // namespace salus::aggregate
