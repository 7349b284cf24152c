#include "seal/archive_writer.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "base/c_handle.h"
#include "pki/descriptor.h"
#include "seal/archive_library.h"
#include "seal/archive_path.h"

namespace salus::seal {

namespace {

void FreeWriter(archive* writer) { Libarchive().archive_write_free(writer); }
void FreeEntry(archive_entry* entry) { Libarchive().archive_entry_free(entry); }
using ArchiveHandle = CHandle<archive, FreeWriter>;
using EntryHandle = CHandle<archive_entry, FreeEntry>;
using DirectoryHandle = CHandle<DIR, ::closedir>;

constexpr std::size_t kBufferBytes = 256 * 1024;
constexpr int kBlockBytes = 64 * 1024;

Error ReadError(const std::string& path, int number) {
  if (number == EACCES || number == EPERM) {
    return PermissionDenied(path + " can't be read: you may not");
  }
  return pki::FileError("read " + path, number);
}

Result<std::vector<std::string>> SortedNames(int folder, const std::string& path) {
  const int copy = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return ReadError(path, errno);
  const DirectoryHandle handle(::fdopendir(copy));
  if (!handle) {
    ::close(copy);
    return ReadError(path, errno);
  }
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(handle.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return ReadError(path, errno);
  std::sort(names.begin(), names.end());
  return names;
}

// The name that the folder has in the archive; "." and "a/.." are looked up.
Result<std::string> RootName(const std::string& folder) {
  std::error_code failure;
  const std::filesystem::path whole = std::filesystem::canonical(folder, failure);
  if (failure) return pki::FileError("open " + folder, failure.value());
  std::filesystem::path given = folder;
  if (!given.has_filename()) given = given.parent_path();
  const std::string name = given.filename().string();
  if (!name.empty() && name != "." && name != "..") return name;
  if (!whole.has_filename()) return InvalidArgument("the root folder has no name: seal one in it");
  return whole.filename().string();
}

const char* KindOf(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFSOCK:
      return "a socket";
    case S_IFIFO:
      return "a named pipe";
    case S_IFBLK:
    case S_IFCHR:
      return "a device";
    default:
      return "neither file, folder nor link";
  }
}

// One Pack.
class Packing {
 public:
  Packing(ByteSink& out, std::vector<ArchiveWriter::Skipped>& skipped)
      : out_(out), skipped_(skipped), buffer_(kBufferBytes) {}
  Packing(const Packing&) = delete;
  Packing& operator=(const Packing&) = delete;
  // Without this, freeing a half-written archive would end it properly.
  ~Packing() {
    if (archive_) Libarchive().archive_write_fail(archive_.get());
  }

  Result<void> Open();
  Result<void> Folder(int folder, const std::string& path, std::size_t depth);
  Result<void> Close() { return Check(Libarchive().archive_write_close(archive_.get())); }
  std::uint64_t entry_count() const { return entry_count_; }

 private:
  static la_ssize_t WriteOut(archive* /*unused*/, void* self, const void* bytes, std::size_t size);
  Result<void> Check(la_ssize_t outcome);
  Result<void> Begin(const std::string& path, const struct stat& status);
  Result<void> Entry(int folder, const std::string& name, const std::string& path,
                     std::size_t depth);
  Result<void> File(int folder, const std::string& name, const std::string& path);
  Result<void> Link(int folder, const std::string& name, const std::string& path,
                    const struct stat& status, std::size_t depth);

