// Rational is an exact fraction that is never negative: epsilon, rho, sigma, the scale of a noise.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/result.h"

namespace salus::aggregate {

using Uint128 = unsigned __int128;

// Rational is kept in lowest terms, so that equal fractions are equal values. Privacy parameters
// are fractions because binary floating point has no 0.1: a budget of 1 would not be ten times 0.1.
//
// Source: our own text form.
// Shape:  numerator and denominator below 2^128. As text "n", "n/d" or, when parsed only, a decimal
//         "0.25"; ASCII digits without a sign, at most 80 of them; ToText writes "n" or "n/d".
// Errors: InvalidArgument with what is wrong.
class Rational {
 public:
  // Zero.
  Rational() = default;
  explicit Rational(Uint128 whole) : numerator_(whole) {}

  // Errors: InvalidArgument (the denominator is 0).
  static Result<Rational> Of(Uint128 numerator, Uint128 denominator);
  static Result<Rational> Parse(std::string_view text);

  std::string ToText() const;
  // ToDouble is the nearest double: for people and plots, never for accounts.
  double ToDouble() const;

  Uint128 numerator() const { return numerator_; }
  Uint128 denominator() const { return denominator_; }
  bool is_zero() const { return numerator_ == 0; }

  // Plus and Minus are exact.
  //
  // Errors: ResourceExhausted (128 bits do not hold the result), InvalidArgument (below zero).
  Result<Rational> Plus(const Rational& other) const;
  Result<Rational> Minus(const Rational& other) const;

  friend bool operator==(const Rational&, const Rational&) = default;
  friend std::strong_ordering operator<=>(const Rational& a, const Rational& b);

 private:
  Rational(Uint128 numerator, Uint128 denominator)
      : numerator_(numerator), denominator_(denominator) {}

  Uint128 numerator_ = 0;
  Uint128 denominator_ = 1;
};

}  // namespace salus::aggregate
