#include "storage/paged_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/endian.h"

namespace salus::storage {
namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kPageCountAt = 16;
constexpr std::size_t kFieldsAt = 24;
constexpr std::size_t kTableHashAt = 88;
constexpr std::size_t kHeaderHashAt = 120;
constexpr std::size_t kTableEntryBytes = 8 + 32;
constexpr std::size_t kFlushPages = 256;
constexpr std::string_view kUnfinishedSuffix = ".tmp";

void HashPages(ByteSpan pages, std::span<crypto::Hash32> out) {
  std::vector<ByteSpan> views;
  views.reserve(out.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    views.push_back(pages.subspan(i * kPageBytes, kPageBytes));
  }
  crypto::Sha256Many(views, out);
}

}  // namespace

Result<PagedFile> PagedFile::Open(FileSystem& fs, const std::string& path,
                                  const std::array<char, 8>& magic) {
  const auto damaged = [&](std::string_view what) {
    return Corruption(fmt::format("{}: {}; delete it, it is rebuilt from the log", path, what));
  };
  PagedFile out;
  out.path_ = path;
  TRY(out.file_, fs.OpenExisting(path, FileAccess::kReadOnly));
  TRY(const std::uint64_t size, out.file_->Size());
  std::array<std::uint8_t, kPageBytes> header{};
  TRY(const std::size_t got, out.file_->ReadAt(0, header));
  if (got < kPageBytes || std::memcmp(header.data(), magic.data(), magic.size()) != 0) {
    return damaged("not a file of this kind");
  }
  if (!Equal(ByteSpan(header).subspan(kHeaderHashAt, 32),
             crypto::Sha256(ByteSpan(header).first(kHeaderHashAt)))) {
    return damaged("wrong header hash");
  }
  if (LoadBe<std::uint32_t>(&header[kVersionAt]) != kVersion) return damaged("unknown version");
  const auto page_count = LoadBe<std::uint64_t>(&header[kPageCountAt]);
  // Bounds page_count by the file's real size, so that the sum below can't overflow.
  if (page_count > size / kPageBytes ||
      size != kPageBytes + page_count * (kPageBytes + kTableEntryBytes)) {
    return damaged("wrong size");
  }
  Bytes table(page_count * kTableEntryBytes);
  TRY_VOID(out.file_->ReadExactAt(kPageBytes * (1 + page_count), table));
  if (!Equal(ByteSpan(header).subspan(kTableHashAt, 32), crypto::Sha256(table))) {
    return damaged("wrong page table");
  }
  for (std::size_t i = 0; i < out.fields_.size(); ++i) {
    out.fields_[i] = LoadBe<std::uint64_t>(&header[kFieldsAt + 8 * i]);
  }
  out.fences_.resize(page_count);
  out.hashes_.resize(page_count);
  for (std::uint64_t i = 0; i < page_count; ++i) {
    out.fences_[i] = LoadBe<std::uint64_t>(&table[i * kTableEntryBytes]);
    std::memcpy(out.hashes_[i].data(), &table[i * kTableEntryBytes + 8], 32);
  }
  return out;
}

Result<void> PagedFile::ReadPages(std::uint64_t page, MutableByteSpan out) const {
  const std::size_t count = out.size() / kPageBytes;
  CHECK(out.size() % kPageBytes == 0 && page <= page_count() && count <= page_count() - page);
  TRY_VOID(file_->ReadExactAt(kPageBytes * (1 + page), out));
  const auto damaged = [&](std::uint64_t number) {
    return Corruption(
        fmt::format("{}: page {} does not match its hash; delete the file, it is "
                    "rebuilt from the log",
                    path_, number));
  };
  if (count == 1) {
    if (crypto::Sha256(out) != hashes_[page]) return damaged(page);
    return {};
  }
  std::vector<crypto::Hash32> hashes(count);
  HashPages(out, hashes);
  for (std::size_t i = 0; i < count; ++i) {
    if (hashes[i] != hashes_[page + i]) return damaged(page + i);
  }
  return {};
}

