// DapCollector asks for batches of a task and opens them: only it learns a result, and only the
// result.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "aggregate/dap_collection.h"
#include "aggregate/dap_hpke_key.h"
#include "aggregate/dap_task.h"
#include "aggregate/prio3.h"
#include "base/clock.h"
#include "base/result.h"

namespace salus::aggregate {

// CollectedBatch is a result.
//
// Shape: sums has a number for each output of the circuit (vdaf_instance.h), in measurements: with
//        an offset of the statistic, a sum of values is the sum here and report_count * offset.
//        Noise may make a sum negative. interval is the smallest that holds the times of all
//        reports, in the unit of DapInterval; begin and end are the same as instants.
struct CollectedBatch {
  std::uint64_t report_count = 0;
  std::vector<__int128> sums;
  DapInterval interval;
  Timestamp begin;
  Timestamp end;
  std::optional<BatchId> batch_id;  // DAP-09, leader-selected mode
};

// DapCollector does no I/O: the caller sends the requests to the leader.
//
// Source:  DAP-18 sections 4.6.1, 4.6.6 and 4.6.7; DAP-09 sections 4.6.1, 4.6.3 and 4.6.4.
// Threads: immutable, safe to share.
class DapCollector {
 public:
  // Errors: InvalidArgument for limits that the VDAF can't have.
  static Result<DapCollector> Create(DapTask task, DapHpkeKey key);

  const DapTask& task() const { return task_; }

  // RequestInterval asks for the reports from begin up to end; a border that no bucket has is an
  // error, not rounded, so that nobody believes to have asked for another batch.
  //
  // Errors: InvalidArgument for such borders; FailedPrecondition in the leader-selected mode.
  Result<CollectionJobReq> RequestInterval(Timestamp begin, Timestamp end) const;
  // RequestNextBatch asks for the next batch of the leader's choice.
  //
  // Errors: FailedPrecondition in the time-interval mode.
  Result<CollectionJobReq> RequestNextBatch() const;

  // Open decrypts both shares of the answer to a request and adds them up.
  //
  // Errors: InvalidArgument for an answer that does not fit the task or the request: another mode,
  // another interval, fewer reports than a batch needs, a share of the wrong length;
  // VerificationFailed when a share does not open under this request, or, without noise, the sums
  // are none that this many reports can have.
  Result<CollectedBatch> Open(const CollectionJobReq& request, const CollectionJobResp& resp) const;

 private:
  DapCollector(DapTask task, std::unique_ptr<const Prio3> prio3, DapHpkeKey key);

  Result<DapBatchSelector> SelectorOf(const CollectionJobReq& request,
                                      const CollectionJobResp& resp) const;

  DapTask task_;
  std::unique_ptr<const Prio3> prio3_;
  DapHpkeKey key_;
};

}  // namespace salus::aggregate
