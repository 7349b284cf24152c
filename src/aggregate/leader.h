// Leader is the aggregator that clients and the collector talk to.
//
// Source:  DAP-18 sections 4.4 to 4.6 and 5; DAP-09 sections 4.3 to 4.5. One round of verification:
//          Prio3. Reports are aggregated as they come.
// Threads: the handlers are safe to share; Advance runs once at a time for a task.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "aggregate/aggregator_parts.h"
#include "aggregate/channel.h"
#include "aggregate/dap_aggregation.h"
#include "aggregate/dap_answer.h"
#include "aggregate/input_share.h"

namespace salus::aggregate {

class Leader {
 public:
  struct Options {
    // Of an aggregation job, at most; it has at least one report.
    std::size_t job_reports = 1024;
    std::size_t job_bytes = 8u << 20;  // of its reports, as they were uploaded
    // Waited after the interval of a batch by time, for clients whose clocks are late.
    std::chrono::milliseconds late = kClockSkew;
  };

  Leader(const AggregatorParts& parts, Channel& channel, const Options& options);
  Leader(const AggregatorParts& parts, Channel& channel) : Leader(parts, channel, Options()) {}
  ~Leader();

  // HandleUpload takes reports: POST {leader}/tasks/{task}/reports, PUT in DAP-09. What is
  // acknowledged is durable. A report that was sent before is not an error to DAP-09, which has no
  // other way to say that it is there.
  DapAnswer HandleUpload(const TaskId& task, ByteSpan body);

  // HandleCollection begins a collection job: POST .../collection_jobs, or PUT to the id of the
  // collector's choice in DAP-09. A batch that another job has is refused. A batch by time is
  // collected once its interval is over, and clients' clocks may be late. In the leader-selected
  // mode of DAP-18 all requests are alike: the collector deletes a job to get the next batch.
  DapAnswer HandleCollection(const TaskId& task, const std::optional<CollectionJobId>& id,
                             ByteSpan body);
  // HandleCollectionPoll is GET of the job, POST in DAP-09. HandleCollectionDelete is DELETE: its
  // batch is never collected again.
  DapAnswer HandleCollectionPoll(const TaskId& task, const CollectionJobId& id);
  DapAnswer HandleCollectionDelete(const TaskId& task, const CollectionJobId& id);

  // Advance takes the next steps of a task: an aggregation job, then each collection job. True when
  // something came of it, and there may be more to do. After an error it goes on with the rest, and
  // returns the first one at the end.
  //
  // Errors: Unavailable where the helper or the store can't be reached now, InvalidArgument where
  // the helper refuses a job as a message (the next jobs are smaller then), VerificationFailed
  // where the helper's answer is not one, Conflict where another was faster. Nothing is lost: the
  // next call tries the same again.
  Result<bool> Advance(const OpenTask& task);

 private:
  struct PendingReport {
    std::int64_t place = 0;
    ReportId id;
    std::uint64_t time = 0;
    VerifyState state;
  };
  // A job with what only this process knows of it.
  struct ActiveJob {
    LeaderJob job;
    std::vector<PendingReport> reports;  // in the order of the request
    JobOutcome outcome;
    int refusals = 0;  // of its request, as a message
  };

  Result<bool> AdvanceJob(const OpenTask& task);
  Result<std::optional<ActiveJob>> MakeJob(const OpenTask& task);
  Result<ActiveJob> ResumeJob(const OpenTask& task, LeaderJob job);
  // TakeFailure is the error of an exchange, with what comes of the job.
  Error TakeFailure(const OpenTask& task, ActiveJob active, Error error);
  void GrowJobs(const OpenTask& task);
  std::size_t JobLimit(const OpenTask& task);
  // Errors: InvalidArgument where the helper refuses the message; as Advance.
  Result<AggregationJobResp> AskHelper(const OpenTask& task, const ActiveJob& active);
  Result<void> TakeAnswer(const OpenTask& task, ActiveJob& active,
                          const AggregationJobResp& answer);

  DapAnswer AnswerAgain(const OpenTask& task, const Collection& known, ByteSpan body) const;
  DapAnswer HandleKnownBatch(const OpenTask& task, Collection collection, const BatchId& batch);
  Result<bool> AdvanceCollection(const OpenTask& task, Collection collection);
  Result<bool> CloseBatch(const OpenTask& task, Collection& collection);
  Result<bool> IsOver(const OpenTask& task, const Collection& collection) const;
  Result<bool> GiveUp(const OpenTask& task, Collection& collection);
  Result<bool> FixShare(const OpenTask& task, Collection& collection);
  Result<bool> AskForShare(const OpenTask& task, Collection& collection);
  Result<void> Fail(const OpenTask& task, Collection& collection, DapProblem problem);
  DapAnswer AnswerOf(const OpenTask& task, const Collection& collection) const;

  const AggregatorParts parts_;
  Channel& channel_;
  const Options options_;

  std::mutex active_mutex_;
  std::map<TaskId, ActiveJob> active_;        // jobs whose exchange did not succeed yet
  std::map<TaskId, std::size_t> job_limits_;  // of tasks whose helper refused a job
};

}  // namespace salus::aggregate
