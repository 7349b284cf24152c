// What the checks of VerifyHistory hand to each other. Internal to the module.
//
// Source: protocol.md P6.3.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "audit/verify.h"
#include "tlog/policy.h"

namespace salus::audit {

// TrustedLog is what was pinned, parsed.
struct TrustedLog {
  std::string origin;
  tlog::Policy policy;
  tlog::VerifierKey receipt_key;
};
Result<TrustedLog> TrustPinned(const PinnedLog& log);

// ProvenTree is a checkpoint whose signature, quorum and kind 3 entry were verified.
struct ProvenTree {
  merkle::TreeSize size;
  merkle::RootHash root;
  tlog::MapRootEntry map;
  std::vector<tlog::WitnessTime> cosignatures;  // those within 60 s of the kind 3 entry's time
};
// `which` names the checkpoint in messages: "the newest checkpoint".
Result<ProvenTree> VerifyTree(const TrustedLog& log, const ProvenCheckpoint& checkpoint,
                              std::string_view which);
Result<void> CheckFresh(const TrustedLog& log, const ProvenTree& newest, Timestamp now);
Result<void> CheckKnown(const VerifyQuestion& question, const HistoryAnswer& answer,
                        const ProvenTree& newest);

// Timeline bounds when an entry was logged, by the kind 3 entries that were proven.
class Timeline {
 public:
  // Errors: VerificationFailed when a larger tree has an earlier time.
  Result<void> Add(merkle::TreeSize size, Timestamp time);
  Timestamp EarliestOf(merkle::LeafIndex index) const;
  Timestamp LatestOf(merkle::LeafIndex index) const;

 private:
  std::map<std::uint64_t, Timestamp> times_;  // by tree size
};

// AskedRange is where every entry of the chain must be shown.
struct AskedRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};
// VerifyBrackets adds the brackets' times to the timeline.
Result<AskedRange> VerifyBrackets(const TrustedLog& log, const VerifyQuestion& question,
                                  const HistoryAnswer& answer, const ProvenTree& newest,
                                  Timeline& timeline);

// VerifiedChain is the whole chain, from head0 to what the map says.
struct VerifiedChain {
  SubjectTag tag;
  std::vector<ChainItem> items;
  merkle::ChainHead head;
};
Result<VerifiedChain> VerifyChain(const VerifyQuestion& question, const HistoryAnswer& answer,
                                  const ProvenTree& newest);

// ProvenEntry is a shown entry that is included, a member of the chain, and of a kind that a chain
// has. It views the answer.
struct ProvenEntry {
  ChainItem item;
  EntryView view;
  // The COSE_Encrypt0 of the kinds 1, 4 and 6, or null.
  const SealedBody* sealed() const;
  bool is_policy() const { return view.kind == EntryKind::kPolicy && EndsEpoch(view.other->type); }
};
Result<std::vector<ProvenEntry>> VerifyShown(const HistoryAnswer& answer,
                                             const VerifiedChain& chain, AskedRange asked,
                                             const ProvenTree& newest);

// VerifyQueries checks the receipt of this question's entry, and that this one and all earlier ones
// whose time has come are in the chain. Returns what to remember.
Result<KnownChain> VerifyQueries(const TrustedLog& log, const VerifyQuestion& question,
                                 const HistoryAnswer& answer, const VerifiedChain& chain,
                                 const ProvenTree& newest);

// GrantedKey is an epoch key that at least one grant gave to this reader.
struct GrantedKey {
  EpochKey key;
  std::vector<std::uint64_t> grants;  // ascending indexes; more than one with many readers
  Day day;
  bool is_own;  // opened with the reader's own key, not that of custody
};

// GrantTable is what the grants of a chain came to.
class GrantTable {
 public:
  std::vector<GrantedKey> keys;
  std::vector<std::uint64_t> closed;    // indexes of grants that do not open for this reader
  std::vector<std::uint64_t> policies;  // indexes of policy entries, ascending
  std::map<std::uint64_t, GrantPlaintext> opened;

  // LastPolicyBefore is 0 where there is none: entry 0 is the genesis.
  std::uint64_t LastPolicyBefore(std::uint64_t index) const;

  // NewestDayBefore is the newest day that a grant before index is of: no grant is of a day to
  // come, so that what stands behind it was logged on that day or later.
  std::optional<Day> NewestDayBefore(std::uint64_t index) const;
  void AddDay(std::uint64_t index, Day day);

 private:
  std::vector<std::pair<std::uint64_t, Day>> newest_days_;  // ascending, both
};
// CheckBehind refuses what is of a day while a grant of two days later or more stands before it.
Result<void> CheckBehind(std::uint64_t index, Day day, const GrantTable& table);
Result<GrantTable> OpenGrants(const VerifyQuestion& question, const VerifiedChain& chain,
                              std::span<const ProvenEntry> entries, const Timeline& timeline);

// OpenEntries opens every sealed entry, binds it to the subject and fills events, others and counts
// of `history`. Consumes the table.
Result<void> OpenEntries(const VerifyQuestion& question, const VerifiedChain& chain,
                         std::span<const ProvenEntry> entries, const Timeline& timeline,
                         GrantTable& table, VerifiedHistory& history);

// AtEntry is the VerificationFailed about one entry.
Error AtEntry(std::uint64_t index, std::string_view what);

inline constexpr std::chrono::minutes kDayTolerance{5};

}  // namespace salus::audit
