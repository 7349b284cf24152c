// salus audit verify: an evidence file, a data directory, or a server.

#include <fmt/format.h>

#include "apps/salus/audit_commands.h"
#include "apps/salus/data_report.h"
#include "apps/salus/event_rows.h"
#include "apps/salus/published_log.h"
#include "apps/salus/verified_history.h"
#include "client/published_check.h"
#include "codec/rfc3339.h"

namespace salus::cli {

namespace {

constexpr std::size_t kMaxEvidenceBytes = 1u << 30;

bool IsSameLog(const audit::PinnedLog& a, const audit::PinnedLog& b) {
  return a.origin == b.origin && a.log_vkey == b.log_vkey && a.receipt_vkey == b.receipt_vkey &&
         a.vrf_key == b.vrf_key;
}

bool HasPlace(Session& session) {
  return session.is_data_place() || !session.TextOr("--server", "SALUS_SERVER").empty();
}

Result<ExitCode> VerifyFile(Session& session, const std::string& path) {
  TRY(const OutputFormat format, session.Format());
  TRY(const std::string bytes, ReadTextFile(path, kMaxEvidenceBytes));
  const Result<audit::Evidence> decoded = audit::DecodeEvidence(AsBytes(bytes));
  if (!decoded) return Error(decoded.error()).WithContext(path);
  const audit::Evidence& evidence = *decoded;
  if (HasPlace(session)) {
    TRY(Backend* const place, session.Place(Access::kRead));
    if (!IsSameLog(place->Pinned(), evidence.log)) {
      return VerificationFailed(path +
                                ": the evidence is about another log, or was made with other "
                                "keys, than " +
                                place->where());
    }
  } else {
    session.terminal().Warn(
        "the file is checked against the keys that it names itself: compare "
        "them with those you trust (or name --server or --data): " +
        evidence.log.log_vkey);
  }
  std::optional<crypto::P256PrivateKey> custody_key;
  audit::ReaderKeys keys;
  if (!session.TextOr("--as", "SALUS_AS").empty()) {
    TRY(keys, OpenReaderKeys(session, custody_key));
  }
  Result<audit::VerifiedHistory> history = audit::VerifyEvidence(evidence, keys);
  if (!history) return std::move(history.error()).WithContext(path);
  EventWriter writer(session.terminal(), format);
  for (const audit::VerifiedEvent& event : history->events) writer.Write(event);
  writer.Finish();
  session.terminal().Say(
      "as of " + codec::FormatRfc3339(evidence.asked) + ", proven: " + history->proven,
      Colour::kGreen);
  for (const std::string& warning : history->warnings) session.terminal().Warn(warning);
  return ExitCode::kDone;
}

std::string WhatIsShown(const client::PublishedReport& report) {
  if (!report.shows_entries) {
    return "the entries themselves are shown to admitted followers only (--as)";
  }
  if (!report.shows_steps) {
    return fmt::format(
        "read {} entries; which chain each is in is shown to admitted map verifiers only (--as)",
        report.entries);
  }
  return fmt::format("read {} entries, replayed {} map roots of {} subjects", report.entries,
                     report.map_roots, report.subjects);
}

Result<ExitCode> VerifyServer(Session& session) {
  TRY(const OutputFormat format, session.Format());
  TRY(Backend* const place, session.Place(Access::kRead));
  TRY(const client::PublishedTree tree, OpenPublishedTree(session, *place));
  ProgressBar bar(session.terminal(), "verifying", "entries", tree.size().value);
  TRY(const client::PublishedReport report,
      client::CheckPublished(
          {.tile = [&](const merkle::TileId& id) { return place->Tile(id); },
           .bundle = [&](const merkle::TileId& id) { return place->Bundle(id); },
           .updates = [&](std::uint64_t first,
                          std::uint64_t last) { return place->Updates(first, last); }},
          place->Pinned(), tree, [&bar](std::uint64_t done) { bar.Set(done); }));
  Terminal& terminal = session.terminal();
  if (format == OutputFormat::kTable) {
    if (tree.compared()) {
      terminal.Say(fmt::format("compared with the remembered checkpoint over {} entries",
                               tree.compared()->size.value));
    }
    terminal.Say(WhatIsShown(report));
    terminal.Say(fmt::format("the tree of {} entries leads to the signed root", tree.size().value),
                 Colour::kGreen);
    return ExitCode::kDone;
  }
  ResultWriter writer(terminal, format,
                      {"size", "compared_with", "entries", "map_roots", "subjects"});
  codec::JsonObject row{{"size", tree.size().value},
                        {"compared_with", nullptr},
                        {"entries", report.entries},
                        {"map_roots", report.map_roots},
                        {"subjects", report.subjects}};
  if (tree.compared()) row["compared_with"] = tree.compared()->size.value;
  writer.Row(std::move(row));
  return ExitCode::kDone;
}

}  // namespace

Result<ExitCode> RunAuditVerify(Session& session) {
  const std::string file = session.arguments().Text("FILE");
  if (!file.empty()) return VerifyFile(session, file);
  if (session.is_data_place()) return ReportDataCheck(session);
  return VerifyServer(session);
}

}  // namespace salus::cli
