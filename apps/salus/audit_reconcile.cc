// salus audit reconcile: a source's receipts against the log.

#include <fmt/format.h>

#include <fstream>

#include "apps/salus/audit_commands.h"
#include "apps/salus/published_log.h"
#include "client/reconcile.h"

namespace salus::cli {

namespace {

constexpr std::size_t kMaxLineBytes = 64u << 20;

void WriteFinding(const client::ReceiptFinding& finding, ResultWriter& writer) {
  using Kind = client::ReceiptFinding::Kind;
  if (finding.kind == Kind::kPending) return;  // counted, and nothing is wrong
  codec::JsonObject row{{"receipt", finding.receipt_line}, {"what", finding.text}};
  if (finding.kind != Kind::kBadReceipt) {
    row["event"] = finding.event_id;
    row["index"] = finding.index.value;
  }
  writer.Row(std::move(row), finding.kind == Kind::kUnreadable ? Colour::kYellow : Colour::kRed);
}

}  // namespace

Result<ExitCode> RunAuditReconcile(Session& session) {
  TRY(const std::string path, session.Required("--receipts"));
  TRY(const OutputFormat format, session.Format());
  TRY(Backend* const place, session.Place(Access::kRead));
  TRY(const client::PublishedTree tree, OpenPublishedTree(session, *place));
  std::ifstream in(path, std::ios::binary);
  if (!in) return NotFound(path + ": can't be read");
  ResultWriter writer(session.terminal(), format, {"receipt", "event", "index", "what"});
  const audit::PinnedLog log = place->Pinned();
  client::Reconciler::ChainOf chain_of;
  if (session.is_data_place()) {
    chain_of = [&](const audit::SubjectTag& tag) { return place->ChainOf(tag, tree.size()); };
  }
  client::Reconciler reconciler(
      log, tree, session.clock().Now(),
      [&writer](const client::ReceiptFinding& finding) { WriteFinding(finding, writer); },
      std::move(chain_of));
  const client::ReconcileReport& report = reconciler.report();
  ProgressBar bar(session.terminal(), "comparing", "receipts", 0);
  std::string line;
  while (std::getline(in, line)) {
    if (line.size() > kMaxLineBytes) return InvalidArgument(path + ": a line is too long");
    TRY_VOID(reconciler.Add(line));
    bar.Set(report.receipts);
  }
  writer.Finish();
  session.terminal().Say(fmt::format(
      "{} receipts over {} events compared with checkpoint {}; {} do not fit, {} not yet covered",
      report.receipts, report.events, tree.size().value, report.wrong, report.pending));
  if (report.wrong > 0) {
    return VerificationFailed(fmt::format(
        "{} receipted events or receipts do not fit the log: see the list; the receipts prove what "
        "was logged then",
        report.wrong));
  }
  if (report.unreadable > 0) {
    return Unavailable(fmt::format(
        "{} events could not be compared: see the list, and run it again", report.unreadable));
  }
  return ExitCode::kDone;
}

}  // namespace salus::cli
