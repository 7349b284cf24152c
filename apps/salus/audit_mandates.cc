// salus audit mandates: what auditors asked about all patients of a mandate that names this one.

#include <fmt/format.h>

#include "apps/salus/audit_commands.h"
#include "apps/salus/result_writer.h"
#include "apps/salus/verified_history.h"
#include "codec/rfc3339.h"

namespace salus::cli {

Result<ExitCode> RunAuditMandates(Session& session) {
  TRY(const OutputFormat format, session.Format());
  TRY(const std::unique_ptr<HistoryReader> reader, HistoryReader::Open(session));
  if (reader->reader().kind != audit::SubjectKind::kPatient) {
    return session.Usage("--as must be a patient's identity");
  }
  TRY(const HistoryReader::Answered own, reader->Read(reader->reader(), std::nullopt, false));
  TRY(const std::vector<HistoryReader::MandateQuestion> questions, reader->MandateQuestions(own));
  session.terminal().Say("proven: " + own.history.proven, Colour::kGreen);
  for (const std::string& warning : own.history.warnings) session.terminal().Warn(warning);
  ResultWriter writer(session.terminal(), format, {"time", "auditor", "purpose", "entry"});
  for (const HistoryReader::MandateQuestion& question : questions) {
    writer.Row({{"time", codec::FormatRfc3339(question.time)},
                {"auditor", question.auditor},
                {"purpose", question.purpose},
                {"entry", question.entry.value}});
  }
  writer.Finish();
  if (questions.empty()) session.terminal().Say("no auditor asked about a whole mandate of yours");
  return ExitCode::kDone;
}

}  // namespace salus::cli
