// Opening a Log: read what is stored, replay what the derived files do not cover, and check the
// result against the last signed checkpoint before anything is served.

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/endian.h"
#include "base/log.h"
#include "codec/base64.h"
#include "merkle/hash.h"
#include "tlog/log.h"

namespace salus::tlog {

namespace {

constexpr std::string_view kSnapshotMagic = "SALUSUB1";
constexpr std::size_t kSnapshotSubjectBytes = 4 + 32 + 8 + 32 + 8;
constexpr std::size_t kSnapshotHeadBytes = 8 + 8 + 8;

// The root that a checkpoint's note states, in its third line.
Result<RootHash> RootOfNote(std::string_view note) {
  const std::size_t first = note.find('\n');
  const std::size_t second = first == note.npos ? note.npos : note.find('\n', first + 1);
  const std::size_t third = second == note.npos ? note.npos : note.find('\n', second + 1);
  if (third == note.npos) return Corruption("the stored checkpoint is not a checkpoint");
  TRY(const Bytes bytes, codec::Base64Decode(note.substr(second + 1, third - second - 1)));
  return RootHash::FromBytes(bytes);
}

}  // namespace

Result<void> Log::OpenFiles() {
  const crypto::Hash32 log_id = crypto::Sha256(AsBytes("salus/log\n" + options_.origin));
  TRY(checkpoints_, CheckpointStore::Open(fs_, directory_, options_.read_only));
  const std::optional<StoredCheckpoint> last = checkpoints_->last();
  if (last) {
    if (Result<void> ok = signer_.verify(last->note); !ok) {
      return VerificationFailed("the stored checkpoint does not carry this log's signature: " +
                                ok.error().message);
    }
  }
  const storage::SegmentLogOptions segment_options{
      .segment_size_bytes = options_.segment_size_bytes,
      .access =
          options_.read_only ? storage::FileAccess::kReadOnly : storage::FileAccess::kReadWrite,
      .trusted_record_count = last ? last->size : 0};
  TRY(segments_, storage::SegmentLog::Open(fs_, storage::JoinPath(directory_, "segments"), log_id,
                                           segment_options));
  const std::uint64_t stored = segments_->record_count();
  if (last && stored < last->size) {
    return Corruption(fmt::format(
        "the log holds {} entries, but a checkpoint over {} was signed: entries {} to {} were cut "
        "off. Restore them from a mirror or a backup; nothing is served until then",
        stored, last->size, stored, last->size - 1));
  }
  TRY(hashes_,
      HashStore::Open(fs_, storage::JoinPath(directory_, "hashes"), stored, options_.read_only));
  TRY(index_,
      EntryIndex::Open(fs_, storage::JoinPath(directory_, "index"), options_.read_only,
                       options_.read_only || options_.is_for_questions ? IndexUse::kQuestions
                                                                       : IndexUse::kEvents));
  if (segments_->recovery().torn_bytes > 0) {
    salus::Log(LogLevel::kWarning, "a torn commit was dropped; it was never answered",
               {{"bytes", static_cast<std::int64_t>(segments_->recovery().torn_bytes)}});
  }
  return {};
}

Result<void> Log::Recover() {
  if (Result<void> ok = LoadSnapshot(); !ok) {
    salus::Log(LogLevel::kWarning, "chain snapshot not used: replaying the log");
    subjects_ = std::make_unique<SubjectTable>(options_.origin);
    map_ = merkle::MapTree();
    subject_count_ = 0;
    snapshot_size_ = 0;
  }
  const std::optional<StoredCheckpoint> last = checkpoints_->last();
  Result<void> ok = ReplayFrom(std::min({snapshot_size_, index_->covered(), hashes_->size()}));
  if (ok && last) ok = CheckRoot(*last);
  if (!ok) {
    // A derived file may be to blame; the segments alone decide.
    salus::Log(LogLevel::kWarning, "derived files do not fit the log: rebuilding them");
    TRY_VOID(Rebuild());
    if (last) TRY_VOID(CheckRoot(*last));
  }
  return {};
}

Result<void> Log::CheckRoot(const StoredCheckpoint& last) const {
  TRY(const RootHash signed_root, RootOfNote(last.note));
  TRY(const RootHash root, merkle::RootAt(TreeSize{last.size}, *hashes_));
  if (root == signed_root) return {};
  return Corruption(fmt::format(
      "the {} entries on disk do not hash to the root that was signed over them: at least one was "
      "changed. `salus audit verify --data DIR` says which",
      last.size));
}

// Replay feeds stored records to those derived states that do not cover them yet.
class Log::Replay {
 public:
  Replay(Log& log, std::uint64_t hashes_from, std::uint64_t index_from, std::uint64_t chains_from)
      : log_(log), hashes_from_(hashes_from), index_from_(index_from), chains_from_(chains_from) {}

