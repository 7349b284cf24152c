// Noise for the 1024 buckets of a histogram; items are elements.
#include <benchmark/benchmark.h>

#include "aggregate/noise.h"
#include "base/random.h"

namespace salus::aggregate {
namespace {

void AddNoise(benchmark::State& state, const NoiseMechanism& noise) {
  SystemRandom random;
  constexpr int kElements = 1024;
  SecretBytes share(16 * kElements);
  const ShareField field = ShareField::OfElementBytes(16).value();
  for (auto _ : state) {
    benchmark::DoNotOptimize(noise.AddTo(share, field, random));
  }
  state.SetItemsProcessed(state.iterations() * kElements);
}

void LaplaceOnHistogram1024(benchmark::State& state) {
  const Rational epsilon = Rational::Of(1, static_cast<Uint128>(state.range(0))).value();
  AddNoise(state, NoiseMechanism::DiscreteLaplace({2, 2}, epsilon).value());
}
BENCHMARK(LaplaceOnHistogram1024)->Arg(1)->Arg(10)->Arg(1000);

void GaussianOnHistogram1024(benchmark::State& state) {
  const Rational sigma(static_cast<Uint128>(state.range(0)));
  AddNoise(state, NoiseMechanism::DiscreteGaussianOfSigma(sigma).value());
}
BENCHMARK(GaussianOnHistogram1024)->Arg(3)->Arg(100)->Arg(1'000'000'000);

}  // namespace
}  // namespace salus::aggregate

BENCHMARK_MAIN();
