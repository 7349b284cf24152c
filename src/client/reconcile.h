// Reconcile holds a source's receipts against the log: what was promised must be there, unaltered,
// and filed under the patient it was about.
//
// Source: protocol.md P5.2, P7.
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

namespace salus::client {

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
  // ChainOf gives the ascending indexes of a subject's chain, where they can be seen (a data
  // directory): without it, an event that was filed under another subject is not noticed.
  using ChainOf = std::function<Result<std::vector<std::uint64_t>>(const audit::SubjectTag& tag)>;
  // log and tree must stay.
  Reconciler(const audit::PinnedLog& log, const PublishedTree& tree, Timestamp now,
             OnFinding on_finding, ChainOf chain_of = {});

  // Add checks one line of the file.
  //
  // Errors: those of the tree and of chain_of that are no finding (Unavailable at the first
  //         contact).
  Result<void> Add(std::string_view line);
  const ReconcileReport& report() const { return report_; }

 private:
  void Report(ReceiptFinding finding);
  Result<void> CheckEvent(const audit::ReceiptBody& body, const KeptReceipt::Event& event);
  Result<bool> IsMisfiled(const KeptReceipt::Event& event);

  const audit::PinnedLog& log_;
  const PublishedTree& tree_;
  const Timestamp now_;
  const OnFinding on_finding_;
  const ChainOf chain_of_;
  std::map<audit::SubjectTag, std::vector<std::uint64_t>> chains_;
  std::uint64_t line_ = 0;
  ReconcileReport report_;
};

}  // namespace salus::client
