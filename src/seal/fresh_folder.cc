#include "seal/fresh_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <ranges>
#include <utility>

namespace salus::seal {

namespace {

constexpr int kMaxNameTries = 100;
constexpr int kOpenFolder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

Error Exists(const std::string& path) {
  return AlreadyExists(path +
                       " exists already and is not an empty folder: choose another name, a folder "
                       "is never replaced");
}

std::filesystem::path FolderAbove(const std::string& path) {
  const std::filesystem::path above = std::filesystem::path(path).parent_path();
  return above.empty() ? "." : above;
}

// What the umask lets through shows in what the kernel leaves of a mode: here of a folder in
// folder, which nobody else can enter.
Result<mode_t> AllowedMode(int folder) {
  constexpr char kProbe[] = "umask";
  struct stat made{};
  const bool is_made = ::mkdirat(folder, kProbe, 0777) == 0 &&
                       ::fstatat(folder, kProbe, &made, AT_SYMLINK_NOFOLLOW) == 0;
  if (!is_made || ::unlinkat(folder, kProbe, AT_REMOVEDIR) != 0) {
    return pki::FileError("make a folder", errno);
  }
  return made.st_mode & 0777;
}

std::string Joined(const ArchivePath& path) {
  std::string text;
  for (const std::string& name : path) text += (text.empty() ? "" : "/") + name;
  return text;
}

ArchivePath Split(const std::string& text) {
  ArchivePath path;
  for (const std::filesystem::path& name : std::filesystem::path(text)) path.push_back(name);
  return path;
}

// A descriptor of the folder at path below root, no link followed.
Result<int> OpenBelow(int root, std::span<const std::string> path) {
  int at = ::openat(root, ".", kOpenFolder);
  for (const std::string& name : path) {
    if (at < 0) break;
    const int next = ::openat(at, name.c_str(), kOpenFolder);
    const int number = errno;
    ::close(at);
    at = next;
    errno = number;
  }
  if (at >= 0) return at;
  if (errno == ENOENT) return InvalidArgument("its folder does not stand before it");
  if (errno == ENOTDIR || errno == ELOOP) {
    return InvalidArgument("its path leads through a symbolic link, or a file");
  }
  return pki::FileError("open a folder", errno);
}

Error MakeError(int number) {
  if (number == EEXIST) return InvalidArgument("its path stands in the archive twice");
  return pki::FileError("make it", number);
}

using Times = std::array<timespec, 2>;

Times TimesOf(timespec modified) {
  if (modified.tv_nsec < 0 || modified.tv_nsec > 999'999'999) modified.tv_nsec = 0;
  return {timespec{0, UTIME_OMIT}, modified};
}

Result<void> SetAttributes(int descriptor, const FreshFolder::Attributes& attributes,
                           mode_t allowed) {
  const Times times = TimesOf(attributes.modified);
  // No setuid, setgid or sticky bit ever.
  if (::fchmod(descriptor, attributes.mode & allowed & 0777) != 0 ||
      ::futimens(descriptor, times.data()) != 0) {
    return pki::FileError("set its mode and time", errno);
  }
  return {};
}

}  // namespace

FreshFolder::FreshFolder(std::string path, std::string temporary, int folder, mode_t allowed)
    : path_(std::move(path)),
      temporary_(std::move(temporary)),
      folder_(folder),
      allowed_(allowed) {}

FreshFolder::~FreshFolder() {
  if (temporary_.empty()) return;
  // Folders that are read-only by now could not be emptied.
  for (const MadeFolder& made : folders_) {
    if (!are_folders_closed_) break;
    if (const auto folder = OpenBelow(folder_.get(), Split(made.path)); folder.has_value()) {
      ::fchmod(*folder, 0700);
      ::close(*folder);
    }
  }
  std::error_code ignored;
  std::filesystem::remove_all(temporary_, ignored);
}

Result<std::unique_ptr<FreshFolder>> FreshFolder::Create(const std::string& path) {
  std::string target = path;
  while (target.size() > 1 && target.ends_with('/')) target.pop_back();
  std::error_code failure;
  const auto status = std::filesystem::symlink_status(target, failure);
  if (status.type() != std::filesystem::file_type::not_found) {
    const bool is_free = status.type() == std::filesystem::file_type::directory &&
                         std::filesystem::is_empty(target, failure) && !failure;
    if (!is_free) return Exists(target);
  }
  static std::atomic<std::uint64_t> count = 0;
  for (int i = 0; i < kMaxNameTries; ++i) {
    const std::string temporary =
        FolderAbove(target) / fmt::format(".salus-folder-{}-{}", ::getpid(), count.fetch_add(1));
    if (::mkdir(temporary.c_str(), 0700) != 0) {
      if (errno == EEXIST) continue;
      return pki::FileError("make a folder beside " + target, errno);
    }
    const int folder = ::open(temporary.c_str(), kOpenFolder);
    // The umask may have taken bits of the owner's away.
    const Result<mode_t> allowed =
        folder >= 0 && ::fchmod(folder, 0700) == 0
            ? AllowedMode(folder)
            : Result<mode_t>(pki::FileError("open a folder beside " + target, errno));
    if (!allowed) {
      if (folder >= 0) ::close(folder);
      ::rmdir(temporary.c_str());
      return allowed.error();
    }
    return std::unique_ptr<FreshFolder>(new FreshFolder(target, temporary, folder, *allowed));
  }
  return Unavailable("no name is free for a folder beside " + target);
}

Result<int> FreshFolder::OpenParent(const ArchivePath& path) {
  if (path.empty()) return InvalidArgument("its path is that of the whole folder");
  const std::span<const std::string> above = std::span(path).first(path.size() - 1);
  if (!parent_ || !std::ranges::equal(above, parent_path_)) {
    TRY(const int folder, OpenBelow(folder_.get(), above));
    parent_ = std::make_unique<pki::Descriptor>(folder);
    parent_path_.assign(above.begin(), above.end());
  }
  return parent_->get();
}

Result<void> FreshFolder::MakeFolder(const ArchivePath& path, const Attributes& attributes) {
  if (!path.empty()) {
    TRY(const int parent, OpenParent(path));
    if (::mkdirat(parent, path.back().c_str(), 0700) != 0) return MakeError(errno);
  }
  folders_.push_back({Joined(path), attributes});
  return {};
}

Result<void> FreshFolder::MakeLink(const ArchivePath& path, const std::string& target,
                                   timespec modified) {
  TRY_VOID(CheckLinkTarget(target, path.empty() ? 0 : path.size() - 1));
  TRY(const int parent, OpenParent(path));
  if (::symlinkat(target.c_str(), parent, path.back().c_str()) != 0) return MakeError(errno);
  const Times times = TimesOf(modified);
  if (::utimensat(parent, path.back().c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
    return pki::FileError("set its time", errno);
  }
  return {};
}

Result<void> FreshFolder::MakeHardLink(const ArchivePath& path, const ArchivePath& file) {
  if (file.empty()) return InvalidArgument("a hard link to the whole folder");
  TRY(const int opened, OpenBelow(folder_.get(), std::span(file).first(file.size() - 1)));
  const pki::Descriptor from(opened);
  struct stat status{};
  if (::fstatat(from.get(), file.back().c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
      !S_ISREG(status.st_mode)) {
    return InvalidArgument("a hard link to something that is no file of the archive");
  }
  TRY(const int parent, OpenParent(path));
  if (::linkat(from.get(), file.back().c_str(), parent, path.back().c_str(), 0) != 0) {
    return MakeError(errno);
  }
  return {};
}

Result<std::unique_ptr<FreshFolder::NewFile>> FreshFolder::MakeFile(const ArchivePath& path) {
  TRY(const int parent, OpenParent(path));
  const int file = ::openat(parent, path.back().c_str(),
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return MakeError(errno);
  return std::make_unique<NewFile>(file);
}

Result<void> FreshFolder::FinishFile(const NewFile& file, const Attributes& attributes) const {
  return SetAttributes(file.descriptor(), attributes, allowed_);
}

// Those made last come first: a folder is closed after all that is in it.
Result<void> FreshFolder::SetFolderAttributes() {
  are_folders_closed_ = true;
  for (const MadeFolder& made : std::views::reverse(folders_)) {
    TRY(const int opened, OpenBelow(folder_.get(), Split(made.path)));
    const pki::Descriptor folder(opened);
    TRY_VOID(SetAttributes(folder.get(), made.attributes, allowed_));
  }
  return {};
}

Result<void> FreshFolder::Commit(OutputFile::Durability durability) {
  const bool is_synced = durability == OutputFile::Durability::kEachFile;
  parent_.reset();
  TRY_VOID(SetFolderAttributes());
  if (is_synced && ::syncfs(folder_.get()) != 0) return pki::FileError("sync " + path_, errno);
  // Over an empty folder this is atomic too, and over anything else it fails.
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int number = errno;
    if (number == EEXIST || number == ENOTEMPTY || number == ENOTDIR) return Exists(path_);
    return pki::FileError("name the folder " + path_, number);
  }
  temporary_.clear();
  if (!is_synced) return {};
  const pki::Descriptor above(
      ::open(FolderAbove(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!above.is_open() || ::fsync(above.get()) != 0) {
    return pki::FileError("sync the folder of " + path_, errno);
  }
  return {};
}

}  // namespace salus::seal
