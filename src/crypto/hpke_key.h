// Key pairs to which messages are sealed with HPKE (hpke.h).
#pragma once

#include <array>
#include <cstdint>
#include <variant>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/p256.h"
#include "crypto/x25519.h"

namespace salus::crypto {

// HpkeKem is a key encapsulation mechanism; the value is its number on the wire.
//
// Source: RFC 9180 section 7.1.
enum class HpkeKem : std::uint16_t { kP256HkdfSha256 = 0x0010, kX25519HkdfSha256 = 0x0020 };

// ParseHpkeKem takes the number from the wire.
//
// Errors: InvalidArgument for a mechanism that is not ours.
Result<HpkeKem> ParseHpkeKem(std::uint16_t number);

// HpkePublicKey is a recipient's key, or a sender's in the authenticated modes.
//
// Source:  RFC 9180 sections 4.1 and 7.1.1.
// Shape:   32 bytes for X25519; 65 bytes 04 || x || y for P-256, compressed points are refused.
// Threads: immutable, safe to share.
class HpkePublicKey {
 public:
  // Errors: InvalidArgument for a wrong length, or a point that is not on the curve. An X25519 key
  // of small order is refused when it is used.
  static Result<HpkePublicKey> Parse(HpkeKem kem, ByteSpan bytes);

  HpkeKem kem() const;
  Bytes Encode() const;

  friend bool operator==(const HpkePublicKey&, const HpkePublicKey&) = default;

 private:
  friend class HpkePrivateKey;
  using Key = std::variant<X25519PublicKey, P256PublicKey>;
  explicit HpkePublicKey(Key key) : key_(std::move(key)) {}
  Key key_;
};

// HpkePrivateKey opens what was sealed to its public key.
//
// Source:  RFC 9180 sections 4.1, 7.1.1 to 7.1.3.
// Shape:   32 bytes for both mechanisms: X25519 as is, P-256 big-endian in [1, n-1].
// Threads: immutable, safe to share.
class HpkePrivateKey {
 public:
  static HpkePrivateKey Generate(HpkeKem kem, RandomSource& random);
  // Derive makes the same key pair from the same input key material every time.
  //
  // Errors: InvalidArgument for input of less than 32 bytes.
  static Result<HpkePrivateKey> Derive(HpkeKem kem, const SecretBytes& ikm);
  // Errors: InvalidArgument for a P-256 scalar out of range.
  static Result<HpkePrivateKey> FromBytes(HpkeKem kem, const SecretArray<32>& bytes);

  HpkeKem kem() const { return public_.kem(); }
  const HpkePublicKey& public_key() const { return public_; }
  SecretArray<32> bytes() const;

  // Agree is the Diffie-Hellman secret with another key of the same mechanism. It is no key: feed
  // it to a KDF, as hpke.h does.
  //
  // Errors: InvalidArgument for a key of another mechanism; VerificationFailed when the secret is
  // all zero.
  Result<SecretArray<32>> Agree(const HpkePublicKey& peer) const;

 private:
  using Key = std::variant<X25519PrivateKey, P256PrivateKey>;
  HpkePrivateKey(Key key, HpkePublicKey public_key)
      : key_(std::move(key)), public_(std::move(public_key)) {}
  static HpkePrivateKey From(X25519PrivateKey key);
  static HpkePrivateKey From(P256PrivateKey key);

  Key key_;
  HpkePublicKey public_;
};

}  // namespace salus::crypto
