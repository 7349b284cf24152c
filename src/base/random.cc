#include "base/random.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "base/secret.h"

namespace salus {

namespace {

void FillFromKernel(std::uint8_t* out, std::size_t size) {
  while (size > 0) {
    const ssize_t got = getrandom(out, size, 0);
    if (got < 0 && errno == EINTR) continue;
    CHECK(got > 0);
    out += got;
    size -= static_cast<std::size_t>(got);
  }
}

struct Block {
  std::array<std::uint8_t, 4096> bytes;
  std::size_t used = sizeof(bytes);
  ~Block() { WipeMemory(bytes.data(), bytes.size()); }
};

thread_local Block block;

}  // namespace

void SystemRandom::Fill(MutableByteSpan out) {
  if (out.size() > block.bytes.size()) return FillFromKernel(out.data(), out.size());
  if (block.bytes.size() - block.used < out.size()) {
    FillFromKernel(block.bytes.data(), block.bytes.size());
    block.used = 0;
  }
  std::uint8_t* from = block.bytes.data() + block.used;
  std::copy_n(from, out.size(), out.data());
  WipeMemory(from, out.size());
  block.used += out.size();
}

std::uint64_t SeededRandom::Next() {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void SeededRandom::Fill(MutableByteSpan out) {
  for (std::size_t i = 0; i < out.size(); i += 8) {
    const std::uint64_t word = Next();
    std::memcpy(out.data() + i, &word, std::min<std::size_t>(8, out.size() - i));
  }
}

}  // namespace salus
