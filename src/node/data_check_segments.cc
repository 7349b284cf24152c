// The records of a log against its hash tiles and its signed roots. The tiles are derived and
// trusted by nobody; but where they lead to a signed root, they say which entry is the wrong one.

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "codec/rfc3339.h"
#include "merkle/tile.h"
#include "node/data_check_parts.h"
#include "node/node_state.h"
#include "tlog/entry_index.h"
#include "tlog/hash_store.h"

namespace salus::node {

namespace {

constexpr std::size_t kMaxOdd = 100'000;

// TileLeaves reads the level 0 tiles, one at a time.
class TileLeaves {
 public:
  explicit TileLeaves(std::unique_ptr<tlog::HashStore> store) : store_(std::move(store)) {}

  std::optional<merkle::LeafHash> At(std::uint64_t index) {
    if (!store_ || index >= store_->size()) return std::nullopt;
    const std::uint64_t n = index / merkle::kTileWidth;
    if (!has_tile_ || n != tile_) Load(n);
    const std::size_t at = (index % merkle::kTileWidth) * 32;
    if (bytes_.size() < at + 32) return std::nullopt;
    Result<merkle::LeafHash> leaf = merkle::LeafHash::FromBytes(ByteSpan(bytes_).subspan(at, 32));
    return leaf ? std::optional(*leaf) : std::nullopt;
  }

  const std::vector<std::uint64_t>& damaged() const { return damaged_; }

 private:
  void Load(std::uint64_t n) {
    has_tile_ = true;
    tile_ = n;
    bytes_.clear();
    const unsigned width = merkle::TileWidthAt(merkle::TreeSize{store_->size()}, 0, n);
    Result<Bytes> tile = store_->ReadTile({0, n, width});
    if (tile) {
      bytes_ = *std::move(tile);
    } else {
      damaged_.push_back(n);
    }
  }

  std::unique_ptr<tlog::HashStore> store_;
  bool has_tile_ = false;
  std::uint64_t tile_ = 0;
  Bytes bytes_;
  std::vector<std::uint64_t> damaged_;
};

class Scanner {
 public:
  Scanner(const SegmentCheck& check, EntryCheck& entries, Findings& findings,
          DataCheckReport& report, TileLeaves tiles)
      : check_(check),
        entries_(entries),
        findings_(findings),
        report_(report),
        tiles_(std::move(tiles)) {}

  Result<void> Run() {
    std::uint64_t at = 0;
    while (at < check_.end) {
      const Result<void> scanned =
          check_.segments->Scan(at, check_.end, [this, &at](const storage::RecordView& record) {
            Take(record.number, record.meta, record.payload, merkle::LeafHash(record.payload_hash));
            at = record.number + 1;
            return Result<void>();
          });
      if (scanned) break;
      if (scanned.error().code != ErrorCode::kCorruption) return scanned;
      TRY(at, SkipFrame(at, scanned.error().message));
    }
    NameOddEntries();
    for (const std::uint64_t n : tiles_.damaged()) {
      CheckFinding finding;
      finding.severity = CheckSeverity::kDerived;
      finding.what = fmt::format("hash tile {} (entries {} to {}) is damaged", n,
                                 n * merkle::kTileWidth, (n + 1) * merkle::kTileWidth - 1);
      finding.file = "log/hashes/leaves";
      finding.advice = "salus log fsck --rebuild";
      findings_.Counted("tile", std::move(finding));
    }
    return {};
  }

 private:
  struct Odd {
    std::uint64_t index;
    merkle::LeafHash stored;  // of the entry in the segments
    std::optional<merkle::LeafHash> by_tile;
    bool is_unreadable;
  };

  void Take(std::uint64_t index, ByteSpan meta, ByteSpan entry, const merkle::LeafHash& leaf) {
    entries_.Visit(index, meta, entry, leaf);
    const std::optional<merkle::LeafHash> by_tile = tiles_.At(index);
    if (by_tile && *by_tile != leaf && odd_.size() < kMaxOdd) {
      odd_.push_back({index, leaf, by_tile, false});
      is_others_odd_ = true;
    }
    Step(leaf, by_tile.value_or(leaf));
  }

  void TakeUnreadable(std::uint64_t index) {
    entries_.Missing(index);
    const std::optional<merkle::LeafHash> by_tile = tiles_.At(index);
    if (odd_.size() < kMaxOdd) odd_.push_back({index, {}, by_tile, true});
    if (!by_tile) is_tile_tree_lost_ = true;
    is_entry_tree_lost_ = true;
    Step(merkle::LeafHash(), by_tile.value_or(merkle::LeafHash()));
  }

