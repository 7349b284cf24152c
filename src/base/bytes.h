// Byte views and buffers for data that is not secret; secrets live in base/secret.h.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace salus {

using ByteSpan = std::span<const std::uint8_t>;
using MutableByteSpan = std::span<std::uint8_t>;
using Bytes = std::vector<std::uint8_t>;

// AsBytes views text as bytes; AsText views bytes as text. No copy, no check.
inline ByteSpan AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view AsText(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline Bytes ToBytes(ByteSpan view) { return {view.begin(), view.end()}; }
inline Bytes ToBytes(std::string_view text) { return ToBytes(AsBytes(text)); }

inline void Append(Bytes& out, ByteSpan more) { out.insert(out.end(), more.begin(), more.end()); }

// Equal compares public bytes. Secrets are compared with ConstantTimeEqual.
inline bool Equal(ByteSpan a, ByteSpan b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

template <std::size_t N>
std::array<std::uint8_t, N> ToArray(std::span<const std::uint8_t, N> view) {
  std::array<std::uint8_t, N> out;
  std::memcpy(out.data(), view.data(), N);
  return out;
}

}  // namespace salus
