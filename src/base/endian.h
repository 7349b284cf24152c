// Big-endian integers in byte buffers (all our formats are big-endian).
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace salus {

template <typename U>
U ByteSwapIfLittle(U value) {
  if constexpr (std::endian::native == std::endian::little) {
    if constexpr (sizeof(U) == 2) return __builtin_bswap16(value);
    if constexpr (sizeof(U) == 4) return __builtin_bswap32(value);
    if constexpr (sizeof(U) == 8) return __builtin_bswap64(value);
  }
  return value;
}

// StoreBe writes value at out; the caller guarantees sizeof(U) bytes of room.
template <typename U>
void StoreBe(std::uint8_t* out, U value) {
  value = ByteSwapIfLittle(value);
  std::memcpy(out, &value, sizeof value);
}

// LoadBe reads a value at in; the caller guarantees sizeof(U) readable bytes.
template <typename U>
U LoadBe(const std::uint8_t* in) {
  U value;
  std::memcpy(&value, in, sizeof value);
  return ByteSwapIfLittle(value);
}

template <typename U>
void AppendBe(Bytes& out, U value) {
  std::uint8_t buffer[sizeof value];
  StoreBe(buffer, value);
  out.insert(out.end(), buffer, buffer + sizeof value);
}

}  // namespace salus
