// AggregatorTask is a task as one of its two aggregators keeps it, with its secrets.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "aggregate/dap_hpke_config.h"
#include "aggregate/dap_recipient.h"
#include "aggregate/dap_task.h"
#include "aggregate/dap_version.h"
#include "aggregate/prio3.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"

namespace salus::aggregate {

// AggregatorTask never changes once it is in a store.
//
// Source: DAP-18 section 4.2: collector_hpke_config and vdaf_verify_key.
// Shape:  verify_key as long as the VDAF says: 32 bytes, 16 in DAP-09. Tokens are whatever the
//         parties agreed on, or empty where they prove themselves otherwise.
struct AggregatorTask {
  DapTask task;
  DapRole role = DapRole::kLeader;  // or kHelper
  SecretBytes verify_key;
  DapHpkeConfig collector_config;
  SecretBytes aggregator_token;  // the leader shows it, the helper asks for it
  SecretBytes collector_token;   // the leader asks for it
};

// OpenTask is a task of a store with its VDAF made.
//
// Threads: immutable, safe to share.
class OpenTask {
 public:
  // Errors: InvalidArgument for a role that does not aggregate, a verify key of the wrong length,
  // limits that the circuit can't have, not two shares, a collector's key that is none of ours.
  static Result<std::unique_ptr<const OpenTask>> Create(std::int64_t number, AggregatorTask config);

  // Check is Create without a task: Errors as there.
  static Result<void> Check(const AggregatorTask& config);

  std::int64_t number() const { return number_; }  // of its store
  const AggregatorTask& config() const { return config_; }
  const DapTask& task() const { return config_.task; }
  DapVersion version() const { return config_.task.version(); }
  bool is_leader() const { return config_.role == DapRole::kLeader; }
  // End is when the task's interval is over; nullopt: it has none.
  std::optional<Timestamp> End() const;
  bool by_time() const { return config_.task.batch_mode() == BatchMode::kTimeInterval; }
  const Prio3& prio3() const { return *prio3_; }
  // MaxJobReports bounds a job by its output shares, which an aggregator has in memory all at once:
  // 64 MiB of them, but at least one; kMaxDapReports at most.
  std::size_t MaxJobReports() const;
  const DapRecipient& collector() const { return collector_; }

 private:
  OpenTask(std::int64_t number, AggregatorTask config, std::unique_ptr<const Prio3> prio3,
           DapRecipient collector)
      : number_(number),
        config_(std::move(config)),
        prio3_(std::move(prio3)),
        collector_(std::move(collector)) {}

  std::int64_t number_;
  AggregatorTask config_;
  std::unique_ptr<const Prio3> prio3_;
  DapRecipient collector_;
};

}  // namespace salus::aggregate
