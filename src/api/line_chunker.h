// LineChunker cuts a body that comes in pieces into chunks of whole lines.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "codec/flat_json.h"

namespace salus::api {

// Shape: a chunk is at most kMaxLines lines, about kTargetBytes, and ends in a line feed, but for
// the
//        last one. A line longer than an event can be is cut off one byte behind the limit, so that
//        memory stays bounded and the parser refuses it under its own number.
class LineChunker {
 public:
  static constexpr std::size_t kMaxLines = 500;
  static constexpr std::size_t kTargetBytes = 256 * 1024;

  struct Chunk {
    std::string text;
    std::size_t first_line = 1;  // of the body, counted from 1
    std::size_t lines = 0;
  };

  void Feed(ByteSpan piece);
  // is_ready says that a full chunk can be taken; at the end of the body there may be one more.
  bool is_ready() const { return lines_ >= kMaxLines || buffer_.size() >= kTargetBytes; }
  bool is_empty() const { return buffer_.empty(); }
  // Take is the next chunk: whole lines while is_ready, else all that is left.
  Chunk Take();

 private:
  std::string buffer_;
  std::size_t lines_ = 0;       // line feeds in buffer_
  std::size_t line_bytes_ = 0;  // of the unfinished line, as it came
  std::size_t taken_lines_ = 0;
};

}  // namespace salus::api
