// RepeatableSource is a ByteSource that can be read from its start again, for a format whose tag
// stands in front of what it covers.
#pragma once

#include <cstdint>

#include "seal/stream.h"

namespace salus::seal {

class RepeatableSource : public ByteSource {
 public:
  // Rewind makes the next Read begin where the first did.
  virtual void Rewind() = 0;
};

// HeldSource keeps all that it gives in memory.
class HeldSource final : public RepeatableSource {
 public:
  // kLimitBytes is the most that ReadAll holds.
  static constexpr std::size_t kLimitBytes = std::size_t{64} << 20;

  explicit HeldSource(Bytes bytes) : bytes_(std::move(bytes)) {}

  // ReadAll takes what is left of from.
  //
  // Errors: ResourceExhausted when that is more than kLimitBytes; those of from.
  static Result<HeldSource> ReadAll(ByteSource& from);

  Result<std::size_t> Read(MutableByteSpan out) override;
  void Rewind() override { at_ = 0; }

 private:
  Bytes bytes_;
  std::size_t at_ = 0;
};

// RegularFileSource reads an open file from start, and leaves its descriptor where that stands.
//
// Shape:  any size, in constant memory.
// Errors: Unavailable when the file can't be read.
class RegularFileSource final : public RepeatableSource {
 public:
  RegularFileSource(int fd, std::uint64_t start) : fd_(fd), start_(start), at_(start) {}

  Result<std::size_t> Read(MutableByteSpan out) override;
  void Rewind() override { at_ = start_; }

 private:
  const int fd_;
  const std::uint64_t start_;
  std::uint64_t at_;
};

}  // namespace salus::seal
