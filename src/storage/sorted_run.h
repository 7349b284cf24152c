#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "storage/file_system.h"
#include "storage/paged_file.h"

namespace salus::storage {

// SortedRunEntry maps a key to a value below 2^40. Keys may repeat.
struct SortedRunEntry {
  std::uint64_t key;  // the 8 key bytes read as a big-endian number: same order
  std::uint64_t value;

  friend auto operator<=>(const SortedRunEntry&, const SortedRunEntry&) = default;
};

// RecordRange is the part of the log that a run was built from: first <= number < end.
struct RecordRange {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
};

// SortedRun is an immutable file of entries, sorted by key and value. Derived from the log, it can
// be rebuilt at any time.
//
// Source:  docs/formats/runs.md, version 1; magic "SALURUN1".
// Shape:   315 entries of 13 bytes a page (8-byte key, 5-byte value, big-endian), 1 zero byte.
//          In memory 40 bytes a page.
// Threads: immutable after Open, safe to share.
class SortedRun {
 public:
  static constexpr std::size_t kEntryBytes = 13;
  static constexpr std::size_t kEntriesPerPage = kPageBytes / kEntryBytes;
  static constexpr std::uint64_t kMaxValue = (std::uint64_t{1} << 40) - 1;

  // Write sorts the entries (duplicates stay) and writes them; durable on return. A file at path
  // is replaced. Errors: InvalidArgument (a value over kMaxValue), ResourceExhausted.
  static Result<void> Write(FileSystem& fs, const std::string& path,
                            std::vector<SortedRunEntry> entries, RecordRange range);

  // Merge streams adjacent runs, in log order, into one: memory does not grow with their size.
  // Errors: InvalidArgument when their ranges are not adjacent; Corruption.
  static Result<void> Merge(FileSystem& fs, std::span<const SortedRun* const> runs,
                            const std::string& path);

  // Errors: NotFound, Corruption.
  static Result<SortedRun> Open(FileSystem& fs, const std::string& path);

  std::uint64_t entry_count() const { return pages_.field(0); }
  RecordRange range() const { return {pages_.field(1), pages_.field(2)}; }

  // Find appends all values of key, ascending. One page is read, more when the key's entries run
  // over its end. Errors: Corruption, Unavailable.
  Result<void> Find(std::uint64_t key, std::vector<std::uint64_t>& values) const;

  // Cursor walks all entries in order, many pages at a time.
  class Cursor {
   public:
    explicit Cursor(const SortedRun& run) : run_(run) {}
    // Next is false at the end.
    Result<bool> Next(SortedRunEntry& entry);

   private:
    Result<void> Fill();
    const SortedRun& run_;
    std::uint64_t next_entry_ = 0;
    std::uint64_t buffer_begin_page_ = 0;
    std::uint64_t buffer_end_page_ = 0;
    Bytes buffer_;
  };

 private:
  explicit SortedRun(PagedFile pages) : pages_(std::move(pages)) {}
  PagedFile pages_;
};

}  // namespace salus::storage
