#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/sha256.h"
#include "storage/file_system.h"
#include "storage/frame_directory.h"
#include "storage/segment_format.h"

namespace salus::storage {

using crypto::Hash32;

// SegmentLogOptions are chosen at each Create or Open; none of them is stored.
struct SegmentLogOptions {
  std::uint64_t segment_size_bytes = 64u << 20;
  FileAccess access = FileAccess::kReadWrite;  // kReadOnly changes no byte: for fsck, followers

  // Records below this number are known to be committed (e.g. by the last signed checkpoint):
  // whatever is wrong with them is damage and never a torn write. Frames from it on are verified
  // in full by Open.
  std::uint64_t trusted_record_count = 0;

  // Errors: InvalidArgument when the segment size is not possible.
  Result<void> Check() const;
};

// RecoveryReport says what Open found at the end of the log.
struct RecoveryReport {
  std::uint64_t torn_bytes = 0;  // bytes of one unacknowledged frame that were dropped
  std::uint64_t torn_segment = 0;
  std::uint64_t torn_offset = 0;
  std::uint64_t verified_records = 0;  // checked in full, from trusted_record_count on
};

// FrameView is what a group commit says about all of its records.
struct FrameView {
  std::uint64_t first_record = 0;
  std::uint32_t record_count = 0;
  std::uint32_t term = 0;
  std::uint64_t time_ms = 0;
};

// RecordView is a verified record; meta and payload live until the visitor returns.
struct RecordView {
  std::uint64_t number;
  ByteSpan meta;
  ByteSpan payload;
  const Hash32& payload_hash;  // SHA-256(0x00 || payload), recomputed: the RFC 6962 leaf hash
  const FrameView& frame;
};
using RecordVisitor = std::function<Result<void>(const RecordView&)>;

// Record owns the bytes of one verified record. Reused across reads, its memory is too.
class Record {
 public:
  std::uint64_t number() const { return number_; }
  ByteSpan meta() const { return ByteSpan(bytes_).subspan(1, meta_length_); }
  ByteSpan payload() const {
    return ByteSpan(bytes_).subspan(1 + meta_length_, bytes_.size() - 1 - meta_length_ - 16);
  }
  const Hash32& payload_hash() const { return payload_hash_; }

 private:
  friend class SegmentLog;
  std::uint64_t number_ = 0;
  std::size_t meta_length_ = 0;
  Hash32 payload_hash_{};
  Bytes bytes_ = Bytes(17);  // as stored: meta length, meta, payload, record hash
};

class RecordHasher;

// SegmentLog is the system of record: an append-only sequence of records, numbered from 0, in
// frames (one group commit each), in preallocated segment files.
//
// Source:     docs/formats/segment.md, format version 1.
// Shape:      meta 0 to 255 bytes; a frame at most 48 MiB and never across two segments.
// Threads:    one appender (Append); Prepare from any one other thread; Read, ReadMany, Scan and
//             VerifyFrames from any number of threads, for records below record_count().
// Durability: what Append returned for is durable. An unacknowledged frame is after a crash there
//             as a whole, or absent.
class SegmentLog {
 public:
  struct RecordInput {
    ByteSpan meta;
    ByteSpan payload;
    Hash32 payload_hash;  // SHA-256(0x00 || payload); trusted here, recomputed by every read
  };

  // Create makes the directory (one level) and an empty log in it.
  // Errors: AlreadyExists when the directory holds anything; ResourceExhausted.
  static Result<std::unique_ptr<SegmentLog>> Create(FileSystem& fs, const std::string& directory,
                                                    const Hash32& log_id,
                                                    const SegmentLogOptions& options);

  // Open hops over all frame headers, verifies frames from the trusted record number on, and drops
  // a torn last frame whole.
  // Errors: NotFound; FailedPrecondition (another log's id); Corruption, with segment and offset:
  // damage before the trusted number, or followed by later frames, or a segment missing.
  static Result<std::unique_ptr<SegmentLog>> Open(FileSystem& fs, const std::string& directory,
                                                  const Hash32& log_id,
                                                  const SegmentLogOptions& options);

  ~SegmentLog();
  SegmentLog(const SegmentLog&) = delete;
  SegmentLog& operator=(const SegmentLog&) = delete;

  const RecoveryReport& recovery() const { return recovery_; }