  void Step(const merkle::LeafHash& leaf, const merkle::LeafHash& by_tile) {
    by_entry_.Append(leaf);
    by_tile_.Append(by_tile);
    const std::uint64_t size = by_entry_.size().value;
    for (; next_root_ < check_.roots.size() && check_.roots[next_root_].size == size;
         ++next_root_) {
      CompareRoot(check_.roots[next_root_]);
    }
    if (check_.known && check_.known->size.value == size) CompareKnown();
    if (size % 16'384 == 0 && check_.options->progress) {
      check_.options->progress(size, check_.end);
    }
  }

  void CompareRoot(const SignedRoot& root) {
    if (!is_entry_tree_lost_ && by_entry_.Root() == root.root) {
      if (!first_bad_) findings_.Good(root);
      return;
    }
    is_last_tile_root_signed_ = !is_tile_tree_lost_ && by_tile_.Root() == root.root;
    if (is_last_tile_root_signed_) tiles_signed_to_ = root.size;
    if (!first_bad_) first_bad_ = root;
  }

  void CompareKnown() {
    // What can't be read is named by itself, and leaves nothing to compare.
    if (is_entry_tree_lost_ && is_tile_tree_lost_) return;
    if (!is_entry_tree_lost_ && by_entry_.Root() == check_.known->root) return;
    if (!is_tile_tree_lost_ && by_tile_.Root() == check_.known->root) return;  // named one by one
    CheckFinding finding;
    finding.what = fmt::format(
        "the log was rewritten: its first {} entries are not those that this device has verified",
        check_.known->size.value);
    finding.file = "log/segments";
    finding.advice = "keep the directory as evidence, and ask for a mirror's copy";
    findings_.Add(std::move(finding));
  }

  // A frame that does not verify: its records are read one by one, and what can't be read is named.
  Result<std::uint64_t> SkipFrame(std::uint64_t at, const std::string& message) {
    TRY(const storage::FrameView frame, check_.segments->FrameOf(at));
    const std::uint64_t end =
        std::min<std::uint64_t>(check_.end, frame.first_record + frame.record_count);
    std::uint64_t unreadable = 0;
    for (std::uint64_t n = at; n < end; ++n) {
      const Result<storage::Record> record = check_.segments->Read(n);
      if (record) {
        Take(n, record->meta(), record->payload(), merkle::LeafHash(record->payload_hash()));
        continue;
      }
      if (record.error().code != ErrorCode::kCorruption) return record.error();
      ++unreadable;
      TakeUnreadable(n);
    }
    if (unreadable == 0) {
      CheckFinding finding;
      finding.what = fmt::format("the commit of entries {} to {} was changed on disk: {}",
                                 frame.first_record, end - 1, message);
      finding.file = "log/segments";
      finding.entry = frame.first_record;
      finding.advice = "restore the segment from a backup or a mirror";
      findings_.Counted("frame", std::move(finding));
    }
    if (end <= at) return Corruption("a frame without records");
    return end;
  }

  void Name(std::uint64_t index, std::string what) {
    CheckFinding finding;
    finding.what = std::move(what);
    finding.file = "log/segments";
    finding.entry = index;
    finding.advice = "restore the segments from a backup or a mirror; keep these as evidence";
    findings_.Counted("odd", std::move(finding));
  }

  void NameDerived(const Odd& odd) {
    CheckFinding finding;
    finding.severity = CheckSeverity::kDerived;
    finding.what = fmt::format("the hash tile of entry {} does not fit it", odd.index);
    finding.file = "log/hashes/leaves";
    finding.entry = odd.index;
    finding.advice = "salus log fsck --rebuild";
    findings_.Counted("tile leaf", std::move(finding));
  }

  // As far as the tiles lead to a signed root, each entry that differs from its tile is named; an
  // entry whose hash another place should have was moved there.
  void NameOddEntries() {
    bool is_readable = true;
    for (const Odd& odd : odd_) {
      if (!odd.is_unreadable) continue;
      is_readable = false;
      Name(odd.index, fmt::format("entry {} was changed on disk: it can't be read", odd.index));
    }
    // All others lead to the signed roots, with the tiles' hashes in the place of the unreadable.
    if (!is_readable && !is_others_odd_ && is_last_tile_root_signed_) return;
    if (!first_bad_) {
      for (const Odd& odd : odd_) {
        if (!odd.is_unreadable) NameDerived(odd);
      }
      return;
    }
    const std::uint64_t good = findings_.last_good() ? findings_.last_good()->size : 0;
    const std::string between = fmt::format(
        "entries {} to {} do not hash to the root that was signed over {} entries ({})", good,
        first_bad_->size - 1, first_bad_->size, codec::FormatRfc3339(first_bad_->time));
    std::erase_if(odd_, [this](const Odd& odd) { return odd.index >= tiles_signed_to_; });
    if (odd_.empty()) {
      Name(good, between + ": one of them was changed, removed or moved");
      return;
    }
    Name(odd_.front().index, between);
    if (!NameRemoved()) NameMoved();
  }

