#include "storage/frame_directory.h"

#include "base/check.h"

namespace salus::storage {

FrameDirectory::FrameDirectory()
    : chunks_(std::make_unique<std::atomic<FramePosition*>[]>(kChunks)) {}

FrameDirectory::~FrameDirectory() {
  for (std::uint64_t i = 0; i < kChunks; ++i) {
    delete[] chunks_[i].load(std::memory_order_relaxed);
  }
}

void FrameDirectory::Add(const FramePosition& position) {
  CHECK(!full());
  const std::uint64_t index = size_.load(std::memory_order_relaxed);
  std::atomic<FramePosition*>& chunk = chunks_[index / kChunkFrames];
  FramePosition* frames = chunk.load(std::memory_order_relaxed);
  if (frames == nullptr) {
    frames = new FramePosition[kChunkFrames];
    chunk.store(frames, std::memory_order_release);
  }
  frames[index % kChunkFrames] = position;
  size_.store(index + 1, std::memory_order_release);
}

const FramePosition& FrameDirectory::at(std::uint64_t index) const {
  return chunks_[index / kChunkFrames].load(std::memory_order_acquire)[index % kChunkFrames];
}

std::uint64_t FrameDirectory::IndexOf(std::uint64_t record) const {
  std::uint64_t low = 0;
  std::uint64_t high = size();
  CHECK(high > 0 && at(0).first_record <= record);
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (at(middle).first_record <= record) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace salus::storage
