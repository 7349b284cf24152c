// Moments is the mean and the spread of numbers of which only sums are known.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace salus::aggregate {

using Int128 = __int128;

// Moments is computed from exact sums with integers and rounded once, so that nothing cancels where
// the numbers are large and close together.
//
// Shape:  sums as SignedValue gives them: those of a noised result may be negative. A deviation is
//         rounded twice, all else once.
// Errors: FailedPrecondition with what is missing or impossible.
class Moments {
 public:
  // Of takes the number of reports, the sum of their numbers and of their squares (MeanVar).
  //
  // Errors: FailedPrecondition (no reports; or noise has made the variance negative).
  static Result<Moments> Of(std::uint64_t count, Int128 sum, Int128 sum_of_squares);
  // MeanOf is for whom there is no sum of squares (Sum).
  //
  // Errors: FailedPrecondition (no reports).
  static Result<double> MeanOf(std::uint64_t count, Int128 sum);

  std::uint64_t count() const { return count_; }
  double mean() const { return mean_; }
  // The mean square distance from the mean: of these numbers, as if they were all there are.
  double population_variance() const { return population_variance_; }
  double population_deviation() const;
  // The unbiased estimate for those of whom these numbers are a sample: divided by count - 1.
  //
  // Errors: FailedPrecondition (fewer than two reports).
  Result<double> SampleVariance() const;
  Result<double> SampleDeviation() const;

 private:
  Moments() = default;

  std::uint64_t count_ = 0;
  double mean_ = 0;
  double population_variance_ = 0;
  double sample_variance_ = 0;  // 0 for one report
};

}  // namespace salus::aggregate
