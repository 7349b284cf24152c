// Log is one append-only log in one directory: it gives entries their indexes, makes them durable
// in group commits, steps the subjects' chains, and signs checkpoints over the result.
//
// Source:  protocol.md P4 and P5; the life of an entry is told in docs/architecture.md.
// Shape:   DIR/segments (the system of record), DIR/hashes, DIR/index (derived), DIR/checkpoint,
//          DIR/kept, DIR/subjects (a snapshot of the chains, derived).
// Threads: Submit and all readers may be called from any thread. One sequencer thread of its own
//          writes.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "merkle/compact_range.h"
#include "merkle/map.h"
#include "merkle/map_proof.h"
#include "merkle/proof.h"
#include "storage/segment_log.h"
#include "tlog/checkpoint_store.h"
#include "tlog/entry_index.h"
#include "tlog/entry_kind.h"
#include "tlog/hash_store.h"
#include "tlog/map_root_entry.h"
#include "tlog/subject_table.h"
#include "tlog/submission.h"

namespace salus::tlog {

using merkle::RootHash;
using merkle::TreeSize;

// LogOptions are chosen at each start.
struct LogOptions {
  std::string origin;
  std::chrono::milliseconds interval_loaded{50};
  std::chrono::milliseconds interval_quiet{1000};
  std::chrono::milliseconds interval_idle{300'000};
  std::uint64_t segment_size_bytes = 64u << 20;
  bool read_only = false;
  // For a process that records questions and no events: what only events need is not loaded, and
  // the derived files are left to the next one that takes events.
  bool is_for_questions = false;
  // No checkpoints are made on their own: tests and repairs call MakeCheckpoint.
  bool manual_checkpoints = false;
  const Clock* clock = nullptr;
  MetricRegistry* metrics = nullptr;
};

// CheckpointSigner turns the body of a checkpoint into a signed note, and checks one that was read
// back. The keys behind it are not this module's.
struct CheckpointSigner {
  std::function<Result<std::string>(std::string_view body)> sign;
  std::function<Result<void>(std::string_view note)> verify;
};

// PublishedCheckpoint is a signed tree with the map root that it ends in.
struct PublishedCheckpoint {
  std::string note;
  TreeSize size;
  RootHash root;
  MapRootEntry map;  // the entry at size - 1
};

// StoredEntry is one entry as it stands in the log, verified against its leaf hash.
struct StoredEntry {
  LeafIndex index;
  LeafHash leaf_hash;
  Bytes entry;
  RecordMeta meta;
};

// ChainProof is what the map says of a subject, with the checkpoint it says it under.
struct ChainProof {
  std::shared_ptr<const PublishedCheckpoint> checkpoint;
  merkle::MapProof proof;
  std::optional<merkle::MapValue> value;
};

class Log {
 public:
  // Create makes the directory's files with `genesis` as entry 0, and the first checkpoint over it.
  //
  // Errors: AlreadyExists when there is a log; ResourceExhausted.
  static Result<void> Create(storage::FileSystem& fs, const std::string& directory,
                             const LogOptions& options, const CheckpointSigner& signer,
                             ByteSpan genesis);

  // Open recovers: every durable commit behind the last checkpoint is replayed at the same indexes,
  // a torn one is dropped whole, and the tree must have the root that the last checkpoint signed.
  //
  // Errors: NotFound, Corruption (with what does not fit, and what to do), VerificationFailed when
  // the stored checkpoint is not signed by this log's key.
  static Result<std::unique_ptr<Log>> Open(storage::FileSystem& fs, const std::string& directory,
                                           const LogOptions& options,
                                           const CheckpointSigner& signer);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Submit hands entries to the sequencer; done is called when their commit is durable, or could
  // not be made so (status says why, and none of them is in the log).
  void Submit(std::unique_ptr<Submission> submission);
  // SubmitAndWait is Submit for callers with a thread to spare.
  std::unique_ptr<Submission> SubmitAndWait(std::unique_ptr<Submission> submission);

  SubjectTable& subjects() { return *subjects_; }
  const SubjectTable& subjects() const { return *subjects_; }
  // MayBeRepeats and FindRepeat look an event up before it is sealed; the sequencer looks again.
  void MayBeRepeats(std::span<const RepeatKey> keys, std::span<std::uint8_t> out) const {
    index_->MayBeRepeats(keys, out);
  }
  Result<std::optional<Outcome>> FindRepeat(const RepeatKey& key) const;

  // MakeCheckpoint signs and publishes one over everything that is durable now, and waits for it.
  Result<std::shared_ptr<const PublishedCheckpoint>> MakeCheckpoint();
  std::shared_ptr<const PublishedCheckpoint> published() const;
  // WaitPublished waits until a checkpoint covers index, or the time is over, or none can be made
  // (the clock, the disk). While somebody waits
  // checkpoints come as fast as under load.
  std::shared_ptr<const PublishedCheckpoint> WaitPublished(LeafIndex index,
                                                           std::chrono::milliseconds timeout) const;
  // ConfirmClock lets checkpoints go on after a clock that jumped, or a long standstill, stopped
  // them.
  void ConfirmClock();
  bool is_clock_trusted() const { return is_clock_trusted_; }
  // is_full says that the disk is: only queries are taken, into the reserve.
  bool is_full() const { return is_full_; }

