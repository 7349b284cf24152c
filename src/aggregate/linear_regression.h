// LinearRegression is the line, or plane, of least squares through points of which only sums are
// known.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"

namespace salus::aggregate {

using Int128 = __int128;

// RegressionSums are the sums over all reports (x_1, ..., x_d, t), where t is to be explained.
//
// Shape: d is 1 to 32. xx holds x_i * x_j for i <= j row by row: (1,1), (1,2), ..., (1,d), (2,2),
//        ...; d (d + 1) / 2 in all. tt is only needed for r_squared. Noised sums may be negative.
struct RegressionSums {
  std::uint64_t count = 0;
  std::vector<Int128> x;
  Int128 t = 0;
  std::vector<Int128> xx;
  std::vector<Int128> xt;
  std::optional<Int128> tt;
};

// LinearRegression is t = intercept + slopes[0] x_1 + ... + slopes[d - 1] x_d.
//
// The normal equations are solved with integers and rounded once. So what is singular is found
// exactly, and sums whose equations are badly conditioned still give the least squares of these
// sums; how far noise has moved them is another question, which the reader must ask.
class LinearRegression {
 public:
  static constexpr std::size_t kMaxInputs = 32;

  // Errors: InvalidArgument (lists of other lengths), FailedPrecondition (no reports; an input that
  //         is constant, or that the inputs before it determine; sums that no points have).
  static Result<LinearRegression> Fit(const RegressionSums& sums);

  double intercept() const { return intercept_; }
  const std::vector<double>& slopes() const { return slopes_; }
  // r_squared is the share of t's variance that the line explains. Null without tt, where t is
  // constant, and where noise has put it outside of 0 to 1.
  std::optional<double> r_squared() const { return r_squared_; }

 private:
  LinearRegression() = default;

  double intercept_ = 0;
  std::vector<double> slopes_;
  std::optional<double> r_squared_;
};

}  // namespace salus::aggregate
