// Field25519 is a number modulo 2^255 - 19, for the group ristretto255 only; internal to the
// module.
//
// Source:  RFC 9496 sections 4.1 and 4.2.
// Shape:   32 bytes, little-endian. In memory five limbs of 51 bits and a little: below 2^52 after
//          a product, below 2^54 after a sum or difference of sums of two products, which is the
//          most that a product takes.
// Secrets: no branch and no address depends on a value; what the masks choose, all of it is read.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace salus::crypto {

// Mask is all ones for yes, and zero for no.
using Mask = std::uint64_t;

// MaskOf takes one bit. The compiler may not know that a mask has two values only: it would make a
// branch of it.
inline Mask MaskOf(std::uint64_t bit) {
  Mask mask = 0 - bit;
  __asm__("" : "+r"(mask));
  return mask;
}

// IsZeroWord says whether a word is zero.
inline Mask IsZeroWord(std::uint64_t word) { return MaskOf(1 ^ ((word | (0 - word)) >> 63)); }

class Field25519 {
 public:
  using Limbs = std::array<std::uint64_t, 5>;
  using Words = std::array<std::uint64_t, 4>;

  constexpr Field25519() = default;
  constexpr explicit Field25519(const Limbs& limbs) : limbs_(limbs) {}
  static constexpr Field25519 One() { return Field25519({1, 0, 0, 0, 0}); }

  // Load passes over the highest bit of 32 bytes, and takes numbers that are not below the modulus.
  static Field25519 Load(ByteSpan bytes);
  // Canonical is the one number below the modulus, in 64-bit words, the lowest first.
  Words Canonical() const;
  std::array<std::uint8_t, 32> Store() const;

  friend Field25519 operator+(const Field25519& a, const Field25519& b) {
    const Limbs &x = a.limbs_, &y = b.limbs_;
    return Field25519({x[0] + y[0], x[1] + y[1], x[2] + y[2], x[3] + y[3], x[4] + y[4]});
  }
  // Four times the modulus more, so that what multiplications give may be taken away.
  friend Field25519 operator-(const Field25519& a, const Field25519& b) {
    constexpr std::uint64_t kLowest = 4 * (kLimbMask - 18), kOther = 4 * kLimbMask;
    const Limbs &x = a.limbs_, &y = b.limbs_;
    return Field25519({x[0] + kLowest - y[0], x[1] + kOther - y[1], x[2] + kOther - y[2],
                       x[3] + kOther - y[3], x[4] + kOther - y[4]});
  }
  [[gnu::always_inline]] friend Field25519 operator*(const Field25519& a, const Field25519& b) {
    const auto [a0, a1, a2, a3, a4] = a.limbs_;
    const auto [b0, b1, b2, b3, b4] = b.limbs_;
    const std::uint64_t c1 = 19 * b1, c2 = 19 * b2, c3 = 19 * b3, c4 = 19 * b4;
    return Carry(Wide{a0} * b0 + Wide{a1} * c4 + Wide{a2} * c3 + Wide{a3} * c2 + Wide{a4} * c1,
                 Wide{a0} * b1 + Wide{a1} * b0 + Wide{a2} * c4 + Wide{a3} * c3 + Wide{a4} * c2,
                 Wide{a0} * b2 + Wide{a1} * b1 + Wide{a2} * b0 + Wide{a3} * c4 + Wide{a4} * c3,
                 Wide{a0} * b3 + Wide{a1} * b2 + Wide{a2} * b1 + Wide{a3} * b0 + Wide{a4} * c4,
                 Wide{a0} * b4 + Wide{a1} * b3 + Wide{a2} * b2 + Wide{a3} * b1 + Wide{a4} * b0);
  }
  Field25519 Square() const {
    const auto [a0, a1, a2, a3, a4] = limbs_;
    const std::uint64_t d0 = 2 * a0, d1 = 2 * a1, d2 = 2 * a2, c3 = 19 * a3, c4 = 19 * a4;
    return Carry(Wide{a0} * a0 + Wide{d1} * c4 + Wide{d2} * c3,
                 Wide{d0} * a1 + Wide{d2} * c4 + Wide{a3} * c3,
                 Wide{d0} * a2 + Wide{a1} * a1 + Wide{2 * a3} * c4,
                 Wide{d0} * a3 + Wide{d1} * a2 + Wide{a4} * c4,
                 Wide{d0} * a4 + Wide{d1} * a3 + Wide{a2} * a2);
  }
  // Negated has limbs as small as a product's.
  Field25519 Negated() const { return (Field25519() - *this) * One(); }

