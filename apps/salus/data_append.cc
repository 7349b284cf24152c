// The embedded ingest: batches of lines through a node's recorder, two on their way at a time,
// answers in the order of the input.

#include <condition_variable>
#include <deque>
#include <mutex>
#include <vector>

#include "apps/salus/data_backend.h"
#include "audit/fhir_event.h"
#include "client/line_batch.h"
#include "codec/flat_json.h"
#include "codec/json.h"
#include "node/node.h"

namespace salus::cli {

namespace {

constexpr std::size_t kBatchLines = 1000;
constexpr std::size_t kBatchBytes = 4u << 20;
constexpr std::size_t kInFlight = 2;
constexpr std::size_t kMaxFhirBytes = 64u << 20;

// LineNames is what an event says of itself: the recorder's answers are by place.
struct LineNames {
  std::string_view text;  // of a line; empty for FHIR
  std::string id;
  std::string patient;
  std::string system;
};

std::vector<LineNames> NamesOf(std::string_view text) {
  std::vector<LineNames> names;
  codec::FlatJsonParser parser;
  parser.ParseLines(text, [&names](std::size_t, std::string_view line,
                                   Result<codec::FlatJsonParser::Members> members) {
    LineNames& of = names.emplace_back();
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

std::vector<LineNames> NamesOf(std::span<const audit::OfferedEvent> events) {
  std::vector<LineNames> names;
  for (const audit::OfferedEvent& offered : events) {
    LineNames& of = names.emplace_back();
    if (!offered.event) continue;
    of.id = offered.event->id.ToString();
    of.patient = offered.event->patient;
    of.system = offered.event->system;
  }
  return names;
}

// Flight is a batch on its way; its text must stay until it is answered.
struct Flight {
  client::LineBatch batch;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<LineNames> names;
  std::optional<Result<audit::RecordedBatch>> done;  // by mutex

  Result<audit::RecordedBatch> Wait() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return done.has_value(); });
    return *std::move(done);
  }
};

class Appender {
 public:
  Appender(node::Node& node, audit::SourceRow source, const AppendCall& call)
      : node_(node), source_(std::move(source)), call_(call) {}

  void StartLines(client::LineBatch batch) {
    Flight& flight = Add(std::move(batch));
    flight.names = NamesOf(flight.batch.text);
    node_.recorder().RecordLines(source_, flight.batch.text, {.is_atomic = call_.is_atomic},
                                 Done(flight));
  }

  // FHIR: the first input line, and what its resources became.
  void StartEvents(std::uint64_t first_line, const audit::FhirEvents& events) {
    Flight& flight = Add({.first_line = first_line, .lines = 0, .text = {}});
    flight.names = NamesOf(events.offered());
    node_.recorder().RecordEvents(source_, events.offered(), {.is_atomic = call_.is_atomic},
                                  Done(flight));
  }

  Result<void> FinishOldest() {
    const std::unique_ptr<Flight> flight = std::move(flights_.front());
    flights_.pop_front();
    Result<audit::RecordedBatch> done = flight->Wait();
    if (failed_) return {};
    Result<void> told = done ? Tell(*flight, *done) : Result<void>(done.error());
    if (!told) failed_ = told.error();
    return {};
  }

  void Fail(Error error) { failed_ = std::move(error); }
  std::size_t in_flight() const { return flights_.size(); }
  const std::optional<Error>& failed() const { return failed_; }
  const AppendTotals& totals() const { return totals_; }

 private:
  Flight& Add(client::LineBatch batch) {
    flights_.push_back(std::make_unique<Flight>());
    flights_.back()->batch = std::move(batch);
    return *flights_.back();
  }

  static audit::Recorder::Done Done(Flight& flight) {
    return [running = &flight](Result<audit::RecordedBatch> done) {
      std::lock_guard lock(running->mutex);
      running->done = std::move(done);
      running->changed.notify_all();
    };
  }

