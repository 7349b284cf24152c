// A leader, a helper and a collector, and a case that comes between them: reports again and edited,
// messages lost and edited, a leader that asks for itself, restarts, power cuts, and time. Whatever
// the case does, no report is in two results or twice in one, no result holds what no honest client
// sent, none is of fewer reports than a batch has, and both aggregators mean the same reports by
// it. Where nobody cheats, a result has every report that was acknowledged for it in time.
//
// Input: byte 0 is the kind of task; then calls, a byte each that chooses and the bytes it needs.
#include <bit>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "aggregate/aggregator_fixture.h"
#include "aggregate/sealed_share.h"
#include "base/check.h"
#include "fuzz_input.h"

namespace salus::aggregate {
namespace {

// Report i measures 2^i: a sum tells which reports are in it, and one that is in it twice.
constexpr std::size_t kMostReports = 16;
constexpr int kMostCalls = 24;
constexpr int kMostSteps = 64;

TwoAggregators::Setup SetupOf(std::uint8_t kind) {
  return {.version = (kind & 1) != 0 ? DapVersion::k09 : DapVersion::k18,
          .mode = (kind & 2) != 0 ? BatchMode::kLeaderSelected : BatchMode::kTimeInterval,
          .vdaf = {.circuit = Circuit::kSum, .max_measurement = (1u << kMostReports) - 1},
          .min_batch_size = (kind & 4) != 0 ? 3u : 2u,
          .interval = std::nullopt,
          .job_reports = (kind & 8) != 0 ? 2u : 1024u,
          .noise = std::nullopt};
}

// Edit changes one message, or leaves it as it is.
struct Edit {
  explicit Edit(fuzz::Input& input) : kind(input.U8()) {
    if (kind % 4 == 0) return;
    at = input.U8() * 256u;
    at += input.U8();
    byte = input.U8();
  }

  Bytes Apply(ByteSpan message) const {
    Bytes out = ToBytes(message);
    const std::size_t place = out.empty() ? 0 : at % out.size();
    const auto where = out.begin() + static_cast<std::ptrdiff_t>(place);
    if (kind % 4 == 1 && !out.empty()) *where ^= byte;
    if (kind % 4 == 2) out.insert(where, byte);
    if (kind % 4 == 3) out.erase(where, out.end());
    return out;
  }

  std::uint8_t kind;
  std::size_t at = 0;
  std::uint8_t byte = 0;
};

// EditedChannel edits what goes through it, once each time that it was told to.
class EditedChannel final : public TwoAggregators {
 public:
  using TwoAggregators::TwoAggregators;

  Result<DapAnswer> Exchange(const DapTask& task, const ChannelRequest& request) override {
    ChannelRequest sent = request;
    Bytes body;
    if (const auto edit = std::exchange(edit_request, std::nullopt)) {
      body = edit->Apply(request.body);
      sent.body = body;
    }
    TRY(DapAnswer answer, TwoAggregators::Exchange(task, sent));
    if (const auto edit = std::exchange(edit_answer, std::nullopt)) {
      answer.body = edit->Apply(answer.body);
    }
    return answer;
  }

  std::optional<Edit> edit_request;
  std::optional<Edit> edit_answer;
};

class Case {
 public:
  explicit Case(fuzz::Input& input)
      : input_(input), setup_(SetupOf(input.U8())), two_(setup_), first_(two_.BucketNow()) {}

  void Run() {
    for (int call = 0; call < kMostCalls && !input_.Rest().empty(); ++call) {
      Call(input_.U8());
      Reopen();
    }
    Finish();
  }

 private:
  struct Asked {
    CollectionJobId id;
    Bytes request;
    Bytes answer;
    std::uint64_t reports = 0;  // as the bits of their sum
  };

