// SshRecipient and SshIdentity: SSH's Ed25519 keys, and RSA keys wherever they come from.
//
// Source: filippo.io/age/agessh, which age v1 leaves to its implementations; ssh-ed25519 is the
//         X25519 type on the key's Montgomery form, with a tweak that is derived from the key so
//         that the shared secret is not that of another use of the key; ssh-rsa is RSA-OAEP with
//         SHA-256 (RFC 8017) and a label.
// Shape:  stanza ssh-ed25519: a tag and the ephemeral share of 32 bytes, body of 32 bytes. Stanza
//         ssh-rsa: a tag; body as long as the modulus. The tag is the first 4 bytes of SHA-256 over
//         the key's wire form: it names the recipient to all who know the key.
#pragma once

#include <variant>

#include "crypto/ed25519.h"
#include "crypto/rsa.h"
#include "seal/recipient.h"
#include "seal/ssh_public_key.h"

namespace salus::seal {

class SshRecipient final : public Recipient {
 public:
  explicit SshRecipient(SshPublicKey key) : key_(std::move(key)) {}

  Result<Stanza> Wrap(const FileKey& key, RandomSource& random) const override;
  // Name is the key's line without a comment.
  std::string Name() const override { return key_.ToText(); }
  const crypto::RsaPublicKey* rsa_key() const override {
    return std::get_if<crypto::RsaPublicKey>(&key_.key());
  }

 private:
  const SshPublicKey key_;
};

class SshIdentity final : public Identity {
 public:
  using Key = std::variant<crypto::Ed25519PrivateKey, crypto::RsaPrivateKey>;

  explicit SshIdentity(Key key);

  // Errors: as Identity; VerificationFailed also when a stanza has this key's tag but none opens,
  // or the first 8 that have it don't and there are more.
  Result<std::optional<FileKey>> Unwrap(std::span<const Stanza> stanzas) const override;
  std::string Name() const override { return public_.ToText(); }
  const crypto::RsaPrivateKey* rsa_key() const override {
    return std::get_if<crypto::RsaPrivateKey>(&key_);
  }

 private:
  Result<std::optional<FileKey>> UnwrapOne(const Stanza& stanza) const;

  const Key key_;
  const SshPublicKey public_;
};

}  // namespace salus::seal
