#include "crypto/aes_eax.h"

#include "base/check.h"
#include "crypto/aes_cmac.h"
#include "crypto/openssl_handles.h"
#include "crypto/secret_mint.h"

namespace salus::crypto {

namespace {

using Block = std::array<std::uint8_t, 16>;

// OMAC with the tweak t in front, as the paper writes it.
Result<Block> Omac(ByteSpan key, std::uint8_t tweak, ByteSpan data) {
  Block front{};
  front[15] = tweak;
  return AesCmac(key, {front, data});
}

Result<void> Ctr(ByteSpan key, const Block& counter, ByteSpan in, MutableByteSpan out) {
  const char* const name = key.size() == 16   ? "AES-128-CTR"
                           : key.size() == 24 ? "AES-192-CTR"
                                              : "AES-256-CTR";
  const CipherPtr cipher(EVP_CIPHER_fetch(nullptr, name, nullptr));
  const CipherContextPtr context(EVP_CIPHER_CTX_new());
  CHECK(cipher && context);
  CHECK(EVP_EncryptInit_ex2(context.get(), cipher.get(), key.data(), counter.data(), nullptr) == 1);
  int size = 0;
  if (in.empty()) return {};
  CHECK(EVP_EncryptUpdate(context.get(), out.data(), &size, in.data(), SizeOf(in)) == 1);
  return {};
}

Result<Block> Tag(ByteSpan key, const Block& nonce_mac, ByteSpan aad, ByteSpan ciphertext) {
  TRY(const Block aad_mac, Omac(key, 1, aad));
  TRY(const Block text_mac, Omac(key, 2, ciphertext));
  Block tag;
  for (std::size_t i = 0; i < tag.size(); ++i) {
    tag[i] = static_cast<std::uint8_t>(nonce_mac[i] ^ aad_mac[i] ^ text_mac[i]);
  }
  return tag;
}

}  // namespace

Result<Bytes> AesEaxSeal(ByteSpan key, ByteSpan nonce, ByteSpan aad, ByteSpan plaintext) {
  TRY(const Block nonce_mac, Omac(key, 0, nonce));
  Bytes out(plaintext.size() + 16);
  const MutableByteSpan ciphertext = MutableByteSpan(out).first(plaintext.size());
  TRY_VOID(Ctr(key, nonce_mac, plaintext, ciphertext));
  TRY(const Block tag, Tag(key, nonce_mac, aad, ciphertext));
  std::memcpy(out.data() + plaintext.size(), tag.data(), tag.size());
  return out;
}

Result<SecretBytes> AesEaxOpen(ByteSpan key, ByteSpan nonce, ByteSpan aad, ByteSpan sealed) {
  TRY(const Block nonce_mac, Omac(key, 0, nonce));
  if (sealed.size() < 16) return VerificationFailed("sealed data does not open");
  const ByteSpan ciphertext = sealed.first(sealed.size() - 16);
  TRY(const Block tag, Tag(key, nonce_mac, aad, ciphertext));
  if (!ConstantTimeEqual(tag, sealed.last(16))) {
    return VerificationFailed("sealed data does not open");
  }
  SecretBytes out(ciphertext.size());
  TRY_VOID(Ctr(key, nonce_mac, ciphertext, out.mutable_view(CryptoSecrets::Token())));
  return out;
}

}  // namespace salus::crypto
