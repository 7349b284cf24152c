// EntryIndex finds the entries of a subject, and the repeats of an event. Derived from the
// segments: built off the commit path as sorted runs, rebuilt at any time.
//
// Source:  docs/formats/runs.md; the manifest names the runs and how far they reach.
// Shape:   in memory about 30 bytes for each of the newest entries (at most kFlushEntries twice),
//          1.3 bytes for each event ever.
// Threads: one writer (AddMany, MaybeFlush: the sequencer); lookups from any thread.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "storage/file_system.h"
#include "storage/membership_filter.h"
#include "storage/posting_run.h"
#include "storage/sorted_run.h"
#include "tlog/record_meta.h"

namespace salus::tlog {

// RecentEntries indexes the entries since the last run, in memory.
class RecentEntries {
 public:
  explicit RecentEntries(std::uint64_t first) : first_(first) {}

  void AddPosting(SubjectNumber subject, std::uint64_t index);
  void AddRepeat(std::uint64_t key, std::uint64_t index);
  // ReserveRepeats makes room for so many more, so that adding them moves nothing.
  void ReserveRepeats(std::size_t more);
  // PrefetchRepeat has the CPU fetch where AddRepeat will look.
  void PrefetchRepeat(std::uint64_t key) const {
    __builtin_prefetch(&slots_[key & (slots_.size() - 1)], 1);
  }
  void FindRepeat(std::uint64_t key, std::vector<std::uint64_t>& found) const;
  // FindPostings appends the subject's indexes, ascending.
  void FindPostings(SubjectNumber subject, std::vector<std::uint64_t>& found) const;

  std::uint64_t first() const { return first_; }
  std::size_t posting_count() const { return links_.size(); }
  std::vector<storage::Posting> Postings() const;
  std::vector<storage::SortedRunEntry> Repeats() const;

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  struct Link {
    std::uint32_t subject;
    std::uint32_t delta;     // index - first_
    std::uint32_t previous;  // position of the subject's link before this one, or kNone
  };
  struct Slot {
    std::uint64_t key = 0;
    std::uint64_t index_plus_one = 0;  // 0: free
  };
  void GrowSlots(std::size_t slots);

  const std::uint64_t first_;
  std::vector<Link> links_;
  std::vector<std::uint32_t> tails_;  // by subject number: position of its last link
  std::vector<Slot> slots_;           // open addressing, a power of two
  std::size_t used_slots_ = 0;
};

// IndexUse says what an index is opened for. For questions alone the filter of repeats, which costs
// a walk through every event ever, is left out: then every event may be a repeat, and is looked up.
enum class IndexUse { kEvents, kQuestions };

class EntryIndex {
 public:
  static constexpr std::size_t kFlushEntries = 512 * 1024;
  static constexpr std::size_t kMergeWidth = 8;

  // Open reads the manifest and its runs. What is missing or damaged is left out from there on:
  // covered() says how far the rest reaches, and the caller adds the entries behind it again.
  static Result<std::unique_ptr<EntryIndex>> Open(storage::FileSystem& fs,
                                                  const std::string& directory, bool read_only,
                                                  IndexUse use = IndexUse::kEvents);
  ~EntryIndex();

  // covered is the number of entries that are in runs.
  std::uint64_t covered() const;

  // AddMany adds the durable entries first, first + 1, ... ; they follow what was added before.
  void AddMany(std::uint64_t first, std::span<const RecordMeta> metas);

  // MayBeRepeats says for each key whether it may have been added; 0 is certain.
  void MayBeRepeats(std::span<const RepeatKey> keys, std::span<std::uint8_t> out) const;
  // Candidates are the indexes whose key begins with the same 8 bytes; the caller compares the
  // whole key with the record's.
  Result<std::vector<std::uint64_t>> Candidates(const RepeatKey& key) const;
  // EntriesOf are all indexes of a subject below end, ascending.
  Result<std::vector<std::uint64_t>> EntriesOf(SubjectNumber subject, std::uint64_t end) const;

  // MaybeFlush starts to write a run in the background when enough entries are in memory; end is
  // the number of entries so far, all durable.
  void MaybeFlush(std::uint64_t end);
  // FlushNow writes what is in memory and waits. Errors: ResourceExhausted, Unavailable.
  Result<void> FlushNow(std::uint64_t end);
  // ranges are the parts of the log that the runs cover, in order.
  std::vector<storage::RecordRange> ranges() const;
  // CompareRun holds the run of this range against what the segments say; both lists in any order.
  //
  // Errors: Corruption, with the first entry that the run has otherwise.
  Result<void> CompareRun(const storage::RecordRange& range, std::vector<storage::Posting> postings,
                          std::vector<storage::SortedRunEntry> repeats) const;
  // KeyOf is what a repeat is found by: the first 8 bytes of its identity.
  static std::uint64_t KeyOf(const RepeatKey& key);
  // Clear forgets runs and memory, for a rebuild.
  void Clear();

 private:
  struct RunPair {
    storage::RecordRange range;
    std::shared_ptr<const storage::PostingRun> postings;
    std::shared_ptr<const storage::SortedRun> repeats;
  };
  using Runs = std::vector<RunPair>;

  EntryIndex(storage::FileSystem& fs, std::string directory, bool read_only);
  std::string PathOf(const storage::RecordRange& range, char kind) const;
  Result<RunPair> OpenRun(const storage::RecordRange& range) const;
  Result<void> LoadFilter(const RunPair& run);
  Result<void> WriteManifest(const Runs& runs);
  Result<void> WriteRun(const RecentEntries& recent, std::uint64_t end);
  Result<bool> MergeOnce();
  void RunFlusher(std::stop_token stop);

  storage::FileSystem& fs_;
  const std::string directory_;
  const bool read_only_;
  bool has_filter_ = true;
  std::unique_ptr<storage::MembershipFilter> filter_;

  mutable std::shared_mutex mutex_;
  std::unique_ptr<RecentEntries> recent_;  // by mutex_
  std::shared_ptr<RecentEntries> frozen_;  // by mutex_: being written
  std::uint64_t frozen_end_ = 0;           // by mutex_
  std::shared_ptr<const Runs> runs_;       // by mutex_

  std::mutex flush_mutex_;
  std::condition_variable_any flush_wanted_;
  std::condition_variable_any flush_done_;
  bool is_flushing_ = false;  // by flush_mutex_
  std::jthread flusher_;
};

}  // namespace salus::tlog
