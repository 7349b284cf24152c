// Verifying: everything that a reader of a history can check without believing anybody.
//
// Source: protocol.md P6.3 and P6.4; docs/formats/history.md.
// Shape:  an evidence file is one deterministic CBOR array.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
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
#include "tlog/policy.h"

namespace salus::audit {

// PinnedLog is what `salus connect` pinned: it decides who is believed about what.
struct PinnedLog {
  std::string origin;
  std::string log_vkey;
  std::string receipt_vkey;
  crypto::VrfPublicKey vrf_key;
  std::string policy;  // C2SP tlog-policy text; "quorum none" with no witnesses
};

// PolicyOf is the pinned policy, with the pinned log key in it.
// Errors: InvalidArgument when what was pinned does not parse, or names another log.
Result<tlog::Policy> PolicyOf(const PinnedLog& log);

// IsGenesisOf says whether an entry is entry 0 of the pinned log: its origin and its keys.
bool IsGenesisOf(const PinnedLog& log, ByteSpan entry);

// KnownCheckpoint is the newest one that this device has verified; it never goes back.
struct KnownCheckpoint {
  merkle::TreeSize size;
  merkle::RootHash root;
  std::string note;
  Timestamp time = {};           // of its kind 3 entry; the epoch: not remembered
  Timestamp watched_since = {};  // time of the first one that this device verified; likewise
};

// KnownChain is what this device has verified of one subject's chain. A later answer must begin
// with it. With `items` remembered the device may ask for what comes after `count` only; without
// them it asks for the whole chain again (after 0), and the prefix is checked all the same.
//
// Shape: items is empty or holds `count` of them, 40 bytes each.
struct KnownChain {
  std::uint64_t count = 0;
  merkle::ChainHead head;
  std::vector<merkle::LeafIndex>
      query_entries;  // own questions whose receipts must stay in the chain
  std::vector<merkle::LeafHash> query_leaves;
  std::vector<ChainItem> items;
};

// ReaderMandate is what an auditor's own chain says of its right to read: grants to these patients,
// from the entry on, must open for it.
struct ReaderMandate {
  merkle::LeafIndex index;                 // of the mandate's entry in the auditor's own chain
  std::optional<merkle::LeafIndex> ended;  // of the entry that replaced it
  Day logged;                              // no earlier than this day
  Day from;
  std::optional<Day> until;
  std::vector<Subject> patients;
  bool is_counted = false;  // they are too many to be named, and patients is empty
};

// ReaderKeys are what the reader opens with: their own private key, or day keys from their own
// chain.
struct ReaderKeys {
  const crypto::P256PrivateKey* own_key =
      nullptr;  // a patient's, or an auditor's for its own chain
  const crypto::P256PrivateKey* custody_key = nullptr;  // joined from released shares
  std::vector<SecretArray<32>> day_keys;                // an auditor's, all days
  Subject reader;
  std::vector<ReaderMandate> mandates;  // an auditor's, ascending
  // How far the own chain was read that day keys and mandates are from: a grant behind it may be
  // under a newer day key, and its not opening accuses nobody yet.
  std::optional<merkle::TreeSize> own_chain_size;
  // An auditor's: the entry that registered its present key, where it had another one before.
  std::optional<merkle::LeafIndex> own_key_since;
  std::vector<SharedGrant> shared;  // past days that the patient opened to an auditor
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
  Timestamp logged;                     // upper bound, as for events
  EventType type{};                     // kinds 4 to 6
  Bytes plaintext;                      // opened or clear content; empty where it can't be read
  std::optional<GrantPlaintext> grant;  // kind 2, where it opened
};

struct VerifiedHistory {
  std::vector<VerifiedEvent> events;
  std::vector<VerifiedEntry> others;
  std::uint64_t waiting_for_custodians = 0;  // sealed entries whose grants went to a custody key
  std::uint64_t not_for_reader = 0;          // entries from before the reader's mandate
  std::uint64_t before_own_key = 0;          // from before ReaderKeys::own_key_since
  std::uint64_t newer_than_keys = 0;         // closed grants behind ReaderKeys::own_chain_size
  std::uint64_t under_older_key = 0;  // entries sealed to a key that this reader no longer has
  KnownCheckpoint checkpoint;         // remember this
  KnownChain chain;                   // and this
  tlog::MapRootEntry map;
  SubjectTag tag;
  // One sentence that says what is proven, by whom, up to when (P6.4), and any warnings.
  std::string proven;
  std::vector<std::string> warnings;
};

// AskedUnder is the entry of an earlier question, in another chain, that a question was asked
// under. That answer was verified, with its receipt.
struct AskedUnder {
  merkle::LeafIndex index;
  merkle::LeafHash leaf_hash;
};

// VerifyQuestion is what was asked, and what this device knows.
struct VerifyQuestion {
  const PinnedLog* log = nullptr;
  Subject subject;
  std::optional<Day> from, to;
  std::optional<KnownCheckpoint> known;
  KnownChain chain;  // as of `after`
  const ReaderKeys* keys = nullptr;
  Timestamp now;  // or the cosignatures' time for an evidence file
  std::optional<AskedUnder> under = {};
  bool is_evidence = false;  // freshness is judged as of the evidence's own time
};

// VerifyHistory makes every check of P6.3.
//
// Too old is always VerificationFailed: an old state is what an attacker would serve, and nothing
// that the server says can show that only this device's clock is ahead. A time more than 5 minutes
// ahead is FailedPrecondition, because nobody gains by it.
//
// Errors: VerificationFailed: the message says which entry, what is wrong, and what it means. Never
//         anything that was not proven is returned. FailedPrecondition "check your clock" when only
//         this device's clock disagrees, or when it does not remember what it asked to go on from;
//         or when it asked under a question from before the mandate.
//         InvalidArgument when what was pinned does not parse.
Result<VerifiedHistory> VerifyHistory(const VerifyQuestion& question, const HistoryAnswer& answer);

// SharedDays is what a history shows of days that the patient opened to an auditor.
struct SharedDays {
  std::vector<SharedGrant> grants;
  std::uint64_t closed = 0;  // messages that are not for this key: it was replaced, say
};
// SharedWith collects it. With keys.shared set to its grants the same answer verifies to more.
//
// Errors: VerificationFailed when an entry of shared days is not one.
Result<SharedDays> SharedWith(const VerifiedHistory& history, const ReaderKeys& keys);

// JoinedHistory is an auditor's own chain, verified, and what it opens patients' histories with.
struct JoinedHistory {
  VerifiedHistory own_chain;
  ReaderKeys keys;
};
// JoinHistory verifies the auditor's own chain, page after page, and collects its day keys and
// mandates. Every day must have been asked for. question.keys holds the auditor's private key.
//
// Errors: as VerifyHistory; InvalidArgument without answers or for another kind of subject.
Result<JoinedHistory> JoinHistory(const VerifyQuestion& question,
                                  std::span<const HistoryAnswer> answers);

// EncodeKnownChain is what a device stores between two questions.
Bytes EncodeKnownChain(const KnownChain& chain);
// Errors: Corruption when bytes is not exactly such an encoding.
Result<KnownChain> DecodeKnownChain(ByteSpan bytes);

// Evidence is the file of --save: it verifies offline.
//
// Shape: question.after is 0: an evidence file needs nothing that a device remembers.
struct Evidence {
  PinnedLog log;
  HistoryQuestion question;
  Timestamp asked;
  std::vector<Bytes> own_chain_answers;  // an auditor's own chain (for day keys), encoded answers
  Bytes answer;
};
Bytes EncodeEvidence(const Evidence& evidence);
// Errors: InvalidArgument when bytes does not begin as evidence; VerificationFailed when the rest
// is
//         not exactly such an encoding.
Result<Evidence> DecodeEvidence(ByteSpan bytes);
// VerifyEvidence verifies the file as of its own time. It says what the pinned log of the file
// says: whoever reads it compares evidence.log with the log that they know.
//
// Errors: as VerifyHistory.
Result<VerifiedHistory> VerifyEvidence(const Evidence& evidence, const ReaderKeys& keys);

}  // namespace salus::audit