  ByteSink& out_;
  std::vector<ArchiveWriter::Skipped>& skipped_;
  std::optional<Error> failure_;  // of out_
  Bytes buffer_;
  EntryHandle entry_;
  ArchiveHandle archive_;  // goes first, while the callback's target is there
  std::uint64_t entry_count_ = 0;
};

la_ssize_t Packing::WriteOut(archive* /*unused*/, void* self, const void* bytes, std::size_t size) {
  auto& packing = *static_cast<Packing*>(self);
  if (packing.failure_.has_value()) return -1;
  Result<void> written = packing.out_.Write({static_cast<const std::uint8_t*>(bytes), size});
  if (written.has_value()) return static_cast<la_ssize_t>(size);
  packing.failure_ = std::move(written).error();
  return -1;
}

Result<void> Packing::Check(la_ssize_t outcome) {
  if (failure_.has_value()) return *failure_;
  // A warning: the name is no UTF-8 and is kept byte by byte.
  if (outcome >= ARCHIVE_OK || outcome == ARCHIVE_WARN) return {};
  return Internal("the archive can't be written");
}

Result<void> Packing::Open() {
  archive_.reset(Libarchive().archive_write_new());
  entry_.reset(Libarchive().archive_entry_new());
  if (!archive_ || !entry_) return ResourceExhausted("no memory for an archive");
  TRY_VOID(Check(Libarchive().archive_write_set_format_pax(archive_.get())));
  TRY_VOID(Check(Libarchive().archive_write_set_bytes_per_block(archive_.get(), kBlockBytes)));
  TRY_VOID(Check(Libarchive().archive_write_set_bytes_in_last_block(archive_.get(), 1)));
  return Check(Libarchive().archive_write_open(archive_.get(), this, nullptr, WriteOut, nullptr));
}

Result<void> Packing::Begin(const std::string& path, const struct stat& status) {
  if (entry_count_ == kMaxArchiveEntries) {
    return InvalidArgument("the folder holds more than a million entries: seal parts of it");
  }
  ++entry_count_;
  archive_entry* entry = entry_.get();
  Libarchive().archive_entry_set_filetype(entry, status.st_mode & S_IFMT);
  Libarchive().archive_entry_set_perm(entry, status.st_mode & 0777);
  Libarchive().archive_entry_set_mtime(entry, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  Libarchive().archive_entry_set_size(entry, S_ISREG(status.st_mode) ? status.st_size : 0);
  Libarchive().archive_entry_copy_pathname(entry, path.c_str());
  const la_ssize_t outcome = Libarchive().archive_write_header(archive_.get(), entry);
  Libarchive().archive_entry_clear(entry);
  return Check(outcome);
}

Result<void> Packing::Folder(int folder, const std::string& path, std::size_t depth) {
  struct stat status{};
  if (::fstat(folder, &status) != 0) return ReadError(path, errno);
  TRY_VOID(Begin(path + "/", status));
  TRY(const std::vector<std::string> names, SortedNames(folder, path));
  for (const std::string& name : names) {
    TRY_VOID(Entry(folder, name, path + "/" + name, depth));
  }
  return {};
}

Result<void> Packing::Entry(int folder, const std::string& name, const std::string& path,
                            std::size_t depth) {
  if (auto checked = ParseArchivePath(path); !checked.has_value()) {
    return InvalidArgument(path + " can't be sealed: " + checked.error().message);
  }
  struct stat status{};
  if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return ReadError(path, errno);
  }
  if (S_ISREG(status.st_mode)) return File(folder, name, path);
  if (S_ISLNK(status.st_mode)) return Link(folder, name, path, status, depth);
  if (!S_ISDIR(status.st_mode)) {
    skipped_.push_back({path, KindOf(status.st_mode)});
    return {};
  }
  const pki::Descriptor inner(
      ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!inner.is_open()) return ReadError(path, errno);
  return Folder(inner.get(), path, depth + 1);
}

Result<void> Packing::File(int folder, const std::string& name, const std::string& path) {
  // O_NONBLOCK: a pipe that has taken the file's place must not hang the program.
  const pki::Descriptor file(
      ::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status{};
  if (!file.is_open() || ::fstat(file.get(), &status) != 0) return ReadError(path, errno);
  if (!S_ISREG(status.st_mode)) return FailedPrecondition(path + " changed while it was read");
  TRY_VOID(Begin(path, status));
  FileSource source(file.get());
  auto left = static_cast<std::uint64_t>(status.st_size);
  while (left > 0) {
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer_.size()));
    auto read = source.Read(MutableByteSpan(buffer_).first(part));
    if (!read.has_value()) return std::move(read).error().WithContext(path);
    if (*read < part) {
      return FailedPrecondition(path + " became shorter while it was read: run it again");
    }
    TRY_VOID(Check(Libarchive().archive_write_data(archive_.get(), buffer_.data(), part)));
    left -= part;
  }
  return {};
}

Result<void> Packing::Link(int folder, const std::string& name, const std::string& path,
                           const struct stat& status, std::size_t depth) {
  std::string target(kMaxEntryPathBytes + 1, '\0');
  const ssize_t size = ::readlinkat(folder, name.c_str(), target.data(), target.size());
  if (size < 0) return ReadError(path, errno);
  target.resize(static_cast<std::size_t>(size));
  if (const auto checked = CheckLinkTarget(target, depth); !checked.has_value()) {
    skipped_.push_back({path, checked.error().message});
    return {};
  }
  Libarchive().archive_entry_copy_symlink(entry_.get(), target.c_str());
  return Begin(path, status);
}

}  // namespace

Result<void> ArchiveWriter::Pack(ByteSink& out) {
  TRY_VOID(LoadArchiveLibrary());
  const Utf8Locale locale;
  TRY(const std::string name, RootName(folder_));
  const pki::Descriptor folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open()) {
    if (errno == ENOTDIR) return InvalidArgument(folder_ + " is not a folder");
    return ReadError(folder_, errno);
  }
  if (auto checked = ParseArchivePath(name); !checked.has_value()) {
    return InvalidArgument(name + " can't be sealed: " + checked.error().message);
  }
  Packing packing(out, skipped_);
  TRY_VOID(packing.Open());
  TRY_VOID(packing.Folder(folder.get(), name, 0));
  TRY_VOID(packing.Close());
  entry_count_ = packing.entry_count();
  return {};
}

}  // namespace salus::seal