  std::uint64_t record_count() const { return segments_->record_count(); }
  Result<StoredEntry> ReadEntry(LeafIndex index) const;
  // ReadEntries visits entries of ascending indexes; the views live for the call.
  Result<void> ReadEntries(std::span<const std::uint64_t> indexes,
                           const storage::RecordVisitor& visit) const {
    return segments_->ReadMany(indexes, visit);
  }
  Result<void> Scan(std::uint64_t from, std::uint64_t to,
                    const storage::RecordVisitor& visit) const {
    return segments_->Scan(from, to, visit);
  }
  // CommitOf is the group commit that an entry came with.
  Result<storage::FrameView> CommitOf(std::uint64_t index) const {
    return segments_->FrameOf(index);
  }

  // EntriesOf are the indexes of a subject's chain below size, ascending.
  Result<std::vector<std::uint64_t>> EntriesOf(const SubjectTag& tag, TreeSize size) const;
  // ProveChain pairs the newest published checkpoint with the map's proof under it.
  ChainProof ProveChain(const SubjectTag& tag) const;
  Result<LeafHash> LeafHashAt(LeafIndex index) const;
  const merkle::HashReader& hashes() const { return *hashes_; }
  // HashesForAnswer reads the same; one for each answer.
  OneTileALevel HashesForAnswer() const { return OneTileALevel(*hashes_); }
  Result<Bytes> ReadTile(const merkle::TileId& id) const { return hashes_->ReadTile(id); }
  Result<Bytes> ReadBundle(const merkle::TileId& id) const;
  const CheckpointStore& checkpoints() const { return *checkpoints_; }

  // Rebuild makes hashes and indexes anew from the segments.
  Result<void> Rebuild();
  // CheckDerived compares every tile and index run with what the segments say.
  Result<void> CheckDerived(const std::function<void(std::uint64_t done)>& progress) const;

 private:
  struct Plan;
  class Replay;

  Log(storage::FileSystem& fs, std::string directory, LogOptions options, CheckpointSigner signer);
  Result<void> OpenFiles();
  Result<void> Recover();
  Result<void> ReplayFrom(std::uint64_t first);
  Result<void> CheckRoot(const StoredCheckpoint& last) const;
  Result<void> LoadSnapshot();
  Result<void> WriteSnapshot();

  void RunSequencer(std::stop_token stop);
  void RunKeeper(std::stop_token stop);
  std::chrono::milliseconds Interval() const;
  bool IsCheckpointDue() const;
  void CommitBatch(std::vector<std::unique_ptr<Submission>> batch);
  Result<void> PlanSubmission(Submission& submission, Plan& plan);
  void PlanEntry(Submission& submission, std::size_t i, Plan& plan);
  Result<void> FindDurableRepeats(Submission& submission);
  bool PlanGrant(PendingGrant& grant, Plan& plan);
  void PlanRecord(ByteSpan entry, const LeafHash& leaf_hash, RecordMeta meta, Plan& plan);
  void UndoPlan(Plan& plan);
  void ApplyCommit(Plan& plan);
  void StepChains(std::span<const LeafHash> leaves, std::span<const RecordMeta> metas,
                  std::uint64_t first);
  Result<void> AppendMapRoot();
  Result<void> SignCheckpoint(const MapRootEntry& map, const LeafHash& leaf);
  bool CheckClock();
  static void LogFull(const Error& error);

  // Constant.
  storage::FileSystem& fs_;
  const std::string directory_;
  const LogOptions options_;
  const CheckpointSigner signer_;
  const Clock& clock_;

  // Self-synchronised.
  std::unique_ptr<storage::SegmentLog> segments_;
  std::unique_ptr<HashStore> hashes_;
  std::unique_ptr<EntryIndex> index_;
  std::unique_ptr<CheckpointStore> checkpoints_;
  std::unique_ptr<SubjectTable> subjects_;
  std::atomic<bool> is_full_{false};
  std::atomic<bool> is_clock_trusted_{true};
  std::atomic<bool> makes_checkpoints_{true};  // the last one that was due was made

  // By map_mutex_: the map as of the newest published checkpoint. The sequencer changes both
  // together.
  mutable std::shared_mutex map_mutex_;
  merkle::MapTree map_;
  std::shared_ptr<const PublishedCheckpoint> published_;
  mutable std::mutex published_mutex_;
  mutable std::condition_variable published_changed_;

  // By queue_mutex_.
  mutable std::mutex queue_mutex_;
  mutable std::condition_variable_any queue_changed_;
  mutable int waiting_ = 0;  // threads in WaitPublished
  std::vector<std::unique_ptr<Submission>> queue_;
  bool checkpoint_wanted_ = false;
  std::uint64_t checkpoints_asked_ = 0;
  std::uint64_t checkpoints_made_ = 0;
  Result<void> checkpoint_status_;

  // The sequencer's.
  std::vector<SubjectNumber> touched_;   // since the last kind 3
  std::vector<LeafHash> update_leaves_;  // likewise: leaves of `updates`
  std::uint64_t subject_count_ = 0;      // subjects with at least one entry
  std::uint64_t entries_since_checkpoint_ = 0;
  std::chrono::steady_clock::time_point last_checkpoint_at_;
  Timestamp last_checkpoint_time_;
  std::chrono::milliseconds clock_offset_{0};
  std::uint64_t snapshot_size_ = 0;

  struct Metrics;
  std::unique_ptr<Metrics> metrics_;

  std::jthread keeper_;     // prepares space ahead
  std::jthread sequencer_;  // last: stops first
};

}  // namespace salus::tlog
