// The embedded ingest: batches of lines through a node's recorder, two on their way at a time,
// answers in the order of the input.

#include <condition_variable>
#include <deque>
#include <mutex>
#include <unordered_map>

#include "apps/salus/data_backend.h"
#include "apps/salus/line_batches.h"
#include "codec/flat_json.h"
#include "node/node.h"

namespace salus::cli {

namespace {

constexpr std::size_t kBatchLines = 1000;
constexpr std::size_t kBatchBytes = 4u << 20;
constexpr std::size_t kInFlight = 2;

// Flight is a batch on its way; its text must stay until it is answered.
struct Flight {
  LineBatch batch;
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Result<audit::RecordedBatch>> done;  // by mutex

  Result<audit::RecordedBatch> Wait() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return done.has_value(); });
    return *std::move(done);
  }
};

struct LineNames {
  std::string_view text;
  std::string id;
  std::string patient;
  std::string system;
};

// What the lines themselves say: the recorder's answers are by number.
std::unordered_map<std::size_t, LineNames> NamesOf(std::string_view text) {
  std::unordered_map<std::size_t, LineNames> names;
  codec::FlatJsonParser parser;
  parser.ParseLines(text, [&names](std::size_t number, std::string_view line,
                                   Result<codec::FlatJsonParser::Members> members) {
    LineNames& of = names[number];
    of.text = line;
    if (!members) return;
    for (const codec::FlatMember& member : *members) {
      if (member.name == "id") of.id = member.text;
      if (member.name == "patient") of.patient = member.text;
      if (member.name == "system") of.system = member.text;
    }
  });
  return names;
}

class Appender {
 public:
  Appender(node::Node& node, audit::SourceRow source, const AppendCall& call)
      : node_(node), source_(std::move(source)), call_(call) {}

  void Start(LineBatch batch) {
    auto flight = std::make_unique<Flight>();
    flight->batch = std::move(batch);
    Flight* const running = flight.get();
    flights_.push_back(std::move(flight));
    node_.recorder().RecordLines(source_, running->batch.text, {.is_atomic = call_.is_atomic},
                                 [running](Result<audit::RecordedBatch> done) {
                                   std::lock_guard lock(running->mutex);
                                   running->done = std::move(done);
                                   running->changed.notify_all();
                                 });
  }

  Result<void> FinishOldest() {
    const std::unique_ptr<Flight> flight = std::move(flights_.front());
    flights_.pop_front();
    Result<audit::RecordedBatch> done = flight->Wait();
    if (failed_) return {};
    Result<void> told = done ? Tell(flight->batch, *done) : Result<void>(done.error());
    if (!told) failed_ = told.error();
    return {};
  }

  std::size_t in_flight() const { return flights_.size(); }
  const std::optional<Error>& failed() const { return failed_; }
  const AppendTotals& totals() const { return totals_; }

 private:
  Result<void> Tell(const LineBatch& batch, const audit::RecordedBatch& done) {
    const auto names = NamesOf(batch.text);
    for (const audit::RecordedLine& line : done.lines) {
      AppendedLine answer;
      answer.line = batch.lines_before + line.line;
      const auto name = names.find(line.line);
      if (name != names.end()) {
        answer.text = name->second.text;
        answer.event_id = name->second.id;
      }
      if (!line.outcome) {
        answer.status = AppendedLine::Status::kRefused;
        answer.refusal = line.outcome.error();
      } else if (line.outcome->kind == tlog::OutcomeKind::kConflict) {
        answer.status = AppendedLine::Status::kRefused;
        answer.refusal = Conflict("an event with this id was logged before, with other content");
      } else {
        answer.status = line.outcome->kind == tlog::OutcomeKind::kRepeat
                            ? AppendedLine::Status::kRepeat
                            : AppendedLine::Status::kLogged;
        answer.index = line.outcome->index;
        answer.leaf_hash = line.outcome->leaf_hash;
      }
      Count(answer.status);
      if (call_.answered) TRY_VOID(call_.answered(answer));
    }
    return call_.receipted ? TellReceipts(done, names) : Result<void>();
  }

  void Count(AppendedLine::Status status) {
    if (status == AppendedLine::Status::kLogged) ++totals_.logged;
    if (status == AppendedLine::Status::kRepeat) ++totals_.repeats;
    if (status == AppendedLine::Status::kRefused) ++totals_.refused;
  }

  Result<void> TellReceipts(const audit::RecordedBatch& done,
                            const std::unordered_map<std::size_t, LineNames>& names) {
    for (const audit::RecordedBatch::CommitReceipt& commit : done.receipts) {
      KeptReceipt kept;
      kept.source = source_.id;
      kept.receipt = commit.receipt;
      for (const std::uint32_t place : commit.lines) {
        const audit::RecordedLine& line = done.lines.at(place);
        const LineNames& name = names.at(line.line);
        kept.events.push_back({name.id, line.outcome->index, line.outcome->leaf_hash,
                               done.patients.at(line.patient).tag.tag, name.patient, name.system});
      }
      if (!kept.events.empty()) TRY_VOID(call_.receipted(kept));
    }
    return {};
  }

  node::Node& node_;
  const audit::SourceRow source_;
  const AppendCall& call_;
  std::deque<std::unique_ptr<Flight>> flights_;
  AppendTotals totals_;
  std::optional<Error> failed_;
};

}  // namespace

Result<AppendTotals> AppendToNode(node::Node& node, const AppendCall& call) {
  const auto source = node.directory().FindSource(call.source);
  if (!source) {
    return NotFound("this source is not registered: salus source add ID --data DIR");
  }
  if (call.format == InputFormat::kFhir) return AppendFhirToNode(node, *source, call);
  Appender appender(node, *source, call);
  const std::size_t max_lines = call.is_atomic ? SIZE_MAX : kBatchLines;
  LineBatches batches(call.read, max_lines, call.is_atomic ? SIZE_MAX : kBatchBytes,
                      codec::FlatJsonParser::kMaxLineBytes);
  std::optional<Error> input_failed;
  while (!appender.failed()) {
    LineBatch batch;
    const Result<bool> more = batches.Next(batch);
    if (!more) input_failed = more.error();
    if (!more || !*more) break;
    if (call.is_atomic && batch.text.size() > kBatchBytes) {
      input_failed = InvalidArgument("--atomic takes at most 4 MiB: nothing was sent");
      break;
    }
    if (appender.in_flight() == kInFlight) TRY_VOID(appender.FinishOldest());
    appender.Start(std::move(batch));
  }
  while (appender.in_flight() > 0) TRY_VOID(appender.FinishOldest());
  if (appender.failed()) return *appender.failed();
  if (input_failed) return *input_failed;
  return appender.totals();
}

}  // namespace salus::cli
