// HistogramStatistics is what the counts of a histogram say: smallest, largest, quantiles, mean.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "aggregate/moments.h"
#include "base/result.h"

namespace salus::aggregate {

using Int128 = __int128;

// NegativeCounts says what a count below 0 means. Only noise makes them; to take them as 0 costs no
// privacy, and shifts the statistics a little.
enum class NegativeCounts { kRefuse, kAsZero };

// HistogramStatistics is computed from the counts of the buckets, in their order.
//
// With buckets of one value each, all is exact: it is what the list of all numbers would give. With
// buckets between edges, a number is only known to lie in its bucket: smallest and largest are
// bounds, quantiles assume that numbers are spread evenly in their bucket, and the mean takes each
// number for the middle of its bucket, so it is off by at most half a bucket.
//
// Shape:  1 to 2^20 buckets; values from -2^53 to 2^53; the counts sum up to less than 2^63.
// Errors: InvalidArgument (edges that do not ascend or are not finite, another number of counts
//         than buckets, values or counts beyond the limits), FailedPrecondition (a negative count
//         under kRefuse).
class HistogramStatistics {
 public:
  // Bucket i holds the value first + i * step; step > 0.
  static Result<HistogramStatistics> OfValues(std::int64_t first, std::uint64_t step,
                                              std::span<const Int128> counts,
                                              NegativeCounts negative);
  // Bucket i holds numbers from edges[i] on and below edges[i + 1]: one edge more than counts.
  static Result<HistogramStatistics> BetweenEdges(std::span<const double> edges,
                                                  std::span<const Int128> counts,
                                                  NegativeCounts negative);

  std::uint64_t count() const { return count_; }

  // Errors of all that follow: FailedPrecondition (no reports). Of Quantile also InvalidArgument (a
  // share that is not within 0 and 1).
  Result<double> Smallest() const;
  Result<double> Largest() const;
  Result<double> Median() const { return Quantile(0.5); }
  // Quantile is the number that a share of all numbers lies below. Of single values: between the
  // two that are nearest to place share * (count - 1), counted from 0 (method 7 of Hyndman and Fan
  // 1996, "inclusive" in Python). Between edges: on the straight line through its bucket.
  Result<double> Quantile(double share) const;
  Result<double> Mean() const;
  // Of single values, Moments of all of them.
  //
  // Errors: as above, and FailedPrecondition between edges, which do not say how numbers spread
  //         inside a bucket, or when 128 bits do not hold the sum of squares.
  Result<Moments> MomentsOfValues() const;

 private:
  struct Bucket {
    double lower;
    double upper;  // equal to lower in a histogram of single values
    std::uint64_t count;
    std::uint64_t before;  // counts of all buckets before it
  };
  HistogramStatistics() = default;
  Result<void> AddBucket(double lower, double upper, Int128 count, NegativeCounts negative);
  Result<void> NeedReports() const;
  // The bucket of a place in the ordered list of all numbers, counted from 0.
  const Bucket& BucketOfPlace(std::uint64_t place) const;
  Int128 SumOfValues() const;

  std::vector<Bucket> buckets_;  // those that are not empty
  std::uint64_t count_ = 0;
  bool has_single_values_ = false;
};

}  // namespace salus::aggregate
