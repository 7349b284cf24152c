#include "crypto/aes_cbc.h"

#include <openssl/evp.h>

#include <memory>

#include "base/check.h"
#include "base/secret.h"

namespace salus::crypto {
namespace {

using Cipher = std::unique_ptr<EVP_CIPHER, decltype(&EVP_CIPHER_free)>;
using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

Cipher Fetch(const char* name) {
  Cipher cipher(EVP_CIPHER_fetch(nullptr, name, nullptr), &EVP_CIPHER_free);
  CHECK(cipher != nullptr);
  return cipher;
}

const EVP_CIPHER* CipherFor(std::size_t key_size) {
  static const Cipher aes128 = Fetch("AES-128-CBC");
  static const Cipher aes256 = Fetch("AES-256-CBC");
  return key_size == 16 ? aes128.get() : key_size == 32 ? aes256.get() : nullptr;
}

Error Refused() { return VerificationFailed("the ciphertext does not decrypt"); }

}  // namespace

Result<std::size_t> AesCbcDecrypt(ByteSpan key, std::span<const std::uint8_t, 16> iv,
                                  ByteSpan ciphertext, MutableByteSpan out) {
  CHECK(out.size() == ciphertext.size());
  const EVP_CIPHER* cipher = CipherFor(key.size());
  if (cipher == nullptr || ciphertext.empty() || ciphertext.size() % 16 != 0 ||
      ciphertext.size() > INT32_MAX) {
    return Refused();
  }
  const Context context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  CHECK(context != nullptr);
  int written = 0;
  // Padding is removed here, not by OpenSSL, whose update would hold back the last block.
  const bool decrypted =
      EVP_DecryptInit_ex2(context.get(), cipher, key.data(), iv.data(), nullptr) == 1 &&
      EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1 &&
      EVP_DecryptUpdate(context.get(), out.data(), &written, ciphertext.data(),
                        static_cast<int>(ciphertext.size())) == 1;
  CHECK(decrypted && static_cast<std::size_t>(written) == out.size());
  const std::uint8_t padding = out.back();
  bool good = padding >= 1 && padding <= 16;
  for (std::size_t i = 0; good && i < padding; ++i) good = out[out.size() - 1 - i] == padding;
  if (!good) {
    WipeMemory(out.data(), out.size());
    return Refused();
  }
  return out.size() - padding;
}

}  // namespace salus::crypto
