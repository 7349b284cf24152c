// LinearRegression is the line, or plane, of least squares through points of which only sums are
// known.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"

namespace salus::aggregate {

using Int128 = __int128;

// LinearRegression is t = intercept + slopes[0] x_1 + ... + slopes[d - 1] x_d.
//
// The normal equations are solved with integers and rounded once. So what is singular is found
// exactly, and sums whose equations are badly conditioned still give the least squares of these
// sums; how far noise has moved them is another question, which the reader must ask.
//
// Shape: sums as the LinReg circuit gives them, for the numbers z = (x_1, ..., x_d, t): those of
//        the numbers in this order, then those of the products z_i z_j for i <= j, row by row; all
//        over the same reports. d is 1 to 32. Noised sums may be negative (SignedValues).
class LinearRegression {
 public:
  static constexpr std::size_t kMaxInputs = 32;

  // Errors: InvalidArgument (a list of another length), FailedPrecondition (no reports; an input
  //         that is constant, or that the inputs before it determine; sums that no points have).
  static Result<LinearRegression> Fit(std::uint64_t count, std::span<const Int128> sums);

  double intercept() const { return intercept_; }
  const std::vector<double>& slopes() const { return slopes_; }
  // r_squared is the share of t's variance that the line explains. Null where t is constant, and
  // where noise has put it outside of 0 to 1.
  std::optional<double> r_squared() const { return r_squared_; }

 private:
  LinearRegression() = default;

  double intercept_ = 0;
  std::vector<double> slopes_;
  std::optional<double> r_squared_;
};

}  // namespace salus::aggregate
