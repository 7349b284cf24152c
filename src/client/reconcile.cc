#include "client/reconcile.h"

#include <chrono>
#include <utility>

#include "client/log_view.h"
#include "merkle/hash.h"

namespace salus::client {
namespace {

// A checkpoint follows every commit within five minutes; twice that is late enough to say so.
constexpr auto kLatest = std::chrono::minutes(10);

using Kind = ReceiptFinding::Kind;

}  // namespace

ServerLogReader::ServerLogReader(Connection& connection, LogView view)
    : connection_(&connection), view_(std::move(view)) {}

Result<ServerLogReader> ServerLogReader::Create(Connection& connection,
                                                const audit::PinnedLog& log) {
  TRY(const WhoAmI me, connection.Me());
  if (me.role != pki::RoleName(pki::Role::kSource)) {
    return FailedPrecondition(
        "a server gives entries back to the source that sent them only: use the source's identity, "
        "or --data DIR");
  }
  TRY(LogView view, LogView::Open(connection, log));
  return ServerLogReader(connection, std::move(view));
}

Result<LogEntry> ServerLogReader::Read(merkle::LeafIndex index) {
  TRY(const SourceEntry given, connection_->EntryOf(index));
  const merkle::LeafHash leaf = merkle::HashLeaf(given.entry);
  TRY(const audit::KnownCheckpoint under, view_.Accept(given.checkpoint));
  if (given.index != index || index.value >= under.size.value ||
      !given.inclusion.Verify(leaf, index, under.size, under.root)) {
    return VerificationFailed("the server gives an entry that is not in the tree it signed");
  }
  return LogEntry{leaf, std::nullopt};
}

Reconciler::Reconciler(const audit::PinnedLog& log, LogReader& reader, Timestamp now,
                       OnFinding on_finding)
    : log_(log), reader_(reader), now_(now), on_finding_(std::move(on_finding)) {}

void Reconciler::Report(ReceiptFinding finding) {
  finding.receipt_line = line_;
  switch (finding.kind) {
    case Kind::kPending:
      ++report_.pending;
      break;
    case Kind::kUnreadable:
      ++report_.unreadable;
      break;
    default:
      ++report_.wrong;
  }
  if (on_finding_) on_finding_(finding);
}

Result<void> Reconciler::Add(std::string_view line) {
  ++line_;
  if (line.find_first_not_of(" \t\r\n") == line.npos) return {};
  ++report_.receipts;
  const Result<KeptReceipt> kept = KeptReceipt::Parse(line);
  if (!kept) {
    Report({Kind::kBadReceipt, 0, "", {}, "this line is no receipt: " + kept.error().message});
    return {};
  }
  const Result<audit::ReceiptBody> body = kept->Verify(log_.origin, log_.receipt_vkey);
  if (!body) {
    Report({Kind::kBadReceipt,
            0,
            "",
            {},
            body.error().message + ": the file was changed, or is another log's"});
    return {};
  }
  for (const KeptReceipt::Event& event : kept->events) {
    ++report_.events;
    TRY_VOID(CheckEvent(*body, event));
  }
  return {};
}

Result<void> Reconciler::CheckEvent(const audit::ReceiptBody& body,
                                    const KeptReceipt::Event& event) {
  const auto report = [&](Kind kind, std::string text) {
    Report({kind, 0, event.id, event.index, std::move(text)});
  };
  TRY(const merkle::TreeSize size, reader_.Size());
  if (event.index.value >= size.value) {
    if (now_ - body.time <= kLatest) {
      report(Kind::kPending, "is newer than the newest checkpoint: ask again in a few minutes");
    } else {
      report(Kind::kMissing,
             "was promised, but the log ends before it: the newest checkpoint has " +
                 std::to_string(size.value) +
                 " entries. The log was cut, or an old copy is served");
    }
    return {};
  }
  const Result<LogEntry> entry = reader_.Read(event.index);
  if (!entry) {
    const ErrorCode code = entry.error().code;
    if (code == ErrorCode::kNotFound || code == ErrorCode::kPermissionDenied) {
      report(Kind::kMissing,
             "was promised, but the log says that no entry of this source stands "
             "there: it was replaced, or is withheld");
    } else if (code == ErrorCode::kVerificationFailed || code == ErrorCode::kCorruption) {
      report(Kind::kAltered, entry.error().message);
    } else if (report_.matching + report_.wrong == 0) {
      return entry.error();
    } else {
      report(Kind::kUnreadable, entry.error().message);
    }
    return {};
  }
  if (entry->leaf != event.leaf) {
    report(Kind::kAltered, "another entry stands at its index than the one that was promised");
  } else if (entry->tag && *entry->tag != event.tag) {
    report(Kind::kMisfiled,
           "stands in the chain of another subject than its patient: the patient "
           "does not find it");
  } else {
    ++report_.matching;
  }
  return {};
}

}  // namespace salus::client
