// salus audit query: ask, verify, decrypt, filter, show.

#include <fmt/format.h>

#include <chrono>

#include "apps/salus/audit_commands.h"
#include "apps/salus/event_rows.h"
#include "apps/salus/verified_history.h"
#include "codec/rfc3339.h"

namespace salus::cli {

namespace {

// An event may be up to 5 minutes ahead of its logging.
constexpr std::chrono::minutes kAhead{5};

// A time is an instant, or a day; a day as the end means all of it.
Result<std::optional<Timestamp>> TimeOf(Session& session, const std::string& flag, bool is_end) {
  if (!session.arguments().Has(flag)) return std::optional<Timestamp>();
  const std::string text = session.arguments().Text(flag);
  if (const Result<Day> day = codec::ParseDay(text)) {
    const Day at = is_end ? *day + std::chrono::days(1) : *day;
    return std::optional<Timestamp>(Timestamp(at) - std::chrono::milliseconds(is_end ? 1 : 0));
  }
  if (const Result<Timestamp> time = codec::ParseRfc3339(text)) {
    return std::optional<Timestamp>(*time);
  }
  return session.Usage(flag + ": a day (2026-03-01) or an instant (2026-03-01T08:00:00Z)");
}

Result<EventFilter> FilterOf(Session& session) {
  EventFilter filter;
  TRY(filter.from, TimeOf(session, "--from", false));
  TRY(filter.to, TimeOf(session, "--to", true));
  if (filter.from && *filter.from > session.clock().Now() + kAhead) {
    session.terminal().Warn("--from is not yet: nothing is logged from then on");
  }
  filter.user = session.arguments().Text("--user");
  const std::string action = session.arguments().Text("--action");
  if (!action.empty()) {
    const Result<audit::Action> parsed = audit::ParseAction(action);
    if (!parsed) return session.Usage("--action: " + parsed.error().message);
    filter.action = *parsed;
  }
  return filter;
}

// What is asked for: the subjects, and of an auditor who names none its mandate's questions.
Result<HistoryReader::AskedMandate> AskedSubjects(Session& session, HistoryReader& reader) {
  using Asked = HistoryReader::AskedMandate;
  const std::vector<std::string> ids = session.arguments().List("--patient");
  if (reader.reader().kind == audit::SubjectKind::kSystem) {
    if (!ids.empty()) return session.Usage("an officer reads the events without a patient only");
    return Asked{{reader.reader()}, {}};
  }
  if (reader.reader().kind == audit::SubjectKind::kPatient) {
    const bool is_self = ids.empty() || (ids.size() == 1 && ids[0] == reader.reader().id);
    if (!is_self) return session.Usage("a patient reads its own history: leave --patient out");
    return Asked{{reader.reader()}, {}};
  }
  const bool is_of_mandate = ids.empty() && !session.arguments().Has("--save");
  if (session.arguments().Has("--queries") && !is_of_mandate) {
    session.terminal().Say(
        "questions about your whole mandate are shown without --patient and --save");
  }
  // Evidence holds the receipt of its own question, and not of a mandate's.
  if (is_of_mandate) return reader.AskMandate();
  if (ids.empty()) return Asked{reader.Mandated(), {}};
  Asked asked;
  for (const std::string& id : ids) {
    Result<audit::Subject> subject = audit::Subject::Create(
        audit::SubjectKind::kPatient, session.arguments().Text("--system"), id);
    if (!subject) return session.Usage("--patient: " + subject.error().message);
    asked.patients.push_back(*std::move(subject));
  }
  return asked;
}

void SayProven(Session& session, const audit::Subject& reader, const audit::Subject& subject,
               const audit::VerifiedHistory& history) {
  Terminal& terminal = session.terminal();
  terminal.Say(subject.id + ": proven: " + history.proven, Colour::kGreen);
  for (const std::string& warning : history.warnings) terminal.Warn(subject.id + ": " + warning);
  const std::uint64_t others = OthersQuestions(reader, history);
  if (others > 0 && !session.arguments().Has("--queries")) {
    terminal.Say(fmt::format("{}: others asked {}: --queries says who and when", subject.id,
                             Counted(others, "time", "times")));
  }
}

void WriteEvents(Session& session, const audit::Subject& subject, const EventFilter& filter,
                 const audit::VerifiedHistory& history, EventWriter& writer) {
  std::uint64_t break_glass = 0;
  for (const audit::VerifiedEvent& event : history.events) {
    if (!filter.Matches(event.event)) continue;
    if (IsBreakGlass(event.event)) ++break_glass;
    writer.Write(event);
  }
  if (break_glass == 0) return;
  session.terminal().Say(
      fmt::format("{}: marked with !: {}", subject.id,
                  Counted(break_glass, "break-glass access", "break-glass accesses")),
      Colour::kRed);
}

}  // namespace

Result<ExitCode> RunAuditQuery(Session& session) {
  TRY(const OutputFormat format, session.Format());
  TRY(const EventFilter filter, FilterOf(session));
  const bool wants_questions = session.arguments().Has("--queries");
  if (wants_questions && format == OutputFormat::kFhir) {
    return session.Usage("--queries: one of table, json, ndjson, csv");
  }
  TRY(const std::unique_ptr<HistoryReader> reader, HistoryReader::Open(session));
  reader->set_purpose(session.arguments().Text("--purpose"));
  TRY(const HistoryReader::AskedMandate asked, AskedSubjects(session, *reader));
  const std::vector<audit::Subject>& subjects = asked.patients;
  const bool keep = session.arguments().Has("--save");
  if (keep && subjects.size() != 1) {
    return session.Usage("--save keeps the evidence of one patient: name it with --patient");
  }
  if (subjects.empty()) session.terminal().Warn("your mandate names no patients");
  std::optional<Day> from;
  if (filter.from) from = DayOf(*filter.from - kAhead);
  std::optional<EventWriter> events;
  std::optional<QuestionWriter> questions;
  if (wants_questions) {
    questions.emplace(session.terminal(), format);
  } else {
    events.emplace(session.terminal(), format);
  }
  for (const audit::Subject& subject : subjects) {
    Result<HistoryReader::Answered> answered = reader->Read(subject, from, keep);
    if (!answered) return std::move(answered.error()).WithContext("patient " + subject.id);
    if (answered->evidence) {
      const std::string path = session.arguments().Text("--save");
      TRY_VOID(WriteTextFile(path, AsText(audit::EncodeEvidence(*answered->evidence))));
      session.terminal().Say("evidence kept in " + path +
                             "; check it again with: salus audit verify " + path);
    }
    SayProven(session, reader->reader(), subject, answered->history);
    if (questions) {
      TRY_VOID(questions->Write(subject, answered->history));
      if (subject == reader->reader() && subject.kind == audit::SubjectKind::kPatient) {
        TRY(const auto of_mandates, reader->MandateQuestions(*answered));
        for (const auto& question : of_mandates) questions->Write(subject, question);
      }
    }
    if (events) WriteEvents(session, subject, filter, answered->history, *events);
  }
  if (questions) {
    for (const auto& question : asked.questions) questions->Write({}, question);
    questions->Finish();
  }
  if (events) events->Finish();
  return ExitCode::kDone;
}

}  // namespace salus::cli
