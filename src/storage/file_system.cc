#include "storage/file_system.h"

#include <string_view>

namespace salus::storage {

Result<void> File::ReadExactAt(std::uint64_t offset, MutableByteSpan out) const {
  TRY(const std::size_t got, ReadAt(offset, out));
  if (got != out.size()) return Corruption("the file ends too early");
  return {};
}

std::string JoinPath(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.empty() && path.back() != '/') path += '/';
  path += name;
  return path;
}

std::string DirectoryOf(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

}  // namespace salus::storage
