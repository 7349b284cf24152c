// Reconcile holds a source's receipts against the log: what was promised must be there, unaltered,
// and filed under the patient it was about.
//
// Source: protocol.md P5.2, P5.6, P7.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "client/kept_receipt.h"
#include "client/published_tree.h"
#include "tlog/update_proof.h"

namespace salus::client {

// ReceiptFinding is one thing that is not as the receipt says.
struct ReceiptFinding {
  enum class Kind {
    kBadReceipt,  // the receipt itself does not verify: the file was changed, or is another log's
    kMissing,     // the log has no such entry
    kAltered,     // another entry stands there
    kMisfiled,    // it stands in another subject's chain, or is not shown to stand in its own
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
  std::uint64_t drawn = 0;  // of the events: those that were compared
  std::uint64_t matching = 0;
  std::uint64_t filing_unknown = 0;  // of the matching ones: nobody was asked where they are filed
  std::uint64_t pending = 0;
  std::uint64_t wrong = 0;  // missing, altered, misfiled, bad receipts: exit 3
  std::uint64_t unreadable = 0;
};

// ReconcileOptions say how to tell under whom an entry was filed, and which events to compare.
struct ReconcileOptions {
  // A data directory: the ascending indexes of a subject's chain.
  std::function<Result<std::vector<std::uint64_t>>(const audit::SubjectTag& tag)> chain_of;
  // A server that takes us for the source: its proof of where the source's entry was filed, for
  // what the tree covers. None is as good as a wrong one.
  std::function<Result<std::optional<tlog::UpdateProof>>(merkle::LeafIndex index)> filing_of;
  // Whether to compare an event, asked once for each; empty: all. It must be one that the log's
  // operator can't foresee.
  std::function<bool()> is_drawn;
};

// Reconciler takes the lines of a receipts file, one after the other.
class Reconciler {
 public:
  using OnFinding = std::function<void(const ReceiptFinding&)>;
  // log and tree must stay.
  Reconciler(const audit::PinnedLog& log, const PublishedTree& tree, Timestamp now,
             OnFinding on_finding, ReconcileOptions options = {});

  // Add checks one line of the file.
  //
  // Errors: those of the tree and of the options that are no finding (Unavailable at the first
  //         contact).
  Result<void> Add(std::string_view line);
  const ReconcileReport& report() const { return report_; }

 private:
  void Report(ReceiptFinding finding);
  Result<void> CheckEvent(const audit::ReceiptBody& body, const KeptReceipt::Event& event);
  Result<bool> CheckEntry(const audit::ReceiptBody& body, const KeptReceipt::Event& event);
  Result<void> CheckChain(const KeptReceipt::Event& event);
  Result<void> CheckFiling(const KeptReceipt::Event& event);
  Result<void> VerifyFiling(const KeptReceipt::Event& event,
                            const std::optional<tlog::UpdateProof>& filing) const;
  Result<void> NotAnswered(const KeptReceipt::Event& event, const Error& error);

  const audit::PinnedLog& log_;
  const PublishedTree& tree_;
  const Timestamp now_;
  const OnFinding on_finding_;
  const ReconcileOptions options_;
  std::map<audit::SubjectTag, std::vector<std::uint64_t>> chains_;
  std::uint64_t line_ = 0;
  ReconcileReport report_;
};

}  // namespace salus::client
