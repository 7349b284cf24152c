#include "api/line_chunker.h"

#include <algorithm>
#include <cstring>

namespace salus::api {

namespace {

constexpr std::size_t kMaxLineBytes = codec::FlatJsonParser::kMaxLineBytes + 1;

}  // namespace

void LineChunker::Feed(ByteSpan piece) {
  std::string_view text = AsText(piece);
  while (!text.empty()) {
    const std::size_t feed = text.find('\n');
    const std::string_view part = text.substr(0, feed);
    const std::size_t room = kMaxLineBytes - std::min(line_bytes_, kMaxLineBytes);
    buffer_.append(part.substr(0, room));
    line_bytes_ += part.size();
    if (feed == std::string_view::npos) return;
    buffer_.push_back('\n');
    ++lines_;
    line_bytes_ = 0;
    text.remove_prefix(feed + 1);
  }
}

LineChunker::Chunk LineChunker::Take() {
  const bool is_full = is_ready();
  std::size_t end = buffer_.size();
  std::size_t lines = lines_;
  if (is_full) {
    lines = 0;
    for (std::size_t at = 0; lines < kMaxLines && lines < lines_; ++lines) {
      at = buffer_.find('\n', at) + 1;
      end = at;
    }
  } else if (!buffer_.empty() && buffer_.back() != '\n') {
    ++lines;
    line_bytes_ = 0;
  }
  Chunk chunk;
  chunk.first_line = taken_lines_ + 1;
  chunk.lines = lines;
  std::string rest = buffer_.substr(end);
  buffer_.resize(end);
  chunk.text = std::move(buffer_);
  buffer_ = std::move(rest);
  taken_lines_ += lines;
  lines_ = is_full ? lines_ - lines : 0;
  return chunk;
}

}  // namespace salus::api
