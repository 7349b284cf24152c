// BufferedSource reads ahead of a source, so that a file's beginning can be looked at, line by
// line, before the rest is read in large pieces.
#pragma once

#include <string_view>

#include "seal/stream.h"

namespace salus::seal {

class BufferedSource final : public ByteSource {
 public:
  // The source outlives it.
  explicit BufferedSource(ByteSource& source) : source_(source) {}

  // Peek shows up to size bytes (at most 4,096) without consuming them; fewer only at the end. The
  // view lives until the next call.
  Result<ByteSpan> Peek(std::size_t size);

  // ReadLine reads up to and with the next line feed, and returns the line without it. The view
  // lives until the next call.
  //
  // Errors: VerificationFailed when no line feed comes in limit bytes (at most 4,095), or before
  // the end.
  Result<std::string_view> ReadLine(std::size_t limit);

  Result<std::size_t> Read(MutableByteSpan out) override;

 private:
  Result<void> Fill(std::size_t size);

  ByteSource& source_;
  std::array<std::uint8_t, 4'096> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace salus::seal
