#include "crypto/chacha20_poly1305.h"

#include <sodium.h>

#include "base/check.h"
#include "crypto/sodium_start.h"

namespace salus::crypto {

Bytes ChaCha20Poly1305Seal(std::span<const std::uint8_t, 32> key,
                           std::span<const std::uint8_t, 12> nonce, ByteSpan aad,
                           ByteSpan plaintext) {
  StartSodium();
  Bytes out(plaintext.size() + 16);
  CHECK(crypto_aead_chacha20poly1305_ietf_encrypt(out.data(), nullptr, plaintext.data(),
                                                  plaintext.size(), aad.data(), aad.size(), nullptr,
                                                  nonce.data(), key.data()) == 0);
  return out;
}

Result<Bytes> ChaCha20Poly1305Open(std::span<const std::uint8_t, 32> key,
                                   std::span<const std::uint8_t, 12> nonce, ByteSpan aad,
                                   ByteSpan sealed) {
  StartSodium();
  if (sealed.size() < 16) return VerificationFailed("sealed data does not open");
  Bytes out(sealed.size() - 16);
  if (crypto_aead_chacha20poly1305_ietf_decrypt(out.data(), nullptr, nullptr, sealed.data(),
                                                sealed.size(), aad.data(), aad.size(), nonce.data(),
                                                key.data()) != 0) {
    return VerificationFailed("sealed data does not open");
  }
  return out;
}

}  // namespace salus::crypto