  Result<void> Tell(const Flight& flight, const audit::RecordedBatch& done) {
    for (std::size_t place = 0; place < done.lines.size(); ++place) {
      const audit::RecordedLine& line = done.lines[place];
      AppendedLine answer;
      answer.line = flight.batch.first_line + line.line - 1;
      if (place < flight.names.size()) {
        answer.text = flight.names[place].text;
        answer.event_id = flight.names[place].id;
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
    return call_.receipted ? TellReceipts(flight.names, done) : Result<void>();
  }

  void Count(AppendedLine::Status status) {
    if (status == AppendedLine::Status::kLogged) ++totals_.logged;
    if (status == AppendedLine::Status::kRepeat) ++totals_.repeats;
    if (status == AppendedLine::Status::kRefused) ++totals_.refused;
  }

  Result<void> TellReceipts(const std::vector<LineNames>& names, const audit::RecordedBatch& done) {
    for (const audit::RecordedBatch::CommitReceipt& commit : done.receipts) {
      KeptReceipt kept;
      kept.source = source_.id;
      kept.receipt = commit.receipt;
      for (const std::uint32_t place : commit.lines) {
        const audit::RecordedLine& line = done.lines.at(place);
        const LineNames& name = names.at(place);
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

// One AuditEvent or Bundle however it is laid out, or NDJSON of them: a first line that is a whole
// JSON text, with others behind it, makes it lines.
Result<AppendTotals> AppendFhir(node::Node& node, const audit::SourceRow& source,
                                const AppendCall& call) {
  Appender appender(node, source, call);
  // All of a Bundle is waited for, however slowly it comes.
  client::LineBatchReader reader(
      {call.input.read}, {.lines = kBatchLines, .bytes = kBatchBytes, .line_bytes = kMaxFhirBytes});
  TRY(std::optional<client::LineBatch> batch, reader.Next());
  if (!batch) batch.emplace();
  const std::string_view first = std::string_view(batch->text).substr(0, batch->text.find('\n'));
  const bool is_lines = batch->lines > 1 && codec::ParseJson(first).has_value();
  if (!is_lines) {
    std::string body;
    while (batch && body.size() <= kMaxFhirBytes) {
      body += batch->text;
      TRY(batch, reader.Next());
    }
    if (body.size() > kMaxFhirBytes) return InvalidArgument("a Bundle is at most 64 MiB");
    audit::FhirEvents events;
    TRY_VOID(events.Add(body, source.id));
    appender.StartEvents(1, events);
    batch.reset();
  }
  while (batch && !appender.failed()) {
    audit::FhirEvents events;
    events.AddLines(batch->text, source.id);
    if (appender.in_flight() == kInFlight) TRY_VOID(appender.FinishOldest());
    appender.StartEvents(batch->first_line, events);
    Result<std::optional<client::LineBatch>> next = reader.Next();
    if (!next) appender.Fail(next.error());
    batch = next ? *std::move(next) : std::nullopt;
  }
  while (appender.in_flight() > 0) TRY_VOID(appender.FinishOldest());
  if (appender.failed()) return *appender.failed();
  return appender.totals();
}

}  // namespace

Result<AppendTotals> AppendToNode(node::Node& node, const AppendCall& call) {
  const auto source = node.directory().FindSource(call.source);
  if (!source) {
    return NotFound("this source is not registered: salus source add ID --data DIR");
  }
  if (call.format == InputFormat::kFhir) return AppendFhir(node, *source, call);
  Appender appender(node, *source, call);
  client::LineBatchReader reader =
      call.is_atomic
          ? client::LineBatchReader({call.input.read}, {.bytes = kBatchBytes + 1})
          : client::LineBatchReader(call.input, {.lines = kBatchLines, .bytes = kBatchBytes});
  std::optional<Error> input_failed;
  while (!appender.failed()) {
    Result<std::optional<client::LineBatch>> batch = reader.Next();
    if (!batch) input_failed = batch.error();
    if (!batch || !*batch) break;
    if (call.is_atomic && (*batch)->text.size() > kBatchBytes) {
      input_failed = InvalidArgument("--atomic takes at most 4 MiB: nothing was sent");
      break;
    }
    if (appender.in_flight() == kInFlight) TRY_VOID(appender.FinishOldest());
    appender.StartLines(**std::move(batch));
  }
  while (appender.in_flight() > 0) TRY_VOID(appender.FinishOldest());
  if (appender.failed()) return *appender.failed();
  if (input_failed) return *input_failed;
  return appender.totals();
}

}  // namespace salus::cli
