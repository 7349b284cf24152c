#include "aggregate/histogram_statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace salus::aggregate {

namespace {

constexpr std::size_t kMaxBuckets = 1u << 20;
// Whole numbers up to here are doubles.
constexpr Int128 kMaxValue = Int128{1} << 53;
constexpr Int128 kMaxCount = Int128{1} << 63;

Result<void> CheckBuckets(std::size_t buckets) {
  if (buckets > 0 && buckets <= kMaxBuckets) return {};
  return InvalidArgument(fmt::format("a histogram has 1 to {} buckets", kMaxBuckets));
}

}  // namespace

Result<void> HistogramStatistics::AddBucket(double lower, double upper, Int128 count,
                                            NegativeCounts negative) {
  if (count < 0 && negative == NegativeCounts::kRefuse) {
    return FailedPrecondition(
        "a bucket has a count below 0, which only noise makes: say that such counts are taken as "
        "0, or merge buckets");
  }
  if (count <= 0) return {};
  if (count >= kMaxCount - Int128{count_}) {
    return InvalidArgument("the counts of the histogram sum up to 2^63 or more");
  }
  buckets_.push_back({lower, upper, static_cast<std::uint64_t>(count), count_});
  count_ += buckets_.back().count;
  return {};
}

Result<HistogramStatistics> HistogramStatistics::OfValues(std::int64_t first, std::uint64_t step,
                                                          std::span<const Int128> counts,
                                                          NegativeCounts negative) {
  TRY_VOID(CheckBuckets(counts.size()));
  const Int128 last = first + Int128{step} * static_cast<Int128>(counts.size() - 1);
  if (step == 0 || first < -kMaxValue || last > kMaxValue) {
    return InvalidArgument(
        "the values of a histogram ascend by a step above 0, from -2^53 to 2^53 at most");
  }
  HistogramStatistics statistics;
  statistics.has_single_values_ = true;
  Int128 value = first;
  for (const Int128 count : counts) {
    const auto as_double = static_cast<double>(value);
    TRY_VOID(statistics.AddBucket(as_double, as_double, count, negative));
    value += step;
  }
  return statistics;
}

Result<HistogramStatistics> HistogramStatistics::BetweenEdges(std::span<const double> edges,
                                                              std::span<const Int128> counts,
                                                              NegativeCounts negative) {
  TRY_VOID(CheckBuckets(counts.size()));
  if (edges.size() != counts.size() + 1) {
    return InvalidArgument(fmt::format("{} buckets lie between {} edges, not {}", counts.size(),
                                       counts.size() + 1, edges.size()));
  }
  HistogramStatistics statistics;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    // A width that is infinite could not be divided; NaN compares false.
    if (!(edges[i] < edges[i + 1]) || !std::isfinite(edges[i + 1] - edges[i])) {
      return InvalidArgument(fmt::format(
          "edges {} and {} of the histogram do not ascend, or are not finite", i, i + 1));
    }
    TRY_VOID(statistics.AddBucket(edges[i], edges[i + 1], counts[i], negative));
  }
  return statistics;
}

Result<void> HistogramStatistics::NeedReports() const {
  if (count_ > 0) return {};
  return FailedPrecondition("the histogram is empty: it says nothing");
}

Result<double> HistogramStatistics::Smallest() const {
  TRY_VOID(NeedReports());
  return buckets_.front().lower;
}

Result<double> HistogramStatistics::Largest() const {
  TRY_VOID(NeedReports());
  return buckets_.back().upper;
}

const HistogramStatistics::Bucket& HistogramStatistics::BucketOfPlace(std::uint64_t place) const {
  CHECK(place < count_);
  const auto behind = std::ranges::upper_bound(buckets_, place, {}, &Bucket::before);
  return *std::prev(behind);
}

Result<double> HistogramStatistics::Quantile(double share) const {
  TRY_VOID(NeedReports());
  if (!(share >= 0 && share <= 1)) {
    return InvalidArgument("a quantile is asked for by a share from 0 to 1");
  }
  if (has_single_values_) {
    const long double place = static_cast<long double>(share) * (count_ - 1);
    const auto below = static_cast<std::uint64_t>(place);
    const double low = BucketOfPlace(below).lower;
    if (below + 1 == count_) return low;
    const double high = BucketOfPlace(below + 1).lower;
    return static_cast<double>(low + (place - below) * (high - low));
  }
  const long double place = static_cast<long double>(share) * count_;
  const auto below = static_cast<std::uint64_t>(place);
  // A place at the end of a bucket is its upper edge, not the lower one of a far next bucket.
  const bool is_at_end = below > 0 && static_cast<long double>(below) == place;
  const Bucket& bucket = BucketOfPlace(is_at_end ? below - 1 : below);
  const long double part = (place - bucket.before) / bucket.count;
  return static_cast<double>(bucket.lower + part * (bucket.upper - bucket.lower));
}

Int128 HistogramStatistics::SumOfValues() const {
  Int128 sum = 0;  // below 2^53 * 2^63
  for (const Bucket& bucket : buckets_) {
    sum += static_cast<Int128>(bucket.lower) * bucket.count;
  }
  return sum;
}

Result<double> HistogramStatistics::Mean() const {
  TRY_VOID(NeedReports());
  if (has_single_values_) return Moments::MeanOf(count_, SumOfValues());
  long double mean = 0;
  for (const Bucket& bucket : buckets_) {
    const long double middle =
        bucket.lower + (static_cast<long double>(bucket.upper) - bucket.lower) / 2;
    mean += middle * (static_cast<long double>(bucket.count) / count_);
  }
  return static_cast<double>(mean);
}

Result<Moments> HistogramStatistics::MomentsOfValues() const {
  TRY_VOID(NeedReports());
  if (!has_single_values_) {
    return FailedPrecondition(
        "buckets between edges do not say how numbers spread inside them: use buckets of one value "
        "each");
  }
  Int128 sum_of_squares = 0;
  for (const Bucket& bucket : buckets_) {
    const auto value = static_cast<Int128>(bucket.lower);
    Int128 more;
    if (__builtin_mul_overflow(value * value, Int128{bucket.count}, &more) ||
        __builtin_add_overflow(sum_of_squares, more, &sum_of_squares)) {
      return FailedPrecondition("the sum of squares of these values needs more than 128 bits");
    }
  }
  return Moments::Of(count_, SumOfValues(), sum_of_squares);
}

}  // namespace salus::aggregate
