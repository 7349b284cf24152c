// salus audit reconcile: a source's receipts against the log.

#include <fmt/format.h>

#include <fstream>

#include "apps/salus/audit_commands.h"
#include "apps/salus/tree_reader.h"
#include "merkle/hash.h"
#include "merkle/proof.h"

namespace salus::cli {

namespace {

constexpr std::size_t kMaxLineBytes = 64u << 20;

class Reconciler {
 public:
  Reconciler(Session& session, Backend& place, PublishedTree& tree, ResultWriter& writer)
      : session_(session), log_(place.Pinned()), tree_(tree), writer_(writer) {}

  Result<void> Check(std::uint64_t number, std::string_view line) {
    Result<KeptReceipt> kept = KeptReceipt::Parse(line);
    if (!kept) {
      return std::move(kept.error()).WithContext(fmt::format("receipt {}", number));
    }
    ++receipts_;
    if (Result<audit::ReceiptBody> body = kept->Verify(log_.origin, log_.receipt_vkey); !body) {
      Report(number, nullptr, body.error().message);
      return {};
    }
    for (const KeptReceipt::Event& event : kept->events) TRY_VOID(CheckEvent(number, event));
    return {};
  }

  std::uint64_t receipts() const { return receipts_; }
  std::uint64_t events() const { return events_; }
  std::uint64_t findings() const { return findings_; }
  std::uint64_t later() const { return later_; }

 private:
  Result<void> CheckEvent(std::uint64_t number, const KeptReceipt::Event& event) {
    ++events_;
    if (event.index.value >= tree_.size().value) {
      ++later_;  // durable, and not yet under a checkpoint
      return {};
    }
    TRY(const merkle::LeafHash stored, tree_.LeafAt(event.index));
    if (stored != event.leaf) {
      Report(number, &event,
             fmt::format("entry {} is not the one that was receipted: the log was changed",
                         event.index.value));
    }
    return {};
  }

  void Report(std::uint64_t number, const KeptReceipt::Event* event, const std::string& what) {
    ++findings_;
    codec::JsonObject row{{"receipt", number}, {"what", what}};
    if (event != nullptr) {
      row["event"] = event->id;
      row["index"] = event->index.value;
    }
    writer_.Row(std::move(row), Colour::kRed);
  }

  Session& session_;
  const audit::PinnedLog log_;
  PublishedTree& tree_;
  ResultWriter& writer_;
  std::uint64_t receipts_ = 0, events_ = 0, findings_ = 0, later_ = 0;
};

}  // namespace

Result<ExitCode> RunAuditReconcile(Session& session) {
  TRY(const std::string path, session.Required("--receipts"));
  TRY(const OutputFormat format, session.Format());
  TRY(Backend* const place, session.Place(Access::kRead));
  TRY(const std::unique_ptr<PublishedTree> tree, PublishedTree::Open(session, *place));
  std::ifstream in(path, std::ios::binary);
  if (!in) return NotFound(path + ": can't be read");
  ResultWriter writer(session.terminal(), format, {"receipt", "event", "index", "what"});
  Reconciler reconciler(session, *place, *tree, writer);
  ProgressBar bar(session.terminal(), "comparing", "receipts", 0);
  std::string line;
  std::uint64_t number = 0;
  while (std::getline(in, line)) {
    ++number;
    bar.Set(number);
    if (line.size() > kMaxLineBytes) return InvalidArgument(path + ": a line is too long");
    if (!line.empty()) TRY_VOID(reconciler.Check(number, line));
  }
  writer.Finish();
  session.terminal().Say(fmt::format(
      "{} receipts over {} events compared with checkpoint {}; {} do not fit, {} not yet covered",
      reconciler.receipts(), reconciler.events(), tree->size().value, reconciler.findings(),
      reconciler.later()));
  if (reconciler.findings() == 0) return ExitCode::kDone;
  return VerificationFailed(fmt::format(
      "{} receipted events or receipts do not fit the log: see the list; the receipts prove what "
      "was logged then",
      reconciler.findings()));
}

}  // namespace salus::cli
