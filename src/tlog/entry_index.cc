#include "tlog/entry_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <tuple>

#include "base/check.h"
#include "base/endian.h"
#include "base/log.h"
#include "codec/hex.h"
#include "crypto/sha256.h"

namespace salus::tlog {

namespace {

constexpr std::string_view kManifestHead = "salus index 1\n";
constexpr std::size_t kMaxManifestBytes = 1 << 20;

// The manifest is text: the head, one line "FIRST END" a run, and last the SHA-256 of all that.
std::string ManifestText(std::span<const storage::RecordRange> ranges) {
  std::string text(kManifestHead);
  for (const auto& range : ranges) text += fmt::format("{} {}\n", range.first, range.end);
  text += codec::HexEncode(crypto::Sha256(AsBytes(text)));
  text += '\n';
  return text;
}

Result<std::vector<storage::RecordRange>> ParseManifest(std::string_view text) {
  const Error bad = Corruption("the index manifest is damaged");
  std::vector<storage::RecordRange> ranges;
  if (!text.starts_with(kManifestHead)) return bad;
  const char* at = text.data() + kManifestHead.size();
  const char* end = text.data() + text.size();
  while (end - at > 65) {
    storage::RecordRange range;
    const auto first = std::from_chars(at, end, range.first);
    if (first.ec != std::errc() || first.ptr == end || *first.ptr != ' ') return bad;
    const auto last = std::from_chars(first.ptr + 1, end, range.end);
    if (last.ec != std::errc() || last.ptr == end || *last.ptr != '\n') return bad;
    ranges.push_back(range);
    at = last.ptr + 1;
  }
  if (ManifestText(ranges) != text) return bad;
  return ranges;
}

}  // namespace

EntryIndex::EntryIndex(storage::FileSystem& fs, std::string directory, bool read_only)
    : fs_(fs),
      directory_(std::move(directory)),
      read_only_(read_only),
      filter_(std::make_unique<storage::MembershipFilter>(1 << 20)),
      recent_(std::make_unique<RecentEntries>(0)),
      runs_(std::make_shared<Runs>()) {}

EntryIndex::~EntryIndex() {
  flusher_.request_stop();
  flush_wanted_.notify_all();
}

std::uint64_t EntryIndex::KeyOf(const RepeatKey& key) {
  return LoadBe<std::uint64_t>(key.identity.data());
}

std::string EntryIndex::PathOf(const storage::RecordRange& range, char kind) const {
  return storage::JoinPath(directory_,
                           fmt::format("{}-{:x}-{:x}.run", kind, range.first, range.end));
}

Result<EntryIndex::RunPair> EntryIndex::OpenRun(const storage::RecordRange& range) const {
  RunPair run{.range = range, .postings = nullptr, .repeats = nullptr};
  TRY(storage::PostingRun postings, storage::PostingRun::Open(fs_, PathOf(range, 'p')));
  TRY(storage::SortedRun repeats, storage::SortedRun::Open(fs_, PathOf(range, 'r')));
  const auto same = [&range](storage::RecordRange other) {
    return other.first == range.first && other.end == range.end;
  };
  if (!same(postings.range()) || !same(repeats.range())) {
    return Corruption("an index run covers other entries than its name says");
  }
  run.postings = std::make_shared<storage::PostingRun>(std::move(postings));
  run.repeats = std::make_shared<storage::SortedRun>(std::move(repeats));
  return run;
}

Result<void> EntryIndex::LoadFilter(const RunPair& run) {
  storage::SortedRun::Cursor cursor(*run.repeats);
  std::vector<std::uint64_t> keys;
  storage::SortedRunEntry entry;
  for (;;) {
    TRY(const bool more, cursor.Next(entry));
    if (more) keys.push_back(entry.key);
    if (!more || keys.size() == 4096) {
      filter_->AddMany(keys);
      keys.clear();
    }
    if (!more) return {};
  }
}

Result<std::unique_ptr<EntryIndex>> EntryIndex::Open(storage::FileSystem& fs,
                                                     const std::string& directory, bool read_only,
                                                     IndexUse use) {
  std::unique_ptr<EntryIndex> index(new EntryIndex(fs, directory, read_only));
  index->has_filter_ = use == IndexUse::kEvents;
  std::vector<storage::RecordRange> ranges;
  const std::string path = storage::JoinPath(directory, "manifest");
  if (auto file = fs.OpenExisting(path, storage::FileAccess::kReadOnly)) {
    TRY(const std::uint64_t size, (*file)->Size());
    Bytes text(std::min<std::uint64_t>(size, kMaxManifestBytes));
    TRY_VOID((*file)->ReadExactAt(0, text));
    auto parsed = ParseManifest(AsText(text));
    if (parsed) {
      ranges = *std::move(parsed);
    } else {
      Log(LogLevel::kWarning, "index manifest damaged: rebuilding");
    }
  }
  auto runs = std::make_shared<Runs>();
  if (!ranges.empty() && index->has_filter_) {
    index->filter_ = std::make_unique<storage::MembershipFilter>(ranges.back().end + (1 << 20));
  }
  for (const auto& range : ranges) {
    auto run = index->OpenRun(range);
    const bool is_adjacent = range.first == (runs->empty() ? 0 : runs->back().range.end);
    if (!run || !is_adjacent || (index->has_filter_ && !index->LoadFilter(*run))) {
      Log(LogLevel::kWarning, "index run damaged or missing: rebuilding from there",
          {{"first", static_cast<std::int64_t>(range.first)}});
      break;
    }
    runs->push_back(*std::move(run));
  }
  index->recent_ = std::make_unique<RecentEntries>(runs->empty() ? 0 : runs->back().range.end);
  index->runs_ = std::move(runs);
  if (!read_only) {
    index->flusher_ =
        std::jthread([i = index.get()](std::stop_token stop) { i->RunFlusher(stop); });
  }
  return index;
}

std::uint64_t EntryIndex::covered() const {
  std::shared_lock lock(mutex_);
  return runs_->empty() ? 0 : runs_->back().range.end;
}

void EntryIndex::AddMany(std::uint64_t first, std::span<const RecordMeta> metas) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> repeats;  // key, index
  std::vector<std::uint64_t> keys;
  repeats.reserve(metas.size());
  keys.reserve(metas.size());
  for (std::size_t i = 0; i < metas.size(); ++i) {
    if (!metas[i].repeat) continue;
    keys.push_back(KeyOf(*metas[i].repeat));
    repeats.emplace_back(keys.back(), first + i);
  }
  filter_->AddMany(keys);
  std::unique_lock lock(mutex_);
  recent_->ReserveRepeats(repeats.size());
  constexpr std::size_t kAhead = 8;
  for (std::size_t i = 0; i < repeats.size(); ++i) {
    if (i + kAhead < repeats.size()) recent_->PrefetchRepeat(repeats[i + kAhead].first);
    recent_->AddRepeat(repeats[i].first, repeats[i].second);
  }
  for (std::size_t i = 0; i < metas.size(); ++i) {
    if (metas[i].subject) recent_->AddPosting(*metas[i].subject, first + i);
  }
}

