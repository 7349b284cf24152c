// Files of the client's own: what it was told to trust, what it has seen, what it keeps. All 0600.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace salus::client {

// MakePrivateDirectory makes path and what is missing above it, each new level with mode 0700.
//
// Errors: Unavailable when the file system refuses.
Result<void> MakePrivateDirectory(const std::filesystem::path& path);

// ReadSmallFile reads a whole file.
//
// Errors: NotFound; InvalidArgument above limit_bytes; Unavailable.
Result<std::string> ReadSmallFile(const std::filesystem::path& path,
                                  std::size_t limit_bytes = 16 * 1024 * 1024);

// ReplaceFile writes a file of mode 0600 so that readers see the old content or the new one.
//
// Durability: content and name are synced when it returns.
// Errors: ResourceExhausted when the disk is full, else Unavailable.
Result<void> ReplaceFile(const std::filesystem::path& path, std::string_view content);

// FolderLock keeps a second process out of a folder until it is destroyed; taking it waits.
class FolderLock {
 public:
  // Errors: Unavailable.
  static Result<FolderLock> Take(const std::filesystem::path& folder);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;
  ~FolderLock();

 private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

// LineFile is a file of lines that only ever grows: receipts, refused lines, a journal.
//
// Shape:      lines end in LF; a last one without it was torn by a crash and is cut off by Open.
// Durability: what was appended, after Sync.
class LineFile {
 public:
  // Open makes the file (0600) when it is absent. A pipe or a device is taken as it is.
  //
  // Errors: ResourceExhausted, Unavailable.
  enum class Start { kContinue, kEmpty };
  static Result<LineFile> Open(const std::filesystem::path& path, Start start = Start::kContinue);
  LineFile(LineFile&& other) noexcept;
  LineFile& operator=(LineFile&& other) noexcept;
  ~LineFile();

  // Append writes whole lines.
  Result<void> Append(std::string_view lines);
  Result<void> Sync();

 private:
  LineFile(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}
  int descriptor_;
  std::string name_;
};

// ConfigHome and StateHome are the user's folders for Salus: $XDG_CONFIG_HOME/salus (else
// ~/.config/salus) and $XDG_STATE_HOME/salus (else ~/.local/state/salus).
//
// Source: XDG Base Directory Specification 0.8; a relative path in a variable is passed over.
// Errors: FailedPrecondition when neither the variable nor HOME is set.
Result<std::filesystem::path> ConfigHome();
Result<std::filesystem::path> StateHome();

}  // namespace salus::client
