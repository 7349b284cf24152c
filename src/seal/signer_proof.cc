#include "seal/signer_proof.h"

#include "codec/rfc3339.h"

namespace salus::seal {

Result<SignerProof> ProveSigner(const VerifiedSignature& signature, const SignerTrust& trust) {
  SignerProof proof;
  if (trust.key) {
    if (!SameKey(*trust.key, signature.key)) {
      return VerificationFailed(
          "the signature was made with another key than the one given: SHA-256 " +
          KeyFingerprint(signature.key));
    }
    proof.kind = SignerProof::Kind::kKey;
  }
  if (trust.roots == nullptr) return proof;
  if (signature.certificates.empty()) {
    return VerificationFailed(
        "the signature brings no certificate along, so that no path leads to a trusted root");
  }
  auto path = FindPath(signature.certificates, *trust.roots, trust.time, pki::Purpose::kSigning);
  if (!path) {
    Error error = std::move(path.error()).WithContext("the signer's certificate path");
    const auto& claimed = signature.claimed_time;
    if (claimed && *claimed != trust.time &&
        FindPath(signature.certificates, *trust.roots, *claimed, pki::Purpose::kSigning)) {
      error.message += "; it held at the time that the signer claims, " +
                       codec::FormatRfc3339(*claimed) + " (--at claimed believes that time)";
    }
    return error;
  }
  proof.kind = SignerProof::Kind::kPath;
  proof.path = *std::move(path);
  return proof;
}

}  // namespace salus::seal
