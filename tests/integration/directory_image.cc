#include "directory_image.h"

#include <algorithm>
#include <fstream>

#include "base/check.h"

namespace salus::integration {

namespace fs = std::filesystem;

DirectoryImage ReadImage(const fs::path& directory) {
  constexpr std::size_t kChunk = 1 << 20;
  DirectoryImage image;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file() || entry.path().filename() == "lock") continue;
    StoredFile file;
    file.size = entry.file_size();
    std::ifstream in(entry.path(), std::ios::binary);
    // A MiB of nothing but zeros ends what is used.
    while (file.content.size() < file.size) {
      const std::size_t at = file.content.size();
      file.content.resize(std::min<std::size_t>(at + kChunk, file.size));
      in.read(reinterpret_cast<char*>(file.content.data()) + at,
              static_cast<std::streamsize>(file.content.size() - at));
      const auto chunk = file.content.begin() + static_cast<std::ptrdiff_t>(at);
      if (std::all_of(chunk, file.content.end(), [](std::uint8_t b) { return b == 0; })) break;
    }
    while (!file.content.empty() && file.content.back() == 0) file.content.pop_back();
    image[fs::relative(entry.path(), directory).string()] = std::move(file);
  }
  return image;
}

void WriteImage(const DirectoryImage& image, const fs::path& directory) {
  fs::remove_all(directory);
  for (const char* folder : {"log/segments", "log/hashes", "log/index"}) {
    fs::create_directories(directory / folder);
  }
  for (const auto& [name, file] : image) {
    const fs::path path = directory / name;
    fs::create_directories(path.parent_path());
    std::ofstream out(path, std::ios::binary);
    out.write(reinterpret_cast<const char*>(file.content.data()),
              static_cast<std::streamsize>(file.content.size()));
    out.close();
    CHECK(out.good());
    fs::resize_file(path, file.size);
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  }
}

}  // namespace salus::integration
