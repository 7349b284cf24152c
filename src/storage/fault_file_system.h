#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "storage/file_system.h"

namespace salus::storage {

// FileOperation names the calls that FaultFileSystem counts and fails.
enum class FileOperation {
  kOpen,
  kCreate,
  kRead,
  kWrite,
  kSync,
  kSize,
  kAllocate,
  kTruncate,
  kRename,
  kRemove,
  kList,
  kMakeDirectory,
  kSyncDirectory,
  kExists,
  kLock,
  kFreeBytes,
};
inline constexpr std::size_t kFileOperationCount = 16;

enum class FaultKind {
  kIoError,     // Unavailable; a write has written nothing
  kNoSpace,     // ResourceExhausted; a write has written nothing
  kShortWrite,  // ResourceExhausted; a write has written its first half
  kKillBefore,  // the process dies before the call: it and all later calls fail
  kKillDuring,  // as before, but a write has written its first half
  kKillAfter,   // the call happens, then the process dies
};

// Fault picks the calls to fail: the at_call-th (from 1) of a kind, or of any kind.
struct Fault {
  std::optional<FileOperation> operation;
  std::uint64_t at_call = 1;
  FaultKind kind = FaultKind::kIoError;
  bool persistent = false;  // every matching call from at_call on
};

// FaultFileSystem passes calls on to another file system, counts them, and fails chosen ones.
//
// A failed SyncData or SyncDirectory kills the process that it models, as PosixFileSystem does.
// Threads: safe.
class FaultFileSystem : public FileSystem {
 public:
  explicit FaultFileSystem(FileSystem& base);
  ~FaultFileSystem() override;

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

  // Inject sets the fault and starts counting anew, alive.
  void Inject(const Fault& fault);
  // Heal removes the fault and counts anew, alive.
  void Heal();

  // calls counts since the last Inject or Heal; of all kinds, or of one.
  std::uint64_t calls() const;
  std::uint64_t calls(FileOperation operation) const;
  bool fired() const;  // the fault has hit at least one call
  bool dead() const;   // the modelled process was killed

  // OnCall is told each call before it happens (a test's kill point or observer).
  void OnCall(std::function<void(FileOperation, std::uint64_t call)> observer);

 private:
  friend class FaultFile;
  enum class Verdict { kPass, kFail, kHalf, kPassThenDie };
  struct Decision {
    Verdict verdict;
    Error error;
  };
  Decision Decide(FileOperation operation);
  void Die();
  template <typename T, typename Call>
  Result<T> Run(FileOperation operation, Call call);

  FileSystem& base_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::optional<Fault> fault_;
  std::array<std::uint64_t, kFileOperationCount> calls_{};
  std::uint64_t all_calls_ = 0;
  bool fired_ = false;
  bool dead_ = false;
  std::function<void(FileOperation, std::uint64_t)> observer_;
};

}  // namespace salus::storage
