// A verifiable random function: a hash that only the key's holder can compute and all can check.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace salus::crypto {

// VrfOutput is beta of RFC 9381.
using VrfOutput = std::array<std::uint8_t, 64>;

// VrfProof is pi of RFC 9381: Gamma (32) || c (16) || s (32). Holding one proves nothing: Verify.
struct VrfProof {
  std::array<std::uint8_t, 80> bytes;

  // Errors: InvalidArgument unless bytes has 80 bytes.
  static Result<VrfProof> FromBytes(ByteSpan bytes);
  friend bool operator==(const VrfProof&, const VrfProof&) = default;
};

// ProofToHash is the output that belongs to a proof, without verifying it: for the prover's own
// proofs only. All others call VrfPublicKey::Verify.
//
// Source: RFC 9381 section 5.2.
// Errors: VerificationFailed when Gamma or s does not decode.
Result<VrfOutput> ProofToHash(const VrfProof& proof);

// VrfPublicKey verifies proofs.
//
// Source: RFC 9381 section 5.3, suite ECVRF-EDWARDS25519-SHA512-TAI (0x03), validate_key on.
//         Stricter: s >= L, a non-canonical Gamma (y >= p), and Gamma or key outside of the
//         prime-order group are refused, so that a proof has one encoding.
// Shape:  32 bytes, as Ed25519.
class VrfPublicKey {
 public:
  // Errors: InvalidArgument unless bytes is a canonical point Y of the prime-order group.
  static Result<VrfPublicKey> FromBytes(ByteSpan bytes);

  const std::array<std::uint8_t, 32>& bytes() const { return bytes_; }

  // Errors: VerificationFailed, whatever is wrong.
  Result<VrfOutput> Verify(ByteSpan alpha, const VrfProof& proof) const;

  friend bool operator==(const VrfPublicKey&, const VrfPublicKey&) = default;

 private:
  friend class VrfPrivateKey;
  explicit VrfPublicKey(const std::array<std::uint8_t, 32>& bytes) : bytes_(bytes) {}
  std::array<std::uint8_t, 32> bytes_;
};

// VrfPrivateKey proves. Never the same key as an Ed25519 signing key.
//
// Source:  RFC 9381 section 5.1, nonces as section 5.4.2.2 (RFC 8032).
// Threads: immutable, safe to share.
class VrfPrivateKey {
 public:
  static VrfPrivateKey Generate(RandomSource& random);
  static VrfPrivateKey FromSeed(const SecretArray<32>& seed);

  VrfPublicKey public_key() const { return VrfPublicKey(public_); }
  SecretArray<32> seed() const { return seed_.Clone(); }

  VrfProof Prove(ByteSpan alpha) const;

 private:
  VrfPrivateKey() = default;
  SecretArray<32> seed_;
  SecretArray<32> scalar_;
  SecretArray<32> nonce_key_;
  std::array<std::uint8_t, 32> public_{};
};

}  // namespace salus::crypto
