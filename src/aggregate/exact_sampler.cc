#include "aggregate/exact_sampler.h"

#include <numeric>

#include "base/check.h"

namespace salus::aggregate {

// Every Bernoulli draw takes an integer below the denominator of the probability in lowest terms:
// how many random bytes go by depends on it, and with them every sample that follows.

bool ExactSampler::Bernoulli(const BigFraction& p) {
  CHECK(p.numerator >= 0 && p.numerator <= p.denominator);
  return bits_.Below(p.denominator) < p.numerator;
}

// Algorithm 1 for gamma <= 1: K is the first k at which a coin of gamma / k fails; exp(-gamma) is
// the probability that K is odd.
bool ExactSampler::BernoulliExpUpToOne(const BigInteger& numerator, const BigInteger& denominator) {
  if (numerator == denominator) return BernoulliExpOne();
  for (std::uint64_t k = 1;; ++k) {
    const auto rest = (numerator % k).convert_to<std::uint64_t>();
    const std::uint64_t divisor = std::gcd(rest, k);
    const BigInteger below = denominator * (k / divisor);
    if (bits_.Below(below) >= numerator / divisor) return k % 2 == 1;
  }
}

bool ExactSampler::BernoulliExpOne() {
  for (std::uint64_t k = 1;; ++k) {
    if (bits_.Below(k) != 0) return k % 2 == 1;
  }
}

bool ExactSampler::BernoulliExp(const BigFraction& gamma) {
  CHECK(gamma.numerator >= 0);
  BigInteger whole;
  BigInteger rest;
  divide_qr(gamma.numerator, gamma.denominator, whole, rest);
  for (; whole > 0; --whole) {
    if (!BernoulliExpOne()) return false;
  }
  const BigFraction fraction = Reduced(std::move(rest), gamma.denominator);
  return BernoulliExpUpToOne(fraction.numerator, fraction.denominator);
}

BigInteger ExactSampler::GeometricExpOne() {
  std::uint64_t count = 0;
  while (BernoulliExpOne()) ++count;
  return count;
}

// Algorithm 2 for scale t / s.
BigInteger ExactSampler::DiscreteLaplace(const BigFraction& scale) {
  const BigInteger& t = scale.numerator;
  const BigInteger& s = scale.denominator;
  CHECK(t > 0);
  for (;;) {
    const bool is_negative = bits_.Below(std::uint64_t{2}) == 0;
    BigInteger u;
    BigFraction gamma;
    do {
      u = bits_.Below(t);
      gamma = Reduced(u, t);
    } while (!BernoulliExpUpToOne(gamma.numerator, gamma.denominator));
    BigInteger size = (u + t * GeometricExpOne()) / s;
    // Zero has one sign, or it would come twice as often as it should.
    if (is_negative && size == 0) continue;
    return is_negative ? BigInteger(-size) : size;
  }
}

// Algorithm 3: of Laplace samples y with scale t = floor(sigma) + 1, each is kept with probability
// exp(-(|y| - variance / t)^2 / (2 variance)).
BigInteger ExactSampler::DiscreteGaussian(const BigFraction& variance) {
  const BigInteger& a = variance.numerator;
  const BigInteger& b = variance.denominator;
  CHECK(a > 0);
  const BigInteger t = sqrt(BigInteger(a / b)) + 1;
  const BigInteger bt = b * t;
  // Over the common denominator: (|y| b t - a)^2 / (2 a b t^2).
  const BigInteger denominator = 2 * a * bt * t;
  const BigFraction laplace_scale{t, 1};
  for (;;) {
    BigInteger y = DiscreteLaplace(laplace_scale);
    const BigInteger distance = abs(y) * bt - a;
    if (BernoulliExp({distance * distance, denominator})) return y;
  }
}

}  // namespace salus::aggregate
