#include "storage/sorted_run.h"

#include <algorithm>
#include <array>
#include <queue>

#include "base/endian.h"

namespace salus::storage {
namespace {

constexpr std::array<char, 8> kMagic = {'S', 'A', 'L', 'U', 'R', 'U', 'N', '1'};
constexpr std::uint64_t kCursorPages = 64;

void StoreEntry(std::uint8_t* out, const SortedRunEntry& entry) {
  StoreBe(out, entry.key);
  out[8] = static_cast<std::uint8_t>(entry.value >> 32);
  StoreBe(out + 9, static_cast<std::uint32_t>(entry.value));
}

SortedRunEntry LoadEntry(const std::uint8_t* in) {
  return {LoadBe<std::uint64_t>(in), (std::uint64_t{in[8]} << 32) | LoadBe<std::uint32_t>(in + 9)};
}

// EntryWriter packs ascending entries into pages.
class EntryWriter {
 public:
  EntryWriter(PagedFileWriter& pages) : pages_(pages) {}

  Result<void> Add(const SortedRunEntry& entry) {
    if (in_page_ == 0) fence_ = entry.key;
    StoreEntry(&page_[in_page_ * SortedRun::kEntryBytes], entry);
    ++count_;
    if (++in_page_ < SortedRun::kEntriesPerPage) return {};
    return FlushPage();
  }

  Result<void> Finish(RecordRange range) {
    if (in_page_ > 0) TRY_VOID(FlushPage());
    return pages_.Finish(kMagic, {count_, range.first, range.end});
  }

 private:
  Result<void> FlushPage() {
    const std::size_t used = in_page_ * SortedRun::kEntryBytes;
    in_page_ = 0;
    return pages_.AddPage(fence_, ByteSpan(page_).first(used));
  }

  PagedFileWriter& pages_;
  std::array<std::uint8_t, kPageBytes> page_{};
  std::size_t in_page_ = 0;
  std::uint64_t fence_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace

Result<void> SortedRun::Write(FileSystem& fs, const std::string& path,
                              std::vector<SortedRunEntry> entries, RecordRange range) {
  if (range.first > range.end) return InvalidArgument("a record range that ends before it begins");
  for (const SortedRunEntry& entry : entries) {
    if (entry.value > kMaxValue) return InvalidArgument("a value of a sorted run is over 2^40 - 1");
  }
  std::sort(entries.begin(), entries.end());
  TRY(PagedFileWriter pages, PagedFileWriter::Create(fs, path));
  EntryWriter writer(pages);
  for (const SortedRunEntry& entry : entries) TRY_VOID(writer.Add(entry));
  return writer.Finish(range);
}

Result<void> SortedRun::Merge(FileSystem& fs, std::span<const SortedRun* const> runs,
                              const std::string& path) {
  if (runs.empty()) return InvalidArgument("no runs to merge");
  for (std::size_t i = 1; i < runs.size(); ++i) {
    if (runs[i]->range().first != runs[i - 1]->range().end) {
      return InvalidArgument("runs to merge must be adjacent and in log order");
    }
  }
  struct Head {
    SortedRunEntry entry;
    std::size_t run;
    bool operator>(const Head& other) const { return entry > other.entry; }
  };
  std::vector<Cursor> cursors;
  std::priority_queue<Head, std::vector<Head>, std::greater<>> heads;
  cursors.reserve(runs.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    cursors.emplace_back(*runs[i]);
    SortedRunEntry entry;
    TRY(const bool more, cursors[i].Next(entry));
    if (more) heads.push({entry, i});
  }
  TRY(PagedFileWriter pages, PagedFileWriter::Create(fs, path));
  EntryWriter writer(pages);
  while (!heads.empty()) {
    Head head = heads.top();
    heads.pop();
    TRY_VOID(writer.Add(head.entry));
    TRY(const bool more, cursors[head.run].Next(head.entry));
    if (more) heads.push(head);
  }
  return writer.Finish({runs.front()->range().first, runs.back()->range().end});
}

Result<SortedRun> SortedRun::Open(FileSystem& fs, const std::string& path) {
  TRY(PagedFile pages, PagedFile::Open(fs, path, kMagic));
  SortedRun run(std::move(pages));
  const std::uint64_t count = run.entry_count();
  if (run.range().first > run.range().end || count / kEntriesPerPage > run.pages_.page_count() ||
      (count + kEntriesPerPage - 1) / kEntriesPerPage != run.pages_.page_count()) {
    return Corruption(path + ": impossible numbers in the header; delete it, it is rebuilt");
  }
  return run;
}

Result<void> SortedRun::Find(std::uint64_t key, std::vector<std::uint64_t>& values) const {
  const std::uint64_t page_count = pages_.page_count();
  if (page_count == 0 || key < pages_.fence(0)) return {};
  std::array<std::uint8_t, kPageBytes> page;
  for (std::uint64_t number = pages_.FirstPageFor(key, 0, page_count); number < page_count;
       ++number) {
    if (pages_.fence(number) > key) break;
    TRY_VOID(pages_.ReadPages(number, page));
    const std::size_t count = static_cast<std::size_t>(
        std::min<std::uint64_t>(kEntriesPerPage, entry_count() - number * kEntriesPerPage));
    std::size_t low = 0;
    for (std::size_t left = count; left > 0;) {
      const std::size_t half = left / 2;
      if (LoadBe<std::uint64_t>(&page[(low + half) * kEntryBytes]) < key) {
        low += half + 1;
        left -= half + 1;
      } else {
        left = half;
      }
    }
    for (; low < count; ++low) {
      const SortedRunEntry entry = LoadEntry(&page[low * kEntryBytes]);
      if (entry.key != key) return {};
      values.push_back(entry.value);
    }
  }
  return {};
}

Result<bool> SortedRun::Cursor::Next(SortedRunEntry& entry) {
  if (next_entry_ == run_.entry_count()) return false;
  const std::uint64_t page = next_entry_ / kEntriesPerPage;
  if (page >= buffer_end_page_) TRY_VOID(Fill());
  entry = LoadEntry(&buffer_[(page - buffer_begin_page_) * kPageBytes +
                             next_entry_ % kEntriesPerPage * kEntryBytes]);
  ++next_entry_;
  return true;
}

Result<void> SortedRun::Cursor::Fill() {
  const std::uint64_t begin = buffer_end_page_;
  const std::uint64_t count = std::min(kCursorPages, run_.pages_.page_count() - begin);
  buffer_.resize(count * kPageBytes);
  TRY_VOID(run_.pages_.ReadPages(begin, buffer_));
  buffer_begin_page_ = begin;
  buffer_end_page_ = begin + count;
  return {};
}

}  // namespace salus::storage
