// Signer is a signing key, and how its holder shows who they are.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "codec/json.h"
#include "crypto/pkcs8.h"
#include "jose/algorithm.h"
#include "jose/jwk.h"
#include "jose/jws.h"
#include "pki/certificate.h"

namespace salus::seal {

struct Signer {
  crypto::PrivateKey key;
  std::vector<pki::Certificate> chain = {};  // the key's first; may be empty
};

// VerifiedSignature is what a signature that holds says of its maker. The certificates are proven
// by nobody yet: that is ProveSigner (signer_proof.h).
struct VerifiedSignature {
  std::string algorithm;
  crypto::PublicKey key;
  std::vector<pki::Certificate>
      certificates;                       // the signer's first; empty where only a key is known
  std::optional<Timestamp> claimed_time;  // the signer's own word
  std::uint64_t size_bytes = 0;           // of the content
};

// AlgorithmOf is ES256, EdDSA or PS256, by the key.
jose::SignatureAlgorithm AlgorithmOf(const crypto::PrivateKey& key);
jose::SigningKeyView ViewOf(const crypto::PrivateKey& key);
jose::VerificationKeyView ViewOf(const crypto::PublicKey& key);

// VerifyingKeyOf is the key of a JWK that signatures are verified with.
//
// Errors: InvalidArgument when it is of another kind, or its use, key_ops or alg say that it is for
// something else.
Result<crypto::PublicKey> VerifyingKeyOf(const jose::Jwk& jwk);
// SigningKeyOf is the same for a private JWK, which is copied.
Result<crypto::PrivateKey> SigningKeyOf(const jose::Jwk& jwk);

// SignerHeader is what a protected header says of the signer: "kid", the key's thumbprint (RFC
// 7638), and "x5c", or, without a chain, "jwk".
//
// Source: RFC 7515 sections 4.1.3, 4.1.4 and 4.1.6.
// Errors: InvalidArgument when the chain's first certificate is not the key's.
Result<codec::JsonObject> SignerHeader(const Signer& signer);

// ClaimedSigner is what such a header says, of whoever wrote it.
struct ClaimedSigner {
  std::optional<crypto::PublicKey> key;  // of the certificate, or jwk
  std::vector<pki::Certificate> certificates;
};

// Errors: VerificationFailed when x5c or jwk is malformed, jwk is not for signatures, or they name
// two keys.
Result<ClaimedSigner> ReadSigner(const codec::JsonObject& header);

bool SameKey(const crypto::PublicKey& a, const crypto::PublicKey& b);
// KeyFingerprint is SHA-256 over the SubjectPublicKeyInfo, in hex.
std::string KeyFingerprint(const crypto::PublicKey& key);

}  // namespace salus::seal
