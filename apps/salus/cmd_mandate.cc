// salus mandate set, show.

#include <fmt/format.h>

#include "apps/salus/registry_import.h"
#include "apps/salus/session.h"
#include "codec/rfc3339.h"

namespace salus::cli {

namespace {

Result<ExitCode> RunSet(Session& session) {
  const Arguments& given = session.arguments();
  TRY(const std::string purpose, session.Required("--purpose"));
  TRY(const std::optional<Day> from, session.DayOfFlag("--from"));
  TRY(const std::optional<Day> until, session.DayOfFlag("--until"));
  std::vector<audit::Subject> patients;
  for (const std::string& id : given.List("--patient")) {
    TRY(audit::Subject subject,
        audit::Subject::Create(audit::SubjectKind::kPatient, given.Text("--system"), id));
    patients.push_back(std::move(subject));
  }
  if (given.Has("--patients")) {
    const std::string path = given.Text("--patients");
    TRY(const auto rows, ReadRegistry(path, {"id", "system"}));
    for (const auto& [line, row] : rows) {
      Result<audit::Subject> subject =
          audit::Subject::Create(audit::SubjectKind::kPatient, row.system, row.id);
      if (!subject) return AtLine(path, line, std::move(subject.error()));
      patients.push_back(*std::move(subject));
    }
  }
  if (patients.empty() && !given.Has("--nobody")) {
    return session.Usage(
        "name the patients: --patient ID, --patients FILE.csv, or --nobody to end "
        "the mandate");
  }
  TRY(Backend* const place, session.Place(Access::kWrite));
  const std::size_t count = patients.size();
  TRY_VOID(place->PutMandate(given.Text("AUDITOR"), std::move(patients), purpose, from, until));
  session.terminal().Say(
      fmt::format("mandate over {} set; it works forward only, and each of them sees it",
                  Counted(count, "patient", "patients")),
      Colour::kGreen);
  return ExitCode::kDone;
}

Result<ExitCode> RunShow(Session& session) {
  TRY(const OutputFormat format, session.Format());
  TRY(Backend* const place, session.Place(Access::kRead));
  TRY(const audit::MandateRow row, place->GetMandate(session.arguments().Text("AUDITOR")));
  session.terminal().Say(fmt::format(
      "auditor {}, purpose {}, from {}, {}", row.auditor.id, row.purpose,
      codec::FormatDay(row.from),
      row.until ? "until " + codec::FormatDay(*row.until) : std::string("without end")));
  ResultWriter writer(session.terminal(), format,
                      {"patient", "system", "from", "until", "purpose"});
  for (const audit::Subject& patient : row.patients) {
    writer.Row({{"patient", patient.id},
                {"system", patient.system},
                {"from", codec::FormatDay(row.from)},
                {"until", row.until ? codec::FormatDay(*row.until) : ""},
                {"purpose", row.purpose}});
  }
  return ExitCode::kDone;
}

}  // namespace

void AddMandateCommands(std::vector<Command>& all) {
  all.push_back(
      {.noun = "mandate",
       .verb = "set",
       .summary = "Say which patients an auditor may read (data protection officer)",
       .details = "Replaces the auditor's mandate. It works forward only: nothing that was sealed "
                  "before becomes readable. It is an entry in the chain of each patient named.",
       .examples =
           {"salus mandate set auditco --patient p-17 --patient p-18 --purpose review "
            "--from 2026-03-01 --until 2026-12-31 --data /srv/salus",
            "salus mandate set auditco --nobody --purpose \"contract ended\" --data /srv/salus"},
       .flags = With({{"--patient", FlagKind::kList, "ID", "a patient; may be repeated"},
                      {"--system", FlagKind::kText, "SYSTEM", "naming system of these ids"},
                      {"--patients", FlagKind::kText, "FILE", "CSV with the columns id, system"},
                      {"--nobody", FlagKind::kSwitch, "", "no patient: end the mandate"},
                      {"--purpose", FlagKind::kText, "TEXT",
                       "why; the patients read it (always, with --nobody too)"},
                      {"--from", FlagKind::kText, "DAY", "first day, YYYY-MM-DD (today)"},
                      {"--until", FlagKind::kText, "DAY", "last day (none)"}},
                     {PlaceFlags()}),
       .positionals = {{"AUDITOR", "the auditor's id", true}},
       .run = RunSet});
  all.push_back({.noun = "mandate",
                 .verb = "show",
                 .summary = "Show an auditor's mandate",
                 .details = "",
                 .examples = {"salus mandate show auditco --data /srv/salus"},
                 .flags = With({}, {PlaceFlags(), OutputFlags()}),
                 .positionals = {{"AUDITOR", "the auditor's id", true}},
                 .run = RunShow});
}

}  // namespace salus::cli
