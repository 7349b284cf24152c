#include "seal/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>

namespace salus::seal {

namespace {

constexpr int kMaxNameTries = 100;

Error Exists(const std::string& path) {
  return AlreadyExists(path + " exists already: choose another name, or replace it with --force");
}

// A name that no other file has: of this process, counted.
std::string TemporaryName() {
  static std::atomic<std::uint64_t> count = 0;
  return fmt::format(".salus-{}-{}", ::getpid(), count.fetch_add(1));
}

// Calls attempt with fresh names until one of them is free.
template <typename Attempt>
int WithFreeName(std::string& name, const Attempt& attempt) {
  for (int i = 0; i < kMaxNameTries; ++i) {
    name = TemporaryName();
    const int outcome = attempt(name.c_str());
    if (outcome >= 0 || errno != EEXIST) return outcome;
  }
  return -1;
}

std::string ProcPath(int descriptor) { return fmt::format("/proc/self/fd/{}", descriptor); }

// A file without a name, which can be linked later; -1 where the file system or the system has no
// such thing.
int OpenNameless(int folder, mode_t mode) {
  const int file = ::openat(folder, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, mode);
  if (file >= 0 && ::access(ProcPath(file).c_str(), F_OK) != 0) {
    ::close(file);
    return -1;
  }
  return file;
}

}  // namespace

OutputFile::OutputFile(std::string path, const Options& options, int folder, int file,
                       bool is_direct)
    : path_(std::move(path)),
      options_(options),
      is_direct_(is_direct),
      folder_(folder),
      file_(file),
      sink_(file) {}

OutputFile::~OutputFile() {
  if (!temporary_name_.empty()) ::unlinkat(folder_.get(), temporary_name_.c_str(), 0);
}

Result<std::unique_ptr<OutputFile>> OutputFile::CreateDirect(const std::string& path,
                                                             const Options& options) {
  const int file = path == "-" ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                               : ::open(path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC);
  if (file < 0) return pki::FileError("write to " + path, errno);
  return std::unique_ptr<OutputFile>(new OutputFile(path, options, -1, file, true));
}

Result<std::unique_ptr<OutputFile>> OutputFile::Create(const std::string& path,
                                                       const Options& options) {
  if (path == "-") return CreateDirect(path, options);
  const std::filesystem::path parts = path;
  struct stat status{};
  const bool is_there = ::stat(path.c_str(), &status) == 0;
  if (!parts.has_filename() || (is_there && S_ISDIR(status.st_mode))) {
    return InvalidArgument("the output " + path + " is a folder: name a file in it");
  }
  if (is_there && !S_ISREG(status.st_mode)) return CreateDirect(path, options);
  if (options.if_exists == IfExists::kRefuse && ::lstat(path.c_str(), &status) == 0) {
    return Exists(path);
  }
  const std::string folder_path = parts.has_parent_path() ? parts.parent_path().string() : ".";
  const int folder = ::open(folder_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return pki::FileError("open the folder of " + path, errno);
  const mode_t mode = options.content == Content::kOpened ? 0600 : 0666;
  std::string temporary_name;
  int file = options.naming == Naming::kAtCommit ? OpenNameless(folder, mode) : -1;
  if (file < 0) {
    file = WithFreeName(temporary_name, [&](const char* name) {
      return ::openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    });
  }
  if (file < 0) {
    const int number = errno;
    ::close(folder);
    return pki::FileError("create " + path, number);
  }
  std::unique_ptr<OutputFile> made(new OutputFile(path, options, folder, file, false));
  made->name_ = parts.filename().string();
  made->temporary_name_ = std::move(temporary_name);
  return made;
}

Result<void> OutputFile::Write(ByteSpan bytes) {
  Result<void> written = sink_.Write(bytes);
  if (!written.has_value()) return std::move(written).error().WithContext(path_);
  return written;
}

Result<void> OutputFile::Commit() {
  if (is_direct_) return {};
  const bool is_synced = options_.durability == Durability::kEachFile;
  if (is_synced && ::fsync(file_.get()) != 0) return pki::FileError("sync " + path_, errno);
  TRY_VOID(TakeName());
  if (is_synced && ::fsync(folder_.get()) != 0) {
    return pki::FileError("sync the folder of " + path_, errno);
  }
  return {};
}

Result<void> OutputFile::TakeName() {
  return options_.if_exists == IfExists::kRefuse ? Link() : Replace();
}

// Link fails where the name is taken.
Result<void> OutputFile::Link() {
  int outcome = -1;
  if (temporary_name_.empty()) {
    outcome = ::linkat(AT_FDCWD, ProcPath(file_.get()).c_str(), folder_.get(), name_.c_str(),
                       AT_SYMLINK_FOLLOW);
  } else {
    outcome = ::renameat2(folder_.get(), temporary_name_.c_str(), folder_.get(), name_.c_str(),
                          RENAME_NOREPLACE);
    if (outcome == 0) {
      temporary_name_.clear();
    } else if (errno == EINVAL || errno == ENOSYS) {  // NFS; the destructor takes the other name
      outcome = ::linkat(folder_.get(), temporary_name_.c_str(), folder_.get(), name_.c_str(), 0);
    }
  }
  if (outcome == 0) return {};
  return errno == EEXIST ? Exists(path_) : pki::FileError("name the file " + path_, errno);
}

// Replace needs a name to rename, if only for a moment.
Result<void> OutputFile::Replace() {
  if (temporary_name_.empty()) {
    std::string name;
    const int outcome = WithFreeName(name, [&](const char* candidate) {
      return ::linkat(AT_FDCWD, ProcPath(file_.get()).c_str(), folder_.get(), candidate,
                      AT_SYMLINK_FOLLOW);
    });
    if (outcome != 0) return pki::FileError("name the file " + path_, errno);
    temporary_name_ = std::move(name);
  }
  if (::renameat(folder_.get(), temporary_name_.c_str(), folder_.get(), name_.c_str()) != 0) {
    return pki::FileError("replace " + path_, errno);
  }
  temporary_name_.clear();
  return {};
}

bool OutputFile::is_terminal() const { return ::isatty(file_.get()) == 1; }

}  // namespace salus::seal
