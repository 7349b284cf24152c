// DirectoryImage is all files of a data directory in memory, to be changed and written elsewhere;
// test code only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "base/bytes.h"

namespace salus::integration {

// StoredFile is a file without the zero bytes that it ends in: segments are mostly that.
struct StoredFile {
  Bytes content;
  std::uint64_t size = 0;
  friend bool operator==(const StoredFile&, const StoredFile&) = default;
};

using DirectoryImage = std::map<std::string, StoredFile>;  // by relative path

DirectoryImage ReadImage(const std::filesystem::path& directory);
// WriteImage makes the directory anew; the zero tails are holes.
void WriteImage(const DirectoryImage& image, const std::filesystem::path& directory);

}  // namespace salus::integration
