// AES-EAX, read and written for one old file format only; everything new is AES-GCM.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace salus::crypto {

// AesEaxSeal encrypts and authenticates; the result is ciphertext || tag of 16 bytes.
//
// Source: Bellare, Rogaway, Wagner: The EAX Mode of Operation (2004), with AES and a full tag.
// Shape:  key of 16, 24 or 32 bytes; a nonce of any length.
// Errors: InvalidArgument for a key of another size.
Result<Bytes> AesEaxSeal(ByteSpan key, ByteSpan nonce, ByteSpan aad, ByteSpan plaintext);

// AesEaxOpen is the inverse. The tag is checked before anything is decrypted.
//
// Errors: InvalidArgument for a key of another size; VerificationFailed for all else.
Result<SecretBytes> AesEaxOpen(ByteSpan key, ByteSpan nonce, ByteSpan aad, ByteSpan sealed);

}  // namespace salus::crypto
