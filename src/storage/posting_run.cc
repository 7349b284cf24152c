#include "storage/posting_run.h"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <optional>

#include "base/endian.h"

namespace salus::storage {
namespace {

constexpr std::array<char, 8> kMagic = {'S', 'A', 'L', 'U', 'P', 'S', 'T', '1'};
constexpr std::size_t kDirectoryEntryBytes = 16;
constexpr std::uint64_t kMaxRange = std::numeric_limits<std::uint32_t>::max();

// PageFiller packs fixed-size items into pages.
class PageFiller {
 public:
  explicit PageFiller(PagedFileWriter& pages) : pages_(pages) {}

  // Room returns where the next item of a size that divides kPageBytes goes.
  Result<std::uint8_t*> Room(std::size_t bytes, std::uint64_t fence) {
    if (used_ == kPageBytes) TRY_VOID(FlushPage());
    if (used_ == 0) fence_ = fence;
    used_ += bytes;
    return &page_[used_ - bytes];
  }
  // FlushPage ends the page, if there is anything in it.
  Result<void> FlushPage() {
    if (used_ == 0) return {};
    const std::size_t used = used_;
    used_ = 0;
    return pages_.AddPage(fence_, ByteSpan(page_).first(used));
  }

 private:
  PagedFileWriter& pages_;
  std::array<std::uint8_t, kPageBytes> page_{};
  std::size_t used_ = 0;
  std::uint64_t fence_ = 0;
};

Result<void> AddDirectoryEntry(PageFiller& filler, const PostingRun::DirectoryEntry& entry) {
  TRY(std::uint8_t* const out, filler.Room(kDirectoryEntryBytes, entry.subject));
  StoreBe(out, entry.subject);
  StoreBe(out + 4, entry.count);
  StoreBe(out + 8, entry.first_posting);
  return {};
}

Result<void> AddPosting(PageFiller& filler, std::uint64_t delta) {
  TRY(std::uint8_t* const out, filler.Room(4, 0));
  StoreBe(out, static_cast<std::uint32_t>(delta));
  return {};
}

// MergeWalk steps through the directories of several runs by ascending subject.
class MergeWalk {
 public:
  explicit MergeWalk(std::span<const PostingRun* const> runs) : sides_(runs.size()) {
    for (std::size_t i = 0; i < runs.size(); ++i) sides_[i].run = runs[i];
  }

  // Next calls visit for each run that has the lowest subject not yet seen, in log order.
  // False at the end.
  Result<bool> Next(
      const std::function<Result<void>(std::size_t, const PostingRun::DirectoryEntry&)>& visit) {
    std::optional<std::uint32_t> lowest;
    for (Side& side : sides_) {
      if (!side.entry && side.next < side.run->subject_count()) {
        TRY(side.entry, side.run->SubjectAt(side.next, side.cache));
      }
      if (side.entry && (!lowest || side.entry->subject < *lowest)) lowest = side.entry->subject;
    }
    if (!lowest) return false;
    for (std::size_t i = 0; i < sides_.size(); ++i) {
      Side& side = sides_[i];
      if (!side.entry || side.entry->subject != *lowest) continue;
      TRY_VOID(visit(i, *side.entry));
      side.entry.reset();
      ++side.next;
    }
    return true;
  }