void EntryIndex::MayBeRepeats(std::span<const RepeatKey> keys, std::span<std::uint8_t> out) const {
  if (!has_filter_) return std::fill(out.begin(), out.end(), std::uint8_t{1});
  std::array<std::uint64_t, 256> chunk;
  for (std::size_t at = 0; at < keys.size(); at += chunk.size()) {
    const std::size_t n = std::min(chunk.size(), keys.size() - at);
    for (std::size_t i = 0; i < n; ++i) chunk[i] = KeyOf(keys[at + i]);
    filter_->MayContainMany(std::span(chunk).first(n), out.subspan(at, n));
  }
}

Result<std::vector<std::uint64_t>> EntryIndex::Candidates(const RepeatKey& key) const {
  std::vector<std::uint64_t> found;
  std::shared_ptr<const Runs> runs;
  {
    std::shared_lock lock(mutex_);
    recent_->FindRepeat(KeyOf(key), found);
    if (frozen_) frozen_->FindRepeat(KeyOf(key), found);
    runs = runs_;
  }
  for (const RunPair& run : *runs) TRY_VOID(run.repeats->Find(KeyOf(key), found));
  return found;
}

Result<std::vector<std::uint64_t>> EntryIndex::EntriesOf(SubjectNumber subject,
                                                         std::uint64_t end) const {
  std::vector<std::uint64_t> found;
  std::vector<std::uint64_t> recent;
  std::shared_ptr<const Runs> runs;
  {
    std::shared_lock lock(mutex_);
    if (frozen_) frozen_->FindPostings(subject, recent);
    recent_->FindPostings(subject, recent);
    runs = runs_;
  }
  for (const RunPair& run : *runs) TRY_VOID(run.postings->Find(subject.value, found));
  found.insert(found.end(), recent.begin(), recent.end());
  found.erase(std::lower_bound(found.begin(), found.end(), end), found.end());
  return found;
}

