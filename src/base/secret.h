// SecretArray and SecretBytes hold key material: wiped when destroyed and when moved from, never
// copied, compared or printed.
//
// Reading the raw bytes takes a SecretAccess token, which each module mints in one named place, so
// that `grep SecretAccess` finds every line that can see a key.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/result.h"

namespace salus {

// WipeMemory overwrites memory in a way that the compiler can't remove.
void WipeMemory(void* data, std::size_t size_bytes);

// ConstantTimeEqual compares secrets of equal length without an early exit; unequal lengths differ.
bool ConstantTimeEqual(ByteSpan a, ByteSpan b);

// SecretAccess is the token. Only the classes that derive from SecretAccessMint can make one.
class SecretAccess {
 private:
  friend class SecretAccessMint;
  constexpr SecretAccess() = default;
};
// SecretAccessMint is the base of the one class a module that hands out tokens.
class SecretAccessMint {
 protected:
  static constexpr SecretAccess Mint() { return SecretAccess(); }
};

template <std::size_t N>
class SecretArray {
 public:
  static constexpr std::size_t kSize = N;

  SecretArray() { bytes_.fill(0); }
  explicit SecretArray(std::span<const std::uint8_t, N> from) {
    std::memcpy(bytes_.data(), from.data(), N);
  }
  SecretArray(SecretArray&& other) noexcept : bytes_(other.bytes_) { other.Wipe(); }
  SecretArray& operator=(SecretArray&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      other.Wipe();
    }
    return *this;
  }
  SecretArray(const SecretArray&) = delete;
  SecretArray& operator=(const SecretArray&) = delete;
  ~SecretArray() { Wipe(); }

  // Clone is the only copy, and it is visible.
  SecretArray Clone() const { return SecretArray(std::span<const std::uint8_t, N>(bytes_)); }

  std::span<const std::uint8_t, N> view(SecretAccess) const { return bytes_; }
  std::span<std::uint8_t, N> mutable_view(SecretAccess) { return bytes_; }

  void Wipe() { WipeMemory(bytes_.data(), N); }

 private:
  std::array<std::uint8_t, N> bytes_;
};

class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(std::size_t size_bytes);
  explicit SecretBytes(ByteSpan from);
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes() { Wipe(); }

  SecretBytes Clone() const;
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  ByteSpan view(SecretAccess) const { return {bytes_.get(), size_}; }
  MutableByteSpan mutable_view(SecretAccess) { return {bytes_.get(), size_}; }

  void Wipe();

 private:
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t size_ = 0;
};

}  // namespace salus