  void Call(std::uint8_t which) {
    switch (which % 16) {
      case 0:
      case 1:
        return Make();
      case 2:
      case 3:
        return Upload();
      case 4:
        (void)two_.leader->Advance(two_.leader_task());
        return;
      case 5:
        return Advance();
      case 6:
        return Collect();
      case 7:
        return Poll();
      case 8:
        return ForgetSomething();
      case 9:
        two_.lose_requests = input_.U8() % 4;
        two_.lose_answers = input_.U8() % 4;
        return;
      case 10:
        two_.OpenLeader();
        two_.OpenHelper();
        return;
      case 11:
        (input_.U8() % 2 == 0 ? two_.leader_side : two_.helper_side).power.At(input_.U8() % 8);
        return;
      case 12:
        two_.clock.Advance(std::chrono::minutes(10 * input_.U8()));
        return;
      case 13:
        return EditChannel();
      case 14:
        return AskForJob();
      default:
        return AskForShare();
    }
  }

  void Reopen() {
    if (two_.leader_side.power.is_dead()) two_.OpenLeader();
    if (two_.helper_side.power.is_dead()) two_.OpenHelper();
  }

  // The clients.
  void Make() {
    if (reports_.size() == kMostReports) return;
    const std::uint64_t measurement = std::uint64_t{1} << reports_.size();
    const bool is_lie = input_.U8() % 8 == 7;
    reports_.push_back(is_lie ? two_.MakeLyingReport(measurement) : two_.MakeReport(measurement));
    if (!is_lie) honest_.emplace(reports_.back().Encode(setup_.version), measurement);
  }

  std::vector<DapReport> Chosen() {
    std::vector<DapReport> out;
    if (reports_.empty()) return out;
    const std::size_t first = input_.U8() % reports_.size();
    const std::size_t count = 1 + input_.U8() % 4;
    for (std::size_t i = 0; i < count; ++i) out.push_back(reports_[(first + i) % reports_.size()]);
    return out;
  }

  void Upload() {
    std::vector<DapReport> reports = Chosen();
    if (setup_.version == DapVersion::k09 && reports.size() > 1) reports.resize(1);
    if (reports.empty()) return;
    const Edit edit(input_);
    const Bytes body = edit.Apply(UploadRequest{reports}.Encode(setup_.version));
    const DapAnswer answer = two_.leader->HandleUpload(two_.task_id, body);
    const auto read = UploadRequest::Parse(setup_.version, body);
    if (!read) {
      CHECK(!answer.is_success());
      return;
    }
    Note(*read, answer);
  }

  // What a client knows of its report after the answer. An id that an edited report may have taken
  // is no longer worth anything.
  void Note(const UploadRequest& request, const DapAnswer& answer) {
    std::set<ReportId> refused;
    if (answer.is_success() && !answer.body.empty()) {
      const UploadErrors errors = UploadErrors::Parse(answer.body).value();
      for (const auto& status : errors.statuses) refused.insert(status.id);
    }
    for (const DapReport& report : request.reports) {
      const auto known = honest_.find(report.Encode(setup_.version));
      if (known == honest_.end()) {
        spoiled_.insert(report.metadata.id);
        continue;
      }
      sent_ |= known->second;
      if (!answer.is_success() || refused.contains(report.metadata.id)) continue;
      acknowledged_.emplace(report.metadata.id, std::pair(known->second, report.metadata.time));
    }
  }

  // The leader.
  void Advance() {
    for (int step = 0; step < kMostSteps; ++step) {
      const auto moved = two_.leader->Advance(two_.leader_task());
      if (!moved || !*moved) return;
    }
  }

  void EditChannel() {
    const std::uint8_t which = input_.U8();
    if (which % 2 == 0) two_.edit_request = Edit(input_);
    if (which % 2 == 1) two_.edit_answer = Edit(input_);
    is_honest_ = false;
  }

