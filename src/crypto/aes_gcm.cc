#include "crypto/aes_gcm.h"

#include <sodium.h>

#include "base/check.h"
#include "crypto/evp_aead.h"
#include "crypto/openssl_handles.h"
#include "crypto/secret_mint.h"
#include "crypto/sodium_start.h"

namespace salus::crypto {

namespace {

const EVP_CIPHER* GcmAlgorithm(std::size_t key_size) {
  static const CipherPtr aes128(EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr));
  static const CipherPtr aes256(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr));
  CHECK(aes128 && aes256);
  return key_size == 16 ? aes128.get() : aes256.get();
}

}  // namespace

struct AesGcm::Context {
  CipherContextPtr cipher;
};

AesGcm::AesGcm(std::unique_ptr<Context> context) : context_(std::move(context)) {}
AesGcm::AesGcm(AesGcm&&) noexcept = default;
AesGcm& AesGcm::operator=(AesGcm&&) noexcept = default;
AesGcm::~AesGcm() = default;

Result<AesGcm> AesGcm::Create(ByteSpan key) {
  if (key.size() != 16 && key.size() != 32) {
    return InvalidArgument("an AES-GCM key has 16 or 32 bytes");
  }
  return AesGcm(
      std::make_unique<Context>(Context{NewAeadContext(GcmAlgorithm(key.size()), key.data())}));
}

AesGcm AesGcm::Create(const SecretArray<32>& key) {
  return AesGcm(std::make_unique<Context>(
      Context{NewAeadContext(GcmAlgorithm(32), key.view(CryptoSecrets::Token()).data())}));
}

void AesGcm::Seal(GcmNonce nonce, ByteSpan aad, ByteSpan plaintext, MutableByteSpan out) {
  EvpSeal(context_->cipher.get(), nullptr, nonce, aad, plaintext, out);
}

Result<void> AesGcm::Open(GcmNonce nonce, ByteSpan aad, ByteSpan sealed, MutableByteSpan out) {
  return EvpOpen(context_->cipher.get(), nullptr, nonce, aad, sealed, out);
}

// For CPUs without AES instructions. Two contexts, because one that changes direction is set up
// anew.
struct AesGcmRekey::Context {
  CipherContextPtr seal = NewAeadContext(GcmAlgorithm(32), nullptr);
  CipherContextPtr open = NewAeadContext(GcmAlgorithm(32), nullptr);
};

// A new key costs libsodium two thirds of what it costs EVP, which asks for lengths by name.
AesGcmRekey::AesGcmRekey() {
  static const bool has_fast = [] {
    StartSodium();
    return crypto_aead_aes256gcm_is_available() == 1;
  }();
  if (!has_fast) context_ = std::make_unique<Context>();
}
AesGcmRekey::AesGcmRekey(AesGcmRekey&&) noexcept = default;
AesGcmRekey& AesGcmRekey::operator=(AesGcmRekey&&) noexcept = default;
AesGcmRekey::~AesGcmRekey() = default;

void AesGcmRekey::Seal(std::span<const std::uint8_t, 32> key, GcmNonce nonce, ByteSpan aad,
                       ByteSpan plaintext, MutableByteSpan out) {
  CHECK(out.size() == plaintext.size() + kGcmTagSize);
  if (context_) return EvpSeal(context_->seal.get(), key.data(), nonce, aad, plaintext, out);
  CHECK(crypto_aead_aes256gcm_encrypt(out.data(), nullptr, plaintext.data(), plaintext.size(),
                                      aad.data(), aad.size(), nullptr, nonce.data(),
                                      key.data()) == 0);
}

void AesGcmRekey::Seal(const SecretArray<32>& key, GcmNonce nonce, ByteSpan aad, ByteSpan plaintext,
                       MutableByteSpan out) {
  Seal(key.view(CryptoSecrets::Token()), nonce, aad, plaintext, out);
}

Result<void> AesGcmRekey::Open(std::span<const std::uint8_t, 32> key, GcmNonce nonce, ByteSpan aad,
                               ByteSpan sealed, MutableByteSpan out) {
  if (context_) return EvpOpen(context_->open.get(), key.data(), nonce, aad, sealed, out);
  if (sealed.size() < kGcmTagSize) return VerificationFailed("sealed data does not open");
  CHECK(out.size() == sealed.size() - kGcmTagSize);
  if (crypto_aead_aes256gcm_decrypt(out.data(), nullptr, nullptr, sealed.data(), sealed.size(),
                                    aad.data(), aad.size(), nonce.data(), key.data()) == 0) {
    return {};
  }
  WipeMemory(out.data(), out.size());
  return VerificationFailed("sealed data does not open");
}

Result<void> AesGcmRekey::Open(const SecretArray<32>& key, GcmNonce nonce, ByteSpan aad,
                               ByteSpan sealed, MutableByteSpan out) {
  return Open(key.view(CryptoSecrets::Token()), nonce, aad, sealed, out);
}

}  // namespace salus::crypto
