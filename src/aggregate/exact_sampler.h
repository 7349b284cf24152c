// ExactSampler draws noise for differential privacy with integers only. Not a public header: the
// module's own noise.h is what others use.
#pragma once

#include "aggregate/random_bits.h"

namespace salus::aggregate {

// ExactSampler samples the discrete distributions exactly: no floating point anywhere, whose gaps
// and rounding would give true values away (Mironov 2012).
//
// Source: Canonne, Kamath, Steinke, "The Discrete Gaussian for Differential Privacy", 2020,
//         algorithms 1 to 3, with the order of random draws of the authors' program (IBM's
//         discrete-gaussian-differential-privacy), so that its published samples are ours.
// Shape:  parameters of any size, in lowest terms.
// Time:   not constant, and it can't be: the loops reject. It grows with floor(|sample| / scale),
// so
//         whoever measures one sample to a microsecond learns roughly how many scales away from 0
//         it is. It does not depend on the value that the noise is added to. Samples pass through
//         the memory of cpp_int, which is not wiped.
// Errors: none; parameters out of range are a CHECK, and noise.h refuses them before.
class ExactSampler {
 public:
  explicit ExactSampler(RandomSource& random) : bits_(random) {}

  // Bernoulli is true with probability p, at most 1.
  bool Bernoulli(const BigFraction& p);
  // BernoulliExp is true with probability exp(-gamma).
  bool BernoulliExp(const BigFraction& gamma);
  // DiscreteLaplace is x with a probability proportional to exp(-|x| / scale); scale > 0.
  BigInteger DiscreteLaplace(const BigFraction& scale);
  // DiscreteGaussian is x with a probability proportional to exp(-x^2 / (2 variance)); variance is
  // sigma^2, above 0, so that sigma itself may be irrational.
  BigInteger DiscreteGaussian(const BigFraction& variance);

 private:
  // For gamma = numerator / denominator of at most 1, in lowest terms.
  bool BernoulliExpUpToOne(const BigInteger& numerator, const BigInteger& denominator);
  // For gamma = 1: denominators are small numbers.
  bool BernoulliExpOne();
  // Counts successes of exp(-1) until the first failure.
  BigInteger GeometricExpOne();

  RandomBits bits_;
};

}  // namespace salus::aggregate