  void AskForJob() {
    is_honest_ = false;
    const std::vector<DapReport> reports = Chosen();
    if (reports.empty()) return;
    std::optional<BatchId> batch;
    if (setup_.mode == BatchMode::kLeaderSelected) {
      batch = BatchId();
      if (input_.U8() % 2 == 0) {
        const auto open = two_.leader_side.store->BatchWithLess(two_.leader_task(), 100);
        if (open && *open) batch = **open;
      }
    }
    const Bytes body = Edit(input_).Apply(two_.JobRequestFor(reports, batch));
    std::optional<AggregationJobId> id;
    if (setup_.version == DapVersion::k09) id = AggregationJobId::Random(two_.random);
    const DapAnswer answer = two_.helper->HandleAggregationInit(two_.task_id, id, body);
    if (!answer.is_success()) return;
    const AggregationJobId job = IdOf<AggregationJobId>(answer);
    CHECK(two_.helper->HandleAggregationPoll(two_.task_id, job).body == answer.body ||
          two_.helper_side.power.is_dead());
    if (input_.U8() % 2 == 0) two_.helper->HandleAggregationDelete(two_.task_id, job);
  }

  // A leader that asks for the helper's share of a batch as it likes.
  void AskForShare() {
    is_honest_ = false;
    DapBatchSelector selector = DapBatchSelector::ForInterval(Interval());
    if (setup_.mode == BatchMode::kLeaderSelected) {
      const auto open = two_.helper_side.store->BatchWithAtLeast(two_.helper_task(), 1);
      selector = DapBatchSelector::ForBatch(open && *open ? **open : BatchId());
    }
    const auto batch = Helpers(selector);
    if (!batch) return;
    AggregateShareReq request{.collection_job_req = {.query = DapQuery::ForNextBatch(),
                                                     .agg_param = {},
                                                     .extensions = {}},
                              .batch_selector = selector,
                              .report_count = batch->count,
                              .checksum = batch->checksum};
    if (setup_.mode == BatchMode::kTimeInterval) {
      request.collection_job_req.query = DapQuery::ForInterval(selector.interval);
    }
    const Bytes body = Edit(input_).Apply(request.Encode(setup_.version));
    const DapAnswer answer = two_.helper->HandleAggregateShare(two_.task_id, body);
    if (!answer.is_success()) return;
    request = AggregateShareReq::Parse(setup_.version, body).value();
    const auto given = Helpers(request.batch_selector);
    CHECK(given && given->count >= setup_.min_batch_size);
    CHECK(given->count == request.report_count && given->checksum == request.checksum);
    if (input_.U8() % 2 == 0) {
      two_.helper->HandleAggregateShareDelete(two_.task_id, IdOf<CollectionJobId>(answer));
    }
  }

  // The collector.
  DapInterval Interval() {
    const std::uint64_t start = input_.U8() % 4, buckets = 1 + input_.U8() % 3;
    return {.start = first_.start + start * first_.duration, .duration = buckets * first_.duration};
  }

  void Collect() {
    CollectionJobReq request = two_.RequestForNext();
    if (setup_.mode == BatchMode::kTimeInterval) request = two_.RequestFor(Interval());
    Begin(Edit(input_).Apply(request.Encode(setup_.version)));
  }

  // A collection may be there although the leader could not say so.
  void Begin(const Bytes& body) {
    has_asked_ = true;
    std::optional<CollectionJobId> id;
    if (setup_.version == DapVersion::k09) id = CollectionJobId::Random(two_.random);
    const DapAnswer answer = two_.leader->HandleCollection(two_.task_id, id, body);
    if (!answer.is_success()) return;
    if (!id) id = IdOf<CollectionJobId>(answer);
    for (Asked& asked : asked_) {
      if (asked.id == *id) return Check(asked, answer);
    }
    asked_.push_back({.id = *id, .request = body, .answer = {}});
    Check(asked_.back(), answer);
  }

  void Poll() {
    for (Asked& asked : asked_) {
      Check(asked, two_.leader->HandleCollectionPoll(two_.task_id, asked.id));
    }
  }

  void ForgetSomething() {
    if (asked_.empty()) return;
    const Asked& asked = asked_[input_.U8() % asked_.size()];
    two_.leader->HandleCollectionDelete(two_.task_id, asked.id);
    const DapAnswer after = two_.leader->HandleCollectionPoll(two_.task_id, asked.id);
    CHECK(two_.leader_side.power.is_dead() || after.body.empty() || after.status != 200);
  }

