#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "storage/file_system.h"
#include "storage/paged_file.h"
#include "storage/sorted_run.h"

namespace salus::storage {

// Posting says that a record belongs to a subject (a dense number that the caller gives out).
struct Posting {
  std::uint32_t subject;
  std::uint64_t record;
};

// PostingRun is an immutable file that maps each subject to its ascending record numbers within
// one range of the log. Derived from the log, it can be rebuilt at any time.
//
// Source:  docs/formats/runs.md, version 1; magic "SALUPST1".
// Shape:   directory pages of 256 entries (u32 subject, u32 count, u64 index of the first posting),
//          then list pages of 1024 u32: record number minus the range's first. Ranges < 2^32.
// Threads: immutable after Open, safe to share.
class PostingRun {
 public:
  static constexpr std::size_t kSubjectsPerPage = kPageBytes / 16;
  static constexpr std::size_t kPostingsPerPage = kPageBytes / 4;

  // Write sorts the postings and writes them; durable on return. A posting given twice is kept
  // once. Errors: InvalidArgument (a record out of range, a range of 2^32 or more),
  // ResourceExhausted.
  static Result<void> Write(FileSystem& fs, const std::string& path,
                            std::span<const Posting> postings, RecordRange range);

  // Merge streams adjacent runs, in log order, into one. Errors: InvalidArgument when the ranges
  // are not adjacent or together 2^32 or more; Corruption.
  static Result<void> Merge(FileSystem& fs, std::span<const PostingRun* const> runs,
                            const std::string& path);

  // Errors: NotFound, Corruption.
  static Result<PostingRun> Open(FileSystem& fs, const std::string& path);

  RecordRange range() const { return {pages_.field(2), pages_.field(3)}; }
  std::uint64_t subject_count() const { return pages_.field(0); }
  std::uint64_t posting_count() const { return pages_.field(1); }

  // Find appends the record numbers of a subject, ascending.
  Result<void> Find(std::uint32_t subject, std::vector<std::uint64_t>& records) const;

  // Count is how many there are. One page is read.
  Result<std::uint64_t> Count(std::uint32_t subject) const;

  struct DirectoryEntry {
    std::uint32_t subject;
    std::uint32_t count;
    std::uint64_t first_posting;
  };
  // SubjectAt is the i-th directory entry, ascending by subject (for walks and merges; cache the
  // page in buffer across calls).
  struct PageCache {
    std::uint64_t page = ~std::uint64_t{0};
    Bytes bytes;
  };
  Result<DirectoryEntry> SubjectAt(std::uint64_t i, PageCache& cache) const;

 private:
  explicit PostingRun(PagedFile pages) : pages_(std::move(pages)) {}
  std::uint64_t directory_pages() const {
    return (subject_count() + kSubjectsPerPage - 1) / kSubjectsPerPage;
  }
  Result<DirectoryEntry> Lookup(std::uint32_t subject) const;  // count 0 when absent
  Result<void> AppendList(const DirectoryEntry& entry, std::uint64_t base, PageCache& cache,
                          std::vector<std::uint64_t>& records) const;
  PagedFile pages_;
};

}  // namespace salus::storage
