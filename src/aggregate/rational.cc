#include "aggregate/rational.h"

#include <algorithm>
#include <numeric>

#include "aggregate/big_fraction.h"

namespace salus::aggregate {

namespace {

constexpr std::size_t kMaxTextSize = 80;

Uint128 GreatestCommonDivisor(Uint128 a, Uint128 b) {
  while (b != 0) {
    const Uint128 rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

// Appends the digits of text to value. False where a character is no digit, or 128 bits are full.
bool ReadDigits(std::string_view text, Uint128& value) {
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    const auto digit = static_cast<Uint128>(c - '0');
    if (value > (~Uint128{0} - digit) / 10) return false;
    value = value * 10 + digit;
  }
  return true;
}

bool TimesTen(Uint128& value) {
  if (value > ~Uint128{0} / 10) return false;
  value *= 10;
  return true;
}

std::string DigitsOf(Uint128 value) {
  std::string digits;
  do {
    digits.push_back(static_cast<char>('0' + static_cast<int>(value % 10)));
    value /= 10;
  } while (value != 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

Error NoFraction() {
  return InvalidArgument(
      "not a fraction: write digits as in 2, 0.25 or 1/3, without a sign, each part below 2^128");
}

Result<Rational> Fitting(const BigFraction& value) {
  if (value.numerator < 0) return InvalidArgument("the difference is below zero");
  if ((value.numerator != 0 && msb(value.numerator) >= 128) || msb(value.denominator) >= 128) {
    return ResourceExhausted(
        "the exact sum needs more than 128 bits: use fractions with the same denominator, for "
        "example decimals");
  }
  return Rational::Of(ToUint128(value.numerator), ToUint128(value.denominator));
}

}  // namespace

Result<Rational> Rational::Of(Uint128 numerator, Uint128 denominator) {
  if (denominator == 0) return InvalidArgument("the denominator of a fraction is 0");
  const Uint128 divisor = GreatestCommonDivisor(numerator, denominator);
  return Rational(numerator / divisor, denominator / divisor);
}

Result<Rational> Rational::Parse(std::string_view text) {
  if (text.empty() || text.size() > kMaxTextSize) return NoFraction();
  const std::size_t mark = text.find_first_of("./");
  const std::string_view head = text.substr(0, mark);
  Uint128 numerator = 0;
  Uint128 denominator = 1;
  if (head.empty() || !ReadDigits(head, numerator)) return NoFraction();
  if (mark == std::string_view::npos) return Rational(numerator);
  const std::string_view tail = text.substr(mark + 1);
  if (tail.empty()) return NoFraction();
  if (text[mark] == '/') {
    denominator = 0;
    if (!ReadDigits(tail, denominator)) return NoFraction();
  } else {
    if (!ReadDigits(tail, numerator)) return NoFraction();
    for (std::size_t i = 0; i < tail.size(); ++i) {
      if (!TimesTen(denominator)) return NoFraction();
    }
  }
  return Of(numerator, denominator);
}

std::string Rational::ToText() const {
  std::string text = DigitsOf(numerator_);
  if (denominator_ != 1) text += "/" + DigitsOf(denominator_);
  return text;
}

double Rational::ToDouble() const {
  return NearestDouble(BigInteger(numerator_), BigInteger(denominator_));
}

Result<Rational> Rational::Plus(const Rational& other) const {
  const BigFraction a = BigFractionOf(*this);
  const BigFraction b = BigFractionOf(other);
  return Fitting(Reduced(a.numerator * b.denominator + b.numerator * a.denominator,
                         a.denominator * b.denominator));
}

Result<Rational> Rational::Minus(const Rational& other) const {
  const BigFraction a = BigFractionOf(*this);
  const BigFraction b = BigFractionOf(other);
  return Fitting(Reduced(a.numerator * b.denominator - b.numerator * a.denominator,
                         a.denominator * b.denominator));
}

std::strong_ordering operator<=>(const Rational& a, const Rational& b) {
  const BigInteger left = BigInteger(a.numerator_) * b.denominator_;
  const BigInteger right = BigInteger(b.numerator_) * a.denominator_;
  return left.compare(right) <=> 0;
}

}  // namespace salus::aggregate
