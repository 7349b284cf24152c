#include "memory_scan.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <fstream>

#include "codec/base64.h"
#include "codec/hex.h"

namespace salus::integration {

namespace {

constexpr std::size_t kChunk = 4 << 20;
constexpr std::size_t kOverlap = 128;  // longer than any needle

std::size_t PrefixOf(const std::uint8_t* bytes) {
  return static_cast<std::size_t>(bytes[0]) << 8 | bytes[1];
}

}  // namespace

void MemoryScan::AddKey(const std::string& name, ByteSpan key) {
  Bytes words = ToBytes(key);
  for (std::size_t i = 0; i + 4 <= words.size(); i += 4) {
    std::swap(words[i], words[i + 3]);
    std::swap(words[i + 1], words[i + 2]);
  }
  for (auto& [suffix, bytes] : {std::pair<std::string, Bytes>("", ToBytes(key)),
                                {" as base64url", ToBytes(AsBytes(codec::Base64UrlEncode(key)))},
                                {" as hex", ToBytes(AsBytes(codec::HexEncode(key)))},
                                {" as words", std::move(words)}}) {
    by_prefix_[PrefixOf(bytes.data())].push_back(needles_.size());
    needles_.push_back({name + suffix, bytes});
  }
}

void MemoryScan::Search(ByteSpan memory, const std::string& region, std::vector<Hit>& hits) const {
  const std::uint8_t* const end = memory.data() + memory.size();
  for (const std::uint8_t* at = memory.data(); at + 1 < end; ++at) {
    for (const std::size_t n : by_prefix_[PrefixOf(at)]) {
      const Bytes& needle = needles_[n].bytes;
      if (static_cast<std::size_t>(end - at) < needle.size()) continue;
      if (Equal(ByteSpan(at, needle.size()), needle)) hits.push_back({needles_[n].name, region});
    }
  }
}

Result<std::vector<MemoryScan::Hit>> MemoryScan::Run(pid_t process) const {
  const std::string folder = "/proc/" + std::to_string(process);
  const int memory = ::open((folder + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
  if (memory < 0) return PermissionDenied("the memory of another process can't be read here");
  std::ifstream maps(folder + "/maps");
  std::vector<Hit> hits;
  Bytes buffer(kChunk + kOverlap);
  for (std::string line; std::getline(maps, line);) {
    if (line.find(" rw") == line.npos) continue;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    const char* const dash = std::from_chars(line.data(), line.data() + line.size(), begin, 16).ptr;
    std::from_chars(dash + 1, line.data() + line.size(), end, 16);
    for (std::uint64_t at = begin; at < end; at += kChunk) {
      const std::size_t wanted = std::min<std::uint64_t>(end - at, kChunk + kOverlap);
      const ssize_t got = ::pread(memory, buffer.data(), wanted, static_cast<off_t>(at));
      if (got > 0) Search(ByteSpan(buffer).first(static_cast<std::size_t>(got)), line, hits);
    }
  }
  ::close(memory);
  return hits;
}

}  // namespace salus::integration