  // One entry taken out: from there on each entry stands where its neighbour stood.
  bool NameRemoved() {
    if (odd_.size() < 2) return false;
    for (std::size_t i = 0; i + 1 < odd_.size(); ++i) {
      const bool follows = odd_[i + 1].index == odd_[i].index + 1 && odd_[i + 1].by_tile;
      if (!follows || odd_[i].stored != *odd_[i + 1].by_tile) return false;
    }
    Name(odd_.front().index,
         fmt::format("entry {} was removed: all later ones stand one place too early",
                     odd_.front().index));
    return true;
  }

  void NameMoved() {
    std::unordered_map<merkle::LeafHash, std::uint64_t, merkle::LeafHash::Hasher> places;
    for (const Odd& odd : odd_) {
      if (odd.by_tile) places.emplace(*odd.by_tile, odd.index);
    }
    for (const Odd& odd : odd_) {
      if (odd.is_unreadable) continue;
      const auto place = places.find(odd.stored);
      Name(odd.index,
           place == places.end()
               ? fmt::format("entry {} is not the one that was signed: it was changed", odd.index)
               : fmt::format("entry {} is the one that was signed as entry {}: they were swapped "
                             "or moved",
                             odd.index, place->second));
    }
  }

  const SegmentCheck& check_;
  EntryCheck& entries_;
  Findings& findings_;
  DataCheckReport& report_;
  TileLeaves tiles_;
  merkle::CompactRange by_entry_;
  merkle::CompactRange by_tile_;
  bool is_entry_tree_lost_ = false;
  bool is_tile_tree_lost_ = false;
  bool is_last_tile_root_signed_ = false;
  std::uint64_t tiles_signed_to_ =
      0;                        // the last signed root that the tiles lead to, not the entries
  bool is_others_odd_ = false;  // a readable entry does not fit its tile
  std::size_t next_root_ = 0;
  std::optional<SignedRoot> first_bad_;
  std::vector<Odd> odd_;
};

// The manifest is replaced at once: what it names was there. Text: a head, a line a run, a hash.
std::size_t ListedRuns(const SegmentCheck& check) {
  const std::string path = storage::JoinPath(check.log_directory, "index/manifest");
  const Result<std::string> text = ReadText(*check.fs, path);
  if (!text) return 0;
  const auto lines = static_cast<std::size_t>(std::count(text->begin(), text->end(), '\n'));
  return lines < 2 ? 1 : lines - 2;
}

}  // namespace

Result<void> CheckSegments(const SegmentCheck& check, EntryCheck& entries, Findings& findings,
                           DataCheckReport& report) {
  Result<std::unique_ptr<tlog::HashStore>> store = tlog::HashStore::Open(
      *check.fs, storage::JoinPath(check.log_directory, "hashes"), check.end, true);
  if (!store) {
    CheckFinding finding;
    finding.severity = CheckSeverity::kDerived;
    finding.what = "the hash tiles can't be opened: " + store.error().message;
    finding.file = "log/hashes";
    finding.advice = "salus log fsck --rebuild";
    findings.Add(std::move(finding));
  }
  Scanner scanner(check, entries, findings, report,
                  TileLeaves(store ? *std::move(store) : nullptr));
  TRY_VOID(scanner.Run());
  entries.Finish();
  return {};
}

Result<void> CheckRuns(const SegmentCheck& check, Findings& findings) {
  const auto add = [&findings](const std::string& what) {
    CheckFinding finding;
    finding.severity = CheckSeverity::kTampered;
    finding.what = "an index says otherwise than the entries: " + what;
    finding.file = "log/index";
    finding.advice = "nothing signed is lost: salus log fsck --rebuild; find out who changed it";
    findings.Counted("run", std::move(finding));
  };
  Result<std::unique_ptr<tlog::EntryIndex>> index =
      tlog::EntryIndex::Open(*check.fs, storage::JoinPath(check.log_directory, "index"), true);
  if (!index) {
    add(index.error().message);
    return {};
  }
  if (ListedRuns(check) > (*index)->ranges().size()) {
    add("the manifest, or a run that it names, is damaged or missing");
  }
  for (const storage::RecordRange& range : (*index)->ranges()) {
    if (range.end > check.end) continue;  // a running server wrote it since
    std::vector<storage::Posting> postings;
    std::vector<storage::SortedRunEntry> repeats;
    const Result<void> scanned = check.segments->Scan(
        range.first, range.end, [&](const storage::RecordView& record) -> Result<void> {
          TRY(const tlog::RecordMeta meta, tlog::RecordMeta::Parse(record.meta));
          if (meta.subject) postings.push_back({meta.subject->value, record.number});
          if (meta.repeat) {
            repeats.push_back({tlog::EntryIndex::KeyOf(*meta.repeat), record.number});
          }
          return {};
        });
    if (!scanned) return {};  // named already
    const Result<void> same = (*index)->CompareRun(range, std::move(postings), std::move(repeats));
    if (!same) add(same.error().message);
  }
  return {};
}

}  // namespace salus::node