  Result<void> Visit(const storage::RecordView& record) {
    TRY(RecordMeta meta, RecordMeta::Parse(record.meta));
    const LeafHash leaf(record.payload_hash);
    const std::uint64_t n = record.number;
    if (n >= hashes_from_) leaves_.push_back(leaf);
    if (leaves_.size() == 4096) FlushLeaves();
    if (n >= index_from_) log_.index_->AddMany(n, {&meta, 1});
    if (n >= chains_from_) TRY_VOID(StepChain(record, meta, leaf));
    return {};
  }

  void FlushLeaves() {
    log_.hashes_->Append(leaves_);
    leaves_.clear();
  }

  const std::optional<std::pair<MapRootEntry, LeafHash>>& last_map() const { return last_map_; }

 private:
  Result<void> StepChain(const storage::RecordView& record, const RecordMeta& meta,
                         const LeafHash& leaf) {
    const std::uint64_t n = record.number;
    if (meta.introduces) TRY_VOID(log_.subjects_->Restore(*meta.subject, *meta.introduces));
    if (meta.subject) {
      if (!log_.subjects_->Has(*meta.subject)) {
        return Corruption(fmt::format("entry {} belongs to a subject that was not introduced", n));
      }
      if (meta.is_policy) log_.subjects_->at(*meta.subject).last_policy = n;
      log_.StepChains({&leaf, 1}, {&meta, 1}, n);
    }
    ++log_.entries_since_checkpoint_;
    const bool is_map_root = KindOf(record.payload) == EntryKind::kMapRoot;
    return is_map_root ? CloseMap(record, leaf) : Result<void>();
  }

  Result<void> CloseMap(const storage::RecordView& record, const LeafHash& leaf) {
    TRY(const MapRootEntry stored, MapRootEntry::Parse(record.payload));
    std::vector<merkle::MapUpdate> updates;
    for (const SubjectNumber number : log_.touched_) {
      SubjectState& state = log_.subjects_->at(number);
      updates.push_back({merkle::PositionOf(state.tag), {state.count, state.head}});
      state.is_touched = false;
    }
    log_.map_.Apply(updates);
    const bool fits = stored.size == record.number && stored.map_root == log_.map_.root() &&
                      stored.subjects == log_.subject_count_ &&
                      stored.updates == merkle::RootOf(log_.update_leaves_);
    if (!fits) {
      return Corruption(fmt::format(
          "the map recomputed from the entries differs from the one in entry {}", record.number));
    }
    log_.touched_.clear();
    log_.update_leaves_.clear();
    log_.entries_since_checkpoint_ = 0;
    last_map_ = std::pair(stored, leaf);
    return {};
  }

