// Ed25519 signatures.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/x25519.h"

namespace salus::crypto {

using Ed25519Signature = std::array<std::uint8_t, 64>;

// Ed25519PublicKey verifies signatures.
//
// Source: RFC 8032 section 5.1.7 without the cofactor, and stricter, as libsodium: s >= L, a
//         non-canonical key, one outside of the prime-order group, and a small-order R are refused.
// Shape:  32 bytes.
class Ed25519PublicKey {
 public:
  // Errors: InvalidArgument unless bytes is a canonical point of the prime-order group.
  static Result<Ed25519PublicKey> FromBytes(ByteSpan bytes);

  const std::array<std::uint8_t, 32>& bytes() const { return bytes_; }

  // Errors: VerificationFailed, also for a signature that is not 64 bytes.
  Result<void> Verify(ByteSpan message, ByteSpan signature) const;

  // ToX25519 is the same point on the Montgomery curve, for those who seal to a signing key because
  // it is the only key that somebody has (SSH); its sign is lost.
  //
  // Source: RFC 7748 section 4.1, the birational map u = (1 + y) / (1 - y).
  X25519PublicKey ToX25519() const;

  friend bool operator==(const Ed25519PublicKey&, const Ed25519PublicKey&) = default;

 private:
  friend class Ed25519PrivateKey;
  explicit Ed25519PublicKey(const std::array<std::uint8_t, 32>& bytes) : bytes_(bytes) {}
  std::array<std::uint8_t, 32> bytes_;
};

// Ed25519PrivateKey signs.
//
// Source: RFC 8032 section 5.1; the seed is the private key of that document.
class Ed25519PrivateKey {
 public:
  static Ed25519PrivateKey Generate(RandomSource& random);
  static Ed25519PrivateKey FromSeed(const SecretArray<32>& seed);

  Ed25519PublicKey public_key() const;
  Ed25519Signature Sign(ByteSpan message) const;
  SecretArray<32> seed() const;
  // ToX25519 is the private half of Ed25519PublicKey::ToX25519: the first half of the seed's
  // SHA-512.
  X25519PrivateKey ToX25519() const;
  Ed25519PrivateKey Clone() const;

 private:
  Ed25519PrivateKey() = default;
  SecretArray<64> seed_and_public_;
};

}  // namespace salus::crypto
