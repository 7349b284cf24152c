#include "storage/posix_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstring>

#include "base/log.h"

namespace salus::storage {
namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;
constexpr std::size_t kMaxRanges = 1000;  // of one file, before the rest counts as one

Error ErrnoError(int number, std::string_view call, const std::string& path) {
  char text[128];
  std::string message = fmt::format("{} {}: {}", call, path, strerror_r(number, text, sizeof text));
  switch (number) {
    case ENOENT:
    case ENOTDIR:
      return NotFound(std::move(message));
    case EEXIST:
    case ENOTEMPTY:
      return AlreadyExists(std::move(message));
    case EACCES:
    case EPERM:
    case EROFS:
      return PermissionDenied(std::move(message));
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return ResourceExhausted(std::move(message));
    case EIO:
      return Unavailable(std::move(message) + "; check the device");
    default:
      return Internal(std::move(message));
  }
}

[[noreturn]] void AbortOnFailedSync(int number, std::string_view call) {
  // A second fsync would report success although the pages were dropped.
  Log(LogLevel::kError, "sync failed, the process stops so that nothing unsynced is acknowledged",
      {{"call", call}, {"errno", std::int64_t{number}}});
  std::abort();
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

int OpenRetrying(const std::string& path, int flags) {
  int fd;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, kFileMode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

class PosixFile : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  Result<std::size_t> ReadAt(std::uint64_t offset, MutableByteSpan out) const override {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t n = ::pread(fd_.get(), out.data() + done, out.size() - done,
                                static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return ErrnoError(errno, "read", path_);
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

  Result<void> WriteAtV(std::uint64_t offset, std::span<const ByteSpan> parts) override {
    std::vector<iovec> vectors;
    vectors.reserve(parts.size());
    for (const ByteSpan part : parts) {
      if (!part.empty()) {
        vectors.push_back({const_cast<std::uint8_t*>(part.data()), part.size()});
      }
    }
    std::span<iovec> left(vectors);
    while (!left.empty()) {
      const int count = static_cast<int>(std::min<std::size_t>(left.size(), IOV_MAX));
      ssize_t n = ::pwritev(fd_.get(), left.data(), count, static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return ErrnoError(errno, "write", path_);
      if (n == 0) return ErrnoError(ENOSPC, "write", path_);
      offset += static_cast<std::uint64_t>(n);
      while (!left.empty() && static_cast<std::size_t>(n) >= left[0].iov_len) {
        n -= static_cast<ssize_t>(left[0].iov_len);
        left = left.subspan(1);
      }
      if (n > 0) {
        left[0].iov_base = static_cast<std::uint8_t*>(left[0].iov_base) + n;
        left[0].iov_len -= static_cast<std::size_t>(n);
      }
    }
    return {};
  }

  Result<void> SyncData() override {
    if (::fdatasync(fd_.get()) != 0) AbortOnFailedSync(errno, "fdatasync");
    return {};
  }

  Result<std::uint64_t> Size() const override {
    struct stat status;
    if (::fstat(fd_.get(), &status) != 0) return ErrnoError(errno, "stat", path_);
    return static_cast<std::uint64_t>(status.st_size);
  }

  Result<std::vector<Range>> Written(std::uint64_t offset) const override {
    TRY(const std::uint64_t size, Size());
    std::vector<Range> ranges;
    while (offset < size) {
      const off_t begin = ::lseek(fd_.get(), static_cast<off_t>(offset), SEEK_DATA);
      if (begin < 0 && errno == ENXIO) break;  // the rest was never written
      const off_t end =
          begin < 0 || ranges.size() == kMaxRanges ? -1 : ::lseek(fd_.get(), begin, SEEK_HOLE);
      if (end <= begin) {  // not known from here on
        ranges.push_back({offset, size});
        break;
      }
      ranges.push_back({static_cast<std::uint64_t>(begin), static_cast<std::uint64_t>(end)});
      offset = ranges.back().end;
    }
    return ranges;
  }

  Result<void> Allocate(std::uint64_t offset, std::uint64_t length) override {
    if (length == 0) return {};
    int number;
    do {
      number = ::posix_fallocate(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(length));
    } while (number == EINTR);
    if (number != 0) return ErrnoError(number, "allocate", path_);
    return {};
  }

  Result<void> Truncate(std::uint64_t size) override {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) {
      return ErrnoError(errno, "truncate", path_);
    }
    return {};
  }

 private:
  const Descriptor fd_;
  const std::string path_;
};

class PosixLock : public FileLock {
 public:
  explicit PosixLock(int fd) : fd_(fd) {}
  ~PosixLock() override {
    // The file stays: removing it would let two processes lock two different inodes.
    if (::ftruncate(fd_.get(), 0) != 0) {
      // Only the holder's number stays in the file; the lock itself ends with the descriptor.
    }
  }

 private:
  const Descriptor fd_;
};

// HolderOf reads the process id that the holder has written; "another process" when there is none.
std::string HolderOf(int fd) {
  char text[24];
  const ssize_t n = ::pread(fd, text, sizeof text, 0);
  long pid = 0;
  if (n > 0 && std::from_chars(text, text + n, pid).ec == std::errc() && pid > 0) {
    return fmt::format("process {}", pid);
  }
  return "another process";
}

}  // namespace

Result<std::unique_ptr<File>> PosixFileSystem::OpenExisting(const std::string& path,
                                                            FileAccess access) {
  const int fd = OpenRetrying(path, access == FileAccess::kReadOnly ? O_RDONLY : O_RDWR);
  if (fd < 0) return ErrnoError(errno, "open", path);
  auto file = std::make_unique<PosixFile>(fd, path);
  struct stat status;
  if (::fstat(fd, &status) != 0) return ErrnoError(errno, "stat", path);
  if (!S_ISREG(status.st_mode)) return InvalidArgument("open " + path + ": not a regular file");
  return file;
}

Result<std::unique_ptr<File>> PosixFileSystem::Create(const std::string& path) {
  const int fd = OpenRetrying(path, O_RDWR | O_CREAT | O_EXCL);
  if (fd < 0) return ErrnoError(errno, "create", path);
  return std::make_unique<PosixFile>(fd, path);
}

Result<void> PosixFileSystem::Rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return ErrnoError(errno, "rename", from);
  return {};
}

Result<void> PosixFileSystem::Remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return ErrnoError(errno, "remove", path);
  return {};
}

Result<std::vector<std::string>> PosixFileSystem::List(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> handle(::opendir(directory.c_str()), ::closedir);
  if (!handle) return ErrnoError(errno, "list", directory);
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(handle.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return ErrnoError(errno, "list", directory);
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> PosixFileSystem::MakeDirectory(const std::string& path) {
  if (::mkdir(path.c_str(), kDirectoryMode) != 0) return ErrnoError(errno, "make", path);
  return {};
}

Result<void> PosixFileSystem::SyncDirectory(const std::string& path) {
  const Descriptor fd(OpenRetrying(path, O_RDONLY | O_DIRECTORY));
  if (fd.get() < 0) return ErrnoError(errno, "open", path);
  if (::fsync(fd.get()) != 0) AbortOnFailedSync(errno, "fsync of a directory");
  return {};
}

Result<bool> PosixFileSystem::Exists(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return ErrnoError(errno, "stat", path);
}

Result<std::unique_ptr<FileLock>> PosixFileSystem::LockFile(const std::string& path) {
  const int fd = OpenRetrying(path, O_RDWR | O_CREAT);
  if (fd < 0) return ErrnoError(errno, "open", path);
  int locked;
  do {
    locked = ::flock(fd, LOCK_EX | LOCK_NB);
  } while (locked != 0 && errno == EINTR);
  if (locked != 0) {
    const Descriptor closer(fd);
    if (errno != EWOULDBLOCK) return ErrnoError(errno, "lock", path);
    return FailedPrecondition(
        fmt::format("{} is in use by {}; stop it first", DirectoryOf(path), HolderOf(fd)));
  }
  auto lock = std::make_unique<PosixLock>(fd);
  const std::string pid = fmt::format("{}\n", ::getpid());
  // A full disk has no room for the number, which only serves a message; the lock is held anyway.
  if (::ftruncate(fd, 0) != 0) return ErrnoError(errno, "truncate", path);
  errno = 0;
  const ssize_t written = ::pwrite(fd, pid.data(), pid.size(), 0);
  const bool is_full = errno == ENOSPC || errno == EDQUOT;
  if (written != static_cast<ssize_t>(pid.size()) && !is_full) {
    return ErrnoError(errno, "write", path);
  }
  return lock;
}

Result<std::uint64_t> PosixFileSystem::FreeBytes(const std::string& path) {
  struct statvfs status;
  if (::statvfs(path.c_str(), &status) != 0) return ErrnoError(errno, "statvfs", path);
  return std::uint64_t{status.f_bavail} * status.f_frsize;
}

}  // namespace salus::storage
