// The content encryption of JWE. Not a public header.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "jose/algorithm.h"

namespace salus::jose {

// NonceSizeOf is 12 bytes for GCM, 16 for CBC; TagSizeOf 16, or 32 for A256CBC-HS512.
std::size_t NonceSizeOf(ContentEncryption encryption);
std::size_t TagSizeOf(ContentEncryption encryption);

// SealContent returns ciphertext || tag.
//
// Source: RFC 7518 section 5.3.
// Errors: InvalidArgument for the CBC forms.
Result<Bytes> SealContent(ContentEncryption encryption, const SecretBytes& key, ByteSpan nonce,
                          ByteSpan aad, ByteSpan plaintext);

// OpenContent decrypts sealed (ciphertext || tag) where it lies, and returns the length of the
// plaintext at its begin.
//
// Source: RFC 7518 sections 5.2.2.2 and 5.3.
// Errors: VerificationFailed.
Result<std::size_t> OpenContent(ContentEncryption encryption, const SecretBytes& key,
                                ByteSpan nonce, ByteSpan aad, MutableByteSpan sealed);

}  // namespace salus::jose
