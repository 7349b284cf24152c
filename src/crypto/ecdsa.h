// ECDSA over EVP for P-256 and P-384; internal to the module.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/openssl_handles.h"

namespace salus::crypto {

// NewEcdsaKey imports a valid point (uncompressed SEC 1) and, unless empty, its scalar.
KeyPtr NewEcdsaKey(const char* curve, ByteSpan sec1, ByteSpan scalar);

// EcdsaSignDer and EcdsaVerifyDer hash the message and handle DER ECDSA-Sig-Value.
//
// Errors: VerificationFailed, whatever is wrong.
Bytes EcdsaSignDer(EVP_PKEY* key, const char* digest, ByteSpan message);
Result<void> EcdsaVerifyDer(EVP_PKEY* key, const char* digest, ByteSpan message,
                            ByteSpan signature);

// EcdsaSignDigestDer and EcdsaVerifyDigestDer do the same with a message that was hashed before;
// verifying with what NewEcdsaVerifier fetched and prepared once.
//
// Threads: a verifier is safe to share; each call works on a copy.
Bytes EcdsaSignDigestDer(EVP_PKEY* key, ByteSpan digest);
KeyContextPtr NewEcdsaVerifier(EVP_PKEY* key);
Result<void> EcdsaVerifyDigestDer(const EVP_PKEY_CTX* verifier, ByteSpan digest,
                                  ByteSpan signature);

// EcdsaDerFromP1363 rewrites r || s as DER; EcdsaP1363FromDer is its inverse for our own
// signatures.
Bytes EcdsaDerFromP1363(ByteSpan signature);
void EcdsaP1363FromDer(ByteSpan der, MutableByteSpan out);

}  // namespace salus::crypto
