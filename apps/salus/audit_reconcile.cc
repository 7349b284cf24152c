// salus audit reconcile: a source's receipts against the log.

#include <fmt/format.h>

#include <charconv>
#include <fstream>

#include "apps/salus/audit_commands.h"
#include "apps/salus/published_log.h"
#include "base/endian.h"
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

// Which events are compared is chosen here, by chance, so that no server can foresee it.
Result<std::function<bool()>> SampleOf(Session& session) {
  if (!session.arguments().Has("--sample")) return std::function<bool()>();
  std::string text = session.arguments().Text("--sample");
  if (text.ends_with('%')) text.pop_back();
  double percent = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), percent);
  if (failed != std::errc() || end != text.data() + text.size() || !(percent > 0) ||
      percent > 100) {
    return session.Usage("--sample: a percentage above 0, to 100");
  }
  return [&random = session.random(), percent] {
    const auto bytes = random.Array<8>();
    // 53 bits, as many as a double holds: from 0 to just below 100.
    const std::uint64_t drawn = LoadBe<std::uint64_t>(bytes.data()) >> 11;
    return static_cast<double>(drawn) * 0x1p-53 * 100 < percent;
  };
}

void SayReport(const client::ReconcileReport& report, merkle::TreeSize size, Terminal& terminal) {
  const std::string drawn = report.drawn == report.events
                                ? fmt::format("{}", report.events)
                                : fmt::format("{} of {}", report.drawn, report.events);
  terminal.Say(fmt::format(
      "{} receipts over {} events compared with checkpoint {}; {} do not fit, {} not yet covered",
      report.receipts, drawn, size.value, report.wrong, report.pending));
  if (report.filing_unknown > 0) {
    terminal.Warn(
        fmt::format("{} events were not checked for being filed under another patient: that takes "
                    "their source's --as, or --data",
                    report.filing_unknown));
  }
}

}  // namespace

Result<ExitCode> RunAuditReconcile(Session& session) {
  TRY(const std::string path, session.Required("--receipts"));
  TRY(const OutputFormat format, session.Format());
  TRY(std::function<bool()> is_drawn, SampleOf(session));
  TRY(Backend* const place, session.Place(Access::kRead));
  TRY(const client::PublishedTree tree, OpenPublishedTree(session, *place));
  std::ifstream in(path, std::ios::binary);
  if (!in) return NotFound(path + ": can't be read");
  ResultWriter writer(session.terminal(), format, {"receipt", "event", "index", "what"});
  const audit::PinnedLog log = place->Pinned();
  TRY(client::ReconcileOptions options, place->FilingSource(tree.size()));
  options.is_drawn = std::move(is_drawn);
  client::Reconciler reconciler(
      log, tree, session.clock().Now(),
      [&writer](const client::ReceiptFinding& finding) { WriteFinding(finding, writer); },
      std::move(options));
  const client::ReconcileReport& report = reconciler.report();
  ProgressBar bar(session.terminal(), "comparing", "receipts", 0);
  std::string line;
  while (std::getline(in, line)) {
    if (line.size() > kMaxLineBytes) return InvalidArgument(path + ": a line is too long");
    TRY_VOID(reconciler.Add(line));
    bar.Set(report.receipts);
  }
  writer.Finish();
  SayReport(report, tree.size(), session.terminal());
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
