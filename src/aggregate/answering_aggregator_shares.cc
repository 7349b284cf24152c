#include <utility>

#include "aggregate/answering_aggregator.h"
#include "aggregate/dap_media_type.h"
#include "aggregate/dap_path.h"
#include "aggregate/sealed_share.h"
#include "crypto/sha256.h"

namespace salus::aggregate {
namespace {

// CheckSelector asks whether the leader's batch is one, and one that the collector asked for.
std::optional<DapProblem> CheckSelector(const OpenTask& task, const AggregateShareReq& request) {
  const DapBatchSelector& selector = request.batch_selector;
  const CollectionJobReq& asked = request.collection_job_req;
  if (selector.mode != task.task().batch_mode()) return DapProblem::kInvalidMessage;
  if (!asked.agg_param.empty()) return DapProblem::kInvalidAggregationParameter;
  if (task.by_time() && !task.task().IsBatchInterval(selector.interval)) {
    return DapProblem::kBatchInvalid;
  }
  if (task.version() == DapVersion::k09) return std::nullopt;
  if (asked.query.mode != selector.mode) return DapProblem::kInvalidMessage;
  if (!InStrictOrder(asked.extensions)) return DapProblem::kInvalidExtension;
  if (!asked.extensions.empty()) return DapProblem::kUnsupportedExtension;
  if (task.by_time() && !asked.query.interval.Contains(selector.interval)) {
    return DapProblem::kBatchInvalid;
  }
  return std::nullopt;
}

std::optional<DapProblem> CheckBatch(const OpenTask& task, const AggregateShareReq& request,
                                     const BatchBucket& batch) {
  // A batch id that no report came under is none.
  if (!task.by_time() && batch.count == 0) return DapProblem::kBatchInvalid;
  if (batch.count < task.task().min_batch_size()) return DapProblem::kInvalidBatchSize;
  if (batch.count != request.report_count || batch.checksum != request.checksum) {
    return DapProblem::kBatchMismatch;
  }
  return std::nullopt;
}

}  // namespace

// Logged before it is given, each time it is given.
DapAnswer AnsweringAggregator::ShareAnswer(const OpenTask& task, const Collection& share) {
  const auto logged =
      parts_.log.BatchCollected(task.config(), {.selector = SelectorOf(task, *share.range),
                                                .report_count = share.report_count,
                                                .checksum = share.checksum,
                                                .answer_sha256 = crypto::Sha256(share.answer)});
  if (!logged) return FailureAnswer(logged.error());
  return {.media_type = std::string(MediaType(task.version(), DapMessageType::kAggregateShare)),
          .location = AggregateSharePath(task.task().id(), share.id),
          .body = share.answer};
}

DapAnswer AnsweringAggregator::HandleAggregateShare(const TaskId& task_id, ByteSpan body) {
  const OpenTask* const task = FindTask(task_id);
  if (task == nullptr) {
    return ProblemAnswer(DapVersion::k18, DapProblem::kUnrecognizedTask, task_id);
  }
  const DapVersion version = task->version();
  const auto known = parts_.store.FindCollectionByRequest(*task, crypto::Sha256(body));
  if (!known) return FailureAnswer(known.error());
  if (*known) return ShareAnswer(*task, **known);
  const auto request = AggregateShareReq::Parse(version, body);
  if (!request) {
    return ProblemAnswer(version, DapProblem::kInvalidMessage, task_id, request.error().message);
  }
  if (const auto problem = CheckSelector(*task, *request)) {
    return ProblemAnswer(version, *problem, task_id);
  }
  Collection share;
  share.id = CollectionJobId::Random(parts_.random);
  share.request = ToBytes(body);
  share.range = RangeOf(*task, request->batch_selector);
  std::optional<DapProblem> problem;
  const auto fixed = parts_.store.FixCollection(
      *task, std::move(share), [&](BatchBucket batch, Collection& made) -> Result<void> {
        problem = CheckBatch(*task, *request, batch);
        if (problem) return FailedPrecondition("aggregate share: the batch is not to be given");
        const auto noised = parts_.noise.Add(*task, *made.range, batch.share);
        if (!noised && noised.error().code == ErrorCode::kPermissionDenied) {
          problem = DapProblem::kPrivacyBudgetSpent;
        }
        TRY_VOID(noised);
        TRY(HpkeCiphertext sealed,
            SealAggregateShare(*task, request->collection_job_req, request->batch_selector,
                               batch.share, parts_.random));
        made.answer = DapAggregateShare{std::move(sealed)}.Encode();
        made.report_count = batch.count;
        made.checksum = batch.checksum;
        made.state = CollectionState::kFinished;
        return {};
      });
  if (fixed) return ShareAnswer(*task, *fixed);
  if (problem) return ProblemAnswer(version, *problem, task_id);
  if (fixed.error().code == ErrorCode::kConflict) {
    return ProblemAnswer(version, DapProblem::kBatchOverlap, task_id);
  }
  return FailureAnswer(fixed.error());
}

DapAnswer AnsweringAggregator::HandleAggregateSharePoll(const TaskId& task_id,
                                                        const CollectionJobId& id) {
  const OpenTask* const task = FindTask(task_id);
  if (task == nullptr) {
    return ProblemAnswer(DapVersion::k18, DapProblem::kUnrecognizedTask, task_id);
  }
  const auto share = parts_.store.FindCollection(*task, id);
  if (!share) return FailureAnswer(share.error());
  if (!*share || (*share)->state != CollectionState::kFinished) {
    return ProblemAnswer(task->version(), DapProblem::kUnknownCollectionJob, task_id);
  }
  return ShareAnswer(*task, **share);
}

DapAnswer AnsweringAggregator::HandleAggregateShareDelete(const TaskId& task_id,
                                                          const CollectionJobId& id) {
  const OpenTask* const task = FindTask(task_id);
  if (task == nullptr) {
    return ProblemAnswer(DapVersion::k18, DapProblem::kUnrecognizedTask, task_id);
  }
  const auto deleted = parts_.store.DeleteCollection(*task, id);
  if (!deleted) return FailureAnswer(deleted.error());
  if (*deleted) return {};
  return ProblemAnswer(task->version(), DapProblem::kUnknownCollectionJob, task_id);
}

}  // namespace salus::aggregate
