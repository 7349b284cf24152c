// The key management of JWE: how a content key is wrapped for a recipient. Not a public header.
#pragma once

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "codec/json.h"
#include "jose/algorithm.h"
#include "jose/key_view.h"

namespace salus::jose {

// GivesContentKey says whether the algorithm itself yields the content key, with nothing to wrap.
inline bool GivesContentKey(KeyManagement algorithm) {
  return algorithm == KeyManagement::kDirect || algorithm == KeyManagement::kEcdhEs;
}

// AgreedContentKey is the content key of kDirect and kEcdhEs; `epk` goes into header.
//
// Source: RFC 7518 sections 4.5 and 4.6.
// Errors: InvalidArgument when the key does not belong to the algorithm.
Result<SecretBytes> AgreedContentKey(EncryptionKeyView key, KeyManagement algorithm,
                                     ContentEncryption encryption, RandomSource& random,
                                     codec::JsonObject& header);

// WrapContentKey wraps a content key by any other algorithm; `epk` goes into header.
//
// Source: RFC 7518 sections 4.3, 4.4 and 4.6.
// Errors: InvalidArgument when the key does not belong to the algorithm, and for RSA-OAEP.
Result<Bytes> WrapContentKey(EncryptionKeyView key, KeyManagement algorithm,
                             const SecretBytes& content_key, RandomSource& random,
                             codec::JsonObject& header);

// OpenContentKey is the recipient's side of both; header has `epk`, `apu` and `apv`.
//
// Errors: any code, for the caller to flatten into VerificationFailed.
Result<SecretBytes> OpenContentKey(DecryptionKeyView key, KeyManagement algorithm,
                                   ContentEncryption encryption, const codec::JsonObject& header,
                                   ByteSpan encrypted_key);

}  // namespace salus::jose
