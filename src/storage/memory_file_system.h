#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "storage/file_system.h"

namespace salus::storage {

// CrashLoss says what a crash does to everything that was not synced.
enum class CrashLoss {
  kAll,            // unsynced bytes and names are gone
  kNothing,        // all of it happened to reach the disk
  kRandomSectors,  // each unsynced 512-byte sector and a prefix of the name changes survive by
                   // chance
};

// MemoryFileSystem keeps files in memory, and beside each what is durable of it.
//
// Threads: safe; one mutex.
class MemoryFileSystem : public FileSystem {
 public:
  MemoryFileSystem();
  ~MemoryFileSystem() override;

  Result<std::unique_ptr<File>> OpenExisting(const std::string& path, FileAccess access) override;
  Result<std::unique_ptr<File>> Create(const std::string& path) override;
  Result<void> Rename(const std::string& from, const std::string& to) override;
  Result<void> Remove(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& directory) override;
  Result<void> MakeDirectory(const std::string& path) override;
  Result<void> SyncDirectory(const std::string& path) override;
  Result<bool> Exists(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> LockFile(const std::string& path) override;
  Result<std::uint64_t> FreeBytes(const std::string& path) override;

  // Crash loses what loss says, frees all locks and makes every open File fail from now on.
  // seed decides the chances of kRandomSectors.
  void Crash(CrashLoss loss, std::uint64_t seed = 0);

  // SetCapacity bounds the bytes of all files together: beyond it, ResourceExhausted.
  void SetCapacity(std::uint64_t bytes);

  // Content and SetContent look at, and change, a file behind everybody's back, durably.
  // Content of a file that is not there is empty.
  Bytes Content(const std::string& path) const;
  void SetContent(const std::string& path, Bytes content);

 private:
  friend class MemoryFile;
  friend class MemoryLock;
  struct Inode;
  struct NameChange;

  std::uint64_t UsedBytesLocked() const;
  Result<void> GrowLocked(Inode& inode, std::uint64_t size);

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::map<std::string, std::shared_ptr<Inode>> names_;
  std::map<std::string, std::shared_ptr<Inode>> durable_names_;
  std::set<std::string> directories_;
  std::vector<NameChange> unsynced_names_;
  std::set<std::string> locked_;
  std::uint64_t capacity_bytes_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t generation_ = 0;
};

}  // namespace salus::storage
