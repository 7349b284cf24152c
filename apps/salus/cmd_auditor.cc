// salus auditor add, list, import.

#include <fmt/format.h>

#include "apps/salus/holder_key.h"
#include "apps/salus/registry_import.h"

namespace salus::cli {

namespace {

Result<void> Put(Session& session, Backend& place, const RegistryRow& from) {
  TRY(audit::Subject subject, audit::Subject::Create(audit::SubjectKind::kAuditor, "", from.id));
  TRY(const HolderKey holder,
      ReadHolderKey(session, place, from.certificate, from.key, pki::Role::kAuditor, from.id));
  if (!holder.key) return InvalidArgument("an auditor needs a certificate or a key");
  return place.PutAuditor(
      {std::move(subject), from.name, *holder.key, {}, holder.certificate_fingerprint},
      holder.certificate_pem);
}

Result<ExitCode> RunAdd(Session& session) {
  const Arguments& given = session.arguments();
  if (!given.Has("--certificate") && !given.Has("--key")) {
    return session.Usage("an auditor needs --certificate or --key");
  }
  TRY(Backend* const place, session.Place(Access::kWrite));
  TRY_VOID(Put(session, *place,
               {given.Text("ID"), "", given.Text("--name"), given.Text("--certificate"),
                given.Text("--key")}));
  session.terminal().Say("registered; next: salus mandate set", Colour::kGreen);
  return ExitCode::kDone;
}

Result<ExitCode> RunImport(Session& session) {
  const std::string path = session.arguments().Text("FILE");
  TRY(const auto read, ReadRegistry(path, {"id", "name", "certificate", "key"}));
  TRY(Backend* const place, session.Place(Access::kWrite));
  for (const auto& [line, from] : read) {
    if (Result<void> ok = Put(session, *place, from); !ok) {
      return AtLine(path, line, std::move(ok.error()));
    }
  }
  session.terminal().Say(fmt::format("{} auditors registered", read.size()), Colour::kGreen);
  return ExitCode::kDone;
}

Result<ExitCode> RunList(Session& session) {
  TRY(const OutputFormat format, session.Format());
  TRY(Backend* const place, session.Place(Access::kRead));
  TRY(const std::vector<audit::AuditorRow> rows, place->ListAuditors());
  ResultWriter writer(session.terminal(), format, {"id", "name"});
  for (const audit::AuditorRow& row : rows) {
    writer.Row({{"id", row.subject.id}, {"name", row.name}});
  }
  return ExitCode::kDone;
}

}  // namespace

void AddAuditorCommands(std::vector<Command>& all) {
  all.push_back(
      {.noun = "auditor",
       .verb = "add",
       .summary = "Register an audit company with its key",
       .details = "",
       .examples = {"salus auditor add auditco --name AuditCo --certificate auditco/chain.pem "
                    "--data /srv/salus"},
       .flags = With({{"--name", FlagKind::kText, "NAME", "name to show"},
                      {"--certificate", FlagKind::kText, "FILE", "certificate or chain (PEM)"},
                      {"--key", FlagKind::kText, "FILE", "public P-256 key (JWK) instead"}},
                     {PlaceFlags()}),
       .positionals = {{"ID", "the auditor's id, as in its certificate", true}},
       .run = RunAdd});
  all.push_back({.noun = "auditor",
                 .verb = "list",
                 .summary = "List the registered auditors",
                 .details = "",
                 .examples = {"salus auditor list --data /srv/salus"},
                 .flags = With({}, {PlaceFlags(), OutputFlags()}),
                 .positionals = {},
                 .run = RunList});
  all.push_back({.noun = "auditor",
                 .verb = "import",
                 .summary = "Register the auditors of a CSV file",
                 .details = "Columns (header row): id, name, certificate, key; the last two name "
                            "files, relative to this one.",
                 .examples = {"salus auditor import auditors.csv --data /srv/salus"},
                 .flags = PlaceFlags(),
                 .positionals = {{"FILE", "CSV (RFC 4180), UTF-8", true}},
                 .run = RunImport});
}

}  // namespace salus::cli