Result<void> EntryIndex::WriteManifest(const Runs& runs) {
  std::vector<storage::RecordRange> ranges;
  for (const RunPair& run : runs) ranges.push_back(run.range);
  const std::string temporary = storage::JoinPath(directory_, "manifest.tmp");
  [[maybe_unused]] const Result<void> absent = fs_.Remove(temporary);
  TRY(auto file, fs_.Create(temporary));
  TRY_VOID(file->WriteAt(0, AsBytes(ManifestText(ranges))));
  TRY_VOID(file->SyncData());
  TRY_VOID(fs_.Rename(temporary, storage::JoinPath(directory_, "manifest")));
  return fs_.SyncDirectory(directory_);
}

Result<void> EntryIndex::WriteRun(const RecentEntries& recent, std::uint64_t end) {
  const storage::RecordRange range{recent.first(), end};
  TRY_VOID(storage::PostingRun::Write(fs_, PathOf(range, 'p'), recent.Postings(), range));
  TRY_VOID(storage::SortedRun::Write(fs_, PathOf(range, 'r'), recent.Repeats(), range));
  TRY(RunPair run, OpenRun(range));
  auto runs = std::make_shared<Runs>(*runs_);
  runs->push_back(std::move(run));
  TRY_VOID(WriteManifest(*runs));
  std::unique_lock lock(mutex_);
  runs_ = std::move(runs);
  frozen_.reset();
  return {};
}

// Merges the last kMergeWidth runs when they are of about one size: each entry is rewritten once
// for each factor of kMergeWidth that the log grows by.
Result<bool> EntryIndex::MergeOnce() {
  const std::shared_ptr<const Runs> old = runs_;
  if (old->size() < kMergeWidth) return false;
  const std::size_t keep = old->size() - kMergeWidth;
  const auto length = [](const RunPair& run) { return run.range.end - run.range.first; };
  if (length((*old)[keep]) >= length(old->back()) * kMergeWidth) return false;
  std::vector<const storage::PostingRun*> postings;
  std::vector<const storage::SortedRun*> repeats;
  for (std::size_t i = keep; i < old->size(); ++i) {
    postings.push_back((*old)[i].postings.get());
    repeats.push_back((*old)[i].repeats.get());
  }
  const storage::RecordRange range{(*old)[keep].range.first, old->back().range.end};
  TRY_VOID(storage::PostingRun::Merge(fs_, postings, PathOf(range, 'p')));
  TRY_VOID(storage::SortedRun::Merge(fs_, repeats, PathOf(range, 'r')));
  TRY(RunPair run, OpenRun(range));
  auto runs =
      std::make_shared<Runs>(old->begin(), old->begin() + static_cast<std::ptrdiff_t>(keep));
  runs->push_back(std::move(run));
  TRY_VOID(WriteManifest(*runs));
  {
    std::unique_lock lock(mutex_);
    runs_ = std::move(runs);
  }
  for (std::size_t i = keep; i < old->size(); ++i) {
    TRY_VOID(fs_.Remove(PathOf((*old)[i].range, 'p')));
    TRY_VOID(fs_.Remove(PathOf((*old)[i].range, 'r')));
  }
  return true;
}

void EntryIndex::MaybeFlush(std::uint64_t end) {
  if (read_only_) return;
  std::lock_guard flush_lock(flush_mutex_);
  if (is_flushing_) return;
  {
    std::unique_lock lock(mutex_);
    if (recent_->posting_count() < kFlushEntries) return;
    if (!frozen_) {  // else an earlier flush failed: try that part again
      frozen_ = std::move(recent_);
      frozen_end_ = end;
      recent_ = std::make_unique<RecentEntries>(end);
    }
  }
  is_flushing_ = true;
  flush_wanted_.notify_all();
}

Result<void> EntryIndex::FlushNow(std::uint64_t end) {
  if (read_only_) return {};
  std::unique_lock flush_lock(flush_mutex_);
  flush_done_.wait(flush_lock, [this] { return !is_flushing_; });
  std::shared_ptr<RecentEntries> frozen;
  {
    std::unique_lock lock(mutex_);
    if (!frozen_) {
      if (recent_->first() == end) return {};
      frozen_ = std::move(recent_);
      frozen_end_ = end;
      recent_ = std::make_unique<RecentEntries>(end);
    }
    frozen = frozen_;
  }
  TRY_VOID(WriteRun(*frozen, frozen_end_));
  // Commands that open and close a directory leave a short run each: they are put together here.
  for (bool merged = true; merged;) {
    TRY(merged, MergeOnce());
  }
  return {};
}

