// LineBatches cuts a stream into batches of whole lines, in bounded memory: a line that is longer
// than any event may be is cut, so that it is refused by its number like any other bad line.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::cli {

// LineBatch is some lines, each with its newline but perhaps the last of the input.
struct LineBatch {
  std::string text;
  std::uint64_t lines_before = 0;  // in the input
  std::uint64_t lines = 0;
};

class LineBatches {
 public:
  using Read = std::function<Result<std::size_t>(MutableByteSpan buffer)>;

  // max_line_bytes is kept of a longer line, and one byte more.
  LineBatches(Read read, std::size_t max_lines, std::size_t max_bytes, std::size_t max_line_bytes);

  // Next fills batch; false at the end of the input. Errors: what read reports.
  Result<bool> Next(LineBatch& batch);
  std::uint64_t bytes_read() const { return bytes_read_; }

 private:
  Result<bool> Fill();

  const Read read_;
  const std::size_t max_lines_;
  const std::size_t max_bytes_;
  const std::size_t max_line_bytes_;
  Bytes buffer_;
  std::size_t begin_ = 0, end_ = 0;  // of what is left in buffer_
  std::size_t line_bytes_ = 0;       // of the line that is being read
  std::uint64_t lines_before_ = 0;
  std::uint64_t bytes_read_ = 0;
};

}  // namespace salus::cli
