// JSON Web Signatures: compact, and detached with or without the base64 of the payload.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/json.h"
#include "jose/algorithm.h"
#include "jose/jwk.h"
#include "jose/key_view.h"

namespace salus::jose {

// VerifiedJws is a payload whose signature holds. header is the protected header, which was signed.
struct VerifiedJws {
  SignatureAlgorithm algorithm;
  codec::JsonObject header;
  Bytes payload;
};

// JwsRules is what the caller accepts, besides a good signature.
//
// Shape: algorithms must hold at least one. critical lists header parameters that the caller checks
//        itself; a `crit` that names any other is refused ("b64" is known in detached form).
struct JwsRules {
  SignatureAlgorithms algorithms;
  std::span<const std::string_view> critical = {};
};

// PayloadForm says how a detached payload enters the signature: as base64url, or as its own bytes
// (RFC 7797, `"b64":false`), which spares a third of the work on a large one.
enum class PayloadForm : std::uint8_t { kBase64Url, kRaw };

// SignCompact makes header.payload.signature; header's members stand beside `alg` in it.
//
// Source: RFC 7515 section 7.1, RFC 7518 section 3, RFC 8037 section 3.1.
// Shape:  ES256 signatures are 64 bytes (r || s).
// Errors: InvalidArgument when key and algorithm do not belong together, for RS256, or when header
//         holds "alg" or "b64".
Result<std::string> SignCompact(ByteSpan payload, SigningKeyView key, SignatureAlgorithm algorithm,
                                const codec::JsonObject& header = {});

// VerifyCompact checks the token with key, whose type decides together with rules which algorithm
// is possible. Keys inside the token (jwk, jku, x5c, x5u) are never looked at.
//
// Source: RFC 7515 section 5.2.
// Shape:  at most 256 MiB; the header at most 16 KiB; base64url strict, without padding.
// Errors: VerificationFailed for every reason, also a malformed token: which one is nobody's help
//         but an attacker's.
Result<VerifiedJws> VerifyCompact(std::string_view token, VerificationKeyView key,
                                  const JwsRules& rules);
Result<VerifiedJws> VerifyCompact(std::string_view token, VerificationKeyView key,
                                  SignatureAlgorithms algorithms);
// With a set, the token's `kid` picks the key; the key's own `use`, `key_ops` and `alg` must agree.
Result<VerifiedJws> VerifyCompact(std::string_view token, const JwkSet& keys,
                                  SignatureAlgorithms algorithms);
Result<VerifiedJws> VerifyCompact(std::string_view token, const Jwk& key,
                                  SignatureAlgorithms algorithms);

// SignDetached makes header..signature over a payload that travels elsewhere.
//
// Source: RFC 7515 appendix F, RFC 7797.
Result<std::string> SignDetached(ByteSpan payload, SigningKeyView key, SignatureAlgorithm algorithm,
                                 PayloadForm form, const codec::JsonObject& header = {});

// VerifyDetached checks header..signature over payload, in the form that the header names.
// VerifiedJws.payload stays empty: the caller has it.
// Errors: VerificationFailed, as VerifyCompact.
Result<VerifiedJws> VerifyDetached(std::string_view token, ByteSpan payload,
                                   VerificationKeyView key, const JwsRules& rules);

// UnverifiedHeader reads the header of a compact JWS or JWE, to find the key. Nothing in it can be
// believed until the token verifies.
//
// Errors: InvalidArgument.
Result<codec::JsonObject> UnverifiedHeader(std::string_view token);

}  // namespace salus::jose
