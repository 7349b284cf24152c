// The hot paths of crypto. Goals on one core of the reference machine: AES-GCM with a new key below
// 0.49 us, P256Grant below 60 us.
#include <benchmark/benchmark.h>

#include <vector>

#include "base/random.h"
#include "crypto/aes_gcm.h"
#include "crypto/aes_kw.h"
#include "crypto/concat_kdf.h"
#include "crypto/ed25519.h"
#include "crypto/hmac.h"
#include "crypto/p256.h"
#include "crypto/sha256.h"
#include "crypto/sha256_engine.h"
#include "crypto/vrf.h"

namespace salus::crypto {
namespace {

Bytes Random(std::size_t size) {
  SeededRandom random(size);
  Bytes out(size);
  random.Fill(out);
  return out;
}

SecretArray<32> SeedSecret() {
  const Bytes bytes = Random(32);
  return SecretArray<32>(std::span<const std::uint8_t, 32>(bytes));
}

void AesGcmSealNewKey(benchmark::State& state) {
  AesGcmRekey gcm;
  Bytes key = Random(32);
  const Bytes nonce = Random(12);
  const Bytes aad = Random(80);
  const Bytes plaintext = Random(static_cast<std::size_t>(state.range(0)));
  Bytes out(plaintext.size() + 16);
  for (auto _ : state) {
    ++key[0];
    gcm.Seal(std::span<const std::uint8_t, 32>(key), GcmNonce(nonce), aad, plaintext, out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(AesGcmSealNewKey)->Arg(256)->Arg(300)->Arg(512);

void AesGcmOpenNewKey(benchmark::State& state) {
  AesGcmRekey gcm;
  const Bytes key = Random(32);
  const Bytes nonce = Random(12);
  const Bytes aad = Random(80);
  const Bytes plaintext = Random(256);
  Bytes sealed(plaintext.size() + 16);
  gcm.Seal(std::span<const std::uint8_t, 32>(key), GcmNonce(nonce), aad, plaintext, sealed);
  Bytes out(plaintext.size());
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        gcm.Open(std::span<const std::uint8_t, 32>(key), GcmNonce(nonce), aad, sealed, out));
  }
}
BENCHMARK(AesGcmOpenNewKey);

void HmacShort(benchmark::State& state) {
  const HmacSha256Key key{ByteSpan(Random(32))};
  const Bytes message = Random(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(key.Mac(message));
}
BENCHMARK(HmacShort)->Arg(23)->Arg(44);

void HmacManyShort(benchmark::State& state) {
  const HmacSha256Key key{ByteSpan(Random(32))};
  const Bytes message = Random(23);
  const std::vector<const HmacSha256Key*> keys(192, &key);
  const std::vector<ByteSpan> messages(192, message);
  std::vector<Hash32> out(192);
  for (auto _ : state) {
    HmacSha256Many(keys, messages, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * 192);
}
BENCHMARK(HmacManyShort);

void HmacNewKey(benchmark::State& state) {
  Bytes key = Random(32);
  for (auto _ : state) {
    ++key[0];
    benchmark::DoNotOptimize(HmacSha256Key{ByteSpan(key)});
  }
}
BENCHMARK(HmacNewKey);

void Sha256One(benchmark::State& state) {
  const Bytes message = Random(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(Sha256(message));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(Sha256One)->Arg(28)->Arg(65)->Arg(320)->Arg(16384);

void Sha256ManyOf(benchmark::State& state) {
  const Bytes message = Random(static_cast<std::size_t>(state.range(0)));
  const std::vector<ByteSpan> messages(960, message);
  std::vector<Hash32> out(960);
  for (auto _ : state) {
    Sha256Many(messages, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * 960);
}
BENCHMARK(Sha256ManyOf)->Arg(28)->Arg(65)->Arg(73)->Arg(320);

void Sha256ManyPrefixedOf(benchmark::State& state) {
  const Bytes message = Random(static_cast<std::size_t>(state.range(0)));
  const std::vector<ByteSpan> messages(960, message);
  std::vector<Hash32> out(960);
  for (auto _ : state) {
    Sha256ManyPrefixed(1, messages, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * 960);
}
BENCHMARK(Sha256ManyPrefixedOf)->Arg(64)->Arg(320);

void P256Generate(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(P256PrivateKey::Generate());
}
BENCHMARK(P256Generate);

// One recipient of a grant: ephemeral key, agreement, KDF, wrapped content key.
void P256Grant(benchmark::State& state) {
  const P256PublicKey peer = P256PrivateKey::Generate().public_key();
  const SecretArray<32> content_key = SeedSecret();
  for (auto _ : state) {
    const P256PrivateKey ephemeral = P256PrivateKey::Generate();
    const auto shared = ephemeral.Ecdh(peer);
    const SecretArray<32> kek = ConcatKdfEcdhEs(*shared, "ECDH-ES+A256KW");
    benchmark::DoNotOptimize(AesKeyWrap(kek, content_key));
  }
}
BENCHMARK(P256Grant);

void AesKeyWrapOnce(benchmark::State& state) {
  const SecretArray<32> kek = SeedSecret();
  const SecretArray<32> key = SeedSecret();
  for (auto _ : state) benchmark::DoNotOptimize(AesKeyWrap(kek, key));
}
BENCHMARK(AesKeyWrapOnce);

void P256Sign(benchmark::State& state) {
  const P256PrivateKey key = P256PrivateKey::Generate();
  const Bytes message = Random(256);
  for (auto _ : state) benchmark::DoNotOptimize(key.SignP1363(message));
}
BENCHMARK(P256Sign);

void P256Verify(benchmark::State& state) {
  const P256PrivateKey key = P256PrivateKey::Generate();
  const Bytes message = Random(256);
  const P256Signature signature = key.SignP1363(message);
  for (auto _ : state) {
    benchmark::DoNotOptimize(key.public_key().VerifyP1363(message, signature));
  }
}
BENCHMARK(P256Verify);

void Ed25519Sign(benchmark::State& state) {
  const auto key = Ed25519PrivateKey::FromSeed(SeedSecret());
  const Bytes message = Random(256);
  for (auto _ : state) benchmark::DoNotOptimize(key.Sign(message));
}
BENCHMARK(Ed25519Sign);

void Ed25519Verify(benchmark::State& state) {
  const auto key = Ed25519PrivateKey::FromSeed(SeedSecret());
  const auto public_key = key.public_key();
  const Bytes message = Random(256);
  const auto signature = key.Sign(message);
  for (auto _ : state) benchmark::DoNotOptimize(public_key.Verify(message, signature));
}
BENCHMARK(Ed25519Verify);

void VrfProve(benchmark::State& state) {
  const auto key = VrfPrivateKey::FromSeed(SeedSecret());
  const Bytes alpha = Random(80);
  for (auto _ : state) benchmark::DoNotOptimize(key.Prove(alpha));
}
BENCHMARK(VrfProve);

void VrfVerify(benchmark::State& state) {
  const auto key = VrfPrivateKey::FromSeed(SeedSecret());
  const auto public_key = key.public_key();
  const Bytes alpha = Random(80);
  const VrfProof proof = key.Prove(alpha);
  for (auto _ : state) benchmark::DoNotOptimize(public_key.Verify(alpha, proof));
}
BENCHMARK(VrfVerify);

}  // namespace
}  // namespace salus::crypto

BENCHMARK_MAIN();
