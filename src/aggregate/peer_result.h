// PeerResult is what a session comes to: the figure that its roster asks for.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "aggregate/histogram_statistics.h"
#include "aggregate/linear_regression.h"
#include "aggregate/moments.h"
#include "aggregate/peer_roster.h"
#include "base/result.h"

namespace salus::aggregate {

struct PeerBucket {
  std::int64_t from;  // both included
  std::int64_t to;
  std::uint64_t count;
};

// PeerResult holds the figures of one statistic; those of others stay empty.
struct PeerResult {
  std::uint64_t count = 0;                // of values in the sum
  std::vector<unsigned __int128> totals;  // as the circuit's outputs add up
  std::optional<std::int64_t> sum;        // sum, variance
  std::optional<double> mean;             // sum, variance
  std::optional<Moments> moments;         // variance
  std::vector<PeerBucket> buckets;        // histogram, and what it tells:
  std::optional<HistogramStatistics> distribution;
  // Regression, the constant included; empty where the values fit more than one line.
  std::optional<LinearRegression> regression;

  // Conclude makes figures of the outputs' sums over `count` values.
  //
  // Errors: VerificationFailed when totals can't come from so many values of the roster's range.
  static Result<PeerResult> Conclude(const PeerRoster& roster, std::uint64_t count,
                                     std::span<const unsigned __int128> totals);
};

}  // namespace salus::aggregate
