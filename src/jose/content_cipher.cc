#include "jose/content_cipher.h"

#include <algorithm>

#include "base/endian.h"
#include "crypto/aes_cbc.h"
#include "crypto/aes_gcm.h"
#include "crypto/hmac.h"
#include "jose/key_access.h"

namespace salus::jose {
namespace {

Error Refused() { return VerificationFailed("the content does not open"); }

bool IsGcm(ContentEncryption encryption) {
  return encryption == ContentEncryption::kA128Gcm || encryption == ContentEncryption::kA256Gcm;
}

// The tag is the first half of an HMAC over aad || iv || ciphertext || bits of aad as 64-bit
// number.
bool CbcTagHolds(ContentEncryption encryption, ByteSpan mac_key, ByteSpan nonce, ByteSpan aad,
                 ByteSpan ciphertext, ByteSpan tag) {
  std::array<std::uint8_t, 8> aad_bits;
  StoreBe<std::uint64_t>(aad_bits.data(), std::uint64_t{aad.size()} * 8);
  if (encryption == ContentEncryption::kA128CbcHs256) {
    const crypto::Hash32 mac =
        crypto::HmacSha256Key(mac_key).Mac({aad, nonce, ciphertext, aad_bits});
    return ConstantTimeEqual(ByteSpan(mac).first(16), tag);
  }
  const crypto::Hash64 mac = crypto::HmacSha512(mac_key, {aad, nonce, ciphertext, aad_bits});
  return ConstantTimeEqual(ByteSpan(mac).first(32), tag);
}

}  // namespace

std::size_t NonceSizeOf(ContentEncryption encryption) {
  return IsGcm(encryption) ? crypto::kGcmNonceSize : 16;
}

std::size_t TagSizeOf(ContentEncryption encryption) {
  return encryption == ContentEncryption::kA256CbcHs512 ? 32 : 16;
}

Result<Bytes> SealContent(ContentEncryption encryption, const SecretBytes& key, ByteSpan nonce,
                          ByteSpan aad, ByteSpan plaintext) {
  if (!IsGcm(encryption)) {
    return InvalidArgument("the CBC forms are only decrypted; encrypt with A256GCM");
  }
  TRY(crypto::AesGcm cipher, crypto::AesGcm::Create(key.view(KeyAccess::Token())));
  Bytes sealed(plaintext.size() + crypto::kGcmTagSize);
  cipher.Seal(nonce.first<crypto::kGcmNonceSize>(), aad, plaintext, sealed);
  return sealed;
}

Result<std::size_t> OpenContent(ContentEncryption encryption, const SecretBytes& key,
                                ByteSpan nonce, ByteSpan aad, MutableByteSpan sealed) {
  const std::size_t tag_size = TagSizeOf(encryption);
  if (key.size() != KeySizeOf(encryption) || nonce.size() != NonceSizeOf(encryption) ||
      sealed.size() < tag_size) {
    return Refused();
  }
  const ByteSpan key_bytes = key.view(KeyAccess::Token());
  const std::size_t size = sealed.size() - tag_size;
  if (IsGcm(encryption)) {
    TRY(crypto::AesGcm cipher, crypto::AesGcm::Create(key_bytes));
    TRY_VOID(cipher.Open(nonce.first<crypto::kGcmNonceSize>(), aad, sealed, sealed.first(size)));
    return size;
  }
  const std::size_t half = key_bytes.size() / 2;
  if (!CbcTagHolds(encryption, key_bytes.first(half), nonce, aad, sealed.first(size),
                   sealed.subspan(size))) {
    return Refused();
  }
  return crypto::AesCbcDecrypt(key_bytes.subspan(half), nonce.first<16>(), sealed.first(size),
                               sealed.first(size));
}

}  // namespace salus::jose
