// Recorder is the front-end of the log: it turns what happened into sealed entries under the right
// epoch keys and grants, hands them to the sequencer, and checks what came back from disk.
//
// Source: protocol.md P2 to P5.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/directory.h"
#include "audit/event.h"
#include "audit/receipt.h"
#include "audit/seal.h"
#include "audit/signer.h"
#include "audit/subject.h"
#include "base/metrics.h"
#include "base/random.h"
#include "tlog/log.h"

namespace salus::audit {

class EpochStore;
class SubjectCache;

// RecordedLine is the answer to one line of a request, in the request's order.
struct RecordedLine {
  std::size_t line = 0;            // counted from 1
  Result<tlog::Outcome> outcome;   // an error: the line was refused
  std::string_view event_id = {};  // as sent, in RecordedBatch::ids; empty for a refused line
  // Set when it was logged, or is a repeat from this process's epoch:
  std::uint32_t patient = 0;  // place in RecordedBatch::patients
  SecretArray<32> key = {};   // k; all zero for a repeat whose epoch is over
  bool has_key = false;
  std::size_t entry_offset = 0;  // into RecordedBatch::entries; size 0 for a repeat
  std::size_t entry_size = 0;
};

// RecordedBatch is the answer to a request.
struct RecordedBatch {
  std::vector<RecordedLine> lines;
  struct Patient {
    Subject subject;
    ProvenTag tag;
  };
  // One receipt a commit; a request is more than one commit only when an epoch ended under it.
  struct CommitReceipt {
    Receipt receipt;
    std::vector<std::uint32_t> lines;  // places in `lines`, in the order of the receipt's leaves
  };
  std::vector<Patient> patients;  // each patient of the request once
  Bytes entries;
  std::vector<char> ids;  // what the lines' event_id are views of; a vector, so that it can move
  std::vector<CommitReceipt> receipts;  // over the logged and repeated lines
};

// OfferedEvent is an event that came in another form than NDJSON, or the reason why there is none.
// line is what its answer is called by: several may have the same.
struct OfferedEvent {
  std::size_t line = 0;
  Result<Event> event;
};

// RecordOptions of one request.
struct RecordOptions {
  bool is_atomic = false;  // one bad line refuses all
  bool may_use_reserve = false;
};

// NewPolicy is a kind 4 entry about to be made, or a notice to everybody.
struct NewPolicy {
  EventType type;
  std::optional<Subject> subject;  // whose chain it stands in; nullopt: nobody's (sources)
  Bytes content;                   // one deterministic CBOR map
  // What the entry is the origin of: its salt and index are filled in.
  std::optional<Row> row;
  bool is_sealed = true;   // to the subject's readers; else in clear (mandates, custody shares)
  bool ends_epoch = true;  // the subject's readers change: a policy entry in the narrow sense
  // A patient that is registered for the first time has no row yet: the key its grant goes to.
  std::optional<crypto::P256PublicKey> first_key;
  tlog::EntryKind kind = tlog::EntryKind::kPolicy;  // or kNotice
};

struct LoggedPolicy {
  tlog::LeafIndex index;
  tlog::LeafHash leaf_hash;
};

// Threads: safe to share.
class Recorder {
 public:
  struct Parts {
    std::string origin;
    tlog::Log* log;
    Directory* directory;
    const Signer* signer;
    const Clock* clock;
    RandomSource* random;
    MetricRegistry* metrics;
  };
  explicit Recorder(Parts parts);
  ~Recorder();

  // RecordLines takes NDJSON events. done is called, from any thread, when they are durable and
  // were read back, or nothing of the request could be logged. lines must stay until then.
  //
  // Errors inside done: ResourceExhausted (disk full), FailedPrecondition, Internal.
  using Done = std::function<void(Result<RecordedBatch>)>;
  void RecordLines(const SourceRow& source, std::string_view lines, const RecordOptions& options,
                   Done done);
  // IsAtHand says that RecordLines would not make the caller wait: no tag is to be proven, no key
  // to be made, nobody to be registered. Should readers change just then, it may wait all the same.
  bool IsAtHand(std::string_view lines) const;
  // RecordEvents takes events that another format was parsed into; their text is not needed after
  // it returns. An event without a patient goes to the system subject.
  void RecordEvents(const SourceRow& source, std::span<const OfferedEvent> events,
                    const RecordOptions& options, Done done);

  // LockActs lets one at a time change who is registered and who may read whom: the registrar's and
  // officer's acts, and the custody of patients that a source was the first to name. Whoever holds
  // it knows that what the directory says stays so.
  std::unique_lock<std::mutex> LockActs();

  // RecordPolicies notes the policies' rows as intents, logs kind 4 entries, 1,000 a commit, then
  // stores the rows, and begins a new epoch for every subject of a policy entry. Nobody seals in
  // between: an epoch is made either with the old readers before the entry, or with the new ones
  // behind it. The caller holds LockActs.
  //
  // Errors: those of the log and of the directory. What was logged before one stays; rows that are
  // not stored are found as intents by the next Open, and not believed until then.
  Result<std::vector<LoggedPolicy>> RecordPolicies(std::span<NewPolicy> policies);
  // RecordClear logs an entry in clear that is about no subject (certificates, clock).
  Result<LoggedPolicy> RecordClear(tlog::EntryKind kind, EventType type, ByteSpan clear);
  // TakeIntoCustody registers those of the patients that nobody registered, without a key. The
  // caller holds LockActs.
  //
  // Errors: FailedPrecondition (BrokenRegistration) when the log knows a patient that the directory
  // does not: nobody is taken into custody because a row is gone.
  Result<void> TakeIntoCustody(std::span<const Subject> patients);
  // RecordQuery logs that somebody asked about a patient, sealed in the patient's chain, or about a
  // mandate, in clear in that one's; a patient's own repeats within an hour are one entry. The
  // receipt shows it to the asker.
  struct Query {
    Subject subject;  // asked about
    Subject asker;
    std::string purpose;
    Timestamp from, to;
  };
  struct LoggedQuery {
    tlog::LeafIndex index;
    tlog::LeafHash leaf_hash;
    Receipt receipt;
  };
  Result<LoggedQuery> RecordQuery(const Query& query);

  // TagOf is the subject's tag with its proof.
  ProvenTag TagOf(const Subject& subject);

  // LastPolicyOf is the newest policy entry of the subject's chain; 0 where there is none.
  merkle::LeafIndex LastPolicyOf(const Subject& subject);

  // ForgetOldEpochs wipes every key whose UTC day is over. Called by the node at midnight, and by
  // tests with a turned clock.
  void ForgetOldEpochs();
  // ForgetSubject ends the subject's epoch at once (its readers changed).
  void ForgetSubject(const Subject& subject);

  struct State;  // shared with the requests of this module

 private:
  std::unique_ptr<State> state_;
};

}  // namespace salus::audit
