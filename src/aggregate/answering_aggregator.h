// AnsweringAggregator is the helper of DAP: it only answers, to the leader.
//
// Source:  DAP-18 sections 4.5, 4.6.4 and 5; DAP-09 sections 4.4 and 4.5.2. One round of
//          verification: Prio3. Every request is answered at once.
// Threads: safe to share.
#pragma once

#include <optional>

#include "aggregate/aggregator_parts.h"
#include "aggregate/dap_aggregation.h"
#include "aggregate/dap_answer.h"
#include "aggregate/dap_id.h"
#include "base/bytes.h"

namespace salus::aggregate {

class AnsweringAggregator {
 public:
  explicit AnsweringAggregator(const AggregatorParts& parts) : parts_(parts) {}

  // HandleAggregationInit verifies and counts the reports of a job: POST
  // {helper}/tasks/{task}/aggregation_jobs, or PUT to the id of the leader's choice in DAP-09.
  // The same request has the same answer, however often it comes, and counts once. A job has at
  // least one report, and MaxJobReports at most.
  DapAnswer HandleAggregationInit(const TaskId& task, const std::optional<AggregationJobId>& id,
                                  ByteSpan body);
  // HandleAggregationPoll is GET of a job. HandleAggregationDelete forgets its answer, and nothing
  // that replays are known by.
  DapAnswer HandleAggregationPoll(const TaskId& task, const AggregationJobId& id);
  DapAnswer HandleAggregationDelete(const TaskId& task, const AggregationJobId& id);

  // HandleAggregateShare gives this aggregator's share of a batch, once: POST
  // {helper}/tasks/{task}/aggregate_shares. The same request has the same answer; another one for
  // a part of the batch has none.
  DapAnswer HandleAggregateShare(const TaskId& task, ByteSpan body);
  DapAnswer HandleAggregateSharePoll(const TaskId& task, const CollectionJobId& id);
  DapAnswer HandleAggregateShareDelete(const TaskId& task, const CollectionJobId& id);

 private:
  const OpenTask* FindTask(const TaskId& task) const;
  Result<HelperJob> VerifyJob(const OpenTask& task, const AggregationJobId& id,
                              const crypto::Hash32& request_sha256,
                              const AggregationJobInitReq& request);
  DapAnswer JobAnswer(const OpenTask& task, const AggregationJobId& id, Bytes body) const;
  DapAnswer ShareAnswer(const OpenTask& task, const Collection& share);

  const AggregatorParts parts_;
};

}  // namespace salus::aggregate
