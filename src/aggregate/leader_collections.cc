#include <utility>

#include "aggregate/dap_media_type.h"
#include "aggregate/dap_path.h"
#include "aggregate/input_share.h"
#include "aggregate/leader.h"
#include "aggregate/sealed_share.h"
#include "crypto/sha256.h"

namespace salus::aggregate {
namespace {

constexpr int kPollAfter = 5;

DapAnswer Unknown(const OpenTask& task) {
  return ProblemAnswer(task.version(), DapProblem::kUnknownCollectionJob, task.task().id());
}

// What is wrong with a request, apart from which batches were collected before.
std::optional<DapProblem> CheckRequest(const OpenTask& task, const CollectionJobReq& request) {
  if (request.query.mode != task.task().batch_mode()) return DapProblem::kInvalidMessage;
  if (!request.agg_param.empty()) return DapProblem::kInvalidAggregationParameter;
  if (!InStrictOrder(request.extensions)) return DapProblem::kInvalidExtension;
  if (!request.extensions.empty()) return DapProblem::kUnsupportedExtension;
  if (task.by_time() && !task.task().IsBatchInterval(request.query.interval)) {
    return DapProblem::kBatchInvalid;
  }
  return std::nullopt;
}

DapInterval ReportInterval(const OpenTask& task, const BatchBucket& batch) {
  const DapInterval first = task.task().BucketOf(batch.first_time);
  const DapInterval last = task.task().BucketOf(batch.last_time);
  return {.start = first.start, .duration = last.start + last.duration - first.start};
}

}  // namespace

DapAnswer Leader::HandleCollection(const TaskId& task_id, const std::optional<CollectionJobId>& id,
                                   ByteSpan body) {
  const OpenTask* const task = parts_.store.FindTask(task_id);
  if (task == nullptr || !task->is_leader()) {
    return ProblemAnswer(DapVersion::k18, DapProblem::kUnrecognizedTask, task_id);
  }
  const bool is_09 = task->version() == DapVersion::k09;
  if (is_09 != id.has_value()) {
    return ProblemAnswer(task->version(), DapProblem::kInvalidMessage, task_id,
                         "the id is the collector's to choose in DAP-09, ours in DAP-18");
  }
  const auto known = is_09 ? parts_.store.FindCollection(*task, *id)
                           : parts_.store.FindCollectionByRequest(*task, crypto::Sha256(body));
  if (!known) return FailureAnswer(known.error());
  if (*known) return AnswerAgain(*task, **known, body);
  const auto request = CollectionJobReq::Parse(task->version(), body);
  if (!request) {
    return ProblemAnswer(task->version(), DapProblem::kInvalidMessage, task_id,
                         request.error().message);
  }
  if (const auto problem = CheckRequest(*task, *request)) {
    return ProblemAnswer(task->version(), *problem, task_id);
  }
  Collection collection;
  collection.id = is_09 ? *id : CollectionJobId::Random(parts_.random);
  collection.request = ToBytes(body);
  if (task->by_time()) {
    collection.range = RangeOf(*task, DapBatchSelector::ForInterval(request->query.interval));
  } else if (request->query.batch_id) {
    return HandleKnownBatch(*task, std::move(collection), *request->query.batch_id);
  }
  const auto begun = parts_.store.BeginCollection(
      *task, collection, is_09 ? CollectionName::kId : CollectionName::kRequest);
  if (!begun && begun.error().code == ErrorCode::kConflict) {
    return ProblemAnswer(task->version(), DapProblem::kBatchOverlap, task_id);
  }
  if (!begun) return FailureAnswer(begun.error());
  if (!begun->is_new) return AnswerAgain(*task, begun->collection, body);
  DapAnswer answer = AnswerOf(*task, collection);
  answer.status = 201;
  return answer;
}

// A request that was begun before, perhaps a moment ago by another thread.
DapAnswer Leader::AnswerAgain(const OpenTask& task, const Collection& known, ByteSpan body) const {
  if (!Equal(known.request, body)) {
    return ProblemAnswer(task.version(), DapProblem::kInvalidMessage, task.task().id(),
                         "there is another request under this id");
  }
  return task.version() == DapVersion::k09 ? DapAnswer{.status = 201} : AnswerOf(task, known);
}

// DAP-09 asks for a batch by its id only when it has had it before: it gets the same answer.
DapAnswer Leader::HandleKnownBatch(const OpenTask& task, Collection collection,
                                   const BatchId& batch) {
  const auto range = BucketRange::Of(BucketKey::ForBatch(batch));
  const auto before = parts_.store.FindFinishedBatch(task, range);
  if (!before) return FailureAnswer(before.error());
  if (!*before) {
    return ProblemAnswer(task.version(), DapProblem::kBatchInvalid, task.task().id());
  }
  // Without a range of its own it holds nothing: the first one does.
  collection.state = CollectionState::kFinished;
  collection.answer = (*before)->answer;
  const auto begun = parts_.store.BeginCollection(task, collection, CollectionName::kId);
  if (!begun) return FailureAnswer(begun.error());
  return AnswerAgain(task, begun->collection, collection.request);
}

DapAnswer Leader::AnswerOf(const OpenTask& task, const Collection& collection) const {
  const TaskId& task_id = task.task().id();
  switch (collection.state) {
    case CollectionState::kFinished:
      return {
          .media_type = std::string(MediaType(task.version(), DapMessageType::kCollectionJobResp)),
          .location = CollectionJobPath(task_id, collection.id),
          .body = collection.answer};
    case CollectionState::kFailed:
      return ProblemAnswer(task.version(),
                           ProblemOfName(collection.failure).value_or(DapProblem::kInvalidMessage),
                           task_id);
    case CollectionState::kDeleted:
    case CollectionState::kAbandoned:
      return task.version() == DapVersion::k09 ? DapAnswer{.status = 204} : Unknown(task);
    case CollectionState::kWaiting:
    case CollectionState::kClosing:
    case CollectionState::kCollecting:
      break;
  }
  return {.status = 202,
          .location = CollectionJobPath(task_id, collection.id),
          .retry_after_s = kPollAfter};
}

DapAnswer Leader::HandleCollectionPoll(const TaskId& task_id, const CollectionJobId& id) {
  const OpenTask* const task = parts_.store.FindTask(task_id);
  if (task == nullptr || !task->is_leader()) {
    return ProblemAnswer(DapVersion::k18, DapProblem::kUnrecognizedTask, task_id);
  }
  const auto collection = parts_.store.FindCollection(*task, id);
  if (!collection) return FailureAnswer(collection.error());
  return *collection ? AnswerOf(*task, **collection) : Unknown(*task);
}

DapAnswer Leader::HandleCollectionDelete(const TaskId& task_id, const CollectionJobId& id) {
  const OpenTask* const task = parts_.store.FindTask(task_id);
  if (task == nullptr || !task->is_leader()) {
    return ProblemAnswer(DapVersion::k18, DapProblem::kUnrecognizedTask, task_id);
  }
  const auto deleted = parts_.store.DeleteCollection(*task, id);
  if (!deleted) return FailureAnswer(deleted.error());
  return *deleted ? DapAnswer{} : Unknown(*task);
}

Result<bool> Leader::AdvanceCollection(const OpenTask& task, Collection collection) {
  bool moved = false;
  if (collection.state == CollectionState::kWaiting) {
    TRY(moved, CloseBatch(task, collection));
  }
  if (collection.state == CollectionState::kClosing) {
    TRY(moved, FixShare(task, collection));
  }
  if (collection.state == CollectionState::kCollecting) {
    TRY(moved, AskForShare(task, collection));
  }
  return moved;
}

// IsOver says that no honest client makes a report for the batch any more.
Result<bool> Leader::IsOver(const OpenTask& task, const Collection& collection) const {
  std::optional<std::uint64_t> end;
  if (task.by_time()) {
    TRY(const CollectionJobReq request,
        CollectionJobReq::Parse(task.version(), collection.request));
    end = request.query.interval.start + request.query.interval.duration;
  } else if (const auto& interval = task.task().interval()) {
    end = interval->start + interval->duration;
  }
  if (!end) return false;
  const std::optional<std::uint64_t> second = task.task().UnixSeconds(*end);
  const auto now = std::chrono::floor<std::chrono::seconds>(parts_.clock.Now());
  return second && now.time_since_epoch() > std::chrono::seconds(*second) + options_.late;
}

// A batch that is large enough is closed: from then on it only gets what was taken before. One by
// time has to be over first, or the reports of the rest of its interval would be lost.
Result<bool> Leader::CloseBatch(const OpenTask& task, Collection& collection) {
  const std::uint64_t wanted = task.task().min_batch_size();
  if (task.by_time()) {
    TRY(const bool is_over, IsOver(task, collection));
    if (!is_over) return false;
    TRY(const BatchBucket batch, parts_.store.ReadBatch(task, *collection.range));
    if (batch.count < wanted) return GiveUp(task, collection);
  } else {
    TRY(const std::optional<BatchId> batch, parts_.store.BatchWithAtLeast(task, wanted));
    if (!batch) return GiveUp(task, collection);
    collection.range = BucketRange::Of(BucketKey::ForBatch(*batch));
  }
  collection.state = CollectionState::kClosing;
  const auto closed = parts_.store.MoveCollection(task, CollectionState::kWaiting, collection);
  if (closed) return true;
  if (closed.error().code != ErrorCode::kConflict) return closed.error();
  collection.state = CollectionState::kWaiting;
  // Another job was faster.
  TRY_VOID(Fail(task, collection, DapProblem::kBatchOverlap));
  return true;
}

// A batch that will get no more reports, and has too few, fails; the collector may ask again.
Result<bool> Leader::GiveUp(const OpenTask& task, Collection& collection) {
  TRY(const bool is_over, IsOver(task, collection));
  if (!is_over) return false;
  TRY(const TaskCounts counts, parts_.store.Count(task));
  if (counts.waiting > 0) return false;
  TRY_VOID(Fail(task, collection, DapProblem::kInvalidBatchSize));
  return true;
}

Result<bool> Leader::FixShare(const OpenTask& task, Collection& collection) {
  TRY(const std::optional<LeaderJob> job, parts_.store.UnfinishedJob(task));
  if (job && job->batch_id && BucketKey::ForBatch(*job->batch_id) == collection.range->first) {
    return false;
  }
  if (task.by_time()) {
    TRY(const bool is_drained, parts_.store.IsDrained(task, collection.id));
    if (!is_drained) return false;
  }
  TRY(const CollectionJobReq request, CollectionJobReq::Parse(task.version(), collection.request));
  bool is_spent = false;
  const auto fixed = parts_.store.FixCollection(
      task, collection, [&](BatchBucket batch, Collection& made) -> Result<void> {
        const DapBatchSelector selector = SelectorOf(task, *made.range);
        const auto noised = parts_.noise.Add(task, *made.range, batch.share);
        is_spent = !noised && noised.error().code == ErrorCode::kPermissionDenied;
        TRY_VOID(noised);
        TRY(const HpkeCiphertext sealed,
            SealAggregateShare(task, request, selector, batch.share, parts_.random));
        made.leader_share = sealed.Encode();
        made.report_count = batch.count;
        made.interval = ReportInterval(task, batch);
        made.checksum = batch.checksum;
        made.share_request = AggregateShareReq{.collection_job_req = request,
                                               .batch_selector = selector,
                                               .report_count = batch.count,
                                               .checksum = batch.checksum}
                                 .Encode(task.version());
        made.state = CollectionState::kCollecting;
        return {};
      });
  if (fixed) {
    collection = *fixed;
    return true;
  }
  if (!is_spent) return fixed.error();
  TRY_VOID(Fail(task, collection, DapProblem::kPrivacyBudgetSpent));
  return true;
}

Result<bool> Leader::AskForShare(const OpenTask& task, Collection& collection) {
  const ChannelRequest request{
      .method = "POST",
      .path = AggregateSharesPath(task.task().id()),
      .media_type = std::string(MediaType(task.version(), DapMessageType::kAggregateShareReq)),
      .body = collection.share_request};
  TRY(const DapAnswer answer, channel_.Exchange(task.task(), request));
  if (!answer.is_success()) {
    // What the helper refuses it has not collected. Anything else may pass.
    const auto problem = ProblemOf(answer);
    if (!problem || *problem == DapProblem::kUnrecognizedTask) {
      return Unavailable("the helper gave no aggregate share: status " + DescribeRefusal(answer));
    }
    TRY_VOID(Fail(task, collection, *problem));
    return true;
  }
  if (answer.body.empty()) return Unavailable("the helper is still at an aggregate share");
  const auto share = DapAggregateShare::Parse(answer.body);
  if (!share) return VerificationFailed("the helper's answer: " + share.error().message);

  TRY(HpkeCiphertext own, HpkeCiphertext::Parse(collection.leader_share));
  CollectionJobResp result{.batch_id = std::nullopt,
                           .report_count = collection.report_count,
                           .interval = collection.interval,
                           .leader_share = std::move(own),
                           .helper_share = share->encrypted_aggregate_share};
  const DapBatchSelector selector = SelectorOf(task, *collection.range);
  if (task.version() == DapVersion::k09 && !task.by_time()) result.batch_id = selector.batch_id;
  collection.answer = result.Encode(task.version());
  collection.state = CollectionState::kFinished;
  // They only served to ask the helper again.
  collection.share_request.clear();
  collection.leader_share.clear();
  TRY_VOID(parts_.log.BatchCollected(task.config(),
                                     {.selector = selector,
                                      .report_count = collection.report_count,
                                      .checksum = collection.checksum,
                                      .answer_sha256 = crypto::Sha256(collection.answer)}));
  TRY_VOID(parts_.store.MoveCollection(task, CollectionState::kCollecting, collection));
  return true;
}

Result<void> Leader::Fail(const OpenTask& task, Collection& collection, DapProblem problem) {
  const CollectionState from = std::exchange(collection.state, CollectionState::kFailed);
  collection.failure = std::string(ProblemName(problem));
  return parts_.store.MoveCollection(task, from, collection);
}

}  // namespace salus::aggregate
