// Input hands out the bytes of a fuzz case one after another; zeros when they are used up.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace salus::fuzz {

class Input {
 public:
  explicit Input(ByteSpan bytes) : rest_(bytes) {}

  std::uint8_t U8() {
    if (rest_.empty()) return 0;
    const std::uint8_t byte = rest_.front();
    rest_ = rest_.subspan(1);
    return byte;
  }
  ByteSpan Take(std::size_t count) {
    const ByteSpan taken = rest_.first(count < rest_.size() ? count : rest_.size());
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  ByteSpan Rest() const { return rest_; }

 private:
  ByteSpan rest_;
};

}  // namespace salus::fuzz
