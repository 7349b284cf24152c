// RSA, for peers that have nothing else: PSS, OAEP, and verifying PKCS#1 v1.5.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/sha256.h"

namespace salus::crypto {

// RsaOaepHash names the OAEP hash (for both the label and MGF1).
enum class RsaOaepHash { kSha1, kSha256 };

// RsaPublicComponents are the numbers of a JWK, big-endian without leading zeros.
struct RsaPublicComponents {
  Bytes n, e;
};

// RsaPrivateComponents are the numbers of a private JWK (RFC 7518 section 6.3.2), two primes.
struct RsaPrivateComponents {
  Bytes n, e;
  SecretBytes d, p, q, dp, dq, qi;
};

// RsaPublicKey encrypts and verifies.
//
// Source:  RFC 8017 (PKCS#1 v2.2), FIPS 186-5.
// Shape:   2,048 to 8,192 bits; e odd, 65,537 to 2^32 (e = 3 is refused).
// Threads: immutable, safe to share.
class RsaPublicKey {
 public:
  // Errors: InvalidArgument when the numbers are outside of Shape.
  static Result<RsaPublicKey> FromComponents(const RsaPublicComponents& components);
  // FromDer reads a PKCS#1 RSAPublicKey; SubjectPublicKeyInfo is pkcs8.h.
  static Result<RsaPublicKey> FromDer(ByteSpan der);

  RsaPublicComponents components() const;
  std::size_t size_bits() const;

  // Errors: VerificationFailed. SHA-256; PSS with MGF1-SHA-256 and a salt of 32 bytes.
  Result<void> VerifyPss(ByteSpan message, ByteSpan signature) const;
  // VerifyPssDigest is VerifyPss for a message too large to hold: digest is its SHA-256.
  Result<void> VerifyPssDigest(const Hash32& digest, ByteSpan signature) const;
  Result<void> VerifyPkcs1(ByteSpan message, ByteSpan signature) const;

  // Errors: InvalidArgument when the plaintext is too long for the key.
  Result<Bytes> EncryptOaep(RsaOaepHash hash, ByteSpan plaintext, ByteSpan label = {}) const;

 private:
  friend class RsaPrivateKey;
  friend struct RsaInternals;
  struct State;
  explicit RsaPublicKey(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

// RsaPrivateKey decrypts and signs.
//
// Source:  RFC 8017, FIPS 186-5.
// Shape:   as RsaPublicKey.
// Threads: immutable, safe to share.
class RsaPrivateKey {
 public:
  // Generate makes a key of 2,048, 3,072 or 4,096 bits.
  //
  // Errors: InvalidArgument for another size.
  static Result<RsaPrivateKey> Generate(std::size_t size_bits = 3072);
  // Errors: InvalidArgument when the numbers are outside of Shape or do not belong together.
  static Result<RsaPrivateKey> FromComponents(const RsaPrivateComponents& components);
  // FromPrimes computes dp and dq, which OpenSSH's files leave out; those given are not looked at.
  static Result<RsaPrivateKey> FromPrimes(RsaPrivateComponents components);
  // FromDer reads a PKCS#1 RSAPrivateKey; PKCS#8 is pkcs8.h.
  static Result<RsaPrivateKey> FromDer(ByteSpan der);

  RsaPublicKey public_key() const;
  RsaPrivateComponents components() const;
  RsaPrivateKey Clone() const { return RsaPrivateKey(state_); }

  // SignPss signs with SHA-256, MGF1-SHA-256 and a salt of 32 bytes.
  Bytes SignPss(ByteSpan message) const;
  // SignPssDigest is SignPss of the message whose SHA-256 is digest.
  Bytes SignPssDigest(const Hash32& digest) const;
  // SignPkcs1 signs with SHA-256 (RS256), for peers that verify nothing newer.
  Bytes SignPkcs1(ByteSpan message) const;

  // Errors: VerificationFailed, one error for all causes (padding oracles).
  Result<SecretBytes> DecryptOaep(RsaOaepHash hash, ByteSpan ciphertext, ByteSpan label = {}) const;

 private:
  friend struct RsaInternals;
  explicit RsaPrivateKey(std::shared_ptr<const RsaPublicKey::State> state)
      : state_(std::move(state)) {}
  std::shared_ptr<const RsaPublicKey::State> state_;
};

}  // namespace salus::crypto
