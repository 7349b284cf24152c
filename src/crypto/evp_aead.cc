#include "crypto/evp_aead.h"

#include "base/check.h"
#include "base/secret.h"

namespace salus::crypto {

CipherContextPtr NewAeadContext(const EVP_CIPHER* cipher, const std::uint8_t* key) {
  CipherContextPtr context(EVP_CIPHER_CTX_new());
  CHECK(context);
  CHECK(EVP_EncryptInit_ex2(context.get(), cipher, key, nullptr, nullptr) == 1);
  return context;
}

void EvpSeal(EVP_CIPHER_CTX* context, const std::uint8_t* key,
             std::span<const std::uint8_t, 12> nonce, ByteSpan aad, ByteSpan plaintext,
             MutableByteSpan out) {
  CHECK(out.size() == plaintext.size() + kAeadTagSize);
  CHECK(EVP_EncryptInit_ex2(context, nullptr, key, nonce.data(), nullptr) == 1);
  int size = 0;
  if (!aad.empty()) {
    CHECK(EVP_EncryptUpdate(context, nullptr, &size, aad.data(), SizeOf(aad)) == 1);
  }
  if (!plaintext.empty()) {
    CHECK(EVP_EncryptUpdate(context, out.data(), &size, plaintext.data(), SizeOf(plaintext)) == 1);
  }
  std::uint8_t* const tag = out.data() + plaintext.size();
  CHECK(EVP_EncryptFinal_ex(context, tag, &size) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kAeadTagSize, tag) == 1);
}

Result<void> EvpOpen(EVP_CIPHER_CTX* context, const std::uint8_t* key,
                     std::span<const std::uint8_t, 12> nonce, ByteSpan aad, ByteSpan sealed,
                     MutableByteSpan out) {
  if (sealed.size() < kAeadTagSize) return VerificationFailed("sealed data does not open");
  CHECK(out.size() == sealed.size() - kAeadTagSize);
  std::uint8_t tag[kAeadTagSize];
  std::memcpy(tag, sealed.data() + out.size(), kAeadTagSize);
  CHECK(EVP_DecryptInit_ex2(context, nullptr, key, nonce.data(), nullptr) == 1);
  int size = 0;
  if (!aad.empty()) {
    CHECK(EVP_DecryptUpdate(context, nullptr, &size, aad.data(), SizeOf(aad)) == 1);
  }
  if (!out.empty()) {
    CHECK(EVP_DecryptUpdate(context, out.data(), &size, sealed.data(), SizeOf(out)) == 1);
  }
  CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kAeadTagSize, tag) == 1);
  std::uint8_t unused[kAeadTagSize];
  if (EVP_DecryptFinal_ex(context, unused, &size) == 1) return {};
  WipeMemory(out.data(), out.size());
  ForgetErrors();
  return VerificationFailed("sealed data does not open");
}

}  // namespace salus::crypto