  Mask IsNegative() const { return MaskOf(Canonical()[0] & 1); }
  Mask IsEqual(const Field25519& other) const;
  // Of what is no secret.
  friend bool operator==(const Field25519& a, const Field25519& b) { return a.IsEqual(b) != 0; }

  // Select is yes where mask is set, else no.
  static Field25519 Select(Mask mask, const Field25519& yes, const Field25519& no) {
    Field25519 out = no;
    out.Take(mask, no, yes);
    return out;
  }
  // Gather adds what the mask lets through; of several calls at most one has a mask that is set.
  void Gather(Mask mask, const Field25519& from) { Take(mask, Field25519(), from); }
  Field25519 Absolute() const { return Select(IsNegative(), Negated(), *this); }

 private:
  using Wide = unsigned __int128;
  static constexpr int kLimbBits = 51;
  static constexpr std::uint64_t kLimbMask = (std::uint64_t{1} << kLimbBits) - 1;

  void Take(Mask mask, const Field25519& instead_of, const Field25519& from) {
    for (std::size_t i = 0; i < 5; ++i) {
      limbs_[i] ^= mask & (instead_of.limbs_[i] ^ from.limbs_[i]);
    }
  }

  // Carries the limbs over, and what is over 2^255 back in as 19 times itself. Of factors below
  // 2^54 the first four are below 2^115, so that their carries fit a word; the last one, which has
  // no factor of 19 in it, is below 2^111, so that 19 times its carry does.
  static Field25519 Carry(Wide w0, Wide w1, Wide w2, Wide w3, Wide w4) {
    const auto low = [](Wide wide) { return static_cast<std::uint64_t>(wide) & kLimbMask; };
    const auto high = [](Wide wide) { return static_cast<std::uint64_t>(wide >> kLimbBits); };
    w1 += high(w0);
    w2 += high(w1);
    w3 += high(w2);
    w4 += high(w3);
    const std::uint64_t first = low(w0) + 19 * high(w4);
    return Field25519(
        {first & kLimbMask, low(w1) + (first >> kLimbBits), low(w2), low(w3), low(w4)});
  }

  Limbs limbs_{};
};

// InverseRoot is SQRT_RATIO_M1 of RFC 9496 section 4.2 with u = 1: the root of 1 / v where that is
// a square, else of SQRT_M1 / v; never negative.
struct InverseRoot {
  Mask was_square;
  Field25519 value;

  static InverseRoot Of(const Field25519& v);
};

// Constants of RFC 9496 section 4.1.
inline constexpr Field25519 kEdwardsD({0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029,
                                       0x739c663a03cbb, 0x52036cee2b6ff});
inline constexpr Field25519 kTwiceEdwardsD({0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052,
                                            0x6738cc7407977, 0x2406d9dc56dff});
inline constexpr Field25519 kSqrtM1({0x61b274a0ea0b0, 0x0d5a5fc8f189d, 0x7ef5e9cbd0c60,
                                     0x78595a6804c9e, 0x2b8324804fc1d});
inline constexpr Field25519 kInvSqrtAMinusD({0x0fdaa805d40ea, 0x2eb482e57d339, 0x007610274bc58,
                                             0x6510b613dc8ff, 0x786c8905cfaff});

}  // namespace salus::crypto
