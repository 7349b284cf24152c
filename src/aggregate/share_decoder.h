// ShareDecoder finds the polynomial that most of some points lie on, where few of them are wrong.
// Not a public header.
//
// Source: Welch and Berlekamp (US 4,633,470); a Reed-Solomon code of the points' length and degree.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "aggregate/field128.h"

namespace salus::aggregate {

// ShareDecoder knows the degree of the polynomial, and where the points are.
//
// Shape: the point of the member at position i is at i + 1; at least degree + 1 different
// positions.
class ShareDecoder {
 public:
  struct Decoded {
    Field128 at_zero;
    std::vector<std::size_t> wrong;  // positions of the points that are not on the polynomial
  };

  ShareDecoder(std::size_t degree, std::vector<std::size_t> positions);

  // AtZero is the value at zero of the polynomial that all points lie on, their values in the order
  // of the positions; nothing where they do not lie on one.
  std::optional<Field128> AtZero(std::span<const Field128> values) const;
  // Decode bears (points - degree - 1) / 2 wrong points, rounded down; nothing where there are
  // more.
  std::optional<Decoded> Decode(std::span<const Field128> values) const;

 private:
  // Lagrange's basis over the first degree + 1 points, at x.
  std::vector<Field128> BasisAt(Field128 x) const;

  std::size_t degree_;
  std::vector<std::size_t> positions_;
  std::vector<Field128> points_;
  std::vector<Field128> weights_;              // the basis' denominators, inverted
  std::vector<std::vector<Field128>> others_;  // the basis at each point after the first ones
  std::vector<Field128> zero_;
};

}  // namespace salus::aggregate
