// CollectionJobReq and its kin are how a collector asks for a batch, and how the aggregators
// answer.
//
// Source: DAP-18 sections 4.6 and 5; DAP-09 sections 4.1 and 4.6.
// Shape:  as dap_report.h says.
// Errors: Parse gives InvalidArgument with the field and the offset.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "aggregate/dap_extension.h"
#include "aggregate/dap_id.h"
#include "aggregate/dap_interval.h"
#include "aggregate/dap_version.h"
#include "aggregate/hpke_ciphertext.h"
#include "base/bytes.h"
#include "base/result.h"

namespace salus::aggregate {

// DapQuery is which batch the collector wants.
//
// Shape: interval is used in the time-interval mode. In the leader-selected mode the leader gives
//        its next batch; DAP-09 may ask for one by its id too, in batch_id.
struct DapQuery {
  BatchMode mode = BatchMode::kTimeInterval;
  DapInterval interval;
  std::optional<BatchId> batch_id;

  static DapQuery ForInterval(const DapInterval& interval);
  static DapQuery ForNextBatch();

  static Result<DapQuery> Parse(DapVersion version, ByteSpan bytes);
  Bytes Encode(DapVersion version) const;

  friend bool operator==(const DapQuery&, const DapQuery&) = default;
};

// DapBatchSelector is which batch the leader collects.
//
// Shape: interval in the time-interval mode, batch_id in the leader-selected one.
struct DapBatchSelector {
  BatchMode mode = BatchMode::kTimeInterval;
  DapInterval interval;
  BatchId batch_id;

  static DapBatchSelector ForInterval(const DapInterval& interval);
  static DapBatchSelector ForBatch(const BatchId& batch_id);

  static Result<DapBatchSelector> Parse(DapVersion version, ByteSpan bytes);
  Bytes Encode(DapVersion version) const;

  friend bool operator==(const DapBatchSelector&, const DapBatchSelector&) = default;
};

// CollectionJobReq asks the leader for a batch; DAP-09 calls it CollectionReq.
//
// Shape: extensions only in DAP-18, in the order they came: one out of order is an answer of its
//        own (invalidExtension), so that Parse does not refuse it.
struct CollectionJobReq {
  DapQuery query;
  Bytes agg_param;  // empty for Prio3
  std::vector<DapExtension> extensions;

  static Result<CollectionJobReq> Parse(DapVersion version, ByteSpan bytes);
  Bytes Encode(DapVersion version) const;

  friend bool operator==(const CollectionJobReq&, const CollectionJobReq&) = default;
};

// CollectionJobResp is the batch: both aggregators' shares, sealed to the collector. DAP-09 calls
// it Collection.
//
// Shape: batch_id only in DAP-09, set in the leader-selected mode.
struct CollectionJobResp {
  std::optional<BatchId> batch_id;
  std::uint64_t report_count = 0;
  DapInterval interval;  // the smallest that contains the times of all reports
  HpkeCiphertext leader_share;
  HpkeCiphertext helper_share;

  static Result<CollectionJobResp> Parse(DapVersion version, ByteSpan bytes);
  Bytes Encode(DapVersion version) const;

  friend bool operator==(const CollectionJobResp&, const CollectionJobResp&) = default;
};

// BatchChecksum is the exclusive or of SHA-256 of every report id of a batch.
using BatchChecksum = std::array<std::uint8_t, 32>;
void AddToChecksum(BatchChecksum& checksum, const ReportId& id);

// AggregateShareReq asks the helper for its share of a batch.
//
// Shape: of collection_job_req DAP-09 carries agg_param only: the rest is as it is made.
struct AggregateShareReq {
  CollectionJobReq collection_job_req;
  DapBatchSelector batch_selector;
  std::uint64_t report_count = 0;
  BatchChecksum checksum{};

  static Result<AggregateShareReq> Parse(DapVersion version, ByteSpan bytes);
  Bytes Encode(DapVersion version) const;

  friend bool operator==(const AggregateShareReq&, const AggregateShareReq&) = default;
};

// DapAggregateShare is the helper's answer.
struct DapAggregateShare {
  HpkeCiphertext encrypted_aggregate_share;

  static Result<DapAggregateShare> Parse(ByteSpan bytes);
  Bytes Encode() const;

  friend bool operator==(const DapAggregateShare&, const DapAggregateShare&) = default;
};

}  // namespace salus::aggregate
