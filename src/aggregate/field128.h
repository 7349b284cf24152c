// Field128 is the field of vectors and histograms: the integers modulo 2^128 - 7 * 2^66 + 1.
//
// Arithmetic takes the same steps for every value: it is done on shares.
#pragma once

#include <cstdint>
#include <cstring>

#include "aggregate/opaque_mask.h"

namespace salus::aggregate {

// Field128 holds one element in Montgomery form, x * 2^128, always reduced: the modulus is 1 modulo
// 2^66, so that a reduction takes two multiplications by 28, which is cheaper than folding the
// upper half down by the shape of the modulus.
//
// Source: VDAF draft-20 section 6.1.4.
// Shape:  16 bytes, little-endian, below the modulus.
class Field128 {
 public:
  using Wide = unsigned __int128;
  static constexpr std::size_t kEncodedBytes = 16;
  static constexpr Wide kModulus = (static_cast<Wide>(4611686018427387897) << 66) + 1;
  static constexpr int kRootOrderLog2 = 66;

  constexpr Field128() = default;
  static constexpr Field128 FromUint64(std::uint64_t value) {
    return Field128(value) * Field128(kSquare);
  }
  // FromBit takes 0 or 1.
  static constexpr Field128 FromBit(std::uint64_t bit) {
    return Field128(FullMask(bit != 0) & kFold);
  }
  static constexpr Field128 Zero() { return Field128(0); }
  static constexpr Field128 One() { return Field128(kFold); }

  // PrincipalRoot is the root of unity of order 2^log2_order; log2_order <= kRootOrderLog2.
  static constexpr Field128 PrincipalRoot(int log2_order) {
    Field128 root = FromUint64(7).Power(kModulus >> kRootOrderLog2);
    for (int i = log2_order; i < kRootOrderLog2; ++i) root = root * root;
    return root;
  }

  friend constexpr Field128 operator+(Field128 a, Field128 b) {
    return a - Field128(kModulus - b.value_);
  }
  friend constexpr Field128 operator-(Field128 a, Field128 b) {
    return Field128(a.value_ - b.value_ + ModulusIf(a.value_ < b.value_));
  }
  friend constexpr Field128 operator-(Field128 a) { return Field128(0) - a; }
  friend constexpr Field128 operator*(Field128 a, Field128 b) {
    const Product product = Multiply(a.value_, b.value_);
    return Field128(Reduce(product.low, product.high));
  }
  constexpr Field128& operator+=(Field128 other) { return *this = *this + other; }
  constexpr Field128& operator-=(Field128 other) { return *this = *this - other; }
  constexpr Field128& operator*=(Field128 other) { return *this = *this * other; }

  // operator== compares what is public: verifiers and results.
  friend constexpr bool operator==(Field128, Field128) = default;

  // Power takes a public exponent.
  constexpr Field128 Power(Wide exponent) const {
    Field128 result = One();
    for (int bit = 127; bit >= 0; --bit) {
      result *= result;
      if ((exponent >> bit & 1) != 0) result *= *this;
    }
    return result;
  }
  // Inverse of 0 is 0.
  constexpr Field128 Inverse() const { return Power(kModulus - 2); }

  // Decode says whether the 16 bytes are below the modulus; the caller adds up these answers.
  [[nodiscard]] static bool Decode(const std::uint8_t* bytes, Field128& out) {
    Wide value = 0;
    std::memcpy(&value, bytes, kEncodedBytes);
    out = Field128(value) * Field128(kSquare);
    return value < kModulus;
  }
  void Encode(std::uint8_t* bytes) const {
    const Wide value = ToInteger();
    std::memcpy(bytes, &value, kEncodedBytes);
  }
  constexpr Wide ToInteger() const { return Reduce(value_, 0); }

  // Sum adds up products and reduces once; fewer than 2^32 of them.
  class Sum {
   public:
    constexpr void Add(Field128 a, Field128 b) {
      const Product product = Multiply(a.value_, b.value_);
      low_ += product.low;
      // A product's upper half is below the modulus: the carry from below does not overflow it.
      const Wide high = product.high + (low_ < product.low);
      high_ += high;
      carries_ += high_ < high;
    }
    constexpr Field128 Reduced() const {
      const Wide folded = kFold * carries_;
      const Wide high = high_ + folded;
      return Field128(Reduce(low_, Canonical(high + (FullMask(high < folded) & kFold))));
    }

   private:
    Wide low_ = 0;
    Wide high_ = 0;
    std::uint64_t carries_ = 0;
  };

 private:
  struct Product {
    Wide low, high;
  };

  static constexpr Wide kFold = 0 - kModulus;  // 2^128 modulo p, below 2^69

  explicit constexpr Field128(Wide reduced) : value_(reduced) {}
  // ModulusIf and FullMask keep the compiler from making a branch of a condition on secrets.
  static constexpr Wide ModulusIf(bool condition) {
    const std::uint64_t mask = OpaqueMask(condition);
    return static_cast<Wide>(mask & static_cast<std::uint64_t>(kModulus >> 64)) << 64 | (mask & 1);
  }
  static constexpr Wide FullMask(bool condition) {
    const std::uint64_t mask = OpaqueMask(condition);
    return static_cast<Wide>(mask) << 64 | mask;
  }
  static constexpr Wide Canonical(Wide value) {
    return value - kModulus + ModulusIf(value < kModulus);
  }
  static constexpr Product Multiply(Wide a, Wide b) {
    const auto a0 = static_cast<std::uint64_t>(a), a1 = static_cast<std::uint64_t>(a >> 64);
    const auto b0 = static_cast<std::uint64_t>(b), b1 = static_cast<std::uint64_t>(b >> 64);
    const Wide low = static_cast<Wide>(a0) * b0;
    const Wide first = static_cast<Wide>(a1) * b0 + (low >> 64);
    const Wide second = static_cast<Wide>(a0) * b1 + static_cast<std::uint64_t>(first);
    return {static_cast<std::uint64_t>(low) | second << 64,
            static_cast<Wide>(a1) * b1 + (first >> 64) + (second >> 64)};
  }
  // Reduce is (low + high * 2^128) / 2^128 modulo p, for high < p.
  //
  // p = 1 + 2^64 * (2^64 - 28). Taking away t0 * p, where t0 is the lowest word, leaves a multiple
  // of 2^64 and adds 28 * t0 - 2^64 * t0 to what is above; the same again for the next word.
  static constexpr Wide Reduce(Wide low, Wide high) {
    const auto t0 = static_cast<std::uint64_t>(low);
    const Wide next = static_cast<Wide>(t0) * 28 + (low >> 64);
    const auto t1 = static_cast<std::uint64_t>(next);
    const Wide add = static_cast<Wide>(t1) * 28 + (next >> 64);  // below 28 * 2^64
    const Wide take = static_cast<Wide>(t1) << 64 | t0;
    return high + add - take + ModulusIf(high + add < take);
  }
  static constexpr Wide Square() {  // 2^256 modulo p, by doubling 2^128
    Field128 value(kFold);
    for (int i = 0; i < 128; ++i) value += value;
    return value.value_;
  }
  static const Wide kSquare;

  Wide value_;
};

inline constexpr Field128::Wide Field128::kSquare = Field128::Square();

}  // namespace salus::aggregate
