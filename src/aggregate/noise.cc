#include "aggregate/noise.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "aggregate/exact_sampler.h"
#include "aggregate/field128.h"
#include "aggregate/field64.h"
#include "aggregate/share_access.h"
#include "base/bytes.h"
#include "base/check.h"

namespace salus::aggregate {

namespace {

// Beyond 64 scales there is Laplace noise once in 2^92 draws, and Gaussian noise never.
constexpr int kReachInScales = 64;

Uint128 LoadElement(ByteSpan bytes) {
  Uint128 value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

void StoreElement(MutableByteSpan out, Uint128 value) {
  for (std::uint8_t& byte : out) {
    byte = static_cast<std::uint8_t>(value);
    value >>= 8;
  }
}

Uint128 ReducedInto(const BigInteger& noise, Uint128 modulus) {
  const BigInteger big_modulus(modulus);
  BigInteger rest = noise % big_modulus;
  if (rest < 0) rest += big_modulus;
  return ToUint128(rest);
}

Uint128 AddModulo(Uint128 a, Uint128 b, Uint128 modulus) {
  const Uint128 room = modulus - b;
  return a >= room ? a - room : a + b;
}

BigFraction Square(const Rational& value) {
  const BigFraction root = BigFractionOf(value);
  return {root.numerator * root.numerator, root.denominator * root.denominator};
}

// numerator / denominator in 128 bits; what names it in the message.
Result<Rational> ParameterOf(const BigInteger& numerator, const BigInteger& denominator,
                             std::string_view what) {
  const BigFraction value = Reduced(numerator, denominator);
  if (msb(value.numerator) >= 128 || msb(value.denominator) >= 128) {
    return InvalidArgument(fmt::format(
        "{} needs more than 128 bits: take a privacy parameter with fewer digits", what));
  }
  return Rational::Of(ToUint128(value.numerator), ToUint128(value.denominator));
}

Error NoNoise(std::string_view what) {
  return InvalidArgument(fmt::format("{} is 0: it must be above 0", what));
}

}  // namespace

Result<ShareField> ShareField::OfElementBytes(std::size_t element_bytes) {
  if (element_bytes == Field64::kEncodedBytes) return ShareField{Field64::kModulus, element_bytes};
  if (element_bytes == Field128::kEncodedBytes) {
    return ShareField{Field128::kModulus, element_bytes};
  }
  return InvalidArgument("elements of a share have 8 or 16 bytes");
}

Result<void> ShareField::Check() const {
  if (element_bytes != 8 && element_bytes != 16) {
    return InvalidArgument("elements of a share have 8 or 16 bytes");
  }
  if (modulus < 3 || (element_bytes == 8 && modulus > std::numeric_limits<std::uint64_t>::max())) {
    return InvalidArgument("the modulus does not fit the elements of the share");
  }
  return {};
}

Result<NoiseMechanism> NoiseMechanism::DiscreteLaplace(const Sensitivity& sensitivity,
                                                       const Rational& epsilon) {
  if (epsilon.is_zero()) return NoNoise("epsilon");
  if (sensitivity.l1 == 0) return NoNoise("the sensitivity");
  const BigFraction privacy = BigFractionOf(epsilon);
  TRY(const Rational scale, ParameterOf(BigInteger(sensitivity.l1) * privacy.denominator,
                                        privacy.numerator, "the scale"));
  return NoiseMechanism(Distribution::kLaplaceOfScale, scale);
}

Result<NoiseMechanism> NoiseMechanism::DiscreteGaussian(const Sensitivity& sensitivity,
                                                        const Rational& rho) {
  if (rho.is_zero()) return NoNoise("rho");
  if (sensitivity.l2_squared == 0) return NoNoise("the sensitivity");
  const BigFraction privacy = BigFractionOf(rho);
  TRY(const Rational variance, ParameterOf(BigInteger(sensitivity.l2_squared) * privacy.denominator,
                                           2 * privacy.numerator, "the variance"));
  return NoiseMechanism(Distribution::kGaussianOfVariance, variance);
}

Result<NoiseMechanism> NoiseMechanism::DiscreteLaplaceOfScale(const Rational& scale) {
  if (scale.is_zero()) return NoNoise("the scale");
  return NoiseMechanism(Distribution::kLaplaceOfScale, scale);
}

Result<NoiseMechanism> NoiseMechanism::DiscreteGaussianOfSigma(const Rational& sigma) {
  if (sigma.is_zero()) return NoNoise("sigma");
  return NoiseMechanism(Distribution::kGaussianOfSigma, sigma);
}

// 2 * 64 * scale < modulus, without a square root.
bool NoiseMechanism::FitsInto(Uint128 modulus) const {
  const BigFraction parameter = BigFractionOf(parameter_);
  BigInteger reach = 2 * kReachInScales;
  BigInteger room(modulus);
  if (distribution_ == Distribution::kGaussianOfVariance) {
    reach *= reach;
    room *= room;
  }
  return reach * parameter.numerator < room * parameter.denominator;
}

Result<void> NoiseMechanism::AddTo(SecretBytes& secret_share, const ShareField& field,
                                   RandomSource& random) const {
  TRY_VOID(field.Check());
  const MutableByteSpan share = secret_share.mutable_view(ShareAccess::Token());
  if (share.empty() || share.size() % field.element_bytes != 0) {
    return InvalidArgument(fmt::format("a share of {} bytes is not made of elements of {} bytes",
                                       share.size(), field.element_bytes));
  }
  if (!FitsInto(field.modulus)) {
    return FailedPrecondition(
        "noise of this scale could wrap around the field's modulus and spoil the result: take a "
        "larger epsilon or rho, or an aggregate of smaller numbers");
  }
  for (std::size_t at = 0; at < share.size(); at += field.element_bytes) {
    if (LoadElement(share.subspan(at, field.element_bytes)) >= field.modulus) {
      return InvalidArgument(fmt::format("element {} of the share is not below the modulus",
                                         at / field.element_bytes));
    }
  }
  const BigFraction parameter = distribution_ == Distribution::kGaussianOfSigma
                                    ? Square(parameter_)
                                    : BigFractionOf(parameter_);
  ExactSampler sampler(random);
  for (std::size_t at = 0; at < share.size(); at += field.element_bytes) {
    const MutableByteSpan element = share.subspan(at, field.element_bytes);
    const BigInteger noise = distribution_ == Distribution::kLaplaceOfScale
                                 ? sampler.DiscreteLaplace(parameter)
                                 : sampler.DiscreteGaussian(parameter);
    StoreElement(element,
                 AddModulo(LoadElement(element), ReducedInto(noise, field.modulus), field.modulus));
  }
  return {};
}

double NoiseMechanism::Deviation() const {
  const double parameter = parameter_.ToDouble();
  switch (distribution_) {
    case Distribution::kGaussianOfSigma:
      return parameter;
    case Distribution::kGaussianOfVariance:
      return std::sqrt(parameter);
    case Distribution::kLaplaceOfScale:
      break;
  }
  // The variance is 2 q / (1 - q)^2 for q = exp(-1 / scale).
  return std::numbers::sqrt2 / (2 * std::sinh(0.5 / parameter));
}

Result<Rational> RhoOfEpsilon(const Rational& epsilon) {
  const BigFraction square = Square(epsilon);
  const BigFraction rho = Reduced(square.numerator, 2 * square.denominator);
  if ((rho.numerator != 0 && msb(rho.numerator) >= 128) || msb(rho.denominator) >= 128) {
    return ResourceExhausted("epsilon^2 / 2 needs more than 128 bits: take fewer digits");
  }
  return Rational::Of(ToUint128(rho.numerator), ToUint128(rho.denominator));
}

Int128 SignedValue(Uint128 element, Uint128 modulus) {
  CHECK(modulus > 2 && element < modulus);
  if (element <= modulus / 2) return static_cast<Int128>(element);
  return -static_cast<Int128>(modulus - element);
}

std::vector<Int128> SignedValues(std::span<const Uint128> result, const ShareField& field) {
  std::vector<Int128> values;
  for (const Uint128 element : result) values.push_back(SignedValue(element, field.modulus));
  return values;
}

}  // namespace salus::aggregate
