// Verifying: everything that a reader of a history can check without believing anybody.
//
// Source: protocol.md P6.3 and P6.4; docs/formats/history.md.
// Shape:  an evidence file is one deterministic CBOR array.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "audit/event.h"
#include "audit/grant.h"
#include "audit/history.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/p256.h"
#include "crypto/vrf.h"
#include "tlog/map_root_entry.h"

namespace salus::audit {

// PinnedLog is what `salus connect` pinned: it decides who is believed about what.
struct PinnedLog {
  std::string origin;
  std::string log_vkey;
  std::string receipt_vkey;
  crypto::VrfPublicKey vrf_key;
  std::string policy;  // C2SP tlog-policy text; "quorum none" with no witnesses
};

// KnownCheckpoint is the newest one that this device has verified; it never goes back.
struct KnownCheckpoint {
  merkle::TreeSize size;
  merkle::RootHash root;
  std::string note;
};

// KnownChain is what this device has verified of one subject's chain.
struct KnownChain {
  std::uint64_t count = 0;
  merkle::ChainHead head;
  std::vector<merkle::LeafIndex>
      query_entries;  // own questions whose receipts must stay in the chain
  std::vector<merkle::LeafHash> query_leaves;
};

// ReaderKeys are what the reader opens with: their own private key, or day keys from their own
// chain.
struct ReaderKeys {
  const crypto::P256PrivateKey* own_key =
      nullptr;  // a patient's, or an auditor's for its own chain
  const crypto::P256PrivateKey* custody_key = nullptr;  // joined from released shares
  std::vector<SecretArray<32>> day_keys;                // an auditor's, all days
  Subject reader;
};

// VerifiedEvent is an event that was included, chained, opened and bound to its subject.
struct VerifiedEvent {
  merkle::LeafIndex index;
  merkle::LeafHash leaf_hash;
  Timestamp logged;  // upper bound: the checkpoint that covers it, or the bracket
  Bytes plaintext;   // what `event` views
  Event event;
};

// VerifiedEntry is an entry of another kind: a grant, a policy or a query.
struct VerifiedEntry {
  merkle::LeafIndex index;
  tlog::EntryKind kind;
  EventType type{};                     // kinds 4 to 7
  Bytes plaintext;                      // opened or clear content; empty where it can't be read
  std::optional<GrantPlaintext> grant;  // kind 2, where it opened
};

struct VerifiedHistory {
  std::vector<VerifiedEvent> events;
  std::vector<VerifiedEntry> others;
  std::uint64_t waiting_for_custodians = 0;  // sealed entries whose grants went to a custody key
  std::uint64_t not_for_reader = 0;          // entries from before the reader's mandate
  KnownCheckpoint checkpoint;                // remember this
  KnownChain chain;                          // and this
  tlog::MapRootEntry map;
  SubjectTag tag;
  // One sentence that says what is proven, by whom, up to when (P6.4), and any warnings.
  std::string proven;
  std::vector<std::string> warnings;
};

// VerifyQuestion is what was asked, and what this device knows.
struct VerifyQuestion {
  const PinnedLog* log = nullptr;
  Subject subject;
  std::optional<Day> from, to;
  std::optional<KnownCheckpoint> known;
  KnownChain chain;  // as of `after`
  const ReaderKeys* keys = nullptr;
  Timestamp now;             // or the cosignatures' time for an evidence file
  bool is_evidence = false;  // freshness is judged as of the evidence's own time
  std::optional<std::string> query_receipt_required;
};

// VerifyHistory makes every check of P6.3.
//
// Errors: VerificationFailed: the message says which entry, what is wrong, and what it means. Never
//         anything that was not proven is returned. FailedPrecondition "check your clock" when only
//         this device's clock disagrees.
Result<VerifiedHistory> VerifyHistory(const VerifyQuestion& question, const HistoryAnswer& answer);

// Evidence is the file of --save: it verifies offline.
struct Evidence {
  PinnedLog log;
  HistoryQuestion question;
  Timestamp asked;
  std::vector<Bytes> own_chain_answers;  // an auditor's own chain (for day keys), encoded answers
  Bytes answer;
};
Bytes EncodeEvidence(const Evidence& evidence);
Result<Evidence> DecodeEvidence(ByteSpan bytes);

}  // namespace salus::audit