  void Check(Asked& asked, const DapAnswer& answer) {
    if (answer.status != 200 || answer.body.empty()) return;
    if (!asked.answer.empty()) {
      CHECK(asked.answer == answer.body);
      return;
    }
    asked.answer = answer.body;
    const auto request = CollectionJobReq::Parse(setup_.version, asked.request).value();
    const auto result = CollectionJobResp::Parse(setup_.version, answer.body).value();
    const auto batch = two_.collector().Open(request, result);
    if (!batch) {
      CHECK(!is_honest_);
      return;
    }
    asked.reports = static_cast<std::uint64_t>(batch->sums.at(0));
    CHECK(batch->report_count >= setup_.min_batch_size);
    CHECK(static_cast<std::uint64_t>(std::popcount(asked.reports)) == batch->report_count);
    CHECK((asked.reports & ~sent_) == 0);
    for (const Asked& other : asked_) {
      CHECK(&other == &asked || (other.reports & asked.reports) == 0);
    }
    if (setup_.mode != BatchMode::kTimeInterval) return;
    const auto theirs = Helpers(DapBatchSelector::ForInterval(request.query.interval));
    CHECK(!theirs || theirs->count == batch->report_count);
    if (is_honest_) CHECK((AcknowledgedIn(request.query.interval) & ~asked.reports) == 0);
  }

  std::uint64_t AcknowledgedIn(const DapInterval& interval) const {
    std::uint64_t out = 0;
    for (const auto& [id, report] : acknowledged_) {
      if (interval.Contains(report.second) && !spoiled_.contains(id)) out |= report.first;
    }
    return out;
  }

  // When everything works again, everything ends.
  void Finish() {
    two_.lose_requests = two_.lose_answers = 0;
    two_.leader_side.power.Never();
    two_.helper_side.power.Never();
    const bool is_new = !has_asked_;
    const DapInterval all{.start = first_.start, .duration = 200 * first_.duration};
    if (setup_.mode == BatchMode::kTimeInterval) {
      two_.PassInterval(two_.RequestFor(all));
      if (is_new) Begin(two_.RequestFor(all).Encode(setup_.version));
    }
    Advance();
    Poll();
    if (!is_honest_ || !is_new || setup_.mode != BatchMode::kTimeInterval) return;
    const auto wanted = AcknowledgedIn(all);
    if (static_cast<std::uint64_t>(std::popcount(wanted)) < setup_.min_batch_size) return;
    CHECK(asked_.size() == 1 && !asked_[0].answer.empty());
  }

  std::optional<BatchBucket> Helpers(const DapBatchSelector& selector) {
    if (selector.mode == BatchMode::kTimeInterval &&
        !two_.helper_task().task().IsBatchInterval(selector.interval)) {
      return std::nullopt;
    }
    const OpenTask& task = two_.helper_task();
    auto batch = two_.helper_side.store->ReadBatch(task, RangeOf(task, selector));
    if (!batch) return std::nullopt;
    return *std::move(batch);
  }

  template <typename Id>
  static Id IdOf(const DapAnswer& answer) {
    return Id::Parse(answer.location.substr(answer.location.rfind('/') + 1)).value();
  }

  fuzz::Input& input_;
  const TwoAggregators::Setup setup_;
  EditedChannel two_;
  const DapInterval first_;  // the bucket of the first moment
  bool is_honest_ = true;    // nobody but clients cheated so far
  std::vector<DapReport> reports_;
  std::map<Bytes, std::uint64_t> honest_;  // by their bytes
  std::uint64_t sent_ = 0;                 // honest reports that the leader may have
  std::map<ReportId, std::pair<std::uint64_t, std::uint64_t>> acknowledged_;  // bit and time
  std::set<ReportId> spoiled_;
  std::vector<Asked> asked_;
  bool has_asked_ = false;
};

}  // namespace
}  // namespace salus::aggregate

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::fuzz::Input input({data, size});
  salus::aggregate::Case(input).Run();
  return 0;
}
