// The seam over the operating system's files: everything durable goes through FileSystem and File,
// so that tests can lose power, run out of space or fail at any single call.
//
// Three implementations: PosixFileSystem (posix_file_system.h), MemoryFileSystem
// (memory_file_system.h: knows what was synced and what a crash would lose) and FaultFileSystem
// (fault_file_system.h: wraps another one and fails chosen calls).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::storage {

// File is an open regular file that is read and written at given positions.
//
// Errors:     ResourceExhausted (no space, quota), Unavailable (the device failed; nothing is known
//             about the bytes), PermissionDenied, Internal.
// Threads:    reads may run beside each other and beside one writer of other byte ranges.
// Durability: nothing survives a crash before SyncData has returned; a new file's name, not before
//             FileSystem::SyncDirectory has.
class File {
 public:
  virtual ~File() = default;

  // ReadAt fills out from offset and returns how many bytes it read: fewer than asked for only at
  // the end of the file.
  virtual Result<std::size_t> ReadAt(std::uint64_t offset, MutableByteSpan out) const = 0;

  // ReadExactAt fills the whole of out. Errors: also Corruption when the file ends before.
  Result<void> ReadExactAt(std::uint64_t offset, MutableByteSpan out) const;

  // WriteAtV writes all parts, one after the other, from offset on. After an error any subset of
  // the bytes may have been written.
  virtual Result<void> WriteAtV(std::uint64_t offset, std::span<const ByteSpan> parts) = 0;
  Result<void> WriteAt(std::uint64_t offset, ByteSpan bytes) {
    return WriteAtV(offset, {&bytes, 1});
  }

  // SyncData makes all bytes written so far, and the size, durable. The posix implementation
  // aborts the process when it fails: a second try would say "ok" although the data is gone.
  virtual Result<void> SyncData() = 0;

  virtual Result<std::uint64_t> Size() const = 0;

  // Written lists, ascending, the ranges at or behind offset that may hold anything but zeros: what
  // lies between them was never written. Where nothing is known that is all of the file. Asked
  // before reading on: what was read counts as written while it is cached.
  struct Range {
    std::uint64_t begin;
    std::uint64_t end;
  };
  virtual Result<std::vector<Range>> Written(std::uint64_t offset) const {
    TRY(const std::uint64_t size, Size());
    if (offset >= size) return std::vector<Range>();
    return std::vector<Range>{{offset, size}};
  }

  // Allocate takes real space for the range, which reads as zeros where nothing was written, and
  // grows the file to cover it. Bytes already there stay.
  virtual Result<void> Allocate(std::uint64_t offset, std::uint64_t length) = 0;

  virtual Result<void> Truncate(std::uint64_t size) = 0;
};

// FileLock is held until it is destroyed, or the process ends.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

enum class FileAccess { kReadOnly, kReadWrite };

// FileSystem makes, finds and names files. Paths are those of the operating system.
//
// Errors:  NotFound, AlreadyExists, ResourceExhausted, PermissionDenied, Unavailable.
// Threads: safe.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual Result<std::unique_ptr<File>> OpenExisting(const std::string& path,
                                                     FileAccess access) = 0;

  // Create makes a file that must not exist yet, open for reading and writing, mode 0600.
  virtual Result<std::unique_ptr<File>> Create(const std::string& path) = 0;

  // Rename replaces what stands at to.
  virtual Result<void> Rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> Remove(const std::string& path) = 0;

  // List returns the names (not paths) of the files in a directory, sorted.
  virtual Result<std::vector<std::string>> List(const std::string& directory) = 0;

  // MakeDirectory makes one level, mode 0700. Errors: AlreadyExists, NotFound (no parent).
  virtual Result<void> MakeDirectory(const std::string& path) = 0;

  // SyncDirectory makes the names created, renamed and removed in it durable.
  virtual Result<void> SyncDirectory(const std::string& path) = 0;

  virtual Result<bool> Exists(const std::string& path) = 0;

  // LockFile takes an exclusive lock on a file (made when absent) and writes the process id into
  // it. Errors: FailedPrecondition "... is in use by process N".
  virtual Result<std::unique_ptr<FileLock>> LockFile(const std::string& path) = 0;

  // FreeBytes is the space left for this process on the file system of path.
  virtual Result<std::uint64_t> FreeBytes(const std::string& path) = 0;
};

// JoinPath puts one '/' between directory and name.
std::string JoinPath(std::string_view directory, std::string_view name);

// DirectoryOf is the path before the last '/', "." when there is none.
std::string DirectoryOf(std::string_view path);

}  // namespace salus::storage
