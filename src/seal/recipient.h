// Recipient and Identity are the two ends of a sealed file's key: whoever has a Recipient can wrap
// a file key for its holder, and only the Identity unwraps it.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/rsa.h"

namespace salus::seal {

// FileKey is the symmetric key of one file.
//
// Source: age v1 (C2SP age.md), "File key".
// Shape:  16 random bytes, of one file only.
using FileKey = SecretArray<16>;

// Stanza is one way to the file key, for one recipient.
//
// Source: age v1, "Recipient stanza".
// Shape:  type and arguments of printable ASCII without spaces; a body of any bytes.
struct Stanza {
  std::string type;
  std::vector<std::string> arguments;
  Bytes body;

  friend bool operator==(const Stanza&, const Stanza&) = default;
};

class Recipient {
 public:
  virtual ~Recipient() = default;

  // Wrap makes this recipient's stanza of a file.
  //
  // Errors: InvalidArgument when the key can't be used (a point of small order).
  virtual Result<Stanza> Wrap(const FileKey& key, RandomSource& random) const = 0;

  // Name is what people and signatures call this recipient: its public key as text ("age1...",
  // "ssh-ed25519 AAAA...", "p256:..."); empty for a passphrase, which has no public part.
  virtual std::string Name() const = 0;

  // rsa_key is the key of an RSA recipient, which alone the course's format is written for.
  virtual const crypto::RsaPublicKey* rsa_key() const { return nullptr; }
};

class Identity {
 public:
  virtual ~Identity() = default;

  // Unwrap looks through the stanzas for one that this identity opens; nullopt when none is for it.
  //
  // Errors: VerificationFailed when a stanza of this identity's type has a form that the
  // specification refuses, so that the whole file is.
  virtual Result<std::optional<FileKey>> Unwrap(std::span<const Stanza> stanzas) const = 0;

  // Name is the Recipient's that belongs to it.
  virtual std::string Name() const = 0;

  // rsa_key is an RSA identity's, which alone opens the course's format.
  virtual const crypto::RsaPrivateKey* rsa_key() const { return nullptr; }
};

using Recipients = std::vector<std::unique_ptr<Recipient>>;
using Identities = std::vector<std::unique_ptr<Identity>>;

}  // namespace salus::seal
