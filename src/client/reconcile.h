// Reconcile holds a source's receipts against the log: what was promised must be there, unaltered,
// and filed under the patient it was about.
//
// Source: protocol.md P5.2, P7.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/verify.h"
#include "base/result.h"
#include "client/connection.h"
#include "client/kept_receipt.h"
#include "client/log_view.h"

namespace salus::client {

// LogEntry is what the log holds at an index, proven under a checkpoint.
struct LogEntry {
  merkle::LeafHash leaf;
  // tag of the chain that the entry steps, where the reader can see it (a data directory).
  std::optional<audit::SubjectTag> tag;
};

// LogReader is the log, at a server or in a data directory.
class LogReader {
 public:
  virtual ~LogReader() = default;
  // Size is that of the newest verified checkpoint.
  virtual Result<merkle::TreeSize> Size() = 0;
  // Errors: NotFound when the log has no such entry, or denies it to its own source;
  //         VerificationFailed when what it gave is not included.
  virtual Result<LogEntry> Read(merkle::LeafIndex index) = 0;
};

// ServerLogReader asks a server for the source's own entries, and verifies each under a checkpoint
// that the pinned policy accepts.
class ServerLogReader final : public LogReader {
 public:
  // All must stay. Errors of Create: FailedPrecondition when we are no source; as LogView::Open.
  static Result<ServerLogReader> Create(Connection& connection, const audit::PinnedLog& log);
  Result<merkle::TreeSize> Size() override { return view_.newest().size; }
  Result<LogEntry> Read(merkle::LeafIndex index) override;
  // newest is the largest checkpoint seen.
  const audit::KnownCheckpoint& newest() const { return view_.newest(); }

 private:
  ServerLogReader(Connection& connection, LogView view);
  Connection* connection_;
  LogView view_;
};

// ReceiptFinding is one thing that is not as the receipt says.
struct ReceiptFinding {
  enum class Kind {
    kBadReceipt,  // the receipt itself does not verify: the file was changed, or is another log's
    kMissing,     // the log has no such entry
    kAltered,     // another entry stands there
    kMisfiled,    // it stands in another subject's chain
    kPending,     // newer than the newest checkpoint: not yet to be judged
    kUnreadable,  // the log did not answer for it
  };
  Kind kind;
  std::uint64_t receipt_line = 0;  // of the file, counted from 1
  std::string event_id;            // empty for kBadReceipt
  merkle::LeafIndex index;
  std::string text;  // one sentence: what is wrong, and what it means
};

// ReconcileReport counts events; each finding was handed over as it was found.
struct ReconcileReport {
  std::uint64_t receipts = 0;
  std::uint64_t events = 0;
  std::uint64_t matching = 0;
  std::uint64_t pending = 0;
  std::uint64_t wrong = 0;  // missing, altered, misfiled, bad receipts: exit 3
  std::uint64_t unreadable = 0;
};

// Reconciler takes the lines of a receipts file, one after the other.
class Reconciler {
 public:
  using OnFinding = std::function<void(const ReceiptFinding&)>;
  Reconciler(const audit::PinnedLog& log, LogReader& reader, Timestamp now, OnFinding on_finding);

  // Add checks one line of the file.
  //
  // Errors: those of the reader that are no finding (Unavailable at the first contact).
  Result<void> Add(std::string_view line);
  const ReconcileReport& report() const { return report_; }

 private:
  void Report(ReceiptFinding finding);
  Result<void> CheckEvent(const audit::ReceiptBody& body, const KeptReceipt::Event& event);

  const audit::PinnedLog& log_;
  LogReader& reader_;
  const Timestamp now_;
  OnFinding on_finding_;
  std::uint64_t line_ = 0;
  ReconcileReport report_;
};

}  // namespace salus::client
