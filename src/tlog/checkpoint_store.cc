#include "tlog/checkpoint_store.h"

#include <algorithm>
#include <chrono>

#include "base/endian.h"
#include "base/log.h"
#include "crypto/sha256.h"

namespace salus::tlog {

namespace {

constexpr std::uint64_t kSlotBytes = 4096;
constexpr std::size_t kHeadBytes = 4 + 8 + 8;
constexpr std::size_t kMaxNoteBytes = kSlotBytes - kHeadBytes - 32;

Bytes EncodeRecord(const StoredCheckpoint& checkpoint) {
  Bytes record;
  AppendBe(record, static_cast<std::uint32_t>(checkpoint.note.size()));
  AppendBe(record, checkpoint.size);
  AppendBe(record, static_cast<std::uint64_t>(ToUnixMillis(checkpoint.time)));
  Append(record, AsBytes(checkpoint.note));
  Append(record, crypto::Sha256(record));
  return record;
}

// Reads one record at the start of bytes.
std::optional<StoredCheckpoint> DecodeRecord(ByteSpan bytes) {
  if (bytes.size() < kHeadBytes + 32) return std::nullopt;
  const std::size_t length = LoadBe<std::uint32_t>(bytes.data());
  if (length > kMaxNoteBytes || bytes.size() < kHeadBytes + length + 32) return std::nullopt;
  const crypto::Hash32 hash = crypto::Sha256(bytes.first(kHeadBytes + length));
  if (!Equal(hash, bytes.subspan(kHeadBytes + length, 32))) return std::nullopt;
  StoredCheckpoint checkpoint;
  checkpoint.size = LoadBe<std::uint64_t>(bytes.data() + 4);
  checkpoint.time =
      FromUnixMillis(static_cast<std::int64_t>(LoadBe<std::uint64_t>(bytes.data() + 12)));
  checkpoint.note = std::string(AsText(bytes.subspan(kHeadBytes, length)));
  return checkpoint;
}

}  // namespace

Result<std::unique_ptr<CheckpointStore>> CheckpointStore::Create(storage::FileSystem& fs,
                                                                 const std::string& directory) {
  std::unique_ptr<CheckpointStore> store(new CheckpointStore());
  TRY(store->slots_, fs.Create(storage::JoinPath(directory, "checkpoint")));
  TRY_VOID(store->slots_->Allocate(0, 2 * kSlotBytes));
  TRY_VOID(store->slots_->SyncData());
  TRY(store->kept_, fs.Create(storage::JoinPath(directory, "kept")));
  TRY_VOID(fs.SyncDirectory(directory));
  return store;
}

Result<std::unique_ptr<CheckpointStore>> CheckpointStore::Open(storage::FileSystem& fs,
                                                               const std::string& directory,
                                                               bool read_only) {
  const auto access = read_only ? storage::FileAccess::kReadOnly : storage::FileAccess::kReadWrite;
  std::unique_ptr<CheckpointStore> store(new CheckpointStore());
  for (auto [file, name] : {std::pair(&store->slots_, "checkpoint"), {&store->kept_, "kept"}}) {
    const std::string path = storage::JoinPath(directory, name);
    auto opened = fs.OpenExisting(path, access);
    if (!opened && opened.error().code == ErrorCode::kNotFound && !read_only) {
      Log(LogLevel::kWarning, "checkpoint file is missing: a rollback could not be seen");
      opened = fs.Create(path);
    }
    if (opened) *file = *std::move(opened);
  }
  TRY_VOID(store->LoadSlots());
  TRY_VOID(store->LoadKept());
  return store;
}

Result<void> CheckpointStore::LoadSlots() {
  if (!slots_) return {};
  Bytes bytes(2 * kSlotBytes);
  TRY(const std::size_t got, slots_->ReadAt(0, bytes));
  const bool is_blank = std::all_of(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(got),
                                    [](std::uint8_t b) { return b == 0; });
  for (unsigned slot = 0; slot < 2; ++slot) {
    auto checkpoint = DecodeRecord(ByteSpan(bytes).subspan(slot * kSlotBytes, kSlotBytes));
    if (!checkpoint || (last_ && last_->size >= checkpoint->size)) continue;
    last_ = std::move(checkpoint);
    next_slot_ = 1 - slot;
  }
  if (!last_ && !is_blank) return Corruption("no whole checkpoint is left in the checkpoint file");
  return {};
}

Result<void> CheckpointStore::LoadKept() {
  if (!kept_) return {};
  TRY(const std::uint64_t size, kept_->Size());
  Bytes bytes(size);
  TRY_VOID(kept_->ReadExactAt(0, bytes));
  while (kept_end_ < size) {
    const auto checkpoint = DecodeRecord(ByteSpan(bytes).subspan(kept_end_));
    if (!checkpoint) {
      is_kept_whole_ = false;
      // The last append may be torn; what is kept is a convenience that every history request
      // checks again, so the rest of the file is simply written anew.
      Log(LogLevel::kWarning, "kept checkpoints end in damaged bytes",
          {{"offset", static_cast<std::int64_t>(kept_end_)}});
      break;
    }
    places_.push_back({checkpoint->size, checkpoint->time, kept_end_});
    kept_end_ += kHeadBytes + checkpoint->note.size() + 32;
  }
  return {};
}

std::optional<StoredCheckpoint> CheckpointStore::last() const {
  std::lock_guard lock(mutex_);
  return last_;
}

Result<void> CheckpointStore::Swap(std::uint64_t expected_size, const StoredCheckpoint& next) {
  if (next.note.size() > kMaxNoteBytes) return InvalidArgument("the checkpoint is too long");
  Bytes current(kSlotBytes);
  TRY_VOID(slots_->ReadAt((1 - next_slot_) * kSlotBytes, current));
  const auto stored = DecodeRecord(current);
  if ((stored ? stored->size : 0) != expected_size) {
    return Conflict("the stored checkpoint is not the one this process wrote last: stopping");
  }
  Bytes slot = EncodeRecord(next);
  slot.resize(kSlotBytes);
  TRY_VOID(slots_->WriteAt(next_slot_ * kSlotBytes, slot));
  TRY_VOID(slots_->SyncData());
  next_slot_ = 1 - next_slot_;
  std::lock_guard lock(mutex_);
  last_ = next;
  return {};
}

Result<void> CheckpointStore::Keep(const StoredCheckpoint& checkpoint) {
  {
    std::lock_guard lock(mutex_);
    if (!places_.empty() && checkpoint.time < places_.back().time + std::chrono::minutes(1)) {
      return {};
    }
  }
  const Bytes record = EncodeRecord(checkpoint);
  TRY_VOID(kept_->WriteAt(kept_end_, record));
  TRY_VOID(kept_->SyncData());
  std::lock_guard lock(mutex_);
  places_.push_back({checkpoint.size, checkpoint.time, kept_end_});
  kept_end_ += record.size();
  return {};
}

std::size_t CheckpointStore::kept_count() const {
  std::lock_guard lock(mutex_);
  return places_.size();
}

Result<StoredCheckpoint> CheckpointStore::KeptAt(std::size_t i) const {
  std::uint64_t offset;
  {
    std::lock_guard lock(mutex_);
    if (i >= places_.size()) return NotFound("no such kept checkpoint");
    offset = places_[i].offset;
  }
  Bytes bytes(kSlotBytes);
  TRY(const std::size_t got, kept_->ReadAt(offset, bytes));
  auto checkpoint = DecodeRecord(ByteSpan(bytes).first(got));
  if (!checkpoint) return Corruption("a kept checkpoint was changed on disk");
  return *std::move(checkpoint);
}

Result<std::optional<StoredCheckpoint>> CheckpointStore::KeptAtOrBefore(Timestamp time) const {
  std::size_t i;
  {
    std::lock_guard lock(mutex_);
    const auto at = std::upper_bound(places_.begin(), places_.end(), time,
                                     [](Timestamp t, const Place& p) { return t < p.time; });
    if (at == places_.begin()) return std::optional<StoredCheckpoint>();
    i = static_cast<std::size_t>(at - places_.begin()) - 1;
  }
  TRY(StoredCheckpoint checkpoint, KeptAt(i));
  return std::optional(std::move(checkpoint));
}

Result<std::optional<StoredCheckpoint>> CheckpointStore::KeptAtOrAfter(Timestamp time) const {
  std::size_t i;
  {
    std::lock_guard lock(mutex_);
    const auto at = std::lower_bound(places_.begin(), places_.end(), time,
                                     [](const Place& p, Timestamp t) { return p.time < t; });
    if (at == places_.end()) return std::optional<StoredCheckpoint>();
    i = static_cast<std::size_t>(at - places_.begin());
  }
  TRY(StoredCheckpoint checkpoint, KeptAt(i));
  return std::optional(std::move(checkpoint));
}

}  // namespace salus::tlog
