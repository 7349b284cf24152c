// Ntt turns polynomials from coefficients to values at the roots of unity and back, many at a time.
#pragma once

#include <bit>
#include <cstddef>
#include <span>
#include <vector>

#include "base/check.h"

namespace salus::aggregate {

// Ntt has the tables for one size.
//
// Source:  VDAF draft-20 section 6.1.2.
// Shape:   n = 2^log2_size points, the powers of the principal n-th root w. A matrix has n rows;
//          each of its `width` columns is one polynomial: a row holds the polynomials' values at
//          one point, or their coefficients of one power, and stands in order of points, but of
//          coefficients in bit-reversed order, which no caller minds.
// Threads: immutable, safe to share.
template <class F>
class Ntt {
 public:
  explicit Ntt(int log2_size) : log2_size_(log2_size), size_(std::size_t{1} << log2_size) {
    const F root = F::PrincipalRoot(log2_size);
    powers_.resize(size_);
    powers_[0] = F::One();
    for (std::size_t i = 1; i < size_; ++i) powers_[i] = powers_[i - 1] * root;
    size_inverse_ = F::FromUint64(size_).Inverse();
  }

  std::size_t size() const { return size_; }
  const F& size_inverse() const { return size_inverse_; }
  // power(i) is w^i for any i.
  const F& power(std::size_t i) const { return powers_[i & (size_ - 1)]; }
  const F& inverse_power(std::size_t i) const { return powers_[(size_ - i) & (size_ - 1)]; }

  // ToCoefficients leaves them `size` times too large: size_inverse() goes where it costs least.
  void ToCoefficients(std::span<F> matrix, std::size_t width) const {
    for (std::size_t half = size_ / 2; half > 0; half /= 2) {
      const std::size_t step = size_ / (2 * half);
      for (std::size_t block = 0; block < size_; block += 2 * half) {
        for (std::size_t i = 0; i < half; ++i) {
          F* upper = &matrix[(block + i) * width];
          F* lower = upper + half * width;
          const F twiddle = inverse_power(i * step);
          for (std::size_t c = 0; c < width; ++c) {
            const F difference = upper[c] - lower[c];
            upper[c] += lower[c];
            lower[c] = difference * twiddle;
          }
        }
      }
    }
  }

  void ToValues(std::span<F> matrix, std::size_t width) const {
    for (std::size_t half = 1; half < size_; half *= 2) {
      const std::size_t step = size_ / (2 * half);
      for (std::size_t block = 0; block < size_; block += 2 * half) {
        for (std::size_t i = 0; i < half; ++i) {
          F* upper = &matrix[(block + i) * width];
          F* lower = upper + half * width;
          const F twiddle = power(i * step);
          for (std::size_t c = 0; c < width; ++c) {
            const F turned = lower[c] * twiddle;
            lower[c] = upper[c] - turned;
            upper[c] += turned;
          }
        }
      }
    }
  }

  // RowOfPower says in which row the coefficients of x^power stand.
  std::size_t RowOfPower(std::size_t power) const {
    std::size_t row = 0;
    for (int bit = 0; bit < log2_size_; ++bit) row |= (power >> bit & 1) << (log2_size_ - 1 - bit);
    return row;
  }

  // LagrangeBasis gives the numbers L with p(t) = sum of L[i] * p(w^i), for every p of less than
  // `size` coefficients.
  //
  // L[i] = 1/n * sum over j < n of (t / w^i)^j, and that sum is the product of 1 + (t / w^i)^(2^b):
  // the factor of a high b is the same for many i, so that 2n multiplications do.
  void LagrangeBasis(const F& t, std::span<F> basis) const {
    CHECK(basis.size() == size_);
    std::vector<F> squares(log2_size_ + 1);  // t^(2^b)
    squares[0] = t;
    for (int b = 1; b <= log2_size_; ++b) squares[b] = squares[b - 1] * squares[b - 1];
    basis[0] = size_inverse_;
    for (int level = 0; level < log2_size_; ++level) {
      const std::size_t known = std::size_t{1} << level;
      const F& factor = squares[log2_size_ - 1 - level];
      for (std::size_t i = 0; i < known; ++i) {
        const F turned = basis[i] * (factor * inverse_power(i << (log2_size_ - 1 - level)));
        basis[i + known] = basis[i] - turned;
        basis[i] += turned;
      }
    }
  }

 private:
  int log2_size_;
  std::size_t size_;
  std::vector<F> powers_;
  F size_inverse_;
};

// Log2Ceiling is the least k with 2^k >= value; value >= 1.
constexpr int Log2Ceiling(std::size_t value) { return static_cast<int>(std::bit_width(value - 1)); }

}  // namespace salus::aggregate
