#include "aggregate/big_fraction.h"

#include <cmath>

#include "base/check.h"

namespace salus::aggregate {

namespace {

// A quotient of 63 or 64 bits leaves a double nine bits or more to round by.
constexpr int kQuotientBits = 63;
// Exponents beyond this are 0 or infinity in a double, whatever the digits.
constexpr std::int64_t kFarExponent = 4096;

}  // namespace

BigFraction Reduced(BigInteger numerator, BigInteger denominator) {
  CHECK(denominator > 0);
  const BigInteger divisor = gcd(numerator, denominator);
  if (divisor != 1) {
    numerator /= divisor;
    denominator /= divisor;
  }
  return {std::move(numerator), std::move(denominator)};
}

Uint128 ToUint128(const BigInteger& value) {
  CHECK(value >= 0 && (value == 0 || msb(value) < 128));
  return value.convert_to<Uint128>();
}

double NearestDouble(const BigInteger& numerator, const BigInteger& denominator) {
  CHECK(denominator > 0);
  if (numerator == 0) return 0;
  BigInteger above = abs(numerator);
  BigInteger below = denominator;
  const std::int64_t shift =
      kQuotientBits + static_cast<std::int64_t>(msb(below)) - static_cast<std::int64_t>(msb(above));
  if (shift > 0) {
    above <<= static_cast<std::size_t>(shift);
  } else {
    below <<= static_cast<std::size_t>(-shift);
  }
  BigInteger quotient;
  BigInteger rest;
  divide_qr(above, below, quotient, rest);
  std::uint64_t digits = quotient.convert_to<std::uint64_t>();
  // What was cut off decides between two neighbours only when it is not nothing.
  if (rest != 0) digits |= 1;
  const int exponent = static_cast<int>(std::clamp(-shift, -kFarExponent, kFarExponent));
  const double size = std::ldexp(static_cast<double>(digits), exponent);
  return numerator < 0 ? -size : size;
}

}  // namespace salus::aggregate
