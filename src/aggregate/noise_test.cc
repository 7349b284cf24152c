#include "aggregate/noise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "aggregate/exact_sampler.h"
#include "aggregate/share_access.h"

namespace salus::aggregate {
namespace {

constexpr Sensitivity kOne{1, 1};
const ShareField kField64 = ShareField::OfElementBytes(8).value();
const ShareField kField128 = ShareField::OfElementBytes(16).value();

Rational Parsed(std::string_view text) { return Rational::Parse(text).value(); }

SecretBytes ShareOf(const std::vector<Uint128>& elements, const ShareField& field) {
  Bytes bytes;
  for (Uint128 element : elements) {
    for (std::size_t i = 0; i < field.element_bytes; ++i, element >>= 8) {
      bytes.push_back(static_cast<std::uint8_t>(element));
    }
  }
  return SecretBytes(bytes);
}

std::vector<Uint128> ElementsOf(const SecretBytes& share, const ShareField& field) {
  const ByteSpan bytes = share.view(ShareAccess::Token());
  std::vector<Uint128> elements;
  for (std::size_t at = 0; at < bytes.size(); at += field.element_bytes) {
    elements.push_back(0);
    for (std::size_t i = field.element_bytes; i-- > 0;) {
      elements.back() = elements.back() << 8 | bytes[at + i];
    }
  }
  return elements;
}

std::int64_t Signed(Uint128 element, const ShareField& field) {
  return static_cast<std::int64_t>(SignedValue(element, field.modulus));
}

TEST(ShareFieldTest, IsTheOneOfVdaf) {
  EXPECT_TRUE(kField64.modulus == Uint128{18446744069414584321u});
  EXPECT_EQ(BigInteger(kField128.modulus), BigInteger("340282366920938462946865773367900766209"));
  EXPECT_FALSE(ShareField::OfElementBytes(4));
}

TEST(NoiseMechanismTest, AddsTheSamplersNoiseToEachElement) {
  const NoiseMechanism laplace = NoiseMechanism::DiscreteLaplace({10, 100}, Parsed("0.3")).value();
  for (const ShareField& field : {kField64, kField128}) {
    std::vector<Uint128> elements(500, field.modulus - 1);
    for (std::size_t i = 0; i < 250; ++i) elements[i] = i;
    SecretBytes share = ShareOf(elements, field);
    SeededRandom random(7);
    ASSERT_TRUE(laplace.AddTo(share, field, random));
    SeededRandom again(7);
    ExactSampler sampler(again);
    const std::vector<Uint128> noised = ElementsOf(share, field);
    for (std::size_t i = 0; i < elements.size(); ++i) {
      ASSERT_LT(noised[i], field.modulus);
      const BigInteger noise = sampler.DiscreteLaplace({100, 3});
      const std::int64_t base = i < 250 ? static_cast<std::int64_t>(i) : -1;
      EXPECT_EQ(BigInteger(Signed(noised[i], field)), base + noise) << i;
    }
  }
}

TEST(NoiseMechanismTest, LeavesTheSumOfSharesExactButForTheNoise) {
  // 1000 in two shares that look random.
  const Uint128 half = kField128.modulus / 3;
  const NoiseMechanism gaussian = NoiseMechanism::DiscreteGaussian({1, 1}, Parsed("1/50")).value();
  SeededRandom random(3);
  double squares = 0;
  constexpr int kRuns = 4000;
  for (int run = 0; run < kRuns; ++run) {
    SecretBytes leader = ShareOf({half}, kField128);
    SecretBytes helper = ShareOf({kField128.modulus - half + 1000}, kField128);
    ASSERT_TRUE(gaussian.AddTo(leader, kField128, random));
    ASSERT_TRUE(gaussian.AddTo(helper, kField128, random));
    const BigInteger sum =
        (BigInteger(ElementsOf(leader, kField128)[0]) + ElementsOf(helper, kField128)[0]) %
        kField128.modulus;
    const double noise = sum.convert_to<double>() - 1000;
    EXPECT_LT(std::abs(noise), 60);  // 8 deviations
    squares += noise * noise;
  }
  // Two times the variance of 25; the estimate's own deviation is 2.2 %.
  EXPECT_NEAR(squares / kRuns, 50, 5);
}

TEST(NoiseMechanismTest, RhoGivesTheVariance) {
  const NoiseMechanism by_rho = NoiseMechanism::DiscreteGaussian({7, 4}, Parsed("1/8")).value();
  const NoiseMechanism by_sigma = NoiseMechanism::DiscreteGaussianOfSigma(Rational(4)).value();
  EXPECT_EQ(by_rho.Deviation(), 4);
  EXPECT_EQ(by_sigma.Deviation(), 4);
  SecretBytes a = ShareOf(std::vector<Uint128>(200, 5), kField64);
  SecretBytes b = a.Clone();
  SeededRandom random(1);
  SeededRandom same(1);
  ASSERT_TRUE(by_rho.AddTo(a, kField64, random));
  ASSERT_TRUE(by_sigma.AddTo(b, kField64, same));
  EXPECT_EQ(ElementsOf(a, kField64), ElementsOf(b, kField64));
  EXPECT_EQ(RhoOfEpsilon(Parsed("0.5")).value(), Parsed("1/8"));
  EXPECT_EQ(RhoOfEpsilon(Rational(~Uint128{0})).error().code, ErrorCode::kResourceExhausted);
}

TEST(NoiseMechanismTest, SaysTheDeviationOfLaplaceNoise) {
  for (const char* scale : {"1/20", "1", "7/2", "1000"}) {
    const double s = Parsed(scale).ToDouble();
    // The series itself: sum of x^2 exp(-|x| / s), over the sum of exp(-|x| / s).
    double weight = 1;
    double squares = 0;
    for (int x = 1; x < 60 * s + 60; ++x) {
      weight += 2 * std::exp(-x / s);
      squares += 2.0 * x * x * std::exp(-x / s);
    }
    const NoiseMechanism noise = NoiseMechanism::DiscreteLaplaceOfScale(Parsed(scale)).value();
    EXPECT_NEAR(noise.Deviation() / std::sqrt(squares / weight), 1, 1e-9) << scale;
  }
}

TEST(NoiseMechanismTest, RefusesParametersThatGiveNoPrivacyOrNoNumber) {
  const auto code = [](const auto& result) { return result.error().code; };
  EXPECT_EQ(code(NoiseMechanism::DiscreteLaplace(kOne, Rational())), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(NoiseMechanism::DiscreteLaplace({}, Rational(1))), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(NoiseMechanism::DiscreteGaussian(kOne, Rational())), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(NoiseMechanism::DiscreteGaussian({}, Rational(1))), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(NoiseMechanism::DiscreteLaplaceOfScale(Rational())), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(NoiseMechanism::DiscreteGaussianOfSigma(Rational())), ErrorCode::kInvalidArgument);
  const Rational tiny = Rational::Of(1, ~Uint128{0}).value();
  EXPECT_EQ(code(NoiseMechanism::DiscreteLaplace({2, 4}, tiny)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(NoiseMechanism::DiscreteGaussian({2, 4}, tiny)), ErrorCode::kInvalidArgument);
}

TEST(NoiseMechanismTest, LeavesAShareAloneThatItCanNotServe) {
  const NoiseMechanism noise = NoiseMechanism::DiscreteLaplaceOfScale(Rational(5)).value();
  SeededRandom random(1);
  const std::vector<Uint128> elements = {1, kField64.modulus};
  SecretBytes not_canonical = ShareOf(elements, kField64);
  const Result<void> refused = noise.AddTo(not_canonical, kField64, random);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused.error().message, "element 1 of the share is not below the modulus");
  EXPECT_EQ(ElementsOf(not_canonical, kField64), elements);
  for (const std::size_t size : {0, 7, 12}) {
    SecretBytes odd(size);
    EXPECT_EQ(noise.AddTo(odd, kField64, random).error().code, ErrorCode::kInvalidArgument);
  }
  SecretBytes share(16);
  for (const ShareField field : {ShareField{7, 4}, {2, 8}, {Uint128{1} << 64, 8}}) {
    EXPECT_EQ(noise.AddTo(share, field, random).error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(NoiseMechanismTest, RefusesNoiseThatWouldWrapAround) {
  const Uint128 limit = Uint128{1} << 57;  // 128 of these are more than Field64's modulus
  SeededRandom random(1);
  for (const auto& make :
       {NoiseMechanism::DiscreteLaplaceOfScale, NoiseMechanism::DiscreteGaussianOfSigma}) {
    const NoiseMechanism large = make(Rational(limit)).value();
    SecretBytes share(16);
    EXPECT_EQ(large.AddTo(share, kField64, random).error().code, ErrorCode::kFailedPrecondition);
    EXPECT_EQ(ElementsOf(share, kField64), (std::vector<Uint128>{0, 0}));
    EXPECT_TRUE(large.AddTo(share, kField128, random));
    SecretBytes fresh(16);
    const NoiseMechanism just_small = make(Rational(limit - (1u << 26))).value();
    EXPECT_TRUE(just_small.AddTo(fresh, kField64, random));
  }
  const NoiseMechanism by_variance =
      NoiseMechanism::DiscreteGaussian({1, limit * limit}, Parsed("1/2")).value();
  SecretBytes share(8);
  EXPECT_EQ(by_variance.AddTo(share, kField64, random).error().code,
            ErrorCode::kFailedPrecondition);
}

TEST(NoiseMechanismTest, NearlyNoNoiseAndVeryMuch) {
  SeededRandom random(5);
  const NoiseMechanism faint = NoiseMechanism::DiscreteLaplace(kOne, Rational(1000)).value();
  SecretBytes share(8 * 1000);
  ASSERT_TRUE(faint.AddTo(share, kField64, random));
  for (const Uint128 element : ElementsOf(share, kField64)) EXPECT_TRUE(element == 0);
  const NoiseMechanism loud =
      NoiseMechanism::DiscreteGaussianOfSigma(Rational(Uint128{1} << 120)).value();
  SecretBytes wide(16 * 100);
  ASSERT_TRUE(loud.AddTo(wide, kField128, random));
  int large = 0;
  for (const Uint128 element : ElementsOf(wide, kField128)) {
    const Int128 value = SignedValue(element, kField128.modulus);
    const Int128 size = value < 0 ? -value : value;
    EXPECT_TRUE(size < Int128{8} << 120);
    large += size > Int128{1} << 120;
  }
  EXPECT_NEAR(large, 32, 20);  // beyond one sigma
}

TEST(SignedValueTest, SplitsTheFieldInTheMiddle) {
  EXPECT_EQ(SignedValue(0, 7), 0);
  EXPECT_EQ(SignedValue(3, 7), 3);
  EXPECT_EQ(SignedValue(4, 7), -3);
  EXPECT_EQ(SignedValue(6, 7), -1);
  EXPECT_TRUE(SignedValue(kField128.modulus - 1, kField128.modulus) == -1);
  EXPECT_TRUE(SignedValue(kField128.modulus / 2, kField128.modulus) > 0);
  EXPECT_TRUE(SignedValue(kField128.modulus / 2 + 1, kField128.modulus) < 0);
}

}  // namespace
}  // namespace salus::aggregate
