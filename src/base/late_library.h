// LateLibrary is a shared library that is loaded when it is first needed: what it brings along
// would cost every start of a program memory and time.
#pragma once

#include <dlfcn.h>

namespace salus {

// Threads: make it in the initialiser of a static. It is never closed: what it gave is used until
// the end.
class LateLibrary {
 public:
  explicit LateLibrary(const char* file_name)
      : handle_(::dlopen(file_name, RTLD_NOW | RTLD_LOCAL)) {}

  // Find sets function to the library's of that name, or leaves it and is_complete false.
  template <typename Function>
  void Find(const char* name, Function& function) {
    void* const found = handle_ == nullptr ? nullptr : ::dlsym(handle_, name);
    is_complete_ = is_complete_ && found != nullptr;
    if (found != nullptr) function = reinterpret_cast<Function>(found);
  }

  // is_complete: it was loaded, and all that was looked for is there.
  bool is_complete() const { return is_complete_; }

 private:
  void* const handle_;
  bool is_complete_ = true;
};

}  // namespace salus
