// Descriptor owns a POSIX file descriptor; FileError turns errno into an Error.
#pragma once

#include <unistd.h>

#include <string_view>

#include "base/result.h"

namespace salus::pki {

class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  bool is_open() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

// FileError: NotFound, AlreadyExists, ResourceExhausted (no space), else Unavailable.
Error FileError(std::string_view doing, int code);

}  // namespace salus::pki
