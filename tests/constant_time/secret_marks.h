// Marks of what is secret, for valgrind; test code only.
#pragma once

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#endif

#include "base/bytes.h"

namespace salus::testing {

// MarkSecret makes memcheck take the bytes, and all that is computed from them, as undefined: a
// branch or an address that depends on them is then reported. MarkPublic ends that.
inline void MarkSecret([[maybe_unused]] ByteSpan bytes) {
#ifdef VALGRIND_MAKE_MEM_UNDEFINED
  VALGRIND_MAKE_MEM_UNDEFINED(bytes.data(), bytes.size());
#endif
}
inline void MarkPublic([[maybe_unused]] ByteSpan bytes) {
#ifdef VALGRIND_MAKE_MEM_DEFINED
  VALGRIND_MAKE_MEM_DEFINED(bytes.data(), bytes.size());
#endif
}

// HasMarks says whether the program was built with valgrind's header.
constexpr bool HasMarks() {
#ifdef VALGRIND_MAKE_MEM_UNDEFINED
  return true;
#else
  return false;
#endif
}

}  // namespace salus::testing