  Log& log_;
  const std::uint64_t hashes_from_;
  const std::uint64_t index_from_;
  const std::uint64_t chains_from_;
  std::vector<LeafHash> leaves_;
  std::optional<std::pair<MapRootEntry, LeafHash>> last_map_;
};

Result<void> Log::ReplayFrom(std::uint64_t first) {
  // A reader beside a running server stops at the checkpoint that is published.
  const std::optional<StoredCheckpoint> last = checkpoints_->last();
  const std::uint64_t end = options_.read_only && last ? last->size : segments_->record_count();
  Replay replay(*this, hashes_->size(), index_->covered(), snapshot_size_);
  const std::uint64_t from = std::min(first, end);
  TRY_VOID(segments_->Scan(
      from, end, [&replay](const storage::RecordView& record) { return replay.Visit(record); }));
  replay.FlushLeaves();
  std::optional<std::pair<MapRootEntry, LeafHash>> map = replay.last_map();
  if (!map && snapshot_size_ > 0) {
    TRY(const storage::Record record, segments_->Read(snapshot_size_ - 1));
    TRY(const MapRootEntry entry, MapRootEntry::Parse(record.payload()));
    map = std::pair(entry, LeafHash(record.payload_hash()));
  }
  if (!map) return {};  // a log that was never checkpointed: Create is still at work
  last_checkpoint_time_ = map->first.time;
  if (last && last->size == map->first.size + 1) {
    auto checkpoint = std::make_shared<PublishedCheckpoint>();
    checkpoint->note = last->note;
    checkpoint->size = TreeSize{last->size};
    TRY(checkpoint->root, merkle::RootAt(checkpoint->size, *hashes_));
    checkpoint->map = map->first;
    published_ = std::move(checkpoint);
    return {};
  }
  if (options_.read_only) {
    return FailedPrecondition("the log ends in an unsigned checkpoint: start salusd once");
  }
  // The last map root was durable, but not signed yet: sign the same tree again.
  return SignCheckpoint(map->first, map->second);
}

Result<void> Log::Rebuild() {
  hashes_->Reset();
  index_->Clear();
  subjects_ = std::make_unique<SubjectTable>(options_.origin);
  map_ = merkle::MapTree();
  touched_.clear();
  update_leaves_.clear();
  subject_count_ = 0;
  entries_since_checkpoint_ = 0;
  snapshot_size_ = 0;
  published_ = nullptr;
  return ReplayFrom(0);
}

// The snapshot holds the chains as of the newest map root entry. It is not trusted: the map it
// leads to must be the one in that entry.
Result<void> Log::WriteSnapshot() {
  if (published_ == nullptr || !touched_.empty()) return {};
  Bytes bytes;
  std::uint64_t count = 0;
  Append(bytes, AsBytes(kSnapshotMagic));
  AppendBe(bytes, published_->size.value);
  AppendBe(bytes, std::uint64_t{0});
  for (std::uint32_t i = 0; i < subjects_->size(); ++i) {
    if (!subjects_->Has(SubjectNumber{i})) continue;
    const SubjectState& state = subjects_->at(SubjectNumber{i});
    ++count;
    AppendBe(bytes, i);
    Append(bytes, state.tag.span());
    AppendBe(bytes, state.count);
    Append(bytes, state.head.span());
    AppendBe(bytes, state.last_policy.load());
  }
  StoreBe(bytes.data() + 16, count);
  Append(bytes, crypto::Sha256(bytes));
  const std::string path = storage::JoinPath(directory_, "subjects");
  [[maybe_unused]] const Result<void> absent = fs_.Remove(path + ".tmp");
  TRY(const auto file, fs_.Create(path + ".tmp"));
  TRY_VOID(file->WriteAt(0, bytes));
  TRY_VOID(file->SyncData());
  TRY_VOID(fs_.Rename(path + ".tmp", path));
  return fs_.SyncDirectory(directory_);
}

Result<void> Log::LoadSnapshot() {
  auto opened =
      fs_.OpenExisting(storage::JoinPath(directory_, "subjects"), storage::FileAccess::kReadOnly);
  if (!opened) {
    return opened.error().code == ErrorCode::kNotFound ? Result<void>() : opened.error();
  }
  TRY(const std::uint64_t size, (*opened)->Size());
  Bytes bytes(size);
  TRY_VOID((*opened)->ReadExactAt(0, bytes));
  if (size < kSnapshotHeadBytes + 32 || AsText(ByteSpan(bytes).first(8)) != kSnapshotMagic ||
      !Equal(crypto::Sha256(ByteSpan(bytes).first(size - 32)), ByteSpan(bytes).last(32))) {
    return Corruption("the chain snapshot is damaged");
  }
  const std::uint64_t covers = LoadBe<std::uint64_t>(bytes.data() + 8);
  const std::uint64_t count = LoadBe<std::uint64_t>(bytes.data() + 16);
  if (count != (size - kSnapshotHeadBytes - 32) / kSnapshotSubjectBytes || covers == 0 ||
      covers > segments_->record_count()) {
    return Corruption("the chain snapshot is of another log");
  }
  std::vector<merkle::MapUpdate> updates(count);
  const std::uint8_t* at = bytes.data() + kSnapshotHeadBytes;
  for (std::uint64_t i = 0; i < count; ++i, at += kSnapshotSubjectBytes) {
    const SubjectNumber number{LoadBe<std::uint32_t>(at)};
    TRY(const SubjectTag tag, SubjectTag::FromBytes(ByteSpan(at + 4, 32)));
    TRY_VOID(subjects_->Restore(number, tag));
    SubjectState& state = subjects_->at(number);
    state.count = LoadBe<std::uint64_t>(at + 36);
    TRY(state.head, merkle::ChainHead::FromBytes(ByteSpan(at + 44, 32)));
    state.last_policy = LoadBe<std::uint64_t>(at + 76);
    updates[i] = {merkle::PositionOf(tag), {state.count, state.head}};
  }
  map_.Apply(updates);
  TRY(const storage::Record record, segments_->Read(covers - 1));
  TRY(const MapRootEntry map, MapRootEntry::Parse(record.payload()));
  if (map.map_root != map_.root() || map.subjects != count) {
    return Corruption("the chain snapshot does not lead to the map that the log states");
  }
  subject_count_ = count;
  snapshot_size_ = covers;
  return {};
}

Result<void> Log::CheckDerived(const std::function<void(std::uint64_t done)>& progress) const {
  const std::uint64_t end = published_ ? published_->size.value : 0;
  std::uint64_t done = 0;
  const OneTileALevel hashes(*hashes_);
  TRY_VOID(segments_->Scan(0, end, [&](const storage::RecordView& record) -> Result<void> {
    TRY(const merkle::NodeHash stored, hashes.Read(0, record.number));
    if (stored.bytes() != record.payload_hash) {
      return Corruption(fmt::format("the hash tile of entry {} does not fit it", record.number));
    }
    if (++done % 65'536 == 0 && progress) progress(done);
    return {};
  }));
  for (const storage::RecordRange& range : index_->ranges()) {
    std::vector<storage::Posting> postings;
    std::vector<storage::SortedRunEntry> repeats;
    TRY_VOID(segments_->Scan(
        range.first, range.end, [&](const storage::RecordView& record) -> Result<void> {
          TRY(const RecordMeta meta, RecordMeta::Parse(record.meta));
          if (meta.subject) postings.push_back({meta.subject->value, record.number});
          if (meta.repeat) repeats.push_back({EntryIndex::KeyOf(*meta.repeat), record.number});
          return {};
        }));
    TRY_VOID(index_->CompareRun(range, std::move(postings), std::move(repeats)));
  }
  return {};
}

}  // namespace salus::tlog
