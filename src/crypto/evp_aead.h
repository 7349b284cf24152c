// Sealing and opening with an AEAD of OpenSSL whose context is kept; internal to the module.
#pragma once

#include "base/result.h"
#include "crypto/openssl_handles.h"

namespace salus::crypto {

inline constexpr std::size_t kAeadTagSize = 16;

// NewAeadContext is a context for cipher; a null key is given with each message.
CipherContextPtr NewAeadContext(const EVP_CIPHER* cipher, const std::uint8_t* key);

// EvpSeal writes ciphertext || tag of 16 bytes; out has exactly that size, a CHECK. A null key
// keeps the one that the context has.
void EvpSeal(EVP_CIPHER_CTX* context, const std::uint8_t* key,
             std::span<const std::uint8_t, 12> nonce, ByteSpan aad, ByteSpan plaintext,
             MutableByteSpan out);

// EvpOpen is the inverse; on failure out is wiped.
//
// Errors: VerificationFailed, whatever is wrong.
Result<void> EvpOpen(EVP_CIPHER_CTX* context, const std::uint8_t* key,
                     std::span<const std::uint8_t, 12> nonce, ByteSpan aad, ByteSpan sealed,
                     MutableByteSpan out);

}  // namespace salus::crypto
