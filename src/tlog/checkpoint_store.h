// CheckpointStore holds the last signed checkpoint, and one a minute for ever.
//
// Source:  protocol.md P5.3 and P5.4; docs/formats/checkpoints.md.
// Shape:   DIR/checkpoint: two slots of 4,096 bytes, written in turn, so that a torn write leaves
// the
//          other and a full disk needs no space. DIR/kept: appended records.
//          A slot, and a record: u32 length, u64 size, u64 time in ms, note, SHA-256 of all that.
// Threads: one writer; readers at any time.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "storage/file_system.h"

namespace salus::tlog {

// StoredCheckpoint is a note with what is needed to find it.
struct StoredCheckpoint {
  std::uint64_t size = 0;
  Timestamp time;  // of its kind 3 entry
  std::string note;
};

class CheckpointStore {
 public:
  static Result<std::unique_ptr<CheckpointStore>> Create(storage::FileSystem& fs,
                                                         const std::string& directory);
  // Errors: Corruption when neither slot is whole. A missing file reads as "no checkpoint known".
  static Result<std::unique_ptr<CheckpointStore>> Open(storage::FileSystem& fs,
                                                       const std::string& directory,
                                                       bool read_only);

  // last is the newest checkpoint, as it was read or swapped in.
  std::optional<StoredCheckpoint> last() const;

  // Swap makes next the last checkpoint, if the stored one still is `expected_size`. Durable on
  // return. This is the compare-and-swap before every signature counts (protocol.md P5.3).
  //
  // Errors: Conflict when somebody else wrote the file.
  Result<void> Swap(std::uint64_t expected_size, const StoredCheckpoint& next);

  // Keep appends to the checkpoints that are kept for ever, at most one a minute.
  Result<void> Keep(const StoredCheckpoint& checkpoint);
  // KeptAtOrBefore and KeptAtOrAfter find the kept checkpoint nearest to a time.
  Result<std::optional<StoredCheckpoint>> KeptAtOrBefore(Timestamp time) const;
  Result<std::optional<StoredCheckpoint>> KeptAtOrAfter(Timestamp time) const;
  std::size_t kept_count() const;
  // is_kept_whole is false when the file of kept checkpoints ended in bytes that are no record.
  bool is_kept_whole() const { return is_kept_whole_; }
  Result<StoredCheckpoint> KeptAt(std::size_t i) const;

 private:
  struct Place {
    std::uint64_t size;
    Timestamp time;
    std::uint64_t offset;
  };
  CheckpointStore() = default;
  Result<void> LoadSlots();
  Result<void> LoadKept();

  std::unique_ptr<storage::File> slots_;
  std::unique_ptr<storage::File> kept_;
  mutable std::mutex mutex_;
  std::optional<StoredCheckpoint> last_;  // by mutex_
  unsigned next_slot_ = 0;                // the writer's
  std::vector<Place> places_;             // by mutex_
  std::uint64_t kept_end_ = 0;            // the writer's
  bool is_kept_whole_ = true;             // as it was opened
};

}  // namespace salus::tlog
