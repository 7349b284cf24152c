// FileSignature functions sign a file's bytes, and verify them, with the signature in a file
// beside.
//
// Source: docs/formats/signed-files.md; RFC 7515 appendix F with RFC 7797 ("b64":false) and
//         "typ":"salus-file", or CMS (pki/cms.h). The time is "iat" in the protected header,
//         seconds since 1970, as ETSI TS 119 182-1 V1.2.1 (JAdES) uses it for the time that the
//         signer claims.
// Shape:  {"protected":...,"signature":...}; content of any size in constant memory; with Ed25519
//         the whole content is held in memory, at most 1 GiB.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "seal/signer.h"
#include "seal/stream.h"

namespace salus::seal {

// SignFileJws reads content to its end.
//
// Errors: as SignerHeader and ByteSource; ResourceExhausted for Ed25519 and more than 1 GiB.
Result<std::string> SignFileJws(ByteSource& content, const Signer& signer, Timestamp time);

// SignFileCms makes DER; signer needs a chain.
//
// Errors: as pki::SignCms and ByteSource.
Result<Bytes> SignFileCms(ByteSource& content, const Signer& signer, Timestamp time);

// VerifyFileJws checks the signature with key, or, without one, with the key that it brings along.
// Others' JWS are read in both forms of payload, flattened or header..signature, without typ.
//
// Errors: VerificationFailed with what does not hold; FailedPrecondition when there is no key;
// those of ByteSource.
Result<VerifiedSignature> VerifyFileJws(std::string_view jws, ByteSource& content,
                                        const std::optional<crypto::PublicKey>& key);

// VerifyFileCms finds the signer's certificate in cms or in more.
//
// Errors: as above.
Result<VerifiedSignature> VerifyFileCms(ByteSpan cms, ByteSource& content,
                                        std::span<const pki::Certificate> more = {});

// IsJws tells a JWS from CMS by its first characters.
bool IsJws(ByteSpan signature);

}  // namespace salus::seal
