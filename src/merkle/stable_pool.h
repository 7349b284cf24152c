// StablePool grows without moving its elements, and names them by 32-bit index: half the size of a
// pointer, and no slack from doubling.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/check.h"

namespace salus::merkle {

template <typename T>
class StablePool {
 public:
  std::uint32_t Add() {
    CHECK(size_ < kMaxSize);
    if (size_ == chunks_.size() * kChunk) {
      chunks_.push_back(std::make_unique_for_overwrite<T[]>(kChunk));
    }
    return size_++;
  }
  T& operator[](std::uint32_t i) { return chunks_[i / kChunk][i % kChunk]; }
  const T& operator[](std::uint32_t i) const { return chunks_[i / kChunk][i % kChunk]; }
  std::uint32_t size() const { return size_; }

  // Clear forgets all elements and keeps one chunk for the next round.
  void Clear() {
    size_ = 0;
    if (chunks_.size() > 1) chunks_.resize(1);
  }

 private:
  static constexpr std::uint32_t kChunk = 1024;
  static constexpr std::uint32_t kMaxSize = 0x7fffffff;

  std::vector<std::unique_ptr<T[]>> chunks_;
  std::uint32_t size_ = 0;
};

}  // namespace salus::merkle
