#include "apps/salus/line_batches.h"

#include <algorithm>
#include <cstring>

namespace salus::cli {

namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;

}  // namespace

LineBatches::LineBatches(Read read, std::size_t max_lines, std::size_t max_bytes,
                         std::size_t max_line_bytes)
    : read_(std::move(read)),
      max_lines_(max_lines),
      max_bytes_(max_bytes),
      max_line_bytes_(max_line_bytes),
      buffer_(kBufferBytes) {}

Result<bool> LineBatches::Fill() {
  if (begin_ < end_) return true;
  TRY(end_, read_(buffer_));
  begin_ = 0;
  bytes_read_ += end_;
  return end_ > 0;
}

Result<bool> LineBatches::Next(LineBatch& batch) {
  batch.text.clear();
  batch.lines_before = lines_before_;
  batch.lines = 0;
  while (batch.lines < max_lines_) {
    if (line_bytes_ == 0 && batch.text.size() >= max_bytes_) break;
    TRY(const bool has_more, Fill());
    if (!has_more) break;
    const std::uint8_t* from = buffer_.data() + begin_;
    const void* found = std::memchr(from, '\n', end_ - begin_);
    const bool is_whole = found != nullptr;
    const std::size_t size =
        is_whole ? static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - from)
                 : end_ - begin_;
    const std::size_t room =
        max_line_bytes_ + 1 > line_bytes_ ? max_line_bytes_ + 1 - line_bytes_ : 0;
    batch.text.append(reinterpret_cast<const char*>(from), std::min(size, room));
    line_bytes_ += size;
    begin_ += size;
    if (!is_whole) continue;
    ++begin_;
    batch.text += '\n';
    line_bytes_ = 0;
    ++batch.lines;
  }
  if (line_bytes_ > 0) {  // the input's last line has no newline
    line_bytes_ = 0;
    ++batch.lines;
  }
  lines_before_ += batch.lines;
  return batch.lines > 0;
}

}  // namespace salus::cli
