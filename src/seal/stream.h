// ByteSource and ByteSink are where the bytes of a file come from and go to, whatever its size: an
// open descriptor, memory, an archive being written, the inside of an armor.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::seal {

class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Read fills out, and returns how many bytes it read: fewer than asked for only at the end.
  //
  // Errors: Unavailable when the bytes can't be read; others as the source says.
  virtual Result<std::size_t> Read(MutableByteSpan out) = 0;
};

class ByteSink {
 public:
  virtual ~ByteSink() = default;

  // Write takes all of bytes. What Write has returned success for need not be durable.
  //
  // Errors: Unavailable when the reader is gone; ResourceExhausted when the disk is full.
  virtual Result<void> Write(ByteSpan bytes) = 0;
};

// MemorySource reads from bytes that outlive it.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(ByteSpan bytes) : rest_(bytes) {}
  Result<std::size_t> Read(MutableByteSpan out) override;

 private:
  ByteSpan rest_;
};

// MemorySink keeps what it is given.
class MemorySink final : public ByteSink {
 public:
  Result<void> Write(ByteSpan bytes) override;
  const Bytes& bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

// FileSource reads from an open descriptor, which stays the caller's.
class FileSource final : public ByteSource {
 public:
  explicit FileSource(int fd) : fd_(fd) {}
  Result<std::size_t> Read(MutableByteSpan out) override;

 private:
  const int fd_;
};

// FileSink writes to an open descriptor, which stays the caller's.
class FileSink final : public ByteSink {
 public:
  explicit FileSink(int fd) : fd_(fd) {}
  Result<void> Write(ByteSpan bytes) override;

 private:
  const int fd_;
};

}  // namespace salus::seal
