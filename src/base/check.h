// CHECK aborts the process when an invariant of the program itself is broken. It stays on in
// release builds. Bad input is never a CHECK: it is an Error.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace salus {

[[noreturn]] inline void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "CHECK failed: %s at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace salus

#define CHECK(condition)                                    \
  do {                                                      \
    if (!(condition)) [[unlikely]]                          \
      ::salus::CheckFailed(#condition, __FILE__, __LINE__); \
  } while (false)
