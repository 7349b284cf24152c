#include "aggregate/peer_result.h"

#include <algorithm>

namespace salus::aggregate {

namespace {

using U128 = unsigned __int128;

Error Impossible() {
  return VerificationFailed("the totals can't come from values that the roster allows");
}

// Sums of values, not of their distances from the roster's minimum, as the circuits count them.
class Shifted {
 public:
  Shifted(const PeerRoster& roster, const PeerResult& result)
      : totals_(result.totals),
        numbers_(roster.values()),
        count_(static_cast<Int128>(result.count)),
        minimum_(roster.fields().minimum) {}

  Int128 Sum(std::size_t i) const { return static_cast<Int128>(totals_[i]) + count_ * minimum_; }
  // The circuit gives products as (0,0), (0,1), ... (1,1), ..., after the numbers.
  Int128 Product(std::size_t i, std::size_t j) const {
    const std::size_t place = numbers_ + i * numbers_ - i * (i + 1) / 2 + j;
    return static_cast<Int128>(totals_[place]) +
           minimum_ * (static_cast<Int128>(totals_[i]) + static_cast<Int128>(totals_[j])) +
           count_ * minimum_ * minimum_;
  }

 private:
  const std::vector<U128>& totals_;
  std::size_t numbers_;
  Int128 count_;
  Int128 minimum_;
};

// A sum of numbers, or of products of two, is not above that many of the largest.
bool IsPossible(const PeerRoster& roster, const PeerResult& result) {
  const auto range = static_cast<U128>(roster.fields().maximum - roster.fields().minimum);
  for (std::size_t i = 0; i < result.totals.size(); ++i) {
    const U128 largest = i < roster.values() ? range : range * range;
    if (result.totals[i] > largest * result.count) return false;
  }
  return result.count > 0;
}

Result<void> FillHistogram(PeerResult& out, const PeerRosterFields& fields) {
  U128 all = 0;
  std::vector<Int128> counts;
  std::vector<double> edges = {static_cast<double>(fields.minimum)};
  for (std::size_t i = 0; i < out.totals.size(); ++i) {
    if (out.totals[i] > out.count) return Impossible();
    all += out.totals[i];
    counts.push_back(static_cast<Int128>(out.totals[i]));
    const std::int64_t from = fields.minimum + static_cast<std::int64_t>(i) * fields.bucket;
    out.buckets.push_back({from, std::min(from + fields.bucket - 1, fields.maximum),
                           static_cast<std::uint64_t>(out.totals[i])});
    // The last bucket ends with the range.
    edges.push_back(static_cast<double>(out.buckets.back().to + 1));
  }
  if (all != out.count) return Impossible();
  if (fields.bucket == 1) {
    TRY(out.distribution,
        HistogramStatistics::OfValues(fields.minimum, 1, counts, NegativeCounts::kRefuse));
  } else {
    TRY(out.distribution,
        HistogramStatistics::BetweenEdges(edges, counts, NegativeCounts::kRefuse));
  }
  return {};
}

// Values that fit more than one line have no regression, and that is a result too.
void FillRegression(PeerResult& out, const Shifted& sums, std::size_t numbers) {
  std::vector<Int128> all;
  for (std::size_t i = 0; i < numbers; ++i) all.push_back(sums.Sum(i));
  for (std::size_t i = 0; i < numbers; ++i) {
    for (std::size_t j = i; j < numbers; ++j) all.push_back(sums.Product(i, j));
  }
  if (auto fit = LinearRegression::Fit(out.count, all)) out.regression = *std::move(fit);
}

}  // namespace

Result<PeerResult> PeerResult::Conclude(const PeerRoster& roster, std::uint64_t count,
                                        std::span<const unsigned __int128> totals) {
  PeerResult out;
  out.count = count;
  out.totals.assign(totals.begin(), totals.end());
  const PeerRosterFields& fields = roster.fields();
  if (fields.statistic == PeerStatistic::kHistogram) {
    TRY_VOID(FillHistogram(out, fields));
    return out;
  }
  if (!IsPossible(roster, out)) return Impossible();
  const Shifted sums(roster, out);
  if (fields.statistic == PeerStatistic::kRegression) {
    FillRegression(out, sums, roster.values());
    return out;
  }
  out.sum = static_cast<std::int64_t>(sums.Sum(0));
  TRY(out.mean, Moments::MeanOf(count, sums.Sum(0)));
  if (fields.statistic == PeerStatistic::kVariance) {
    auto moments = Moments::Of(count, sums.Sum(0), sums.Product(0, 0));
    if (!moments) return Impossible();
    out.moments = *std::move(moments);
  }
  return out;
}

}  // namespace salus::aggregate