 private:
  struct Side {
    const PostingRun* run = nullptr;
    std::uint64_t next = 0;
    std::optional<PostingRun::DirectoryEntry> entry;
    PostingRun::PageCache cache;
  };
  std::vector<Side> sides_;
};

}  // namespace

Result<void> PostingRun::Write(FileSystem& fs, const std::string& path,
                               std::span<const Posting> postings, RecordRange range) {
  if (range.first > range.end || range.end - range.first > kMaxRange) {
    return InvalidArgument("a posting run covers fewer than 2^32 records");
  }
  std::vector<std::uint64_t> keys;  // subject, then delta: one word sorts both
  keys.reserve(postings.size());
  for (const Posting& posting : postings) {
    if (posting.record < range.first || posting.record >= range.end) {
      return InvalidArgument("a posting lies outside the range of its run");
    }
    keys.push_back((std::uint64_t{posting.subject} << 32) | (posting.record - range.first));
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  TRY(PagedFileWriter pages, PagedFileWriter::Create(fs, path));
  PageFiller filler(pages);
  std::uint64_t subjects = 0;
  for (std::size_t begin = 0; begin < keys.size();) {
    std::size_t end = begin + 1;
    while (end < keys.size() && keys[end] >> 32 == keys[begin] >> 32) ++end;
    TRY_VOID(AddDirectoryEntry(filler, {static_cast<std::uint32_t>(keys[begin] >> 32),
                                        static_cast<std::uint32_t>(end - begin), begin}));
    ++subjects;
    begin = end;
  }
  TRY_VOID(filler.FlushPage());
  for (const std::uint64_t key : keys) TRY_VOID(AddPosting(filler, key & 0xFFFFFFFF));
  TRY_VOID(filler.FlushPage());
  return pages.Finish(kMagic, {subjects, keys.size(), range.first, range.end});
}

Result<void> PostingRun::Merge(FileSystem& fs, std::span<const PostingRun* const> runs,
                               const std::string& path) {
  if (runs.empty()) return InvalidArgument("no runs to merge");
  for (std::size_t i = 1; i < runs.size(); ++i) {
    if (runs[i]->range().first != runs[i - 1]->range().end) {
      return InvalidArgument("runs to merge must be adjacent and in log order");
    }
  }
  const RecordRange range{runs.front()->range().first, runs.back()->range().end};
  if (range.end - range.first > kMaxRange) {
    return InvalidArgument("the merged run would cover 2^32 records or more");
  }
  TRY(PagedFileWriter pages, PagedFileWriter::Create(fs, path));
  PageFiller filler(pages);
  // Twice through the directories, first for the merged one, then for the lists: so no memory
  // grows with the number of subjects.
  std::uint64_t subjects = 0;
  std::uint64_t postings = 0;
  for (MergeWalk walk(runs);;) {
    DirectoryEntry merged{0, 0, postings};
    TRY(const bool more, walk.Next([&](std::size_t, const DirectoryEntry& entry) -> Result<void> {
      merged.subject = entry.subject;
      merged.count += entry.count;
      return {};
    }));
    if (!more) break;
    TRY_VOID(AddDirectoryEntry(filler, merged));
    ++subjects;
    postings += merged.count;
  }
  TRY_VOID(filler.FlushPage());
  std::vector<PageCache> caches(runs.size());
  std::vector<std::uint64_t> list;
  for (MergeWalk walk(runs);;) {
    TRY(const bool more, walk.Next([&](std::size_t i, const DirectoryEntry& entry) -> Result<void> {
      list.clear();
      TRY_VOID(runs[i]->AppendList(entry, runs[i]->range().first - range.first, caches[i], list));
      for (const std::uint64_t delta : list) TRY_VOID(AddPosting(filler, delta));
      return {};
    }));
    if (!more) break;
  }
  TRY_VOID(filler.FlushPage());
  return pages.Finish(kMagic, {subjects, postings, range.first, range.end});
}

Result<PostingRun> PostingRun::Open(FileSystem& fs, const std::string& path) {
  TRY(PagedFile pages, PagedFile::Open(fs, path, kMagic));
  PostingRun run(std::move(pages));
  const std::uint64_t page_count = run.pages_.page_count();
  const RecordRange range = run.range();
  if (range.first > range.end || range.end - range.first > kMaxRange ||
      run.subject_count() > page_count * kSubjectsPerPage ||
      run.posting_count() > page_count * kPostingsPerPage ||
      run.directory_pages() + (run.posting_count() + kPostingsPerPage - 1) / kPostingsPerPage !=
          page_count) {
    return Corruption(path + ": impossible numbers in the header; delete it, it is rebuilt");
  }
  return run;
}

Result<PostingRun::DirectoryEntry> PostingRun::SubjectAt(std::uint64_t i, PageCache& cache) const {
  const std::uint64_t page = i / kSubjectsPerPage;
  if (cache.page != page) {
    cache.bytes.resize(kPageBytes);
    cache.page = ~std::uint64_t{0};
    TRY_VOID(pages_.ReadPages(page, cache.bytes));
    cache.page = page;
  }
  const std::uint8_t* const in = &cache.bytes[i % kSubjectsPerPage * kDirectoryEntryBytes];
  const DirectoryEntry entry{LoadBe<std::uint32_t>(in), LoadBe<std::uint32_t>(in + 4),
                             LoadBe<std::uint64_t>(in + 8)};
  if (entry.first_posting > posting_count() ||
      entry.count > posting_count() - entry.first_posting) {
    return Corruption(pages_.path() + ": impossible directory entry; delete it, it is rebuilt");
  }
  return entry;
}

Result<PostingRun::DirectoryEntry> PostingRun::Lookup(std::uint32_t subject) const {
  const DirectoryEntry none{subject, 0, 0};
  const std::uint64_t directory = directory_pages();
  if (directory == 0) return none;
  // A subject stands in one page only, which may begin with it.
  std::uint64_t page = pages_.FirstPageFor(subject, 0, directory);
  if (page + 1 < directory && pages_.fence(page + 1) == subject) ++page;
  PageCache cache;
  std::uint64_t low = page * kSubjectsPerPage;
  const std::uint64_t end = std::min(low + kSubjectsPerPage, subject_count());
  for (std::uint64_t left = end - low; left > 0;) {
    const std::uint64_t half = left / 2;
    TRY(const DirectoryEntry entry, SubjectAt(low + half, cache));
    if (entry.subject == subject) return entry;
    if (entry.subject < subject) {
      low += half + 1;
      left -= half + 1;
    } else {
      left = half;
    }
  }
  return none;
}

Result<std::uint64_t> PostingRun::Count(std::uint32_t subject) const {
  TRY(const DirectoryEntry entry, Lookup(subject));
  return std::uint64_t{entry.count};
}

Result<void> PostingRun::Find(std::uint32_t subject, std::vector<std::uint64_t>& records) const {
  TRY(const DirectoryEntry entry, Lookup(subject));
  PageCache cache;
  return AppendList(entry, range().first, cache, records);
}

Result<void> PostingRun::AppendList(const DirectoryEntry& entry, std::uint64_t base,
                                    PageCache& cache, std::vector<std::uint64_t>& records) const {
  records.reserve(records.size() + entry.count);
  const std::uint64_t end = entry.first_posting + entry.count;
  for (std::uint64_t i = entry.first_posting; i < end;) {
    const std::uint64_t page = directory_pages() + i / kPostingsPerPage;
    if (cache.page != page) {
      cache.bytes.resize(kPageBytes);
      cache.page = ~std::uint64_t{0};
      TRY_VOID(pages_.ReadPages(page, cache.bytes));
      cache.page = page;
    }
    const std::uint64_t stop = std::min(end, (i / kPostingsPerPage + 1) * kPostingsPerPage);
    for (; i < stop; ++i) {
      records.push_back(base + LoadBe<std::uint32_t>(&cache.bytes[i % kPostingsPerPage * 4]));
    }
  }
  return {};
}

}  // namespace salus::storage
