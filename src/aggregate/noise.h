// NoiseMechanism adds the noise of differential privacy to an aggregate share before its release.
#pragma once

#include <span>
#include <vector>

#include "aggregate/rational.h"
#include "aggregate/sensitivity.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace salus::aggregate {

using Int128 = __int128;

// ShareField says how the elements of a share are written.
//
// Source: VDAF draft-20 section 6.1.1 (Field64 and Field128).
struct ShareField {
  Uint128 modulus;
  std::size_t element_bytes;  // 8 or 16

  // OfElementBytes is Field64 for 8 and Field128 for 16 (Prio3::element_bytes).
  //
  // Errors: InvalidArgument (any other size).
  static Result<ShareField> OfElementBytes(std::size_t element_bytes);

  // Errors: InvalidArgument (not 8 or 16 bytes; a modulus that needs more, or is below 3).
  Result<void> Check() const;
};

// NoiseMechanism is a distribution with its parameter. Every aggregator adds noise of its own to
// its share, drawn for each element by itself: the result is private as long as one aggregator is
// honest, and carries the noise of all of them (with two, a variance twice as large). A batch gets
// its noise once: two draws for one batch can be averaged, and are two spends (privacy_ledger.h).
//
// Source: Canonne, Kamath, Steinke 2020 (exact samplers; lemma 29, theorem 4).
// Shape:  a share is little-endian elements below the modulus, as VDAF encodes it. Noise is an
//         integer, reduced into the field: since the shares add up in the field, the result is the
//         exact aggregate plus all noise, modulo the modulus (SignedValue).
// Time:   depends on the noise drawn (exact_sampler.h): whoever measures a release to a microsecond
//         learns roughly how many scales the noise is away from 0, summed over the elements. An
//         aggregator that answers over a network should draw the noise before it is asked, or with
//         other work in between.
class NoiseMechanism {
 public:
  // DiscreteLaplace gives epsilon-differential privacy: scale = sensitivity.l1 / epsilon.
  //
  // Errors: InvalidArgument (epsilon or the sensitivity is 0, or 128 bits do not hold the scale).
  static Result<NoiseMechanism> DiscreteLaplace(const Sensitivity& sensitivity,
                                                const Rational& epsilon);
  // DiscreteGaussian gives rho-zero-concentrated differential privacy:
  // sigma^2 = sensitivity.l2_squared / (2 rho).
  //
  // Errors: InvalidArgument (rho or the sensitivity is 0, or 128 bits do not hold sigma^2).
  static Result<NoiseMechanism> DiscreteGaussian(const Sensitivity& sensitivity,
                                                 const Rational& rho);
  // Errors: InvalidArgument (0 would be no noise at all).
  static Result<NoiseMechanism> DiscreteLaplaceOfScale(const Rational& scale);
  static Result<NoiseMechanism> DiscreteGaussianOfSigma(const Rational& sigma);

  // AddTo adds noise to every element of a share.
  //
  // Errors: InvalidArgument (a field that is none; a share of the wrong length, or with an element
  //         that is not below the modulus), FailedPrecondition when noise of this scale could wrap
  //         around the modulus: the share is unchanged then.
  Result<void> AddTo(SecretBytes& share, const ShareField& field, RandomSource& random) const;

  // Deviation is the standard deviation of one element's noise, to tell people how exact a result
  // is. It is rounded.
  double Deviation() const;

 private:
  enum class Distribution { kLaplaceOfScale, kGaussianOfSigma, kGaussianOfVariance };
  NoiseMechanism(Distribution distribution, const Rational& parameter)
      : distribution_(distribution), parameter_(parameter) {}
  bool FitsInto(Uint128 modulus) const;

  Distribution distribution_;
  Rational parameter_;
};

// RhoOfEpsilon is the rho under which a release of epsilon-differential privacy counts in an
// account of zero-concentrated privacy: epsilon^2 / 2 (Bun, Steinke 2016, proposition 1.4).
//
// Errors: ResourceExhausted (128 bits do not hold it).
Result<Rational> RhoOfEpsilon(const Rational& epsilon);

// SignedValue reads an element of a noised result: what lies above half of the modulus is a
// negative number. modulus > 2, element < modulus.
Int128 SignedValue(Uint128 element, Uint128 modulus);
// SignedValues reads all elements of a noised result. All are below the modulus.
std::vector<Int128> SignedValues(std::span<const Uint128> result, const ShareField& field);

}  // namespace salus::aggregate
