// RangeInteger writes a number of 0 to a maximum as zeros and ones whose weights add up to it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace salus::aggregate {

// RangeInteger is one range. The weights are powers of two, but the last makes the sum of all of
// them the maximum: no choice of zeros and ones is out of range.
//
// Source: VDAF draft-20 section 7.4.2.
// Shape:  bits() elements, the lowest first.
template <class F>
class RangeInteger {
 public:
  // Precondition: 0 < maximum < the modulus.
  explicit RangeInteger(std::uint64_t maximum)
      : maximum_(maximum),
        ones_((std::uint64_t{1} << (std::bit_width(maximum) - 1)) - 1),
        last_weight_(maximum - ones_) {
    for (int i = 0; i + 1 < static_cast<int>(std::bit_width(maximum)); ++i) {
      weights_.push_back(F::FromUint64(std::uint64_t{1} << i));
    }
    weights_.push_back(F::FromUint64(last_weight_));
  }

  std::uint64_t maximum() const { return maximum_; }
  std::size_t bits() const { return weights_.size(); }

  // Encode says whether the value is in range, and takes the same steps for every value.
  [[nodiscard]] bool Encode(std::uint64_t value, std::span<F> out) const {
    const std::uint64_t last = IsLess(ones_, value);
    const std::uint64_t rest = value - ((0 - last) & last_weight_);
    for (std::size_t i = 0; i + 1 < bits(); ++i) out[i] = F::FromBit(rest >> i & 1);
    out[bits() - 1] = F::FromBit(last);
    return IsLess(maximum_, value) == 0;
  }

  // Decode is linear: of a share it makes a share.
  F Decode(std::span<const F> encoded) const {
    if (bits() == 1) return encoded[0];
    typename F::Sum sum;
    for (std::size_t i = 0; i < bits(); ++i) sum.Add(weights_[i], encoded[i]);
    return sum.Reduced();
  }

 private:
  static std::uint64_t IsLess(std::uint64_t a, std::uint64_t b) {
    std::uint64_t difference = 0;
    return static_cast<std::uint64_t>(__builtin_sub_overflow(a, b, &difference));
  }

  std::uint64_t maximum_;
  std::uint64_t ones_;  // what all weights but the last add up to
  std::uint64_t last_weight_;
  std::vector<F> weights_;
};

}  // namespace salus::aggregate
