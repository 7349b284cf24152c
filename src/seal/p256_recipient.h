// P256Recipient and P256Identity: the P-256 keys of certificates, JWKs and Salus's identities,
// under a stanza type of our own.
//
// Source: C2SP age.md, "Recipient stanza" (types of others are named in full); the construction is
//         that of the X25519 type with ECDH on P-256. docs/formats/seal-keys.md.
// Shape:  stanza salus/p256, one argument: the ephemeral point of 33 bytes, compressed; body of 32
//         bytes. Nothing names the recipient.
#pragma once

#include "crypto/p256.h"
#include "seal/recipient.h"

namespace salus::seal {

class P256Recipient final : public Recipient {
 public:
  explicit P256Recipient(crypto::P256PublicKey key) : key_(std::move(key)) {}

  Result<Stanza> Wrap(const FileKey& key, RandomSource& random) const override;
  // Name is "p256:" and the compressed point as base64url.
  std::string Name() const override;

 private:
  const crypto::P256PublicKey key_;
};

class P256Identity final : public Identity {
 public:
  explicit P256Identity(crypto::P256PrivateKey key) : key_(std::move(key)) {}

  Result<std::optional<FileKey>> Unwrap(std::span<const Stanza> stanzas) const override;
  std::string Name() const override;

 private:
  const crypto::P256PrivateKey key_;
};

}  // namespace salus::seal
