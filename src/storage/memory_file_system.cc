#include "storage/memory_file_system.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include "base/random.h"

namespace salus::storage {
namespace {

constexpr std::uint64_t kSectorBytes = 512;

void WriteInto(Bytes& content, std::uint64_t offset, ByteSpan bytes) {
  if (bytes.empty()) return;
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size());
  std::memcpy(content.data() + offset, bytes.data(), bytes.size());
}

}  // namespace

// What a sync would still have to bring to the disk, in order.
struct UnsyncedChange {
  enum class Kind { kWrite, kResize } kind;
  std::uint64_t offset;  // of a write; the new size of a resize
  Bytes bytes;
};

struct MemoryFileSystem::Inode {
  Bytes live;
  Bytes durable;
  std::vector<UnsyncedChange> unsynced;

  void Sync() {
    for (const UnsyncedChange& change : unsynced) Apply(change);
    unsynced.clear();
  }
  void Apply(const UnsyncedChange& change) {
    if (change.kind == UnsyncedChange::Kind::kResize) {
      durable.resize(change.offset);
    } else {
      WriteInto(durable, change.offset, change.bytes);
    }
  }
};

struct MemoryFileSystem::NameChange {
  std::string path;
  std::shared_ptr<Inode> inode;  // null: the name is gone
};

class MemoryFile : public File {
 public:
  MemoryFile(MemoryFileSystem& fs, std::shared_ptr<MemoryFileSystem::Inode> inode,
             FileAccess access, std::uint64_t generation)
      : fs_(fs), inode_(std::move(inode)), access_(access), generation_(generation) {}

  Result<std::size_t> ReadAt(std::uint64_t offset, MutableByteSpan out) const override {
    const std::lock_guard lock(fs_.mutex_);
    TRY_VOID(CheckAlive());
    const Bytes& content = inode_->live;
    if (offset >= content.size()) return std::size_t{0};
    const std::size_t n = std::min<std::size_t>(out.size(), content.size() - offset);
    if (n > 0) std::memcpy(out.data(), content.data() + offset, n);
    return n;
  }

  Result<void> WriteAtV(std::uint64_t offset, std::span<const ByteSpan> parts) override {
    const std::lock_guard lock(fs_.mutex_);
    TRY_VOID(CheckWritable());
    for (const ByteSpan part : parts) {
      TRY_VOID(fs_.GrowLocked(*inode_, offset + part.size()));
      WriteInto(inode_->live, offset, part);
      inode_->unsynced.push_back({UnsyncedChange::Kind::kWrite, offset, ToBytes(part)});
      offset += part.size();
    }
    return {};
  }

  Result<void> SyncData() override {
    const std::lock_guard lock(fs_.mutex_);
    TRY_VOID(CheckWritable());
    inode_->Sync();
    return {};
  }

  Result<std::uint64_t> Size() const override {
    const std::lock_guard lock(fs_.mutex_);
    TRY_VOID(CheckAlive());
    return std::uint64_t{inode_->live.size()};
  }

  Result<void> Allocate(std::uint64_t offset, std::uint64_t length) override {
    const std::lock_guard lock(fs_.mutex_);
    TRY_VOID(CheckWritable());
    return fs_.GrowLocked(*inode_, offset + length);
  }

  Result<void> Truncate(std::uint64_t size) override {
    const std::lock_guard lock(fs_.mutex_);
    TRY_VOID(CheckWritable());
    inode_->live.resize(size);
    inode_->unsynced.push_back({UnsyncedChange::Kind::kResize, size, {}});
    return {};
  }

 private:
  Result<void> CheckAlive() const {
    if (generation_ != fs_.generation_) return Unavailable("the file was open across a crash");
    return {};
  }
  Result<void> CheckWritable() const {
    if (access_ == FileAccess::kReadOnly) return PermissionDenied("the file is open for reading");
    return CheckAlive();
  }

  MemoryFileSystem& fs_;
  const std::shared_ptr<MemoryFileSystem::Inode> inode_;
  const FileAccess access_;
  const std::uint64_t generation_;
};

class MemoryLock : public FileLock {
 public:
  MemoryLock(MemoryFileSystem& fs, std::string path, std::uint64_t generation)
      : fs_(fs), path_(std::move(path)), generation_(generation) {}
  ~MemoryLock() override {
    const std::lock_guard lock(fs_.mutex_);
    if (generation_ == fs_.generation_) fs_.locked_.erase(path_);
  }

 private:
  MemoryFileSystem& fs_;
  const std::string path_;
  const std::uint64_t generation_;
};

MemoryFileSystem::MemoryFileSystem() : directories_{".", "/"} {}
MemoryFileSystem::~MemoryFileSystem() = default;

std::uint64_t MemoryFileSystem::UsedBytesLocked() const {
  std::uint64_t used = 0;
  for (const auto& [path, inode] : names_) used += inode->live.size();
  return used;
}

Result<void> MemoryFileSystem::GrowLocked(Inode& inode, std::uint64_t size) {
  if (size <= inode.live.size()) return {};
  const std::uint64_t more = size - inode.live.size();
  const std::uint64_t used = UsedBytesLocked();
  if (used > capacity_bytes_ || more > capacity_bytes_ - used) {
    return ResourceExhausted("no space left in memory file system");
  }
  inode.live.resize(size);
  inode.unsynced.push_back({UnsyncedChange::Kind::kResize, size, {}});
  return {};
}

Result<std::unique_ptr<File>> MemoryFileSystem::OpenExisting(const std::string& path,
                                                             FileAccess access) {
  const std::lock_guard lock(mutex_);
  const auto it = names_.find(path);
  if (it == names_.end()) return NotFound("open " + path + ": no such file");
  return std::make_unique<MemoryFile>(*this, it->second, access, generation_);
}

