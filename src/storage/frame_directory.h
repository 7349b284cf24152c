#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace salus::storage {

// FramePosition says where a frame begins: 16 bytes a frame in memory.
struct FramePosition {
  std::uint64_t first_record;
  std::uint32_t segment;  // number of the segment file
  std::uint32_t offset;   // of the frame header in it
};

// FrameDirectory finds the frame of a record number.
//
// Shape:   ascending by first_record; at most 2^29 frames.
// Threads: one appender, any number of readers without a lock: a frame is seen whole or not at all.
class FrameDirectory {
 public:
  FrameDirectory();
  ~FrameDirectory();
  FrameDirectory(const FrameDirectory&) = delete;
  FrameDirectory& operator=(const FrameDirectory&) = delete;

  std::uint64_t size() const { return size_.load(std::memory_order_acquire); }
  bool full() const { return size() == kChunks * kChunkFrames; }
  void Add(const FramePosition& position);  // CHECKs !full()
  const FramePosition& at(std::uint64_t index) const;

  // IndexOf is the last frame with first_record <= record; the directory must not be empty and
  // must begin at or before record.
  std::uint64_t IndexOf(std::uint64_t record) const;

 private:
  static constexpr std::uint64_t kChunkFrames = 8192;
  static constexpr std::uint64_t kChunks = 65536;

  std::unique_ptr<std::atomic<FramePosition*>[]> chunks_;
  std::atomic<std::uint64_t> size_{0};
};

}  // namespace salus::storage
