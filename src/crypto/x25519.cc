#include "crypto/x25519.h"

#include <sodium.h>

#include "base/check.h"
#include "crypto/secret_mint.h"
#include "crypto/sodium_start.h"

namespace salus::crypto {

X25519PrivateKey X25519PrivateKey::Generate(RandomSource& random) {
  SecretArray<32> bytes;
  random.Fill(bytes.mutable_view(CryptoSecrets::Token()));
  return FromBytes(bytes);
}

X25519PrivateKey X25519PrivateKey::FromBytes(const SecretArray<32>& bytes) {
  StartSodium();
  X25519PrivateKey key;
  key.private_ = bytes.Clone();
  CHECK(crypto_scalarmult_curve25519_base(key.public_.data(),
                                          key.private_.view(CryptoSecrets::Token()).data()) == 0);
  return key;
}

Result<SecretArray<32>> X25519PrivateKey::Agree(std::span<const std::uint8_t, 32> peer) const {
  SecretArray<32> shared;
  // libsodium reports an all-zero result.
  if (crypto_scalarmult_curve25519(shared.mutable_view(CryptoSecrets::Token()).data(),
                                   private_.view(CryptoSecrets::Token()).data(),
                                   peer.data()) != 0) {
    return VerificationFailed("X25519 key agreement failed");
  }
  return shared;
}

}  // namespace salus::crypto