Result<std::unique_ptr<File>> MemoryFileSystem::Create(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (!directories_.contains(DirectoryOf(path))) {
    return NotFound("create " + path + ": no such directory");
  }
  if (names_.contains(path) || directories_.contains(path)) {
    return AlreadyExists("create " + path + ": it exists");
  }
  auto inode = std::make_shared<Inode>();
  names_[path] = inode;
  unsynced_names_.push_back({path, inode});
  return std::make_unique<MemoryFile>(*this, inode, FileAccess::kReadWrite, generation_);
}

Result<void> MemoryFileSystem::Rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  const auto it = names_.find(from);
  if (it == names_.end()) return NotFound("rename " + from + ": no such file");
  if (!directories_.contains(DirectoryOf(to))) {
    return NotFound("rename " + from + ": no directory for the new name");
  }
  const std::shared_ptr<Inode> inode = it->second;
  names_.erase(it);
  names_[to] = inode;
  unsynced_names_.push_back({to, inode});
  unsynced_names_.push_back({from, nullptr});
  return {};
}

Result<void> MemoryFileSystem::Remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (names_.erase(path) == 0) return NotFound("remove " + path + ": no such file");
  unsynced_names_.push_back({path, nullptr});
  return {};
}

Result<std::vector<std::string>> MemoryFileSystem::List(const std::string& directory) {
  const std::lock_guard lock(mutex_);
  if (!directories_.contains(directory)) return NotFound("list " + directory + ": not there");
  std::vector<std::string> names;
  for (const auto& [path, inode] : names_) {
    if (DirectoryOf(path) == directory) names.push_back(path.substr(path.rfind('/') + 1));
  }
  for (const std::string& path : directories_) {
    if (path != directory && path != "." && path != "/" && DirectoryOf(path) == directory) {
      names.push_back(path.substr(path.rfind('/') + 1));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> MemoryFileSystem::MakeDirectory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (directories_.contains(path) || names_.contains(path)) {
    return AlreadyExists("make " + path + ": it exists");
  }
  if (!directories_.contains(DirectoryOf(path))) return NotFound("make " + path + ": no parent");
  directories_.insert(path);
  return {};
}

Result<void> MemoryFileSystem::SyncDirectory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (!directories_.contains(path)) return NotFound("sync " + path + ": no such directory");
  std::erase_if(unsynced_names_, [&](const NameChange& change) {
    if (DirectoryOf(change.path) != path) return false;
    if (change.inode) {
      durable_names_[change.path] = change.inode;
    } else {
      durable_names_.erase(change.path);
    }
    return true;
  });
  return {};
}

Result<bool> MemoryFileSystem::Exists(const std::string& path) {
  const std::lock_guard lock(mutex_);
  return names_.contains(path) || directories_.contains(path);
}

Result<std::unique_ptr<FileLock>> MemoryFileSystem::LockFile(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (!locked_.insert(path).second) {
    return FailedPrecondition(DirectoryOf(path) + " is in use by process 1; stop it first");
  }
  return std::make_unique<MemoryLock>(*this, path, generation_);
}

Result<std::uint64_t> MemoryFileSystem::FreeBytes(const std::string&) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t used = UsedBytesLocked();
  return used >= capacity_bytes_ ? 0 : capacity_bytes_ - used;
}

void MemoryFileSystem::Crash(CrashLoss loss, std::uint64_t seed) {
  const std::lock_guard lock(mutex_);
  SeededRandom chance(seed);
  // Journalled file systems bring name changes to the disk in order: a prefix survives.
  std::size_t kept_names = 0;
  if (loss == CrashLoss::kNothing) kept_names = unsynced_names_.size();
  if (loss == CrashLoss::kRandomSectors) kept_names = chance.Next() % (unsynced_names_.size() + 1);
  for (std::size_t i = 0; i < kept_names; ++i) {
    const NameChange& change = unsynced_names_[i];
    if (change.inode) {
      durable_names_[change.path] = change.inode;
    } else {
      durable_names_.erase(change.path);
    }
  }
  unsynced_names_.clear();
  for (auto& [path, inode] : durable_names_) {
    for (const UnsyncedChange& change : inode->unsynced) {
      if (loss == CrashLoss::kAll) break;
      if (loss == CrashLoss::kNothing) {
        inode->Apply(change);
        continue;
      }
      if (change.kind == UnsyncedChange::Kind::kResize) {
        if (chance.Next() % 2 == 0) inode->Apply(change);
        continue;
      }
      const std::uint64_t end = change.offset + change.bytes.size();
      for (std::uint64_t at = change.offset; at < end;) {
        const std::uint64_t next = std::min(end, (at / kSectorBytes + 1) * kSectorBytes);
        if (chance.Next() % 2 == 0) {
          WriteInto(inode->durable, at,
                    ByteSpan(change.bytes).subspan(at - change.offset, next - at));
        }
        at = next;
      }
    }
    inode->unsynced.clear();
    inode->live = inode->durable;
  }
  names_ = durable_names_;
  locked_.clear();
  ++generation_;
}

void MemoryFileSystem::SetCapacity(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  capacity_bytes_ = bytes;
}

Bytes MemoryFileSystem::Content(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto it = names_.find(path);
  return it == names_.end() ? Bytes() : it->second->live;
}

void MemoryFileSystem::SetContent(const std::string& path, Bytes content) {
  const std::lock_guard lock(mutex_);
  auto& inode = names_[path];
  if (!inode) inode = std::make_shared<Inode>();
  inode->live = content;
  inode->durable = std::move(content);
  inode->unsynced.clear();
  durable_names_[path] = inode;
}

}  // namespace salus::storage
