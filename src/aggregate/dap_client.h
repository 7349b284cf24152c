// DapClient makes reports of a task: what a person's device sends, once, and may then be gone.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "aggregate/dap_extension.h"
#include "aggregate/dap_hpke_config.h"
#include "aggregate/dap_recipient.h"
#include "aggregate/dap_report.h"
#include "aggregate/dap_task.h"
#include "aggregate/prio3.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"

namespace salus::aggregate {

// ReportExtensions are what a report carries beside its measurement.
//
// Shape: each list in the order of its types; no type is both public and private. DAP-09 has no
//        public ones.
struct ReportExtensions {
  std::vector<DapExtension> for_all;
  std::vector<DapExtension> for_leader;
  std::vector<DapExtension> for_helper;
};

// DapClient does no I/O: the caller fetched the aggregators' HPKE configs, and uploads the reports.
//
// Source:  DAP-18 section 4.4.2.1; DAP-09 section 4.4.2.
// Threads: immutable, safe to share.
class DapClient {
 public:
  // Errors: InvalidArgument for limits that the VDAF can't have, or a malformed key;
  // FailedPrecondition when an aggregator offers no algorithms of ours.
  static Result<DapClient> Create(DapTask task, const HpkeConfigList& leader,
                                  const HpkeConfigList& helper);

  const DapTask& task() const { return task_; }

  // MakeReport shards a measurement and seals each share to its aggregator. The report's time is
  // rounded down to the task's precision, so that it does not tell who sent it.
  //
  // Errors: InvalidArgument for a measurement outside of its limits, or extensions out of order;
  // FailedPrecondition outside of the task's time; VerificationFailed for an aggregator's key that
  // is no key.
  Result<DapReport> MakeReport(std::span<const std::uint64_t> measurement, Timestamp now,
                               RandomSource& random, const ReportExtensions& extensions = {}) const;
  // ReportOf is MakeReport of values in the unit of the task's statistic.
  Result<DapReport> ReportOf(std::span<const std::int64_t> values, Timestamp now,
                             RandomSource& random, const ReportExtensions& extensions = {}) const;

 private:
  DapClient(DapTask task, std::unique_ptr<const Prio3> prio3, DapRecipient leader,
            DapRecipient helper);

  Result<HpkeCiphertext> SealShare(const DapRecipient& to, DapRole role,
                                   const std::vector<DapExtension>& extensions, SecretBytes share,
                                   ByteSpan aad, RandomSource& random) const;

  DapTask task_;
  std::unique_ptr<const Prio3> prio3_;
  DapRecipient leader_;
  DapRecipient helper_;
};

}  // namespace salus::aggregate
