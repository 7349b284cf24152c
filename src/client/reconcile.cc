#include "client/reconcile.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "merkle/hash.h"

namespace salus::client {
namespace {

// A checkpoint follows every commit within five minutes; twice that is late enough to say so.
constexpr auto kLatest = std::chrono::minutes(10);

using Kind = ReceiptFinding::Kind;

}  // namespace

Reconciler::Reconciler(const audit::PinnedLog& log, const PublishedTree& tree, Timestamp now,
                       OnFinding on_finding, ReconcileOptions options)
    : log_(log),
      tree_(tree),
      now_(now),
      on_finding_(std::move(on_finding)),
      options_(std::move(options)) {}

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
    if (options_.is_drawn && !options_.is_drawn()) continue;
    ++report_.drawn;
    TRY_VOID(CheckEvent(*body, event));
  }
  return {};
}

// Adds what is found; an error ends the run.
Result<void> Reconciler::CheckEvent(const audit::ReceiptBody& body,
                                    const KeptReceipt::Event& event) {
  TRY(const bool is_there, CheckEntry(body, event));
  if (!is_there) return {};
  if (options_.chain_of) return CheckChain(event);
  if (options_.filing_of) return CheckFiling(event);
  ++report_.filing_unknown;
  ++report_.matching;
  return {};
}

// Whether the receipted entry stands at its place; where not, that is reported.
Result<bool> Reconciler::CheckEntry(const audit::ReceiptBody& body,
                                    const KeptReceipt::Event& event) {
  const auto report = [&](Kind kind, std::string text) {
    Report({kind, 0, event.id, event.index, std::move(text)});
    return false;
  };
  const merkle::TreeSize size = tree_.size();
  if (event.index.value >= size.value) {
    if (now_ - body.time <= kLatest) {
      return report(Kind::kPending,
                    "is newer than the newest checkpoint: ask again in a few "
                    "minutes");
    }
    return report(Kind::kMissing,
                  "was promised, but the log ends before it: the newest checkpoint "
                  "has " +
                      std::to_string(size.value) +
                      " entries. The log was cut, or an old copy is served");
  }
  const Result<merkle::LeafHash> leaf = tree_.LeafAt(event.index);
  if (!leaf) {
    const ErrorCode code = leaf.error().code;
    if (code == ErrorCode::kNotFound || code == ErrorCode::kPermissionDenied) {
      return report(Kind::kMissing, "was promised, but what the log has there is withheld");
    }
    if (code == ErrorCode::kVerificationFailed || code == ErrorCode::kCorruption) {
      return report(Kind::kAltered, leaf.error().message);
    }
    TRY_VOID(NotAnswered(event, leaf.error()));
    return false;
  }
  if (*leaf != event.leaf) {
    return report(Kind::kAltered, "entry " + std::to_string(event.index.value) +
                                      " is not the one that was receipted: the log was changed");
  }
  return true;
}

Result<void> Reconciler::CheckChain(const KeptReceipt::Event& event) {
  auto chain = chains_.find(event.tag);
  if (chain == chains_.end()) {
    TRY(std::vector<std::uint64_t> indexes, options_.chain_of(event.tag));
    chain = chains_.emplace(event.tag, std::move(indexes)).first;
  }
  if (std::ranges::binary_search(chain->second, event.index.value)) {
    ++report_.matching;
  } else {
    Report({Kind::kMisfiled, 0, event.id, event.index,
            "stands in the chain of another subject than its patient: the patient does not find "
            "it"});
  }
  return {};
}

Result<void> Reconciler::CheckFiling(const KeptReceipt::Event& event) {
  const auto filing = options_.filing_of(event.index);
  if (!filing) return NotAnswered(event, filing.error());
  const Result<void> filed = VerifyFiling(event, *filing);
  if (filed) {
    ++report_.matching;
    return {};
  }
  const ErrorCode code = filed.error().code;
  if (code != ErrorCode::kVerificationFailed && code != ErrorCode::kCorruption) {
    return NotAnswered(event, filed.error());
  }
  Report({Kind::kMisfiled, 0, event.id, event.index,
          filed.error().message +
              ": it stands in another subject's chain than its patient's, who does not find it, or "
              "the server withholds the proof"});
  return {};
}

// A published tree ends in a map root entry, so that one behind the event is in it: no server can
// say that there is none yet.
Result<void> Reconciler::VerifyFiling(const KeptReceipt::Event& event,
                                      const std::optional<tlog::UpdateProof>& filing) const {
  if (!filing) return VerificationFailed("no map root is shown to have filed it");
  TRY_VOID(filing->Verify(event.index, event.tag));
  const std::string name = "map root " + std::to_string(filing->map_root.value);
  if (filing->map_root.value >= tree_.size().value) {
    return VerificationFailed(name + " is not under the newest checkpoint");
  }
  TRY(const merkle::LeafHash leaf, tree_.LeafAt(filing->map_root));
  if (leaf != merkle::HashLeaf(filing->map_entry)) {
    return VerificationFailed(name + " is not the one that the log has");
  }
  return {};
}

// At the first contact it is not worth going on.
Result<void> Reconciler::NotAnswered(const KeptReceipt::Event& event, const Error& error) {
  if (report_.matching + report_.wrong == 0) return error;
  Report({Kind::kUnreadable, 0, event.id, event.index, error.message});
  return {};
}

}  // namespace salus::client
