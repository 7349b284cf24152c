// HPKE and the XOF of secure aggregation. Goals on one core of the reference machine: an open over
// X25519 below 66 us (15,000 a second).
#include <benchmark/benchmark.h>

#include <vector>

#include "base/random.h"
#include "crypto/hpke.h"
#include "crypto/turboshake128.h"
#include "crypto/turboshake128_engine.h"
#include "crypto/turboshake128_lanes.h"

namespace salus::crypto {
namespace {

constexpr HpkeKem kKems[] = {HpkeKem::kX25519HkdfSha256, HpkeKem::kP256HkdfSha256};
constexpr HpkeAead kAeads[] = {HpkeAead::kAes128Gcm, HpkeAead::kAes256Gcm,
                               HpkeAead::kChaCha20Poly1305};

// What a report's share is: 32 bytes of seed in an envelope, or a vector.
void HpkeSealOnce(benchmark::State& state) {
  SystemRandom random;
  const auto kem = kKems[state.range(0)];
  const auto aead = kAeads[state.range(1)];
  const HpkePrivateKey key = HpkePrivateKey::Generate(kem, random);
  const Bytes info(21), aad(90), plaintext(static_cast<std::size_t>(state.range(2)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(HpkeSeal(key.public_key(), aead, info, aad, plaintext, random));
  }
}
BENCHMARK(HpkeSealOnce)->Args({0, 0, 100})->Args({0, 0, 20000})->Args({1, 0, 100});

void HpkeOpenOnce(benchmark::State& state) {
  SystemRandom random;
  const auto kem = kKems[state.range(0)];
  const auto aead = kAeads[state.range(1)];
  const HpkePrivateKey key = HpkePrivateKey::Generate(kem, random);
  const Bytes info(21), aad(90), plaintext(static_cast<std::size_t>(state.range(2)));
  const auto sealed = HpkeSeal(key.public_key(), aead, info, aad, plaintext, random);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        HpkeOpen(key, sealed->encapsulated_key, aead, info, aad, sealed->ciphertext));
  }
}
BENCHMARK(HpkeOpenOnce)
    ->Args({0, 0, 100})
    ->Args({0, 1, 100})
    ->Args({0, 2, 100})
    ->Args({0, 0, 20000})
    ->Args({1, 0, 100});

void X25519Agree(benchmark::State& state) {
  SystemRandom random;
  const auto key = X25519PrivateKey::Generate(random);
  const auto peer = X25519PrivateKey::Generate(random).public_key();
  for (auto _ : state) benchmark::DoNotOptimize(key.Agree(peer));
}
BENCHMARK(X25519Agree);

void X25519Generate(benchmark::State& state) {
  SystemRandom random;
  for (auto _ : state) benchmark::DoNotOptimize(X25519PrivateKey::Generate(random));
}
BENCHMARK(X25519Generate);

void TurboShake128Squeeze(benchmark::State& state) {
  SetKeccakEngine(static_cast<KeccakEngine>(state.range(0)));
  Bytes out(static_cast<std::size_t>(state.range(1)));
  for (auto _ : state) {
    TurboShake128 shake(1);
    shake.Absorb(ByteSpan(out).first(32));
    shake.Squeeze(out);
    benchmark::DoNotOptimize(out.data());
  }
  SetKeccakEngine(KeccakEngineDetected());
  state.SetBytesProcessed(state.iterations() * state.range(1));
}
BENCHMARK(TurboShake128Squeeze)->ArgsProduct({{0, 2}, {32, 16384}});

// Bytes of all eight lanes together.
void TurboShake128LanesSqueeze(benchmark::State& state) {
  SetKeccakEngine(static_cast<KeccakEngine>(state.range(0)));
  const auto size = static_cast<std::size_t>(state.range(1));
  std::vector<Bytes> out(8, Bytes(size));
  const std::vector<MutableByteSpan> views(out.begin(), out.end());
  const Bytes seed(32);
  for (auto _ : state) {
    TurboShake128Lanes shake(8, 1);
    shake.AbsorbSame(seed);
    shake.Squeeze(views);
    benchmark::DoNotOptimize(out.data());
  }
  SetKeccakEngine(KeccakEngineDetected());
  state.SetBytesProcessed(state.iterations() * state.range(1) * 8);
}
BENCHMARK(TurboShake128LanesSqueeze)->ArgsProduct({{0, 1, 2}, {32, 16384}});

void TurboShake128LanesAbsorb(benchmark::State& state) {
  SetKeccakEngine(static_cast<KeccakEngine>(state.range(0)));
  const auto size = static_cast<std::size_t>(state.range(1));
  const std::vector<Bytes> in(8, Bytes(size));
  const std::vector<ByteSpan> views(in.begin(), in.end());
  const Bytes prefix(77);
  std::vector<Bytes> out(8, Bytes(32));
  const std::vector<MutableByteSpan> out_views(out.begin(), out.end());
  for (auto _ : state) {
    TurboShake128Lanes shake(8, 1);
    shake.AbsorbSame(prefix);
    shake.Absorb(views);
    shake.Squeeze(out_views);
    benchmark::DoNotOptimize(out.data());
  }
  SetKeccakEngine(KeccakEngineDetected());
  state.SetBytesProcessed(state.iterations() * state.range(1) * 8);
}
BENCHMARK(TurboShake128LanesAbsorb)->ArgsProduct({{0, 1, 2}, {32, 16384}});

}  // namespace
}  // namespace salus::crypto

BENCHMARK_MAIN();