void EntryIndex::RunFlusher(std::stop_token stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(flush_mutex_);
      if (!flush_wanted_.wait(lock, stop, [this] { return is_flushing_; })) return;
    }
    std::shared_ptr<RecentEntries> frozen;
    {
      std::shared_lock lock(mutex_);
      frozen = frozen_;
    }
    Result<void> ok = frozen ? WriteRun(*frozen, frozen_end_) : Result<void>();
    while (ok && !stop.stop_requested()) {
      const Result<bool> merged = MergeOnce();
      if (!merged) ok = Result<void>(merged.error());
      if (!merged || !*merged) break;
    }
    // What could not be written stays in memory, and is tried again with the next flush.
    if (!ok) {
      Log(LogLevel::kWarning, "index run not written", {{"reason", CodeName(ok.error().code)}});
    }
    std::lock_guard lock(flush_mutex_);
    is_flushing_ = false;
    flush_done_.notify_all();
  }
}

std::vector<storage::RecordRange> EntryIndex::ranges() const {
  std::shared_lock lock(mutex_);
  std::vector<storage::RecordRange> ranges;
  for (const RunPair& run : *runs_) ranges.push_back(run.range);
  return ranges;
}

namespace {

Error Differs(std::string_view what, std::uint64_t entry) {
  return Corruption(
      fmt::format("the index of {} differs from the log at entry {}: the log itself "
                  "is unharmed; run `salus log fsck --rebuild`",
                  what, entry));
}

Result<void> ComparePostings(const storage::PostingRun& run,
                             std::vector<storage::Posting>& expected) {
  std::sort(expected.begin(), expected.end(), [](const auto& a, const auto& b) {
    return std::tie(a.subject, a.record) < std::tie(b.subject, b.record);
  });
  std::size_t at = 0;
  storage::PostingRun::PageCache cache;
  std::vector<std::uint64_t> records;
  for (std::uint64_t i = 0; i < run.subject_count(); ++i) {
    TRY(const auto subject, run.SubjectAt(i, cache));
    records.clear();
    TRY_VOID(run.Find(subject.subject, records));
    for (const std::uint64_t record : records) {
      if (at == expected.size() || expected[at].subject != subject.subject ||
          expected[at].record != record) {
        return Differs("subjects", at < expected.size() ? expected[at].record : record);
      }
      ++at;
    }
  }
  if (at != expected.size()) return Differs("subjects", expected[at].record);
  return {};
}

Result<void> CompareRepeats(const storage::SortedRun& run,
                            std::vector<storage::SortedRunEntry>& expected) {
  std::sort(expected.begin(), expected.end());
  storage::SortedRun::Cursor cursor(run);
  storage::SortedRunEntry entry;
  for (const storage::SortedRunEntry& wanted : expected) {
    TRY(const bool more, cursor.Next(entry));
    if (!more || entry != wanted) return Differs("repeats", wanted.value);
  }
  TRY(const bool more, cursor.Next(entry));
  return more ? Differs("repeats", entry.value) : Result<void>();
}

}  // namespace

Result<void> EntryIndex::CompareRun(const storage::RecordRange& range,
                                    std::vector<storage::Posting> postings,
                                    std::vector<storage::SortedRunEntry> repeats) const {
  std::shared_ptr<const Runs> runs;
  {
    std::shared_lock lock(mutex_);
    runs = runs_;
  }
  for (const RunPair& run : *runs) {
    if (run.range.first != range.first || run.range.end != range.end) continue;
    TRY_VOID(ComparePostings(*run.postings, postings));
    return CompareRepeats(*run.repeats, repeats);
  }
  return {};  // merged away since ranges() was called: the larger one is checked next time
}

void EntryIndex::Clear() {
  std::unique_lock lock(mutex_);
  runs_ = std::make_shared<Runs>();
  frozen_.reset();
  recent_ = std::make_unique<RecentEntries>(0);
  filter_ = std::make_unique<storage::MembershipFilter>(1 << 20);
}

}  // namespace salus::tlog
