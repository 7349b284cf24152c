#include <algorithm>
#include <utility>

#include "aggregate/dap_media_type.h"
#include "aggregate/dap_path.h"
#include "aggregate/input_share.h"
#include "aggregate/leader.h"
#include "aggregate/ping_pong.h"

namespace salus::aggregate {
namespace {

// Begin opens the leader's share of a report and takes its first step.
std::expected<LeaderVerification, ReportError> Begin(const OpenTask& task, const HpkeKeyRing& keys,
                                                     const DapReport& report) {
  const auto share =
      OpenInputShare(task, keys, report.metadata, report.public_share, report.leader_share);
  if (!share) return std::unexpected(share.error());
  auto begun = PingPongLeaderInit(task.prio3(), task.config().verify_key, task.task().context(),
                                  {.nonce = report.metadata.id.span(),
                                   .public_share = report.public_share,
                                   .input_share = &*share});
  if (!begun) return std::unexpected(ReportError::kVdafVerifyError);
  return *std::move(begun);
}

// A job that the helper refuses so often as a message is made smaller.
constexpr int kRefusalsToSplit = 3;

// 413 may come from what stands before the helper. Other refusals are not about what was sent: a
// task that the helper does not have yet, a token, too many requests.
bool IsRefusedAsMessage(const DapAnswer& answer) {
  return answer.status == 413 || ProblemOf(answer) == DapProblem::kInvalidMessage;
}

bool IsSame(const VerifyResp& answer, const ReportId& id) { return answer.id == id; }

}  // namespace

Result<bool> Leader::AdvanceJob(const OpenTask& task) {
  std::optional<ActiveJob> active;
  {
    const std::lock_guard lock(active_mutex_);
    if (auto kept = active_.extract(task.task().id()); !kept.empty()) {
      active = std::move(kept.mapped());
    }
  }
  if (!active) {
    TRY(std::optional<LeaderJob> unfinished, parts_.store.UnfinishedJob(task));
    if (unfinished) {
      TRY(active, ResumeJob(task, *std::move(unfinished)));
    } else {
      TRY(active, MakeJob(task));
    }
  }
  if (!active) return false;
  const std::size_t taken =
      static_cast<std::size_t>(active->job.last_place - active->job.first_place) + 1;
  if (active->reports.empty()) {
    TRY_VOID(parts_.store.FinishJob(task, active->job, active->outcome));
  } else {
    const auto answer = AskHelper(task, *active);
    if (!answer) return TakeFailure(task, *std::move(active), answer.error());
    TRY_VOID(TakeAnswer(task, *active, *answer));
    GrowJobs(task);
  }
  return active->outcome.again.size() < taken;
}

// The helper refuses the same message every time. It committed nothing of the job then, or it would
// have answered what it answered before; the halves are other messages. A job of one report stays:
// whether it is the report or the task that the helper can't have, nobody knows here.
Error Leader::TakeFailure(const OpenTask& task, ActiveJob active, Error error) {
  const TaskId& id = task.task().id();
  const std::lock_guard lock(active_mutex_);
  if (error.code == ErrorCode::kInvalidArgument && active.reports.size() > 1 &&
      ++active.refusals == kRefusalsToSplit) {
    job_limits_.insert_or_assign(id, active.reports.size() / 2);
    const auto abandoned = parts_.store.AbandonJob(task, active.job.id);
    return abandoned ? std::move(error).WithContext("the job was split") : abandoned.error();
  }
  // Kept with its states: trying again costs no verification.
  active_.insert_or_assign(id, std::move(active));
  return error;
}

void Leader::GrowJobs(const OpenTask& task) {
  const std::lock_guard lock(active_mutex_);
  const auto limit = job_limits_.find(task.task().id());
  if (limit == job_limits_.end()) return;
  limit->second *= 2;
  if (limit->second >= options_.job_reports) job_limits_.erase(limit);
}

std::size_t Leader::JobLimit(const OpenTask& task) {
  const std::lock_guard lock(active_mutex_);
  const auto limit = job_limits_.find(task.task().id());
  return limit == job_limits_.end() ? options_.job_reports : limit->second;
}

// What a report comes to before it reaches the helper is decided here once; the request is stored
// before it is sent, so that after a crash the helper gets the same bytes.
Result<std::optional<Leader::ActiveJob>> Leader::MakeJob(const OpenTask& task) {
  std::size_t limit = std::min(JobLimit(task), task.MaxJobReports());
  std::optional<BatchId> batch;
  if (!task.by_time()) {
    const std::uint64_t wanted = task.task().min_batch_size();
    TRY(batch, parts_.store.BatchWithLess(task, wanted));
    if (batch) {
      TRY(const BatchBucket begun,
          parts_.store.ReadBatch(task, BucketRange::Of(BucketKey::ForBatch(*batch))));
      limit = std::min<std::uint64_t>(limit, wanted - begun.count);
    } else {
      batch = BatchId::Random(parts_.random);
      limit = std::min<std::uint64_t>(limit, wanted);
    }
  }
  TRY(const std::vector<WaitingReport> waiting,
      parts_.store.ReadWaiting(task, limit, options_.job_bytes));
  if (waiting.empty()) return std::optional<ActiveJob>();

  ActiveJob active;
  active.job.id = AggregationJobId::Random(parts_.random);
  active.job.first_place = waiting.front().place;
  active.job.last_place = waiting.back().place;
  active.job.batch_id = batch;
  AggregationJobInitReq request;
  request.batch_id = batch;
  const Timestamp now = parts_.clock.Now();
  const HpkeKeyRing keys = parts_.store.hpke_keys();
  for (const WaitingReport& row : waiting) {
    TRY(DapReport report, DapReport::Parse(task.version(), row.body));
    if (const auto error = CheckReport(task, report.metadata, now)) {
      if (*error == ReportError::kReportTooEarly) {
        active.outcome.again.push_back(row.place);
      } else {
        ++active.outcome.refused[*error];
      }
      continue;
    }
    auto begun = Begin(task, keys, report);
    if (!begun) {
      ++active.outcome.refused[begun.error()];
      continue;
    }
    active.reports.push_back({.place = row.place,
                              .id = report.metadata.id,
                              .time = report.metadata.time,
                              .state = std::move(begun->state)});
    request.verify_inits.push_back(
        {.report_share = {.metadata = std::move(report.metadata),
                          .public_share = std::move(report.public_share),
                          .encrypted_input_share = std::move(report.helper_share)},
         .payload = std::move(begun->outbound)});
  }
  if (!active.reports.empty()) {
    active.job.request = request.Encode(task.version());
    TRY_VOID(parts_.store.BeginJob(task, active.job));
  }
  return std::optional(std::move(active));
}

// After a restart the states are made anew from the reports, which are there until the job is
// finished, as are the keys to open them: the same inputs give the same states.
Result<Leader::ActiveJob> Leader::ResumeJob(const OpenTask& task, LeaderJob job) {
  TRY(const AggregationJobInitReq request,
      AggregationJobInitReq::Parse(task.version(), job.request));
  TRY(const std::vector<WaitingReport> rows,
      parts_.store.ReadWaiting(task, job.first_place, job.last_place));
  ActiveJob active{.job = std::move(job), .reports = {}, .outcome = {}};
  const HpkeKeyRing keys = parts_.store.hpke_keys();
  std::size_t next = 0;
  for (const WaitingReport& row : rows) {
    TRY(const DapReport report, DapReport::Parse(task.version(), row.body));
    const bool is_sent = next < request.verify_inits.size() &&
                         request.verify_inits[next].report_share.metadata.id == report.metadata.id;
    if (!is_sent) {
      // Refused when the job was made: for its time, or as now.
      const auto error = CheckReport(task, report.metadata, parts_.clock.Now());
      if (error == ReportError::kReportTooEarly) {
        active.outcome.again.push_back(row.place);
        continue;
      }
      const auto begun = Begin(task, keys, report);
      if (!error && begun) {
        active.outcome.again.push_back(row.place);
      } else {
        ++active.outcome.refused[error ? *error : begun.error()];
      }
      continue;
    }
    auto begun = Begin(task, keys, report);
    if (!begun) return Internal("aggregation job: a report that was sent can't be opened again");
    active.reports.push_back({.place = row.place,
                              .id = report.metadata.id,
                              .time = report.metadata.time,
                              .state = std::move(begun->state)});
    ++next;
  }
  if (next != request.verify_inits.size()) {
    return Corruption("aggregate.db: reports of a job are not there; restore it from a backup");
  }
  return active;
}

Result<AggregationJobResp> Leader::AskHelper(const OpenTask& task, const ActiveJob& active) {
  const TaskId& id = task.task().id();
  const bool is_09 = task.version() == DapVersion::k09;
  const ChannelRequest request{
      .method = is_09 ? "PUT" : "POST",
      .path = is_09 ? AggregationJobPath(id, active.job.id) : AggregationJobsPath(id),
      .media_type = std::string(MediaType(task.version(), DapMessageType::kAggregationJobInitReq)),
      .body = active.job.request};
  TRY(const DapAnswer answer, channel_.Exchange(task.task(), request));
  if (IsRefusedAsMessage(answer)) {
    return InvalidArgument("the helper refuses an aggregation job: status " +
                           DescribeRefusal(answer) + "; check that it has the same task");
  }
  if (!answer.is_success()) {
    return Unavailable("the helper did not take an aggregation job: status " +
                       DescribeRefusal(answer) + "; check that it has the same task");
  }
  // A helper that takes its time answers the same request again, once it is done.
  if (answer.body.empty()) return Unavailable("the helper is still at an aggregation job");
  auto parsed = AggregationJobResp::Parse(task.version(), answer.body, UnknownErrors::kAsDropped);
  if (!parsed) return VerificationFailed("the helper's answer: " + parsed.error().message);
  return parsed;
}

Result<void> Leader::TakeAnswer(const OpenTask& task, ActiveJob& active,
                                const AggregationJobResp& answer) {
  const bool fits =
      std::ranges::equal(answer.verify_resps, active.reports, IsSame, {}, &PendingReport::id) &&
      std::ranges::none_of(answer.verify_resps, [](const VerifyResp& response) {
        return response.type == VerifyRespType::kFinish;
      });
  if (!fits) {
    TRY_VOID(parts_.store.AbandonJob(task, active.job.id));
    return VerificationFailed(
        "the helper answered an aggregation job with other reports or another step; the job was "
        "abandoned");
  }
  for (std::size_t i = 0; i < active.reports.size(); ++i) {
    PendingReport& report = active.reports[i];
    const VerifyResp& response = answer.verify_resps[i];
    if (response.type == VerifyRespType::kReject) {
      if (response.error == ReportError::kReportTooEarly) {
        active.outcome.again.push_back(report.place);
      } else {
        ++active.outcome.refused[response.error];
      }
      continue;
    }
    const auto output =
        PingPongLeaderContinued(task.prio3(), std::move(report.state), response.payload);
    if (!output) {
      ++active.outcome.refused[ReportError::kVdafVerifyError];
      continue;
    }
    const BucketKey bucket =
        task.by_time() ? BucketOf(task, report.time) : BucketKey::ForBatch(*active.job.batch_id);
    TRY_VOID(
        active.outcome.buckets[bucket].AddReport(task.prio3(), report.id, report.time, *output));
  }
  return parts_.store.FinishJob(task, active.job, active.outcome);
}

}  // namespace salus::aggregate
