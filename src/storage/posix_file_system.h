#pragma once

#include "storage/file_system.h"

namespace salus::storage {

// PosixFileSystem is the real one: pread, pwritev, fdatasync, fallocate, flock.
//
// Durability: the first fsync or fdatasync that fails is logged and aborts the process (ext4 and
//             xfs report the error once and then drop the data).
class PosixFileSystem : public FileSystem {
 public:
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
};

}  // namespace salus::storage
