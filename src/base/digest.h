// Digest<Tag> is a 32-byte value whose meaning is part of its type: a leaf hash can't be compared
// with, or passed for, a root hash.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "base/result.h"

namespace salus {

template <typename Tag>
class Digest {
 public:
  static constexpr std::size_t kSize = 32;

  constexpr Digest() = default;  // 32 zero bytes
  constexpr explicit Digest(const std::array<std::uint8_t, kSize>& bytes) : bytes_(bytes) {}

  // Errors: InvalidArgument unless bytes.size() is 32.
  static Result<Digest> FromBytes(ByteSpan bytes) {
    if (bytes.size() != kSize) return InvalidArgument("a hash is 32 bytes");
    Digest out;
    std::memcpy(out.bytes_.data(), bytes.data(), kSize);
    return out;
  }

  constexpr const std::array<std::uint8_t, kSize>& bytes() const { return bytes_; }
  ByteSpan span() const { return bytes_; }
  std::uint8_t* data() { return bytes_.data(); }
  const std::uint8_t* data() const { return bytes_.data(); }

  friend constexpr bool operator==(const Digest&, const Digest&) = default;
  friend constexpr auto operator<=>(const Digest&, const Digest&) = default;

  // Hash for unordered containers: the bytes are uniformly distributed already.
  struct Hasher {
    std::size_t operator()(const Digest& d) const {
      std::size_t h;
      std::memcpy(&h, d.bytes_.data(), sizeof h);
      return h;
    }
  };

 private:
  std::array<std::uint8_t, kSize> bytes_{};
};

}  // namespace salus
