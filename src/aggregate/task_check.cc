#include "aggregate/task_check.h"

#include <algorithm>
#include <utility>

#include "aggregate/dap_path.h"
#include "aggregate/ping_pong.h"
#include "base/endian.h"

namespace salus::aggregate {

namespace {

using By = Deviation::By;

// Requests that share a path's beginning are of one kind, whichever version's method they use.
enum class Kind : std::uint8_t { kJob, kShare, kCollection, kUpload, kOther };

bool IsBelow(std::string_view path, std::string_view resource) {
  return path == resource || (path.starts_with(resource) && path.size() > resource.size() &&
                              path[resource.size()] == '/');
}

Kind KindOf(const TaskId& task, std::string_view path) {
  if (IsBelow(path, AggregationJobsPath(task))) return Kind::kJob;
  if (IsBelow(path, AggregateSharesPath(task))) return Kind::kShare;
  if (IsBelow(path, TaskPath(task, "collection_jobs"))) return Kind::kCollection;
  if (IsBelow(path, TaskPath(task, "reports"))) return Kind::kUpload;
  return Kind::kOther;
}

bool IsSuccess(const TaskExchange& exchange) {
  return exchange.status >= 200 && exchange.status < 300 && !exchange.answer.empty();
}

std::string Count(std::uint64_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

BucketRange RangeOf(const DapTask& task, const DapBatchSelector& selector) {
  if (selector.mode == BatchMode::kLeaderSelected) {
    return BucketRange::Of(BucketKey::ForBatch(selector.batch_id));
  }
  const DapInterval& interval = selector.interval;
  return {BucketKey::ForTime(interval.start),
          BucketKey::ForTime(task.BucketOf(interval.start + interval.duration - 1).start)};
}

bool Overlap(const BucketRange& a, const BucketRange& b) {
  return a.first <= b.last && b.first <= a.last;
}

}  // namespace

std::string_view DeviatorName(Deviation::By by) {
  switch (by) {
    case By::kLeader:
      return "leader";
    case By::kHelper:
      return "helper";
    case By::kNobody:
      break;
  }
  return "nobody";
}

TaskCheck::TaskCheck(DapTask task, std::unique_ptr<const Prio3> prio3, SignatureCheck leader,
                     SignatureCheck helper)
    : task_(std::move(task)),
      prio3_(std::move(prio3)),
      leader_(std::move(leader)),
      helper_(std::move(helper)) {}

Result<TaskCheck> TaskCheck::Create(DapTask task, SignatureCheck leader, SignatureCheck helper) {
  TRY(std::unique_ptr<const Prio3> prio3, Prio3::Create(task.vdaf()));
  return TaskCheck(std::move(task), std::move(prio3), std::move(leader), std::move(helper));
}

// Who signed nothing that could be checked is not named: the keeper may have written it.
void TaskCheck::Accuse(By by, std::string text, std::string where) {
  const bool is_unchecked = (by == By::kLeader && !leader_) || (by == By::kHelper && !helper_);
  if (is_unchecked) {
    text = "the " + std::string(DeviatorName(by)) + ", if these are its words, " + text;
    by = By::kNobody;
  }
  findings_.deviations.push_back({by, std::move(text), std::move(where)});
}

// What is unsigned, or wrongly signed, may be the keeper's own work.
bool TaskCheck::IsSignedBy(By by, std::string_view text, std::string_view signature,
                           const std::string& where) {
  const SignatureCheck& check = by == By::kLeader ? leader_ : helper_;
  if (!check || check(text, signature)) return true;
  Accuse(By::kNobody,
         "a message of the " + std::string(DeviatorName(by)) +
             (signature.empty() ? " bears no signature" : " bears a signature that is not its own"),
         where);
  return false;
}

// An exchange that was made or kept twice counts once. To one request the helper has one answer.
bool TaskCheck::IsNew(const TaskExchange& exchange, const std::string& where) {
  const SeenAnswer answer{crypto::Sha256(exchange.answer), where};
  const auto [seen, is_new] =
      answers_.emplace(crypto::Sha256(AsBytes(exchange.RequestText())), answer);
  if (is_new) return true;
  if (seen->second.sha256 != answer.sha256) {
    Accuse(By::kHelper, "gave one request two answers; the other one: " + seen->second.where,
           where);
  }
  return false;
}

Result<void> TaskCheck::Take(const TaskExchange& exchange, const std::string& where) {
  const Kind kind = KindOf(task_.id(), exchange.path);
  if (kind == Kind::kOther) return InvalidArgument("is of another task");
  const bool is_between = kind == Kind::kJob || kind == Kind::kShare;
  const By answers = is_between ? By::kHelper : By::kLeader;
  const bool is_asked = !is_between || IsSignedBy(By::kLeader, exchange.RequestText(),
                                                  exchange.request_signature, where);
  const bool is_answered =
      IsSignedBy(answers, exchange.AnswerText(), exchange.answer_signature, where);
  // What nobody stands for is nobody's deviation.
  const std::string texts = exchange.RequestText() + exchange.AnswerText();
  if (!seen_.insert(crypto::Sha256(AsBytes(texts))).second) return {};
  ++findings_.exchanges;
  if (!is_asked || !is_answered || !IsSuccess(exchange)) return {};
  if (kind == Kind::kCollection) TakeResult(exchange, where);
  // A poll has no request of its own, and gets the answer that was given before.
  if (!is_between || exchange.request.empty()) return {};
  if (!IsNew(exchange, where)) return {};
  if (kind == Kind::kJob) TakeJob(exchange, where);
  if (kind == Kind::kShare) TakeShare(exchange, where);
  return {};
}

void TaskCheck::TakeJob(const TaskExchange& exchange, const std::string& where) {
  const auto request = AggregationJobInitReq::Parse(task_.version(), exchange.request);
  if (!request) {
    return Accuse(By::kHelper, "answered a job that is none: " + request.error().message, where);
  }
  const auto answer = AggregationJobResp::Parse(task_.version(), exchange.answer);
  if (!answer) {
    return Accuse(By::kHelper, "answered a job with what is no answer: " + answer.error().message,
                  where);
  }
  if (request->batch_id.has_value() == is_by_time()) {
    return Accuse(By::kHelper, "answered a job of the other batch mode", where);
  }
  const bool fits = std::ranges::equal(
      answer->verify_resps, request->verify_inits, {}, &VerifyResp::id,
      [](const VerifyInit& init) -> const ReportId& { return init.report_share.metadata.id; });
  if (!fits) return Accuse(By::kHelper, "answered a job with other reports", where);
  ++findings_.jobs;
  for (std::size_t i = 0; i < answer->verify_resps.size(); ++i) {
    const VerifyInit& init = request->verify_inits[i];
    const BucketKey bucket =
        is_by_time() ? BucketKey::ForTime(task_.BucketOf(init.report_share.metadata.time).start)
                     : BucketKey::ForBatch(*request->batch_id);
    TakeReport(init, answer->verify_resps[i], bucket, where);
  }
}

void TaskCheck::TakeReport(const VerifyInit& init, const VerifyResp& answer,
                           const BucketKey& bucket, const std::string& where) {
  if (answer.type == VerifyRespType::kReject) {
    ++findings_.refused[answer.error];
    return;
  }
  const ReportMetadata& metadata = init.report_share.metadata;
  const auto accuse = [&](std::string_view what) {
    Accuse(By::kHelper, "counted the report " + metadata.id.ToText() + " " + std::string(what),
           where);
  };
  const auto& interval = task_.interval();
  if (interval && !interval->Contains(metadata.time)) accuse("outside the time of the task");
  const auto begun = PingPongMessage::Parse(init.payload);
  const auto finished = PingPongMessage::Parse(answer.payload);
  const bool is_verified = begun && begun->type == PingPongType::kInitialize &&
                           begun->verifier_share.size() == prio3_->verifier_share_bytes() &&
                           finished && finished->type == PingPongType::kFinish &&
                           finished->verifier_message.size() == prio3_->verifier_message_bytes();
  if (!is_verified) accuse("without a proof that could hold");
  if (!counted_.insert(metadata.id).second) return accuse("twice");
  ++findings_.counted;
  Tally& tally = tallies_[bucket];
  ++tally.count;
  AddToChecksum(tally.checksum, metadata.id);
}

void TaskCheck::TakeShare(const TaskExchange& exchange, const std::string& where) {
  auto request = AggregateShareReq::Parse(task_.version(), exchange.request);
  if (!request) {
    return Accuse(By::kHelper, "gave a share for what is no request: " + request.error().message,
                  where);
  }
  const auto answer = DapAggregateShare::Parse(exchange.answer);
  if (!answer) {
    return Accuse(By::kHelper, "answered with what is no share: " + answer.error().message, where);
  }
  const DapBatchSelector& selector = request->batch_selector;
  if (selector.mode != task_.batch_mode() ||
      (is_by_time() && !task_.IsBatchInterval(selector.interval))) {
    return Accuse(By::kHelper, "gave its share of what is no batch of the task", where);
  }
  if (request->report_count < task_.min_batch_size()) {
    Accuse(By::kLeader,
           "asked for the share of a batch of " + Count(request->report_count, "report"), where);
    Accuse(By::kHelper,
           "gave the share of a batch of " + Count(request->report_count, "report") + ", below " +
               std::to_string(task_.min_batch_size()),
           where);
  }
  Bytes sealed = answer->encrypted_aggregate_share.Encode();
  const auto same = std::ranges::find(shares_, sealed, &GivenShare::sealed_share);
  if (same != shares_.end()) {
    Accuse(By::kHelper, "gave one share for two batches; the other one: " + same->where, where);
  }
  shares_.push_back({.request = *std::move(request),
                     .sealed_share = std::move(sealed),
                     .leader_share = std::nullopt,
                     .where = where});
}

void TaskCheck::TakeResult(const TaskExchange& exchange, const std::string& where) {
  auto result = CollectionJobResp::Parse(task_.version(), exchange.answer);
  if (!result) {
    return Accuse(By::kLeader, "gave the collector what is no result: " + result.error().message,
                  where);
  }
  results_.emplace_back(*std::move(result), where);
}

// The helper's own answers are what it counted; what it confirmed by its share must be that.
void TaskCheck::CompareBatch(const GivenShare& given) {
  const BucketRange range = RangeOf(task_, given.request.batch_selector);
  Tally sum;
  for (auto at = tallies_.lower_bound(range.first); at != tallies_.end() && at->first <= range.last;
       ++at) {
    sum.count += at->second.count;
    for (std::size_t i = 0; i < sum.checksum.size(); ++i) sum.checksum[i] ^= at->second.checksum[i];
  }
  const AggregateShareReq& request = given.request;
  if (sum.count > request.report_count) {
    return Accuse(By::kHelper,
                  "counted " + Count(sum.count, "report") + " and gave its share of " +
                      std::to_string(request.report_count),
                  given.where);
  }
  if (sum.count < request.report_count) {
    return Accuse(By::kNobody,
                  "leader and helper agree on " + Count(request.report_count, "report") +
                      ", of which " + std::to_string(sum.count) +
                      " are here: the transcript is not whole, or both counted what was not sent",
                  given.where);
  }
  if (sum.checksum != request.checksum) {
    Accuse(By::kHelper, "gave its share of other reports than it counted", given.where);
  }
}

void TaskCheck::CompareOverlaps() {
  std::vector<std::pair<BucketRange, const GivenShare*>> ranges;
  ranges.reserve(shares_.size());
  for (const GivenShare& share : shares_) {
    ranges.emplace_back(RangeOf(task_, share.request.batch_selector), &share);
  }
  std::ranges::sort(ranges, {}, [](const auto& range) { return range.first.first; });
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    if (!Overlap(ranges[i - 1].first, ranges[i].first)) continue;
    Accuse(By::kHelper,
           "gave two shares of batches that overlap; the other one: " + ranges[i - 1].second->where,
           ranges[i].second->where);
  }
}

bool TaskCheck::IsShareOf(const GivenShare& given, const CollectionJobResp& result) const {
  const DapBatchSelector& selector = given.request.batch_selector;
  return is_by_time() ? selector.interval.Contains(result.interval)
                      : result.batch_id == selector.batch_id;
}

void TaskCheck::CompareResult(const CollectionJobResp& result, const std::string& where) {
  const Bytes sealed = result.helper_share.Encode();
  GivenShare* given = nullptr;
  for (GivenShare& share : shares_) {
    if (share.sealed_share != sealed) continue;
    // Of one share for two batches the helper was named already.
    if (given != nullptr) return;
    given = &share;
  }
  if (given == nullptr) {
    const bool is_other =
        std::ranges::any_of(shares_, [&](const GivenShare& s) { return IsShareOf(s, result); });
    if (is_other) {
      return Accuse(By::kLeader, "gave the collector a share that is not the helper's", where);
    }
    // It may have been given before this transcript was begun.
    ++findings_.results_alone;
    return;
  }
  if (given->request.report_count != result.report_count) {
    Accuse(By::kLeader,
           "told the collector of " + Count(result.report_count, "report") + ", the helper of " +
               std::to_string(given->request.report_count),
           where);
  }
  Bytes own = result.leader_share.Encode();
  if (given->leader_share && *given->leader_share != own) {
    Accuse(By::kLeader, "gave two shares of one batch, whose noise could be averaged", where);
  }
  given->leader_share = std::move(own);
}

TaskFindings TaskCheck::Finish() {
  CompareOverlaps();
  for (const auto& [result, where] : results_) CompareResult(result, where);
  for (const GivenShare& given : shares_) {
    CompareBatch(given);
    findings_.batches.push_back({.selector = given.request.batch_selector,
                                 .report_count = given.request.report_count,
                                 .is_delivered = given.leader_share.has_value()});
  }
  return std::move(findings_);
}

}  // namespace salus::aggregate
