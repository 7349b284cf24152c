#include "aggregate/moments.h"

#include <cmath>

#include "aggregate/big_fraction.h"

namespace salus::aggregate {

namespace {

Error NoReports() { return FailedPrecondition("there are no reports: nothing has a mean"); }

}  // namespace

Result<double> Moments::MeanOf(std::uint64_t count, Int128 sum) {
  if (count == 0) return NoReports();
  return NearestDouble(BigInteger(sum), BigInteger(count));
}

Result<Moments> Moments::Of(std::uint64_t count, Int128 sum, Int128 sum_of_squares) {
  Moments moments;
  TRY(moments.mean_, MeanOf(count, sum));
  moments.count_ = count;
  // count^2 times the population variance.
  const BigInteger spread =
      BigInteger(count) * BigInteger(sum_of_squares) - BigInteger(sum) * BigInteger(sum);
  if (spread < 0) {
    return FailedPrecondition(
        "the sums have a negative variance, which only noise can do: the spread is lost in it; "
        "take a larger epsilon, or more reports");
  }
  moments.population_variance_ = NearestDouble(spread, BigInteger(count) * count);
  if (count > 1) {
    moments.sample_variance_ = NearestDouble(spread, BigInteger(count) * (count - 1));
  }
  return moments;
}

double Moments::population_deviation() const { return std::sqrt(population_variance_); }

Result<double> Moments::SampleVariance() const {
  if (count_ < 2) return FailedPrecondition("a sample variance needs two reports or more");
  return sample_variance_;
}

Result<double> Moments::SampleDeviation() const {
  TRY(const double variance, SampleVariance());
  return std::sqrt(variance);
}

}  // namespace salus::aggregate
