#include "apps/salus/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace salus::cli {

InputFile::InputFile(int descriptor, bool is_own)
    : descriptor_(descriptor), owner_(is_own ? descriptor : -1), source_(descriptor) {}

Result<std::unique_ptr<InputFile>> InputFile::Open(const std::string& path) {
  const bool is_own = !path.empty() && path != "-";
  const int descriptor = is_own ? ::open(path.c_str(), O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
  if (descriptor < 0) {
    const std::string why = std::generic_category().message(errno);
    if (errno == ENOENT || errno == ENOTDIR) return NotFound(path + ": no such file");
    if (errno == EACCES || errno == EPERM) {
      return PermissionDenied(path + ": can't be read: you have no right to (see ls -l)");
    }
    return Unavailable(path + ": can't be read: " + why);
  }
  auto input = std::unique_ptr<InputFile>(new InputFile(descriptor, is_own));
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) return Unavailable(path + ": can't be read");
  if (S_ISDIR(status.st_mode)) return InvalidArgument(path + ": is a folder");
  input->is_regular_ = S_ISREG(status.st_mode);
  if (input->is_regular_) {
    input->size_bytes_ = static_cast<std::uint64_t>(status.st_size);
    input->start_bytes_ =
        static_cast<std::uint64_t>(std::max<off_t>(0, ::lseek(descriptor, 0, SEEK_CUR)));
    ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  return input;
}

}  // namespace salus::cli
