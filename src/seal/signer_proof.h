// SignerProof says who made a signature, and why that can be believed.
//
// Source: RFC 5280 section 6 with the policy of pki/path.h, purpose signing.
#pragma once

#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "pki/path.h"
#include "seal/signer.h"

namespace salus::seal {

// SignerTrust is what the verifier brings along: roots, a key, or nothing. time is when the path
// must hold: now, unless the verifier decides to believe the time that the signer claims.
struct SignerTrust {
  const pki::TrustStore* roots = nullptr;
  std::optional<crypto::PublicKey> key = {};
  Timestamp time;
};

// SignerProof is why a signer is believed to be the one.
struct SignerProof {
  enum class Kind {
    kUnproven,  // the signature fits, but anybody could have made it
    kKey,       // it is the key that was given
    kPath,      // a path of certificates leads to a root
  };
  Kind kind = Kind::kUnproven;
  std::vector<pki::Certificate> path = {};  // kPath: the signer's first, the root last
};

// Errors: VerificationFailed when the key is another, or no path leads to a root: with the reason,
// and, for an expired certificate, whether it held at the time that the signer claims.
Result<SignerProof> ProveSigner(const VerifiedSignature& signature, const SignerTrust& trust);

}  // namespace salus::seal
