// salus source add, list, import.

#include <fmt/format.h>

#include "apps/salus/registry_import.h"
#include "apps/salus/session.h"

namespace salus::cli {

namespace {

Result<ExitCode> RunAdd(Session& session) {
  TRY(Backend* const place, session.Place(Access::kWrite));
  TRY_VOID(place->PutSource(session.arguments().Text("ID"), session.arguments().Text("--name")));
  session.terminal().Say("registered: it may send events", Colour::kGreen);
  return ExitCode::kDone;
}

Result<ExitCode> RunImport(Session& session) {
  const std::string path = session.arguments().Text("FILE");
  TRY(const auto read, ReadRegistry(path, {"id", "name"}));
  TRY(Backend* const place, session.Place(Access::kWrite));
  for (const auto& [line, from] : read) {
    if (Result<void> ok = place->PutSource(from.id, from.name); !ok) {
      return AtLine(path, line, std::move(ok.error()));
    }
  }
  session.terminal().Say(fmt::format("{} sources registered", read.size()), Colour::kGreen);
  return ExitCode::kDone;
}

Result<ExitCode> RunList(Session& session) {
  TRY(const OutputFormat format, session.Format());
  TRY(Backend* const place, session.Place(Access::kRead));
  TRY(const std::vector<audit::SourceRow> rows, place->ListSources());
  ResultWriter writer(session.terminal(), format, {"id", "name"});
  for (const audit::SourceRow& row : rows) writer.Row({{"id", row.id}, {"name", row.name}});
  return ExitCode::kDone;
}

}  // namespace

void AddSourceCommands(std::vector<Command>& all) {
  all.push_back(
      {.noun = "source",
       .verb = "add",
       .summary = "Register a system that may send events",
       .details = "",
       .examples = {"salus source add ehr-1 --name \"Ward system\" --data /srv/salus"},
       .flags = With({{"--name", FlagKind::kText, "NAME", "name to show"}}, {PlaceFlags()}),
       .positionals = {{"ID", "the source's id, as in its certificate", true}},
       .run = RunAdd});
  all.push_back({.noun = "source",
                 .verb = "list",
                 .summary = "List the registered sources",
                 .details = "",
                 .examples = {"salus source list --data /srv/salus"},
                 .flags = With({}, {PlaceFlags(), OutputFlags()}),
                 .positionals = {},
                 .run = RunList});
  all.push_back({.noun = "source",
                 .verb = "import",
                 .summary = "Register the sources of a CSV file",
                 .details = "Columns (header row): id, name.",
                 .examples = {"salus source import sources.csv --data /srv/salus"},
                 .flags = PlaceFlags(),
                 .positionals = {{"FILE", "CSV (RFC 4180), UTF-8", true}},
                 .run = RunImport});
}

}  // namespace salus::cli
