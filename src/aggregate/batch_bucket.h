// BatchBucket is what an aggregator has added up of reports that will be collected together.
#pragma once

#include <compare>
#include <cstdint>

#include "aggregate/dap_collection.h"
#include "aggregate/dap_id.h"
#include "aggregate/prio3.h"
#include "base/bytes.h"
#include "base/endian.h"
#include "base/secret.h"

namespace salus::aggregate {

// BucketKey names a bucket within its task.
//
// Source: DAP-18 sections 5.1.3 and 5.2.4.
// Shape:  time-interval mode: the time in precisions since 1970, 8 bytes big-endian, so that keys
//         sort as time does; leader-selected mode: the batch id.
struct BucketKey {
  Bytes bytes;

  static BucketKey ForTime(std::uint64_t precisions) {
    BucketKey key;
    AppendBe(key.bytes, precisions);
    return key;
  }
  static BucketKey ForBatch(const BatchId& id) { return {ToBytes(id.span())}; }

  friend bool operator==(const BucketKey&, const BucketKey&) = default;
  friend auto operator<=>(const BucketKey&, const BucketKey&) = default;
};

// BucketRange is the buckets of one batch, first and last included.
struct BucketRange {
  BucketKey first;
  BucketKey last;

  static BucketRange Of(const BucketKey& one) { return {one, one}; }
};

// BatchBucket of no reports has an empty share, and no times.
//
// Source: DAP-18 section 4.5.6.
struct BatchBucket {
  SecretBytes share;
  std::uint64_t count = 0;
  BatchChecksum checksum{};
  std::uint64_t first_time = 0;  // in the task's unit
  std::uint64_t last_time = 0;

  // AddReport commits one output share. Errors: those of Prio3::Add, and then nothing is added.
  Result<void> AddReport(const Prio3& prio3, const ReportId& id, std::uint64_t time,
                         const SecretBytes& output_share);
  // Merge adds another bucket of the same task. Errors: as AddReport.
  Result<void> Merge(const Prio3& prio3, const BatchBucket& other);
};

}  // namespace salus::aggregate
