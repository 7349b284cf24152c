// Submission is a batch of sealed entries on its way into the log, and what became of them.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "merkle/memory_tree.h"
#include "merkle/types.h"
#include "tlog/record_meta.h"

namespace salus::tlog {

using merkle::LeafHash;

// PendingGrant is a grant that waits for the first entry that needs it: the sequencer puts it into
// the log right before that entry, whichever thread's entry comes first (protocol.md P3.3).
struct PendingGrant : std::enable_shared_from_this<PendingGrant> {
  Bytes entry;
  // Opens the entry as it reads back. Neither is kept once that is done (LetGo).
  std::function<Result<void>(ByteSpan entry)> check;
  LeafHash leaf_hash;
  SubjectNumber subject;
  // The subject's last policy entry when the grant was made. If there is a newer one, the grant is
  // spent before it was used.
  std::uint64_t policy_index = 0;
  // What must stand before this grant: the auditors' day keys that it uses.
  std::vector<std::shared_ptr<PendingGrant>> needs;
  // 0 until the grant is durable or planned into the running commit. Written by the sequencer.
  std::atomic<std::uint64_t> index{0};
  // The key that this grant hands over is replaced: what needs it is stale from then on.
  std::atomic<bool> is_over{false};

  // NeedsWhatIsOver says that a reader's key was replaced since.
  bool NeedsWhatIsOver() const {
    return std::ranges::any_of(needs, [](const auto& needed) { return needed->is_over.load(); });
  }

  void LetGo() {
    entry = {};
    check = nullptr;
  }
};

struct NewEntry {
  std::size_t offset = 0;  // of the entry in the submission's arena
  std::size_t size = 0;
  LeafHash leaf_hash;
  std::optional<SubjectNumber> subject;
  bool is_policy = false;
  std::uint16_t source = 0;
  PendingGrant* grant = nullptr;  // owned by the submission's grants
  std::optional<RepeatKey> repeat;
};

enum class OutcomeKind : std::uint8_t {
  kLogged,
  kRepeat,      // logged before; index and leaf_hash are those of then
  kConflict,    // the same source, id and patient were logged with other content
  kStaleGrant,  // a policy entry came in between: seal it anew and submit it again
};

struct Outcome {
  OutcomeKind kind = OutcomeKind::kLogged;
  merkle::LeafIndex index;
  LeafHash leaf_hash;
  std::uint32_t answer = 0;  // place among the answers (logged and repeats) of the commit
};

// CommitAnswers is shared by all submissions of one commit, so that one receipt covers them: each
// fills in its own part of hashes and leaves a continuation; whoever is last signs and runs them.
struct CommitAnswers {
  std::uint64_t first_index = 0;
  std::uint64_t count = 0;  // entries of the commit
  Timestamp time;
  std::vector<merkle::LeafHash> hashes;  // one a logged or repeated event, in commit order
  std::vector<std::shared_ptr<PendingGrant>> grants;  // that the commit brought

  std::mutex mutex;
  std::uint32_t submissions_left = 0;                 // by mutex
  std::vector<std::function<void()>> when_receipted;  // by mutex
  Result<std::string> receipt_note;                   // set before the continuations run
  merkle::MemoryTree tree;                            // likewise
};

class Submission {
 public:
  // Done is called once, on the sequencer's thread, when the commit is durable or has failed.
  using Done = std::function<void(std::unique_ptr<Submission>)>;

  Bytes arena;                                        // the entries' bytes
  std::vector<NewEntry> entries;                      // in the order they shall have
  std::vector<std::shared_ptr<PendingGrant>> grants;  // each that an entry names, once or more
  Done done;
  // A query's entry may use the reserve that is kept for it when the disk is full.
  bool may_use_reserve = false;

  // Set when done is called.
  Result<void> status;
  std::vector<Outcome> outcomes;  // one an entry, when status is good
  std::shared_ptr<CommitAnswers> answers;

  ByteSpan entry(std::size_t i) const {
    return ByteSpan(arena).subspan(entries[i].offset, entries[i].size);
  }
};

}  // namespace salus::tlog
