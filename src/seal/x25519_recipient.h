// X25519Recipient and X25519Identity: age's own keys, "age1..." and "AGE-SECRET-KEY-1...".
//
// Source: C2SP age.md, "The X25519 recipient type".
// Shape:  stanza X25519, one argument: the ephemeral share of 32 bytes; body of 32 bytes.
#pragma once

#include "crypto/x25519.h"
#include "seal/recipient.h"

namespace salus::seal {

class X25519Recipient final : public Recipient {
 public:
  explicit X25519Recipient(const crypto::X25519PublicKey& key) : key_(key) {}

  Result<Stanza> Wrap(const FileKey& key, RandomSource& random) const override;
  std::string Name() const override;

 private:
  const crypto::X25519PublicKey key_;
};

class X25519Identity final : public Identity {
 public:
  explicit X25519Identity(crypto::X25519PrivateKey key) : key_(std::move(key)) {}

  Result<std::optional<FileKey>> Unwrap(std::span<const Stanza> stanzas) const override;
  std::string Name() const override;

 private:
  const crypto::X25519PrivateKey key_;
};

}  // namespace salus::seal
