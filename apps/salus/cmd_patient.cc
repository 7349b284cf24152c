// salus patient add, list, import.

#include <fmt/format.h>

#include "apps/salus/holder_key.h"
#include "apps/salus/registry_import.h"

namespace salus::cli {

namespace {

const std::vector<Flag> kSystemFlag = {{"--system", FlagKind::kText, "SYSTEM",
                                        "naming system of the id, where there is more than one"}};

// RowOf adds the row's certificate to certificates, empty where it has none.
Result<audit::PatientRow> RowOf(Session& session, Backend& place, const RegistryRow& from,
                                std::vector<std::string>& certificates) {
  audit::PatientRow row;
  TRY(row.subject, audit::Subject::Create(audit::SubjectKind::kPatient, from.system, from.id));
  row.name = from.name;
  TRY(HolderKey holder,
      ReadHolderKey(session, place, from.certificate, from.key, pki::Role::kPatient, from.id));
  row.key = std::move(holder.key);
  row.certificate_fingerprint = std::move(holder.certificate_fingerprint);
  certificates.push_back(std::move(holder.certificate_pem));
  return row;
}

Result<ExitCode> RunAdd(Session& session) {
  const Arguments& given = session.arguments();
  TRY(Backend* const place, session.Place(Access::kWrite));
  const RegistryRow from{given.Text("ID"), given.Text("--system"), given.Text("--name"),
                         given.Text("--certificate"), given.Text("--key")};
  std::vector<std::string> certificates;
  TRY(const audit::PatientRow row, RowOf(session, *place, from, certificates));
  TRY_VOID(place->PutPatients({&row, 1}, certificates));
  session.terminal().Say(row.key ? "registered, with its own key"
                                 : "registered; custodians hold the key until the patient enrols",
                         Colour::kGreen);
  return ExitCode::kDone;
}

Result<ExitCode> RunImport(Session& session) {
  const std::string path = session.arguments().Text("FILE");
  TRY(const auto read, ReadRegistry(path, {"id", "system", "name", "certificate", "key"}));
  TRY(Backend* const place, session.Place(Access::kWrite));
  std::vector<audit::PatientRow> rows;
  std::vector<std::string> certificates;
  for (const auto& [line, from] : read) {
    Result<audit::PatientRow> row = RowOf(session, *place, from, certificates);
    if (!row) return AtLine(path, line, std::move(row.error()));
    rows.push_back(*std::move(row));
  }
  TRY_VOID(place->PutPatients(rows, certificates));
  session.terminal().Say(fmt::format("{} patients registered", rows.size()), Colour::kGreen);
  return ExitCode::kDone;
}

Result<ExitCode> RunList(Session& session) {
  TRY(const OutputFormat format, session.Format());
  TRY(Backend* const place, session.Place(Access::kRead));
  TRY(const std::vector<audit::PatientRow> rows, place->ListPatients());
  ResultWriter writer(session.terminal(), format, {"id", "system", "name", "key", "certificate"});
  for (const audit::PatientRow& row : rows) {
    if (row.subject.kind != audit::SubjectKind::kPatient) continue;  // the system's own
    writer.Row({{"id", row.subject.id},
                {"system", row.subject.system},
                {"name", row.name},
                {"key", row.key ? "own" : "in custody"},
                {"certificate", row.certificate_fingerprint}});
  }
  return ExitCode::kDone;
}

}  // namespace

void AddPatientCommands(std::vector<Command>& all) {
  all.push_back(
      {.noun = "patient",
       .verb = "add",
       .summary = "Register a patient, with or without a key, or enrol its key",
       .details = "Without a key, custodians hold one in shares until the patient enrols.",
       .examples = {"salus patient add p-17 --name \"Ana Reyes\" --certificate ana/chain.pem "
                    "--data /srv/salus",
                    "salus patient add p-18 --data /srv/salus"},
       .flags = With({{"--name", FlagKind::kText, "NAME", "name to show"},
                      {"--certificate", FlagKind::kText, "FILE", "certificate or chain (PEM)"},
                      {"--key", FlagKind::kText, "FILE", "public P-256 key (JWK) instead"}},
                     {kSystemFlag, PlaceFlags()}),
       .positionals = {{"ID", "the patient's id, as the sources send it", true}},
       .run = RunAdd});
  all.push_back({.noun = "patient",
                 .verb = "list",
                 .summary = "List the registered patients",
                 .details = "",
                 .examples = {"salus patient list --data /srv/salus --format csv"},
                 .flags = With({}, {PlaceFlags(), OutputFlags()}),
                 .positionals = {},
                 .run = RunList});
  all.push_back(
      {.noun = "patient",
       .verb = "import",
       .summary = "Register the patients of a CSV file",
       .details =
           "Columns (header row): id, system, name, certificate, key; the last two name files, "
           "relative to this one. A file with a fault is refused whole, by line.",
       .examples = {"salus patient import patients.csv --data /srv/salus"},
       .flags = PlaceFlags(),
       .positionals = {{"FILE", "CSV (RFC 4180), UTF-8", true}},
       .run = RunImport});
}

}  // namespace salus::cli
