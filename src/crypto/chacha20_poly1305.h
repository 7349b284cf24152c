// ChaCha20-Poly1305.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::crypto {

// ChaCha20Poly1305Seal encrypts and authenticates; the result is ciphertext || tag of 16 bytes.
//
// Source: RFC 8439, with 96-bit nonces.
Bytes ChaCha20Poly1305Seal(std::span<const std::uint8_t, 32> key,
                           std::span<const std::uint8_t, 12> nonce, ByteSpan aad,
                           ByteSpan plaintext);

// ChaCha20Poly1305Open is the inverse.
//
// Errors: VerificationFailed, whatever is wrong.
Result<Bytes> ChaCha20Poly1305Open(std::span<const std::uint8_t, 32> key,
                                   std::span<const std::uint8_t, 12> nonce, ByteSpan aad,
                                   ByteSpan sealed);

}  // namespace salus::crypto
