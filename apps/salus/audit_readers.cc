// salus audit readers: a patient's own chain says who can read; an operator asks the directory.

#include <algorithm>

#include "apps/salus/audit_commands.h"
#include "apps/salus/holder_key.h"
#include "apps/salus/verified_history.h"
#include "audit/verified_readers.h"
#include "codec/rfc3339.h"

namespace salus::cli {

namespace {

std::string DaysText(Day from, Day to) {
  return codec::FormatDay(from) + (to == from ? "" : " to " + codec::FormatDay(to));
}

std::string SharedDaysOf(const audit::VerifiedReader& reader) {
  std::string text;
  for (const audit::SharedDaysNotice& days : reader.shared) {
    if (!text.empty()) text += ", ";
    text += DaysText(days.from, days.to);
  }
  return text;
}

Result<std::vector<codec::JsonObject>> VerifiedRows(Session& session,
                                                    const audit::Subject& patient) {
  TRY(const std::unique_ptr<HistoryReader> reader, HistoryReader::Open(session));
  TRY(const HistoryReader::Answered answered, reader->Read(patient, std::nullopt, false));
  TRY(const std::vector<audit::VerifiedReader> readers, audit::VerifiedReaders(answered.history));
  std::vector<codec::JsonObject> rows;
  for (const audit::VerifiedReader& one : readers) {
    rows.push_back({{"auditor", one.auditor},
                    {"name", one.auditor.empty() ? "custodians together" : one.name},
                    {"since", one.from ? codec::FormatDay(*one.from) : ""},
                    {"until", one.until ? codec::FormatDay(*one.until) : ""},
                    {"purpose", one.purpose},
                    {"keys", one.keys ? DaysText(one.keys->first, one.keys->second) : ""},
                    {"shared", SharedDaysOf(one)},
                    {"key", one.key ? KeyPrint(*one.key) : ""},
                    {"entry", one.entry.value}});
  }
  session.terminal().Say("proven: " + answered.history.proven, Colour::kGreen);
  for (const std::string& warning : answered.history.warnings) session.terminal().Warn(warning);
  return rows;
}

Result<std::vector<codec::JsonObject>> ToldRows(Session& session, const audit::Subject& patient) {
  TRY(Backend* const place, session.Place(Access::kRead));
  TRY(const std::vector<ReaderLine> readers, place->Readers(patient));
  std::vector<codec::JsonObject> rows;
  for (const ReaderLine& one : readers) {
    rows.push_back({{"auditor", one.auditor},
                    {"name", one.name},
                    {"since", codec::FormatDay(one.from)},
                    {"until", one.until ? codec::FormatDay(*one.until) : ""},
                    {"purpose", one.purpose},
                    {"keys", ""},
                    {"shared", ""}});
  }
  session.terminal().Say("as the directory says; only the patient's own --as proves it");
  return rows;
}

// The subject, if it is the patient who asks.
Result<std::optional<audit::Subject>> AskingPatient(Session& session) {
  if (session.TextOr("--as", "SALUS_AS").empty()) return std::optional<audit::Subject>();
  TRY(const audit::Subject reader, session.Reader());
  if (reader.kind != audit::SubjectKind::kPatient) return std::optional<audit::Subject>();
  const std::string named = session.arguments().Text("--patient");
  if (!named.empty() && named != reader.id) {
    return session.Usage("a patient asks about itself: leave --patient out");
  }
  return std::optional<audit::Subject>(reader);
}

}  // namespace

Result<ExitCode> RunAuditReaders(Session& session) {
  TRY(const OutputFormat format, session.Format());
  TRY(const std::optional<audit::Subject> self, AskingPatient(session));
  std::vector<codec::JsonObject> rows;
  if (self) {
    TRY(rows, VerifiedRows(session, *self));
  } else {
    TRY(const audit::Subject patient, session.SubjectOf(audit::SubjectKind::kPatient, "--patient"));
    TRY(rows, ToldRows(session, patient));
  }
  if (rows.empty())
    session.terminal().Say("no auditor has, or had, a right to read this patient's history");
  ResultWriter writer(session.terminal(), format,
                      {"auditor", "name", "since", "until", "purpose", "keys", "shared"});
  for (codec::JsonObject& row : rows) writer.Row(std::move(row));
  return ExitCode::kDone;
}

}  // namespace salus::cli
