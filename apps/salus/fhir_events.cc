#include "apps/salus/fhir_events.h"

#include <algorithm>
#include <future>
#include <span>
#include <string_view>

#include "apps/salus/data_backend.h"
#include "audit/fhir_event.h"
#include "codec/json.h"

namespace salus::cli {

namespace {

constexpr std::size_t kMaxInputBytes = 64u << 20;  // what ParseJson takes
constexpr std::size_t kEventsPerRequest = 1000;
constexpr std::size_t kReadBytes = 256 * 1024;

Result<std::string> ReadAll(const AppendCall& call) {
  std::string text;
  Bytes buffer(kReadBytes);
  for (;;) {
    TRY(const std::size_t got, call.read(buffer));
    if (got == 0) return text;
    text += AsText(ByteSpan(buffer).first(got));
    if (text.size() > kMaxInputBytes) {
      return InvalidArgument("FHIR input of more than 64 MiB: nothing was logged, split it");
    }
  }
}

// Lines in a buffer, for the texts of refused ones.
std::vector<std::string_view> LinesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

class FhirAppender {
 public:
  FhirAppender(node::Node& node, const audit::SourceRow& source, const AppendCall& call)
      : node_(node), source_(source), call_(call) {}

  // lines are the input's, where it is one resource a line.
  Result<void> Append(std::span<const audit::OfferedEvent> events,
                      std::span<const std::string_view> lines) {
    std::promise<Result<audit::RecordedBatch>> promise;
    node_.recorder().RecordEvents(
        source_, events, {.is_atomic = call_.is_atomic},
        [&promise](Result<audit::RecordedBatch> done) { promise.set_value(std::move(done)); });
    TRY(const audit::RecordedBatch batch, promise.get_future().get());
    for (const audit::RecordedLine& line : batch.lines) {
      AppendedLine answer = AnswerTo(line);
      if (line.line <= lines.size()) answer.text = lines[line.line - 1];
      if (call_.answered) TRY_VOID(call_.answered(answer));
    }
    return call_.receipted ? TellReceipts(batch) : Result<void>();
  }

  const AppendTotals& totals() const { return totals_; }

 private:
  AppendedLine AnswerTo(const audit::RecordedLine& line) {
    AppendedLine answer;
    answer.line = line.line;
    answer.event_id = line.event_id;
    if (!line.outcome) {
      answer.status = AppendedLine::Status::kRefused;
      answer.refusal = line.outcome.error();
      ++totals_.refused;
      return answer;
    }
    const bool is_repeat = line.outcome->kind == tlog::OutcomeKind::kRepeat;
    answer.status = is_repeat ? AppendedLine::Status::kRepeat : AppendedLine::Status::kLogged;
    answer.index = line.outcome->index;
    answer.leaf_hash = line.outcome->leaf_hash;
    ++(is_repeat ? totals_.repeats : totals_.logged);
    return answer;
  }

  Result<void> TellReceipts(const audit::RecordedBatch& batch) {
    for (const audit::RecordedBatch::CommitReceipt& commit : batch.receipts) {
      KeptReceipt kept;
      kept.source = source_.id;
      kept.receipt = commit.receipt;
      for (const std::uint32_t place : commit.lines) {
        const audit::RecordedLine& line = batch.lines.at(place);
        const audit::RecordedBatch::Patient& patient = batch.patients.at(line.patient);
        kept.events.push_back({std::string(line.event_id), line.outcome->index,
                               line.outcome->leaf_hash, patient.tag.tag, patient.subject.id,
                               patient.subject.system});
      }
      if (!kept.events.empty()) TRY_VOID(call_.receipted(kept));
    }
    return {};
  }

  node::Node& node_;
  const audit::SourceRow& source_;
  const AppendCall& call_;
  AppendTotals totals_;
};

}  // namespace

Result<AppendTotals> AppendFhirToNode(node::Node& node, const audit::SourceRow& source,
                                      const AppendCall& call) {
  TRY(const std::string text, ReadAll(call));
  audit::FhirEvents events;
  std::vector<std::string_view> lines;
  if (Result<void> whole = events.Add(text, source.id); !whole) {
    // Not one resource: one a line, if the first line is one.
    lines = LinesOf(text);
    const auto first = std::ranges::find_if(lines, [](std::string_view line) {
      return line.find_first_not_of(" \t\r") != std::string_view::npos;
    });
    if (first == lines.end() || !codec::ParseJson(*first)) return whole.error();
    events.AddLines(text, source.id);
  }
  FhirAppender appender(node, source, call);
  const auto offered = events.offered();
  const std::size_t step =
      call.is_atomic ? std::max<std::size_t>(offered.size(), 1) : kEventsPerRequest;
  for (std::size_t at = 0; at < offered.size(); at += step) {
    TRY_VOID(appender.Append(offered.subspan(at, std::min(step, offered.size() - at)), lines));
  }
  return appender.totals();
}

Result<std::string> FhirTextOf(const audit::Event& event) { return audit::EventToFhir(event); }

std::string FhirBundleOf(const std::vector<std::string>& resources) {
  return audit::FhirBundle(resources);
}

}  // namespace salus::cli
