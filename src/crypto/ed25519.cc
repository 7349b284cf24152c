#include "crypto/ed25519.h"

#include <sodium.h>

#include "base/check.h"
#include "crypto/secret_mint.h"
#include "crypto/sodium_start.h"

namespace salus::crypto {

static_assert(crypto_sign_SECRETKEYBYTES == 64 && crypto_sign_PUBLICKEYBYTES == 32 &&
              crypto_sign_BYTES == 64);

void StartSodium() {
  static const bool started = sodium_init() >= 0;
  CHECK(started);
}

Result<Ed25519PublicKey> Ed25519PublicKey::FromBytes(ByteSpan bytes) {
  StartSodium();
  // Refuses y >= p, small order, and (what RFC 8032 allows but no honest key has) mixed order.
  if (bytes.size() != 32 || crypto_core_ed25519_is_valid_point(bytes.data()) != 1) {
    return InvalidArgument("not an Ed25519 public key");
  }
  return Ed25519PublicKey(ToArray(bytes.first<32>()));
}

Result<void> Ed25519PublicKey::Verify(ByteSpan message, ByteSpan signature) const {
  if (signature.size() != crypto_sign_BYTES ||
      crypto_sign_verify_detached(signature.data(), message.data(), message.size(),
                                  bytes_.data()) != 0) {
    return VerificationFailed("Ed25519 signature does not verify");
  }
  return {};
}

X25519PublicKey Ed25519PublicKey::ToX25519() const {
  X25519PublicKey out;
  // Fails only outside of the prime-order group, where no Ed25519PublicKey is.
  CHECK(crypto_sign_ed25519_pk_to_curve25519(out.data(), bytes_.data()) == 0);
  return out;
}

Ed25519PrivateKey Ed25519PrivateKey::Generate(RandomSource& random) {
  SecretArray<32> seed;
  random.Fill(seed.mutable_view(CryptoSecrets::Token()));
  return FromSeed(seed);
}

Ed25519PrivateKey Ed25519PrivateKey::FromSeed(const SecretArray<32>& seed) {
  StartSodium();
  Ed25519PrivateKey key;
  std::array<std::uint8_t, 32> public_bytes;
  CHECK(crypto_sign_seed_keypair(public_bytes.data(),
                                 key.seed_and_public_.mutable_view(CryptoSecrets::Token()).data(),
                                 seed.view(CryptoSecrets::Token()).data()) == 0);
  return key;
}

Ed25519PublicKey Ed25519PrivateKey::public_key() const {
  return Ed25519PublicKey(ToArray(seed_and_public_.view(CryptoSecrets::Token()).subspan<32, 32>()));
}

Ed25519Signature Ed25519PrivateKey::Sign(ByteSpan message) const {
  Ed25519Signature signature;
  CHECK(crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(),
                             seed_and_public_.view(CryptoSecrets::Token()).data()) == 0);
  return signature;
}

SecretArray<32> Ed25519PrivateKey::seed() const {
  return SecretArray<32>(seed_and_public_.view(CryptoSecrets::Token()).first<32>());
}

X25519PrivateKey Ed25519PrivateKey::ToX25519() const {
  SecretArray<32> scalar;
  const auto token = CryptoSecrets::Token();
  CHECK(crypto_sign_ed25519_sk_to_curve25519(scalar.mutable_view(token).data(),
                                             seed_and_public_.view(token).data()) == 0);
  return X25519PrivateKey::FromBytes(scalar);
}

Ed25519PrivateKey Ed25519PrivateKey::Clone() const {
  Ed25519PrivateKey copy;
  copy.seed_and_public_ = seed_and_public_.Clone();
  return copy;
}

}  // namespace salus::crypto
