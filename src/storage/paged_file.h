#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/sha256.h"
#include "storage/file_system.h"

namespace salus::storage {

inline constexpr std::size_t kPageBytes = 4096;

// PagedFileHeader names the kind of an immutable paged file and holds its few numbers.
//
// Shape: 4096 bytes: 8-byte magic, u32 version, u32 zero, u64 page_count, 8 x u64 fields,
//        SHA-256 of the page table, SHA-256 of these, zeros.
struct PagedFileHeader {
  std::array<char, 8> magic{};
  std::uint32_t version = 1;
  std::uint64_t page_count = 0;
  std::array<std::uint64_t, 8> fields{};
};

// PagedFile reads an immutable file of 4 KiB pages; every page read is checked against the hash in
// the page table, and the table against the header.
//
// Source:  docs/formats/runs.md, version 1.
// Shape:   header, pages, then the page table: per page a u64 fence (the page's first key) and
//          SHA-256 of the page.
// Threads: immutable after Open, safe to share.
class PagedFile {
 public:
  // Errors: NotFound; Corruption when header, table or size are not what was written.
  static Result<PagedFile> Open(FileSystem& fs, const std::string& path,
                                const std::array<char, 8>& magic);

  const std::string& path() const { return path_; }
  std::uint64_t page_count() const { return fences_.size(); }
  std::uint64_t field(std::size_t i) const { return fields_[i]; }
  std::uint64_t fence(std::uint64_t page) const { return fences_[page]; }

  // ReadPages fills out (a multiple of kPageBytes) from page on. Errors: Corruption with the page.
  Result<void> ReadPages(std::uint64_t page, MutableByteSpan out) const;

  // FirstPageFor is the first page of [begin, end) that may hold key: the last one whose fence is
  // below key, else begin.
  std::uint64_t FirstPageFor(std::uint64_t key, std::uint64_t begin, std::uint64_t end) const;

 private:
  PagedFile() = default;
  std::string path_;
  std::shared_ptr<const File> file_;
  std::array<std::uint64_t, 8> fields_{};
  std::vector<std::uint64_t> fences_;
  std::vector<crypto::Hash32> hashes_;
};

// PagedFileWriter streams pages into a temporary file that takes its name when all is durable.
// A writer that is destroyed before Finish removes its temporary file.
class PagedFileWriter {
 public:
  // Create replaces a temporary file left behind by a crash.
  static Result<PagedFileWriter> Create(FileSystem& fs, const std::string& path);
  PagedFileWriter(PagedFileWriter&&) noexcept;
  PagedFileWriter& operator=(PagedFileWriter&&) = delete;
  ~PagedFileWriter();

  std::uint64_t page_count() const { return fences_.size(); }
  // AddPage takes one page; a shorter one is filled up with zeros.
  Result<void> AddPage(std::uint64_t fence, ByteSpan page);
  Result<void> Finish(const std::array<char, 8>& magic, const std::array<std::uint64_t, 8>& fields);

 private:
  PagedFileWriter() = default;
  Result<void> Flush();

  FileSystem* fs_ = nullptr;
  std::string path_;
  std::unique_ptr<File> file_;
  Bytes buffer_;
  std::uint64_t written_pages_ = 0;
  std::vector<std::uint64_t> fences_;
  std::vector<crypto::Hash32> hashes_;
};

}  // namespace salus::storage
