#include "client/reconcile.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace salus::client {
namespace {

// A checkpoint follows every commit within five minutes; twice that is late enough to say so.
constexpr auto kLatest = std::chrono::minutes(10);

using Kind = ReceiptFinding::Kind;

}  // namespace

Reconciler::Reconciler(const audit::PinnedLog& log, const PublishedTree& tree, Timestamp now,
                       OnFinding on_finding, ChainOf chain_of)
    : log_(log),
      tree_(tree),
      now_(now),
      on_finding_(std::move(on_finding)),
      chain_of_(std::move(chain_of)) {}

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
  const merkle::TreeSize size = tree_.size();
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
  const Result<merkle::LeafHash> leaf = tree_.LeafAt(event.index);
  if (!leaf) {
    const ErrorCode code = leaf.error().code;
    if (code == ErrorCode::kNotFound || code == ErrorCode::kPermissionDenied) {
      report(Kind::kMissing, "was promised, but what the log has there is withheld");
    } else if (code == ErrorCode::kVerificationFailed || code == ErrorCode::kCorruption) {
      report(Kind::kAltered, leaf.error().message);
    } else if (report_.matching + report_.wrong == 0) {
      return leaf.error();
    } else {
      report(Kind::kUnreadable, leaf.error().message);
    }
    return {};
  }
  if (*leaf != event.leaf) {
    report(Kind::kAltered, "entry " + std::to_string(event.index.value) +
                               " is not the one that was receipted: the log was changed");
    return {};
  }
  TRY(const bool is_misfiled, IsMisfiled(event));
  if (is_misfiled) {
    report(Kind::kMisfiled,
           "stands in the chain of another subject than its patient: the patient "
           "does not find it");
  } else {
    ++report_.matching;
  }
  return {};
}

Result<bool> Reconciler::IsMisfiled(const KeptReceipt::Event& event) {
  if (!chain_of_) return false;
  auto chain = chains_.find(event.tag);
  if (chain == chains_.end()) {
    TRY(std::vector<std::uint64_t> indexes, chain_of_(event.tag));
    chain = chains_.emplace(event.tag, std::move(indexes)).first;
  }
  return !std::ranges::binary_search(chain->second, event.index.value);
}

}  // namespace salus::client
