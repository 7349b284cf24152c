// BigFraction is a fraction of integers of any size, for computing exactly. Not a public header: it
// brings Boost's cpp_int, whose memory is not wiped (decision 0036).
#pragma once

#include <boost/multiprecision/cpp_int.hpp>

#include "aggregate/rational.h"

namespace salus::aggregate {

using BigInteger = boost::multiprecision::cpp_int;

// BigFraction is in lowest terms with a denominator above 0 where it comes from Reduced or
// BigFractionOf.
struct BigFraction {
  BigInteger numerator = 0;
  BigInteger denominator = 1;
};

// Reduced divides by the greatest common divisor. denominator > 0.
BigFraction Reduced(BigInteger numerator, BigInteger denominator);

inline BigFraction BigFractionOf(const Rational& value) {
  return {BigInteger(value.numerator()), BigInteger(value.denominator())};
}

// ToUint128 converts what is known to fit: 0 <= value < 2^128.
Uint128 ToUint128(const BigInteger& value);

// NearestDouble is numerator / denominator rounded once, to nearest even; denominator > 0. What is
// beyond a double's range becomes an infinity or 0.
double NearestDouble(const BigInteger& numerator, const BigInteger& denominator);

}  // namespace salus::aggregate
