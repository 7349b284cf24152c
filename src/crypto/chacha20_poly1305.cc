#include "crypto/chacha20_poly1305.h"

#include <sodium.h>

#include "base/check.h"
#include "crypto/evp_aead.h"
#include "crypto/secret_mint.h"
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

struct ChaCha20Poly1305Chunks::Context {
  CipherContextPtr cipher;
};

ChaCha20Poly1305Chunks::ChaCha20Poly1305Chunks(const SecretArray<32>& key) {
  static const CipherPtr algorithm(EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr));
  CHECK(algorithm);
  context_ = std::make_unique<Context>(
      Context{NewAeadContext(algorithm.get(), key.view(CryptoSecrets::Token()).data())});
}
ChaCha20Poly1305Chunks::ChaCha20Poly1305Chunks(ChaCha20Poly1305Chunks&&) noexcept = default;
ChaCha20Poly1305Chunks& ChaCha20Poly1305Chunks::operator=(ChaCha20Poly1305Chunks&&) noexcept =
    default;
ChaCha20Poly1305Chunks::~ChaCha20Poly1305Chunks() = default;

void ChaCha20Poly1305Chunks::Seal(std::span<const std::uint8_t, 12> nonce, ByteSpan plaintext,
                                  MutableByteSpan out) {
  EvpSeal(context_->cipher.get(), nullptr, nonce, {}, plaintext, out);
}

Result<void> ChaCha20Poly1305Chunks::Open(std::span<const std::uint8_t, 12> nonce, ByteSpan sealed,
                                          MutableByteSpan out) {
  return EvpOpen(context_->cipher.get(), nullptr, nonce, {}, sealed, out);
}

}  // namespace salus::crypto
