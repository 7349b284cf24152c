#include "client/private_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include "pki/directory_files.h"

namespace salus::client {
namespace {

Error FileError(std::string_view act, const std::filesystem::path& path, int code) {
  std::string text = path.filename().string() + ": can't " + std::string(act) + ": " +
                     std::error_code(code, std::generic_category()).message();
  if (code == ENOENT) return NotFound(std::move(text));
  if (code == ENOSPC || code == EDQUOT) return ResourceExhausted(std::move(text));
  if (code == EACCES || code == EPERM) return PermissionDenied(std::move(text));
  return Unavailable(std::move(text));
}

// Closing is all that is left to do with a descriptor when its owner goes.
void CloseOnce(int& descriptor) {
  if (descriptor >= 0) ::close(std::exchange(descriptor, -1));
}

Result<void> WriteAll(int descriptor, std::string_view name, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError("write", name, errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

// The size of the file up to and with its last line feed.
Result<off_t> WholeLines(int descriptor, const std::filesystem::path& path) {
  off_t end = ::lseek(descriptor, 0, SEEK_END);
  if (end < 0) return FileError("read", path, errno);
  char block[4096];
  while (end > 0) {
    const auto size = static_cast<std::size_t>(std::min<off_t>(end, sizeof block));
    const ssize_t n = ::pread(descriptor, block, size, end - static_cast<off_t>(size));
    if (n != static_cast<ssize_t>(size)) return FileError("read", path, n < 0 ? errno : EIO);
    const std::size_t at = std::string_view(block, size).rfind('\n');
    if (at != std::string_view::npos) {
      return end - static_cast<off_t>(size) + static_cast<off_t>(at) + 1;
    }
    end -= static_cast<off_t>(size);
  }
  return off_t{0};
}

Result<std::filesystem::path> UserFolder(const char* variable, const char* below_home) {
  const char* set = std::getenv(variable);
  if (set != nullptr && set[0] == '/') return std::filesystem::path(set) / "salus";
  const char* home = std::getenv("HOME");
  if (home == nullptr || home[0] == '\0') {
    return FailedPrecondition(std::string("neither HOME nor ") + variable +
                              " is set: where is your configuration?");
  }
  return std::filesystem::path(home) / below_home / "salus";
}

}  // namespace

Result<void> MakePrivateDirectory(const std::filesystem::path& path) {
  std::error_code failure;
  if (path.empty() || std::filesystem::is_directory(path, failure)) return {};
  TRY_VOID(MakePrivateDirectory(path.parent_path()));
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return Unavailable(path.string() + ": can't make the directory: " +
                     std::error_code(errno, std::generic_category()).message());
}

Result<std::string> ReadSmallFile(const std::filesystem::path& path, std::size_t limit_bytes) {
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return FileError("open", path, errno);
  std::string out;
  char block[16384];
  while (true) {
    const ssize_t n = ::read(descriptor, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    const int code = errno;
    if (n <= 0) CloseOnce(descriptor);
    if (n < 0) return FileError("read", path, code);
    if (n == 0) return out;
    out.append(block, static_cast<std::size_t>(n));
    if (out.size() > limit_bytes) {
      CloseOnce(descriptor);
      return InvalidArgument(path.filename().string() + ": larger than " +
                             std::to_string(limit_bytes) + " bytes");
    }
  }
}

Result<void> ReplaceFile(const std::filesystem::path& path, std::string_view content) {
  std::filesystem::path fresh = path;
  // Two processes may replace one file at a time: each has a name of its own.
  fresh += ".new" + std::to_string(::getpid());
  ::unlink(fresh.c_str());
  int descriptor = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) return FileError("create", fresh, errno);
  Result<void> written = WriteAll(descriptor, fresh.filename().string(), content);
  if (written.has_value() && ::fsync(descriptor) != 0) written = FileError("sync", fresh, errno);
  CloseOnce(descriptor);
  if (written.has_value() && ::rename(fresh.c_str(), path.c_str()) != 0) {
    written = FileError("replace", path, errno);
  }
  if (!written.has_value()) {
    ::unlink(fresh.c_str());
    return written;
  }
  return pki::SyncDirectory(path.parent_path());
}

Result<FolderLock> FolderLock::Take(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "lock";
  int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return FileError("open", path, errno);
  while (::flock(descriptor, LOCK_EX) != 0) {
    if (errno == EINTR) continue;
    const int code = errno;
    CloseOnce(descriptor);
    return FileError("lock", path, code);
  }
  return FolderLock(descriptor);
}

FolderLock::FolderLock(FolderLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}
FolderLock& FolderLock::operator=(FolderLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}
FolderLock::~FolderLock() { CloseOnce(descriptor_); }

Result<LineFile> LineFile::Open(const std::filesystem::path& path, Start start) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND, 0600);
  if (descriptor < 0) return FileError("open", path, errno);
  LineFile file(descriptor, path.filename().string());
  struct stat what{};
  if (::fstat(descriptor, &what) != 0) return FileError("open", path, errno);
  if (!S_ISREG(what.st_mode)) return file;
  off_t size = 0;
  if (start == Start::kContinue) {
    TRY(size, WholeLines(descriptor, path));
  }
  if (what.st_size > size && ::ftruncate(descriptor, size) != 0) {
    return FileError("cut off its torn last line", path, errno);
  }
  return file;
}

LineFile::LineFile(LineFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), name_(std::move(other.name_)) {}
LineFile& LineFile::operator=(LineFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(name_, other.name_);
  return *this;
}
LineFile::~LineFile() { CloseOnce(descriptor_); }

Result<void> LineFile::Append(std::string_view lines) {
  return WriteAll(descriptor_, name_, lines);
}

Result<void> LineFile::Sync() {
  // A pipe or a terminal can't be synced, and need not be.
  if (::fsync(descriptor_) != 0 && errno != EINVAL && errno != EROFS)
    return FileError("sync", name_, errno);
  return {};
}

Result<std::filesystem::path> ConfigHome() { return UserFolder("XDG_CONFIG_HOME", ".config"); }
Result<std::filesystem::path> StateHome() { return UserFolder("XDG_STATE_HOME", ".local/state"); }

}  // namespace salus::client
