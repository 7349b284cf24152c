// CHandle owns an object of a C library, and gives it back with that library's function.
#pragma once

#include <memory>

namespace salus {

template <auto Free>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

template <typename T, auto Free>
using CHandle = std::unique_ptr<T, FreeWith<Free>>;

}  // namespace salus