  // Append writes the records as one frame and returns when it is durable; the first gets number
  // record_count().
  // Errors: InvalidArgument (no records, meta over 255 bytes, frame over kMaxFrameBytes or the
  // segment size); ResourceExhausted, found before anything is written; Unavailable (a write
  // failed). After any error nothing is appended and the log goes on, except after a failed sync:
  // then FailedPrecondition until it is opened again.
  Result<void> Append(std::span<const RecordInput> records, std::uint64_t time_ms,
                      std::uint32_t term);

  // FrameBytes is the size on disk that Append would need for these records.
  static std::uint64_t FrameBytes(std::span<const RecordInput> records);

  // Prepare takes the space of the next segment, so that Append need not. Cheap when it is there
  // already. Errors: ResourceExhausted, Unavailable.
  Result<void> Prepare();
  // prepared says that the next segment's space is taken.
  bool prepared() const;
  // free_bytes_in_segment is what is left in the current segment (appender's thread only).
  std::uint64_t free_bytes_in_segment() const;

  std::uint64_t record_count() const { return record_count_.load(std::memory_order_acquire); }

  // Read returns record number. Errors: NotFound (not below record_count()), Corruption (with
  // segment and offset), Unavailable.
  Result<Record> Read(std::uint64_t number) const;
  Result<void> Read(std::uint64_t number, Record& into) const;

  // ReadMany visits the records of ascending numbers, reading each frame's neighbours together.
  Result<void> ReadMany(std::span<const std::uint64_t> numbers, const RecordVisitor& visit) const;

  // Scan visits the records from <= number < to in order; whole frames are read and verified,
  // their frame hashes too, before any of their records is visited.
  Result<void> Scan(std::uint64_t from, std::uint64_t to, const RecordVisitor& visit) const;

  // VerifyFrames is Scan without visiting.
  Result<void> VerifyFrames(std::uint64_t from, std::uint64_t to) const;

  // FrameOf is the frame that holds a record (its header is covered by the hash that Scan checks,
  // not checked here).
  Result<FrameView> FrameOf(std::uint64_t number) const;

 private:
  class Recovery;

  SegmentLog(FileSystem& fs, std::string directory, const Hash32& log_id,
             const SegmentLogOptions& options);

  // Place is where a frame stands and which records it holds.
  struct Place {
    std::uint64_t index;
    std::uint64_t segment;
    std::uint64_t offset;
    std::uint64_t first_record;
    std::uint32_t record_count;
  };

  std::string SegmentPath(std::uint64_t segment_number) const;
  Error Damaged(std::uint64_t segment, std::uint64_t offset, std::string_view what) const;

  // segment_log.cc: the appender's side.
  Result<void> PrepareLocked();
  Result<void> BeginSegment();
  Result<void> EraseFailedWrite();
  void BuildFrame(const FrameHeader& header, std::span<const RecordInput> records);

  // segment_reader.cc
  Result<std::shared_ptr<const File>> FileOf(std::uint64_t segment_number) const;
  Place PlaceAt(std::uint64_t index) const;
  Result<Place> PlaceOf(std::uint64_t number) const;
  Result<FrameHeader> HeaderAt(const Place& place, const File& file) const;
  Result<Hash32> HashBefore(const Place& place, const File& file) const;
  Result<void> ReadFromFrame(const Place& place, std::span<const std::uint64_t> numbers,
                             const RecordVisitor& visit) const;

  // Constant.
  FileSystem& fs_;
  const std::string directory_;
  const Hash32 log_id_;
  const SegmentLogOptions options_;

  // Self-synchronised.
  FrameDirectory frames_;
  std::atomic<std::uint64_t> record_count_{0};

  // Guarded by files_mutex_: open files for readers, the least recently used is closed first.
  mutable std::mutex files_mutex_;
  mutable std::vector<std::pair<std::uint64_t, std::shared_ptr<const File>>> files_;

  // Guarded by prepare_mutex_.
  mutable std::mutex prepare_mutex_;
  std::unique_ptr<File> prepared_file_;
  std::uint64_t next_segment_ = 0;  // the number that Prepare makes

  // The appender's.
  std::unique_ptr<File> active_;
  std::uint64_t active_segment_ = 0;
  std::uint64_t active_capacity_ = 0;
  std::uint64_t write_offset_ = 0;
  std::uint64_t dirty_bytes_ = 0;  // what a failed write may have left at write_offset_
  bool begin_pending_ = false;     // a segment header was perhaps written: nothing goes before it
  bool broken_ = false;            // a sync failed
  Hash32 last_frame_hash_{};
  Bytes frame_buffer_;
  std::unique_ptr<RecordHasher> hasher_;
  RecoveryReport recovery_;
};

}  // namespace salus::storage
