// InputFile is what a command reads: a file that was named, or the standard input.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "pki/descriptor.h"
#include "seal/stream.h"

namespace salus::cli {

class InputFile final : public seal::ByteSource {
 public:
  // Open reads path, or the standard input when it is empty or "-".
  //
  // Errors: NotFound; PermissionDenied; InvalidArgument for a folder.
  static Result<std::unique_ptr<InputFile>> Open(const std::string& path);

  Result<std::size_t> Read(MutableByteSpan out) override { return source_.Read(out); }

  int descriptor() const { return descriptor_; }
  // size_bytes is 0 where it is not known.
  std::uint64_t size_bytes() const { return size_bytes_; }
  bool is_regular() const { return is_regular_; }
  // start_bytes is where in a regular file it begins: the shell may have read of it before.
  std::uint64_t start_bytes() const { return start_bytes_; }

 private:
  InputFile(int descriptor, bool is_own);

  const int descriptor_;
  const pki::Descriptor owner_;  // closed for the standard input
  seal::FileSource source_;
  std::uint64_t size_bytes_ = 0;
  std::uint64_t start_bytes_ = 0;
  bool is_regular_ = false;
};

}  // namespace salus::cli
