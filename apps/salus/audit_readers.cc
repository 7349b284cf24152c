// salus audit readers.

#include "apps/salus/audit_commands.h"
#include "codec/rfc3339.h"

namespace salus::cli {

Result<ExitCode> RunAuditReaders(Session& session) {
  TRY(const OutputFormat format, session.Format());
  audit::Subject patient;
  if (session.arguments().Has("--patient")) {
    TRY(patient, session.SubjectOf(audit::SubjectKind::kPatient, "--patient"));
  } else {
    TRY(patient, session.Reader());
  }
  TRY(Backend* const place, session.Place(Access::kRead));
  TRY(const std::vector<ReaderLine> readers, place->Readers(patient));
  if (readers.empty()) session.terminal().Say("no auditor can read this patient's history");
  ResultWriter writer(session.terminal(), format, {"auditor", "name", "since", "until", "purpose"});
  for (const ReaderLine& reader : readers) {
    writer.Row({{"auditor", reader.auditor},
                {"name", reader.name},
                {"since", codec::FormatDay(reader.from)},
                {"until", reader.until ? codec::FormatDay(*reader.until) : ""},
                {"purpose", reader.purpose}});
  }
  return ExitCode::kDone;
}

}  // namespace salus::cli
