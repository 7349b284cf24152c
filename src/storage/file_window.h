#pragma once

#include <algorithm>
#include <cstdint>

#include "storage/file_system.h"

namespace salus::storage {

// FileWindow reads a file front to back in large pieces and hands out views.
//
// Threads: one. A view lives until the next call.
class FileWindow {
 public:
  explicit FileWindow(const File& file) : file_(file) {}

  // View is n bytes from offset, fewer only at the end of the file. What must be read is read
  // together with the bytes behind it, at_least in all.
  Result<ByteSpan> View(std::uint64_t offset, std::size_t n, std::size_t at_least) {
    if (offset < begin_ || offset + n > begin_ + filled_) {
      const std::size_t size = std::max(n, at_least);
      if (buffer_.size() < size) buffer_.resize(size);
      filled_ = 0;
      begin_ = offset;
      TRY(filled_, file_.ReadAt(offset, MutableByteSpan(buffer_).first(size)));
    }
    const std::uint64_t skip = offset - begin_;
    return ByteSpan(buffer_).subspan(skip, std::min<std::uint64_t>(n, filled_ - skip));
  }

 private:
  const File& file_;
  Bytes buffer_;
  std::uint64_t begin_ = 0;
  std::size_t filled_ = 0;
};

}  // namespace salus::storage
