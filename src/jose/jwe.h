// JSON Web Encryption: compact for one recipient, general JSON for several.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "codec/json.h"
#include "jose/algorithm.h"
#include "jose/jwk.h"
#include "jose/key_view.h"

namespace salus::jose {

// JweRules is what the caller accepts. Both sets must hold at least one algorithm.
struct JweRules {
  KeyManagements algorithms;
  ContentEncryptions encryptions;
  std::span<const std::string_view> critical = {};  // as in JwsRules
};

// DecryptedJwe is an authentic plaintext. header is the protected header; members that were not
// protected are never handed out.
struct DecryptedJwe {
  KeyManagement algorithm;
  ContentEncryption encryption;
  codec::JsonObject header;
  Bytes plaintext;
};

// DecryptedSecretJwe is DecryptedJwe for a plaintext that is key material.
struct DecryptedSecretJwe {
  KeyManagement algorithm;
  ContentEncryption encryption;
  codec::JsonObject header;
  SecretBytes plaintext;
};

// EncryptCompact seals plaintext to one recipient under a fresh content key; header's members stand
// beside `alg`, `enc` and `epk` in the protected header, which everyone can read.
//
// Source: RFC 7516 section 7.1, RFC 7518 sections 4 and 5, RFC 8037 section 3.2.
// Shape:  header.encrypted_key.iv.ciphertext.tag, all base64url without padding; never compressed.
// Errors: InvalidArgument when key and algorithm do not belong together, for the algorithms that
//         are only decrypted, or when header holds a name that this function sets, "zip" or "crit".
Result<std::string> EncryptCompact(ByteSpan plaintext, EncryptionKeyView key,
                                   KeyManagement algorithm, ContentEncryption encryption,
                                   RandomSource& random, const codec::JsonObject& header = {});

// DecryptCompact opens a compact JWE.
//
// Source: RFC 7516 section 5.2.
// Shape:  at most 512 MiB; the header at most 16 KiB. `zip` is refused: a few bytes may inflate to
//         gigabytes, and lengths of compressed records leak what is in them.
// Errors: VerificationFailed for every reason, also a malformed token.
Result<DecryptedJwe> DecryptCompact(std::string_view token, DecryptionKeyView key,
                                    const JweRules& rules);
Result<DecryptedSecretJwe> DecryptCompactSecret(std::string_view token, DecryptionKeyView key,
                                                const JweRules& rules);
// With a Jwk, the key's own `use`, `key_ops` and `alg` must agree.
Result<DecryptedJwe> DecryptCompact(std::string_view token, const Jwk& key, const JweRules& rules);

// JweRecipient is one reader of a general JWE. key_id is written when it is not empty; it can be
// read by everyone.
struct JweRecipient {
  EncryptionKeyView key;
  KeyManagement algorithm;
  std::string key_id = {};
};

// EncryptGeneral seals plaintext once for 1 to 32 recipients.
//
// Source: RFC 7516 section 7.2.1; `enc` stands in the protected header, `alg` and `epk` in each
//         recipient's.
// Shape:  JSON; aad (not secret, authenticated) is written when it is not empty.
// Errors: as EncryptCompact; InvalidArgument too for kDirect or kEcdhEs, which give every recipient
//         another content key, unless there is one recipient.
Result<std::string> EncryptGeneral(ByteSpan plaintext, std::span<const JweRecipient> recipients,
                                   ContentEncryption encryption, ByteSpan aad, RandomSource& random,
                                   const codec::JsonObject& header = {});

// JweReader picks the recipient entries to try: those with this kid, or, without one, all of them.
struct JweReader {
  DecryptionKeyView key;
  std::optional<std::string_view> key_id = std::nullopt;
};

// DecryptGeneral opens a general or flattened JSON JWE, if one of the entries is the reader's.
// A member of the header may stand in one place only; `enc` must be protected.
//
// Source: RFC 7516 section 5.2; deviation: `crit` only where it is protected, and no `zip`.
// Errors: VerificationFailed, as DecryptCompact. aad must equal the message's.
Result<DecryptedJwe> DecryptGeneral(std::string_view json, const JweReader& reader, ByteSpan aad,
                                    const JweRules& rules);

}  // namespace salus::jose