std::uint64_t PagedFile::FirstPageFor(std::uint64_t key, std::uint64_t begin,
                                      std::uint64_t end) const {
  const auto first = fences_.begin() + static_cast<std::ptrdiff_t>(begin);
  const auto last = fences_.begin() + static_cast<std::ptrdiff_t>(end);
  const auto at = std::lower_bound(first, last, key);  // the first page that begins with >= key
  return static_cast<std::uint64_t>((at == first ? at : at - 1) - fences_.begin());
}

Result<PagedFileWriter> PagedFileWriter::Create(FileSystem& fs, const std::string& path) {
  PagedFileWriter writer;
  const std::string unfinished = path + std::string(kUnfinishedSuffix);
  TRY(const bool left_over, fs.Exists(unfinished));
  if (left_over) TRY_VOID(fs.Remove(unfinished));
  TRY(writer.file_, fs.Create(unfinished));
  writer.fs_ = &fs;
  writer.path_ = path;
  TRY_VOID(writer.file_->WriteAt(0, Bytes(kPageBytes)));
  return writer;
}

PagedFileWriter::PagedFileWriter(PagedFileWriter&&) noexcept = default;

PagedFileWriter::~PagedFileWriter() {
  if (!file_) return;
  file_.reset();
  (void)fs_->Remove(path_ + std::string(kUnfinishedSuffix));
}

Result<void> PagedFileWriter::AddPage(std::uint64_t fence, ByteSpan page) {
  CHECK(page.size() <= kPageBytes);
  fences_.push_back(fence);
  buffer_.insert(buffer_.end(), page.begin(), page.end());
  buffer_.resize((fences_.size() - written_pages_) * kPageBytes);
  if (buffer_.size() == kFlushPages * kPageBytes) return Flush();
  return {};
}

Result<void> PagedFileWriter::Flush() {
  if (buffer_.empty()) return {};
  TRY_VOID(file_->WriteAt(kPageBytes * (1 + written_pages_), buffer_));
  hashes_.resize(fences_.size());
  HashPages(buffer_, std::span(hashes_).subspan(written_pages_));
  written_pages_ = fences_.size();
  buffer_.clear();
  return {};
}

Result<void> PagedFileWriter::Finish(const std::array<char, 8>& magic,
                                     const std::array<std::uint64_t, 8>& fields) {
  TRY_VOID(Flush());
  Bytes table(fences_.size() * kTableEntryBytes);
  for (std::size_t i = 0; i < fences_.size(); ++i) {
    StoreBe(&table[i * kTableEntryBytes], fences_[i]);
    std::memcpy(&table[i * kTableEntryBytes + 8], hashes_[i].data(), 32);
  }
  TRY_VOID(file_->WriteAt(kPageBytes * (1 + fences_.size()), table));
  Bytes header(kPageBytes);
  std::memcpy(header.data(), magic.data(), magic.size());
  StoreBe(&header[kVersionAt], kVersion);
  StoreBe(&header[kPageCountAt], std::uint64_t{fences_.size()});
  for (std::size_t i = 0; i < fields.size(); ++i) StoreBe(&header[kFieldsAt + 8 * i], fields[i]);
  const crypto::Hash32 table_hash = crypto::Sha256(table);
  std::memcpy(&header[kTableHashAt], table_hash.data(), 32);
  const crypto::Hash32 header_hash = crypto::Sha256(ByteSpan(header).first(kHeaderHashAt));
  std::memcpy(&header[kHeaderHashAt], header_hash.data(), 32);
  TRY_VOID(file_->WriteAt(0, header));
  TRY_VOID(file_->SyncData());
  TRY_VOID(fs_->Rename(path_ + std::string(kUnfinishedSuffix), path_));
  file_.reset();
  return fs_->SyncDirectory(DirectoryOf(path_));
}

}  // namespace salus::storage
