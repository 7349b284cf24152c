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
  std::function<bool()> is_ready;
};

// FileInput reads a descriptor, which must stay open; a pipe's lines are sent as they come.
EventInput FileInput(int descriptor);

// LineBatch is some consecutive lines, each with its line feed.
struct LineBatch {
  std::uint64_t first_line = 1;  // counted from 1 over the input
  std::uint64_t lines = 0;       // blank ones too
  std::string text;
};

// LineBatchReader reads ahead by no more than a batch. The batches of a file are the same at every
// run with the same limits.
//
// Shape: a line longer than kMaxKeptLineBytes is cut there, so that a server refuses it by its
//        number as too long, and no input fills the memory.
class LineBatchReader {
 public:
  static constexpr std::size_t kMaxKeptLineBytes = 64 * 1024 + 2;

  LineBatchReader(const EventInput& input, std::size_t max_lines, std::size_t max_bytes)
      : input_(input), max_lines_(max_lines), max_bytes_(max_bytes) {}

  // Next is nullopt at the end. Errors: those of read.
  Result<std::optional<LineBatch>> Next();
  // IsReady says that Next would not wait for the input.
  bool IsReady() const;

 private:
  Result<void> Fill();
  bool TakeLine(LineBatch& batch);

  const EventInput& input_;
  const std::size_t max_lines_;
  const std::size_t max_bytes_;
  std::string buffer_;
  std::size_t used_ = 0;     // of buffer_
  bool is_cutting_ = false;  // the rest of a line that was cut is dropped
  bool is_at_end_ = false;
  std::uint64_t next_line_ = 1;
};

}  // namespace salus::client
