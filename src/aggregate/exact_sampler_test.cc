#include "aggregate/exact_sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <tuple>
#include <vector>

namespace salus::aggregate {
namespace {

// Pearson's statistic of samples against probabilities for -reach to reach, with one bin for the
// rest, may exceed its 99.99 % quantile (Wilson and Hilferty's approximation) only by a wrong
// sampler: the seed is fixed.
template <typename Sample, typename Weight>
void ExpectDistribution(int reach, int samples, Sample sample, Weight weight) {
  double all = 0;
  for (int x = -100 * reach; x <= 100 * reach; ++x) all += weight(x);
  std::map<int, int> counts;
  int beyond = 0;
  for (int i = 0; i < samples; ++i) {
    const BigInteger drawn = sample();
    if (abs(drawn) > reach) {
      ++beyond;
    } else {
      ++counts[drawn.convert_to<int>()];
    }
  }
  double statistic = 0;
  double rest = samples;
  for (int x = -reach; x <= reach; ++x) {
    const double expected = samples * weight(x) / all;
    ASSERT_GT(expected, 5);
    statistic += (counts[x] - expected) * (counts[x] - expected) / expected;
    rest -= expected;
  }
  ASSERT_GT(rest, 5);
  statistic += (beyond - rest) * (beyond - rest) / rest;
  const double degrees = 2 * reach + 1;
  const double root = 1 - 2 / (9 * degrees) + 3.719 * std::sqrt(2 / (9 * degrees));
  EXPECT_LT(statistic, degrees * root * root * root);
}

TEST(ExactSamplerTest, BernoulliComesAsOftenAsItShould) {
  SeededRandom random(1);
  ExactSampler sampler(random);
  constexpr int kDraws = 50000;
  const auto expect_probability = [&](double p, auto draw) {
    int hits = 0;
    for (int i = 0; i < kDraws; ++i) hits += draw();
    EXPECT_NEAR(hits, kDraws * p, 4.5 * std::sqrt(kDraws * p * (1 - p))) << p;
  };
  for (const auto& [n, d] : {std::pair{0, 1}, {1, 1}, {1, 2}, {2, 7}, {999, 1000}}) {
    expect_probability(1.0 * n / d, [&] { return sampler.Bernoulli({n, d}); });
  }
  for (const auto& [n, d] : {std::pair{0, 1}, {1, 10}, {1, 2}, {1, 1}, {5, 2}, {7, 1}, {40, 1}}) {
    expect_probability(std::exp(-1.0 * n / d), [&] { return sampler.BernoulliExp({n, d}); });
  }
}

TEST(ExactSamplerTest, LaplaceIsDistributedAsItsFormulaSays) {
  SeededRandom random(2);
  ExactSampler sampler(random);
  for (const auto& [t, s, reach] :
       {std::tuple{1, 1, 8}, {1, 2, 4}, {5, 1, 30}, {7, 3, 15}, {40, 1, 120}}) {
    const BigFraction scale{t, s};
    const double size = 1.0 * t / s;
    ExpectDistribution(
        reach, 100000, [&] { return sampler.DiscreteLaplace(scale); },
        [&](int x) { return std::exp(-std::abs(x) / size); });
  }
}

TEST(ExactSamplerTest, GaussianIsDistributedAsItsFormulaSays) {
  SeededRandom random(3);
  ExactSampler sampler(random);
  for (const auto& [a, b, reach] :
       {std::tuple{1, 1, 3}, {1, 4, 1}, {2, 1, 4}, {25, 1, 15}, {20, 3, 8}, {900, 1, 90}}) {
    const BigFraction variance{a, b};
    const double size = 2.0 * a / b;
    ExpectDistribution(
        reach, 100000, [&] { return sampler.DiscreteGaussian(variance); },
        [&](int x) { return std::exp(-1.0 * x * x / size); });
  }
}

TEST(ExactSamplerTest, TailsAreThere) {
  SeededRandom random(4);
  ExactSampler sampler(random);
  // Of 200,000 Laplace samples, exp(-7) lie at 7 scales or further: 182. Of the Gaussian ones,
  // 0.27 % beyond 3 sigma: 540.
  int far_laplace = 0;
  int far_gaussian = 0;
  for (int i = 0; i < 200000; ++i) {
    far_laplace += abs(sampler.DiscreteLaplace({1000, 1})) >= 7000;
    far_gaussian += abs(sampler.DiscreteGaussian({1000000, 1})) > 3000;
  }
  EXPECT_NEAR(far_laplace, 182, 60);
  EXPECT_NEAR(far_gaussian, 540, 100);
}

TEST(ExactSamplerTest, ScalesOfManyDigits) {
  SeededRandom random(5);
  ExactSampler sampler(random);
  const BigInteger huge = BigInteger(1) << 400;
  const BigFraction scale{huge, 3};
  const BigFraction variance{huge * huge, 7};
  int laplace_beyond_one = 0;
  int gaussian_beyond_one = 0;
  for (int i = 0; i < 2000; ++i) {
    const BigInteger laplace = sampler.DiscreteLaplace(scale);
    laplace_beyond_one += abs(laplace) * 3 > huge;
    const BigInteger gaussian = sampler.DiscreteGaussian(variance);
    gaussian_beyond_one += gaussian * gaussian * 7 > huge * huge;
  }
  EXPECT_NEAR(laplace_beyond_one, 2000 * std::exp(-1), 100);
  EXPECT_NEAR(gaussian_beyond_one, 2000 * 0.3173, 100);
}

TEST(ExactSamplerTest, ScalesBelowOne) {
  SeededRandom random(6);
  ExactSampler sampler(random);
  const BigInteger huge = BigInteger(1) << 200;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(sampler.DiscreteLaplace({1, huge}), 0);
    EXPECT_EQ(sampler.DiscreteGaussian({1, huge}), 0);
  }
}

TEST(RandomBitsTest, DrawsEveryNumberBelowItsBoundAlike) {
  SeededRandom random(7);
  RandomBits bits(random);
  for (const std::uint64_t bound : {1, 2, 3, 10, 16}) {
    std::vector<int> small(bound);
    std::vector<int> wide(bound);
    constexpr int kDraws = 20000;
    const BigInteger step = BigInteger(1) << 90;
    for (int i = 0; i < kDraws; ++i) {
      ++small.at(bits.Below(bound));
      ++wide.at(BigInteger(bits.Below(step * bound) / step).convert_to<std::size_t>());
    }
    for (std::uint64_t i = 0; i < bound; ++i) {
      EXPECT_NEAR(small[i], kDraws / bound, 4.5 * std::sqrt(kDraws / bound));
      EXPECT_NEAR(wide[i], kDraws / bound, 4.5 * std::sqrt(kDraws / bound));
    }
  }
}

}  // namespace
}  // namespace salus::aggregate
