// Field64 is the field of Count and Sum: the integers modulo 2^64 - 2^32 + 1.
//
// Arithmetic takes the same steps for every value: it is done on shares.
#pragma once

#include <cstdint>
#include <cstring>

#include "aggregate/opaque_mask.h"

namespace salus::aggregate {

// Field64 holds one element, always reduced.
//
// Source: VDAF draft-20 section 6.1.4.
// Shape:  8 bytes, little-endian, below the modulus.
class Field64 {
 public:
  static constexpr std::size_t kEncodedBytes = 8;
  static constexpr std::uint64_t kModulus = 0xffffffff00000001;
  static constexpr int kRootOrderLog2 = 32;

  constexpr Field64() = default;
  // FromUint64 takes any number and reduces it.
  static constexpr Field64 FromUint64(std::uint64_t value) { return Field64(Canonical(value)); }
  // FromBit takes 0 or 1.
  static constexpr Field64 FromBit(std::uint64_t bit) { return Field64(bit); }
  static constexpr Field64 Zero() { return Field64(0); }
  static constexpr Field64 One() { return Field64(1); }

  // PrincipalRoot is the root of unity of order 2^log2_order; log2_order <= kRootOrderLog2.
  static constexpr Field64 PrincipalRoot(int log2_order) {
    Field64 root = Field64(7).Power(kModulus >> kRootOrderLog2);
    for (int i = log2_order; i < kRootOrderLog2; ++i) root = root * root;
    return root;
  }

  friend constexpr Field64 operator+(Field64 a, Field64 b) {
    return a - Field64(kModulus - b.value_);
  }
  friend constexpr Field64 operator-(Field64 a, Field64 b) {
    std::uint64_t difference = 0;
    const bool borrow = __builtin_sub_overflow(a.value_, b.value_, &difference);
    return Field64(difference - (OpaqueMask(borrow) & kFold));
  }
  friend constexpr Field64 operator-(Field64 a) { return Field64(0) - a; }
  friend constexpr Field64 operator*(Field64 a, Field64 b) {
    return Field64(Reduce(static_cast<unsigned __int128>(a.value_) * b.value_));
  }
  constexpr Field64& operator+=(Field64 other) { return *this = *this + other; }
  constexpr Field64& operator-=(Field64 other) { return *this = *this - other; }
  constexpr Field64& operator*=(Field64 other) { return *this = *this * other; }

  // operator== compares what is public: verifiers and results.
  friend constexpr bool operator==(Field64, Field64) = default;

  // Power takes a public exponent.
  constexpr Field64 Power(std::uint64_t exponent) const {
    Field64 result(1);
    for (int bit = 63; bit >= 0; --bit) {
      result *= result;
      if ((exponent >> bit & 1) != 0) result *= *this;
    }
    return result;
  }
  // Inverse of 0 is 0.
  constexpr Field64 Inverse() const { return Power(kModulus - 2); }

  // Decode says whether the 8 bytes are below the modulus; the caller adds up these answers.
  [[nodiscard]] static bool Decode(const std::uint8_t* bytes, Field64& out) {
    std::memcpy(&out.value_, bytes, kEncodedBytes);
    return out.value_ < kModulus;
  }
  void Encode(std::uint8_t* bytes) const { std::memcpy(bytes, &value_, kEncodedBytes); }
  constexpr unsigned __int128 ToInteger() const { return value_; }

  // Sum adds up products and reduces once; fewer than 2^32 of them.
  class Sum {
   public:
    constexpr void Add(Field64 a, Field64 b) {
      const unsigned __int128 product = static_cast<unsigned __int128>(a.value_) * b.value_;
      carries_ += __builtin_add_overflow(low_, product, &low_);
    }
    constexpr Field64 Reduced() const {
      // 2^128 = -2^32 modulo p.
      return Field64(Reduce(low_)) -
             Field64(Reduce(static_cast<unsigned __int128>(carries_) << 32));
    }

   private:
    unsigned __int128 low_ = 0;
    std::uint64_t carries_ = 0;
  };

 private:
  static constexpr std::uint64_t kFold = 0xffffffff;  // 2^64 modulo p

  explicit constexpr Field64(std::uint64_t reduced) : value_(reduced) {}
  static constexpr std::uint64_t Canonical(std::uint64_t value) {
    std::uint64_t less = 0;
    const bool below = __builtin_sub_overflow(value, kModulus, &less);
    return less + (OpaqueMask(below) & kModulus);
  }
  // 2^64 = 2^32 - 1 and 2^96 = -1 modulo p.
  static constexpr std::uint64_t Reduce(unsigned __int128 wide) {
    const auto low = static_cast<std::uint64_t>(wide);
    const auto high = static_cast<std::uint64_t>(wide >> 64);
    std::uint64_t sum = 0;
    const bool borrow = __builtin_sub_overflow(low, high >> 32, &sum);
    sum -= OpaqueMask(borrow) & kFold;
    const bool carry = __builtin_add_overflow(sum, (high & kFold) * kFold, &sum);
    return Canonical(sum + (OpaqueMask(carry) & kFold));
  }

  std::uint64_t value_;
};

}  // namespace salus::aggregate
