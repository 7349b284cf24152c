// OpaqueMask turns a condition on secrets into a mask, so that no branch depends on it.
#pragma once

#include <cstdint>

namespace salus::aggregate {

// OpaqueMask is all ones if the condition holds, else zero. The compiler is not told that there are
// only these two, or it might jump instead.
constexpr std::uint64_t OpaqueMask(bool condition) {
  std::uint64_t mask = 0 - static_cast<std::uint64_t>(condition);
  if !consteval {
    asm("" : "+r"(mask));
  }
  return mask;
}

}  // namespace salus::aggregate
