#include "aggregate/answering_aggregator.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "aggregate/dap_media_type.h"
#include "aggregate/dap_path.h"
#include "aggregate/input_share.h"
#include "aggregate/ping_pong.h"
#include "crypto/sha256.h"

namespace salus::aggregate {
namespace {

// The id of a job in DAP-18 is ours: the same request has the same.
AggregationJobId IdOfRequest(const crypto::Hash32& request_sha256) {
  const auto id = AggregationJobId::FromBytes(ByteSpan(request_sha256).first(16));
  return *id;
}

bool HaveIdsOnce(std::span<const VerifyInit> inits) {
  std::vector<ReportId> ids;
  ids.reserve(inits.size());
  for (const VerifyInit& init : inits) ids.push_back(init.report_share.metadata.id);
  std::ranges::sort(ids);
  return std::ranges::adjacent_find(ids) == ids.end();
}

std::optional<DapProblem> CheckRequest(const OpenTask& task, const AggregationJobInitReq& request) {
  if (!request.extensions.empty()) return DapProblem::kUnsupportedExtension;
  if (!request.agg_param.empty()) return DapProblem::kInvalidAggregationParameter;
  if (request.batch_id.has_value() == task.by_time()) return DapProblem::kInvalidMessage;
  if (request.verification_key_id != 0) return DapProblem::kInvalidMessage;
  if (request.verify_inits.empty() || request.verify_inits.size() > task.MaxJobReports()) {
    return DapProblem::kInvalidMessage;
  }
  if (!HaveIdsOnce(request.verify_inits)) return DapProblem::kInvalidMessage;
  return std::nullopt;
}

// Verify is the helper's whole work on one report.
std::expected<HelperVerification, ReportError> Verify(const OpenTask& task, const HpkeKeyRing& keys,
                                                      const VerifyInit& init, Timestamp now) {
  const DapReportShare& report = init.report_share;
  if (const auto error = CheckReport(task, report.metadata, now)) return std::unexpected(*error);
  const auto share = OpenInputShare(task, keys, report.metadata, report.public_share,
                                    report.encrypted_input_share);
  if (!share) return std::unexpected(share.error());
  auto verified = PingPongHelperInit(task.prio3(), task.config().verify_key, task.task().context(),
                                     {.nonce = report.metadata.id.span(),
                                      .public_share = report.public_share,
                                      .input_share = &*share},
                                     init.payload);
  if (!verified) return std::unexpected(ReportError::kVdafVerifyError);
  return *std::move(verified);
}

ReportError ErrorOf(Admission admission) {
  if (admission == Admission::kEnded) return ReportError::kTaskExpired;
  return admission == Admission::kCollected ? ReportError::kBatchCollected
                                            : ReportError::kReportReplayed;
}

}  // namespace

const OpenTask* AnsweringAggregator::FindTask(const TaskId& id) const {
  const OpenTask* const task = parts_.store.FindTask(id);
  return task == nullptr || task->is_leader() ? nullptr : task;
}

DapAnswer AnsweringAggregator::JobAnswer(const OpenTask& task, const AggregationJobId& id,
                                         Bytes body) const {
  return {.status = task.version() == DapVersion::k09 ? 201 : 200,
          .media_type = std::string(MediaType(task.version(), DapMessageType::kAggregationJobResp)),
          .location = AggregationJobPath(task.task().id(), id),
          .body = std::move(body)};
}

DapAnswer AnsweringAggregator::HandleAggregationInit(
    const TaskId& task_id, const std::optional<AggregationJobId>& chosen_id, ByteSpan body) {
  const OpenTask* const task = FindTask(task_id);
  if (task == nullptr) {
    return ProblemAnswer(DapVersion::k18, DapProblem::kUnrecognizedTask, task_id);
  }
  const DapVersion version = task->version();
  if ((version == DapVersion::k09) != chosen_id.has_value()) {
    return ProblemAnswer(version, DapProblem::kInvalidMessage, task_id,
                         "the id is the leader's to choose in DAP-09, ours in DAP-18");
  }
  const crypto::Hash32 request_sha256 = crypto::Sha256(body);
  const AggregationJobId id = chosen_id ? *chosen_id : IdOfRequest(request_sha256);
  const auto known = parts_.store.FindHelperJob(*task, id);
  if (!known) return FailureAnswer(known.error());
  if (*known) {
    if ((*known)->request_sha256 != request_sha256) {
      return ProblemAnswer(version, DapProblem::kInvalidMessage, task_id,
                           "there is another request under this id");
    }
    if ((*known)->is_forgotten) {
      return ProblemAnswer(version, DapProblem::kUnrecognizedAggregationJob, task_id);
    }
    return JobAnswer(*task, id, std::move((*known)->answer));
  }
  const auto request = AggregationJobInitReq::Parse(version, body);
  if (!request) {
    return ProblemAnswer(version, DapProblem::kInvalidMessage, task_id, request.error().message);
  }
  if (const auto problem = CheckRequest(*task, *request)) {
    return ProblemAnswer(version, *problem, task_id);
  }
  const auto job = VerifyJob(*task, id, request_sha256, *request);
  if (job) return JobAnswer(*task, id, job->answer);
  // Another thread had the same request: its answer is the answer.
  if (job.error().code == ErrorCode::kAlreadyExists) {
    return HandleAggregationInit(task_id, chosen_id, body);
  }
  return FailureAnswer(job.error());
}

Result<HelperJob> AnsweringAggregator::VerifyJob(const OpenTask& task, const AggregationJobId& id,
                                                 const crypto::Hash32& request_sha256,
                                                 const AggregationJobInitReq& request) {
  const Timestamp now = parts_.clock.Now();
  const HpkeKeyRing keys = parts_.store.hpke_keys();
  AggregationJobResp response;
  std::vector<VerifiedReport> verified;
  std::vector<std::size_t> places;  // in the response
  response.verify_resps.reserve(request.verify_inits.size());
  verified.reserve(request.verify_inits.size());
  for (std::size_t i = 0; i < request.verify_inits.size(); ++i) {
    const ReportMetadata& metadata = request.verify_inits[i].report_share.metadata;
    auto done = Verify(task, keys, request.verify_inits[i], now);
    if (!done) {
      response.verify_resps.push_back(VerifyResp::Reject(metadata.id, done.error()));
      continue;
    }
    response.verify_resps.push_back(VerifyResp::Continue(metadata.id, std::move(done->outbound)));
    verified.push_back({.id = metadata.id,
                        .time = metadata.time,
                        .bucket = task.by_time() ? BucketOf(task, metadata.time)
                                                 : BucketKey::ForBatch(*request.batch_id),
                        .output_share = std::move(done->output_share)});
    places.push_back(i);
  }
  return parts_.store.CommitHelperJob(
      task, id, request_sha256, verified, [&](std::span<const Admission> admissions) {
        for (std::size_t k = 0; k < admissions.size(); ++k) {
          if (admissions[k] == Admission::kTaken) continue;
          response.verify_resps[places[k]] =
              VerifyResp::Reject(verified[k].id, ErrorOf(admissions[k]));
        }
        return response.Encode(task.version());
      });
}

DapAnswer AnsweringAggregator::HandleAggregationPoll(const TaskId& task_id,
                                                     const AggregationJobId& id) {
  const OpenTask* const task = FindTask(task_id);
  if (task == nullptr) {
    return ProblemAnswer(DapVersion::k18, DapProblem::kUnrecognizedTask, task_id);
  }
  const auto job = parts_.store.FindHelperJob(*task, id);
  if (!job) return FailureAnswer(job.error());
  if (!*job || (*job)->is_forgotten) {
    return ProblemAnswer(task->version(), DapProblem::kUnrecognizedAggregationJob, task_id);
  }
  return JobAnswer(*task, id, std::move((*job)->answer));
}

DapAnswer AnsweringAggregator::HandleAggregationDelete(const TaskId& task_id,
                                                       const AggregationJobId& id) {
  const OpenTask* const task = FindTask(task_id);
  if (task == nullptr) {
    return ProblemAnswer(DapVersion::k18, DapProblem::kUnrecognizedTask, task_id);
  }
  const auto forgotten = parts_.store.ForgetHelperJob(*task, id);
  if (!forgotten) return FailureAnswer(forgotten.error());
  if (*forgotten) return {};
  return ProblemAnswer(task->version(), DapProblem::kUnrecognizedAggregationJob, task_id);
}

}  // namespace salus::aggregate
