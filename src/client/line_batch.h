// LineBatchReader cuts an input into batches of whole lines, each the body of one request.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::client {

// EventInput is where the lines come from.
struct EventInput {
  // read fills the buffer and says how much: 0 at the end.
  std::function<Result<std::size_t>(MutableByteSpan buffer)> read;
  // is_ready says whether read would return at once; unset: it always does (a file).
  std::function<bool()> is_ready = {};
};

// FileInput reads a descriptor, which must stay open; a pipe's lines are sent as they come.
EventInput FileInput(int descriptor);

// LineBatch is some consecutive lines, each with its line feed.
struct LineBatch {
  std::uint64_t first_line = 1;  // counted from 1 over the input
  std::uint64_t lines = 0;       // blank ones too
  std::string text;
};

// BatchLimits are how much a batch may hold: it ends behind the line that reaches one.
struct BatchLimits {
  // A line that is longer is cut there, so that it is refused by its number as too long, and no
  // input fills the memory.
  static constexpr std::size_t kKeptLineBytes = 64 * 1024 + 2;

  std::size_t lines = SIZE_MAX;
  std::size_t bytes = SIZE_MAX;
  std::size_t line_bytes = kKeptLineBytes;
};

// LineBatchReader reads ahead by no more than a buffer. The batches of a file are the same at every
// run with the same limits.
class LineBatchReader {
 public:
  LineBatchReader(EventInput input, const BatchLimits& limits);

  // Next is nullopt at the end. Errors: those of read.
  Result<std::optional<LineBatch>> Next();
  // IsReady says that Next would not wait for the input.
  bool IsReady() const;

 private:
  Result<void> Fill();
  bool TakeLine(std::string& text);

  const EventInput input_;
  const BatchLimits limits_;
  Bytes buffer_;
  std::size_t begin_ = 0, end_ = 0;  // of what is left in buffer_
  std::string begun_;                // a line whose end was not read yet
  bool is_at_end_ = false;
  std::uint64_t next_line_ = 1;
};

}  // namespace salus::client
