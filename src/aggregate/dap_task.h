// DapTask is one study's measurement as all parties know it: who aggregates, what, when, and why.
// No secret is in it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aggregate/dap_id.h"
#include "aggregate/dap_interval.h"
#include "aggregate/dap_version.h"
#include "aggregate/vdaf_instance.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace salus::aggregate {

// DapStatistic is what the numbers mean. A value in the unit is measured as value - offset; in a
// histogram as the bucket (value - offset) / bucket_width.
//
// Shape: name and unit of at most 128 bytes, as they are shown to people.
struct DapStatistic {
  std::string name;  // "body height"
  std::string unit;  // "cm"; empty for counts
  std::int64_t offset = 0;
  std::uint64_t bucket_width = 1;  // Histogram only

  friend bool operator==(const DapStatistic&, const DapStatistic&) = default;
};

// DapNoise is the noise that each aggregator adds to its share before it leaves.
//
// Shape: epsilon in lowest terms, both parts 1 to 10^9; sensitivity in measurements, at least 1.
struct DapNoise {
  enum class Mechanism : std::uint8_t { kDiscreteLaplace = 1, kDiscreteGaussian = 2 };

  Mechanism mechanism = Mechanism::kDiscreteLaplace;
  std::uint64_t epsilon_numerator = 1;
  std::uint64_t epsilon_denominator = 1;
  std::uint64_t sensitivity = 1;

  friend bool operator==(const DapNoise&, const DapNoise&) = default;
};

// DapTaskParameters is a task before it is checked.
//
// Shape: URLs are https, or http to this machine, of at most 1024 bytes of visible ASCII, and are
//        never changed; time_precision_s 1 to 366 days; interval in the unit of DapInterval, within
//        the years 1970 to 9999; purpose 1 to 1024 bytes of text for people; task_info empty, or 1
//        to 255 bytes agreed with aggregators that are not ours.
struct DapTaskParameters {
  DapVersion version = DapVersion::k18;
  TaskId id;
  std::string leader_url;
  std::string helper_url;
  BatchMode batch_mode = BatchMode::kTimeInterval;
  std::uint64_t time_precision_s = 3600;
  std::uint64_t min_batch_size = 100;
  VdafInstance vdaf;
  std::optional<DapInterval> interval;  // no limit without
  std::string purpose;
  DapStatistic statistic;
  std::optional<DapNoise> noise;
  Bytes task_info;

  friend bool operator==(const DapTaskParameters&, const DapTaskParameters&) = default;
};

// DapTask is checked and never changes.
//
// In DAP-18 the configuration that every sealed share is bound to begins with task_info. Where the
// parties agreed on none, it is a hash of purpose, statistic and noise: a report that was made for
// one purpose, or under the promise of noise, can't be opened by who was told another.
//
// Source:  DAP-18 sections 4.1.1 and 4.2; DAP-09 section 4.2. The JSON form is our own.
// Shape:   JSON as docs/formats/dap-task.md says: no member is unknown, none stands twice, and what
//          is read is written back member by member.
// Threads: immutable, safe to share.
class DapTask {
 public:
  // Errors: InvalidArgument with the parameter and its limits. Whether the limits of the circuit
  // are possible Prio3::Create says.
  static Result<DapTask> Create(DapTaskParameters parameters);
  // Errors: InvalidArgument with the member.
  static Result<DapTask> FromJson(std::string_view text);
  std::string ToJson() const;

  const DapTaskParameters& parameters() const { return parameters_; }
  DapVersion version() const { return parameters_.version; }
  const TaskId& id() const { return parameters_.id; }
  const VdafInstance& vdaf() const { return parameters_.vdaf; }
  BatchMode batch_mode() const { return parameters_.batch_mode; }
  std::uint64_t min_batch_size() const { return parameters_.min_batch_size; }
  const std::optional<DapInterval>& interval() const { return parameters_.interval; }

  // configuration is the encoded TaskConfiguration; empty in DAP-09.
  ByteSpan configuration() const { return configuration_; }
  // context is what the VDAF binds its shares to: "dap-18" and the task id; empty in DAP-09.
  ByteSpan context() const { return context_; }

  // TimeOf rounds down to the time precision; the result is in the unit of DapInterval. Before 1970
  // it is 0.
  std::uint64_t TimeOf(Timestamp time) const;
  // UnixSeconds is the second at which a time begins, nullopt after the year 9999.
  std::optional<std::uint64_t> UnixSeconds(std::uint64_t time) const;
  // BucketOf is the smallest interval that batches are made of, around a report's time.
  DapInterval BucketOf(std::uint64_t time) const;
  // IsBatchInterval says that an interval is made of whole buckets.
  bool IsBatchInterval(const DapInterval& interval) const;

  // MeasurementOf is values of the statistic as the VDAF measures them.
  //
  // Errors: InvalidArgument with the range that a value must be in, never the value.
  Result<std::vector<std::uint64_t>> MeasurementOf(std::span<const std::int64_t> values) const;

 private:
  explicit DapTask(DapTaskParameters parameters);

  DapTaskParameters parameters_;
  Bytes configuration_;
  Bytes context_;
};

}  // namespace salus::aggregate
