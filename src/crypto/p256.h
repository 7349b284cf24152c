// P-256: ECDSA with SHA-256, and ECDH.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/sha256.h"

namespace salus::crypto {

using P256Signature = std::array<std::uint8_t, 64>;  // r || s, IEEE P1363, as ES256

// P256PublicKey is a point of the curve, never the one at infinity.
//
// Source:  SEC 1 version 2 section 2.3 (encodings), FIPS 186-5 (ECDSA).
// Shape:   65 bytes 04 || x || y, or 33 bytes 02/03 || x. Hybrid forms (06, 07) are refused.
// Threads: immutable, safe to share; copies share the point.
class P256PublicKey {
 public:
  // Errors: InvalidArgument unless bytes is a point of the curve.
  static Result<P256PublicKey> FromSec1(ByteSpan bytes);
  // FromCoordinates takes x and y of 32 bytes each (JWK).
  static Result<P256PublicKey> FromCoordinates(ByteSpan x, ByteSpan y);

  const std::array<std::uint8_t, 65>& sec1() const;
  std::array<std::uint8_t, 33> sec1_compressed() const;
  std::span<const std::uint8_t, 32> x() const;
  std::span<const std::uint8_t, 32> y() const;

  // VerifyDer takes a DER ECDSA-Sig-Value, VerifyP1363 r || s of 64 bytes; the message is hashed
  // with SHA-256.
  //
  // Errors: VerificationFailed, whatever is wrong. DER must be canonical.
  Result<void> VerifyDer(ByteSpan message, ByteSpan signature) const;
  Result<void> VerifyP1363(ByteSpan message, ByteSpan signature) const;
  // VerifyDigest is VerifyP1363 for a message too large to hold: digest is its SHA-256.
  Result<void> VerifyDigest(const Hash32& digest, ByteSpan signature) const;

  friend bool operator==(const P256PublicKey& a, const P256PublicKey& b) {
    return a.sec1() == b.sec1();
  }

 private:
  friend class P256PrivateKey;
  struct State;
  explicit P256PublicKey(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

// P256PrivateKey signs and agrees. One key serves one of the two purposes; certificates say which.
//
// Source:  FIPS 186-5 (ECDSA), NIST SP 800-56A section 5.7.1.2 (ECDH).
// Threads: immutable, safe to share.
class P256PrivateKey {
 public:
  // Generate takes its randomness from the operating system; it is cheap enough for one ephemeral
  // key a message.
  static P256PrivateKey Generate();
  // Errors: InvalidArgument unless scalar is 32 bytes, big-endian, in [1, n-1].
  static Result<P256PrivateKey> FromScalar(ByteSpan scalar);
  static Result<P256PrivateKey> FromScalar(const SecretArray<32>& scalar);

  P256PrivateKey(P256PrivateKey&&) noexcept;
  P256PrivateKey& operator=(P256PrivateKey&&) noexcept;
  ~P256PrivateKey();

  const P256PublicKey& public_key() const;
  SecretArray<32> scalar() const;
  P256PrivateKey Clone() const;

  // Ecdh is the x coordinate of the shared point. Feed it to a KDF.
  //
  // Errors: Internal if the result were the point at infinity, which no P256PublicKey can cause.
  Result<SecretArray<32>> Ecdh(const P256PublicKey& peer) const;

  Bytes SignDer(ByteSpan message) const;
  P256Signature SignP1363(ByteSpan message) const;
  // SignDigest is SignP1363 of the message whose SHA-256 is digest.
  P256Signature SignDigest(const Hash32& digest) const;

 private:
  struct State;
  explicit P256PrivateKey(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace salus::crypto
