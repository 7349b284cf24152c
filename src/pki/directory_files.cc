#include "pki/directory_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "pki/descriptor.h"

namespace salus::pki {
namespace {

constexpr std::size_t kMaxPublicFileBytes = 1024 * 1024;

}  // namespace

Result<void> CreatePrivateDirectory(const std::filesystem::path& directory) {
  std::error_code failure;
  if (directory.has_parent_path()) {
    std::filesystem::create_directories(directory.parent_path(), failure);
    if (failure) return Unavailable("can't make the directory above: " + failure.message());
  }
  if (::mkdir(directory.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return FileError("make the directory", errno);
  bool is_empty = std::filesystem::is_directory(directory, failure) &&
                  std::filesystem::is_empty(directory, failure);
  if (failure || !is_empty) {
    return AlreadyExists("the directory exists and is not empty: choose another");
  }
  if (::chmod(directory.c_str(), 0700) != 0)
    return FileError("close the directory to others", errno);
  return {};
}

Result<std::string> ReadPublicFile(const std::filesystem::path& path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return FileError("open " + path.filename().string(), errno);
  std::string out;
  char block[4096];
  while (true) {
    ssize_t n = ::read(file.get(), block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError("read " + path.filename().string(), errno);
    if (n == 0) return out;
    out.append(block, static_cast<std::size_t>(n));
    if (out.size() > kMaxPublicFileBytes) {
      return InvalidArgument(path.filename().string() + ": larger than 1 MiB");
    }
  }
}

Result<void> ReplacePublicFile(const std::filesystem::path& path, std::string_view content) {
  std::filesystem::path fresh = path;
  fresh += ".new";
  ::unlink(fresh.c_str());  // left over from a crash
  {
    Descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!file.is_open()) return FileError("create " + fresh.filename().string(), errno);
    if (auto written = WriteAndSync(file.get(), AsBytes(content)); !written.has_value()) {
      ::unlink(fresh.c_str());
      return std::move(written).error();
    }
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    int code = errno;
    ::unlink(fresh.c_str());
    return FileError("replace " + path.filename().string(), code);
  }
  return SyncDirectory(path.parent_path());
}

Result<void> SyncDirectory(const std::filesystem::path& directory) {
  Descriptor handle(
      ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!handle.is_open()) return FileError("open the directory", errno);
  if (::fsync(handle.get()) != 0) return FileError("sync the directory", errno);
  return {};
}

Result<void> WriteAndSync(int descriptor, ByteSpan content) {
  while (!content.empty()) {
    ssize_t n = ::write(descriptor, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError("write", errno);
    content = content.subspan(static_cast<std::size_t>(n));
  }
  if (::fsync(descriptor) != 0) return FileError("sync", errno);
  return {};
}

}  // namespace salus::pki
