// NewKey is a private key that was just made, as the file that its holder keeps, and its public
// half.
//
// Source: docs/formats/seal-keys.md. X25519: what age-keygen writes, with a passphrase an armored
//         age file of it (C2SP age.md). Others: PKCS #8 in PEM (RFC 5958), SubjectPublicKeyInfo.
// Shape:  text that ends with a line feed.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace salus::seal {

enum class KeyType { kX25519, kP256, kRsa2048, kRsa3072, kRsa4096, kEd25519 };

// ParseKeyType reads x25519, p256, rsa2048, rsa3072, rsa4096 or ed25519.
//
// Errors: InvalidArgument, with the names.
Result<KeyType> ParseKeyType(std::string_view text);

struct NewKey {
  SecretBytes file;         // for mode 0600
  std::string public_text;  // the file of the public half: age1..., or PEM
  std::string name;         // what seal -r takes; empty for Ed25519, which only signs

  // Errors: InvalidArgument for an empty passphrase.
  static Result<NewKey> Make(KeyType type, Timestamp now, const SecretBytes* passphrase,
                             RandomSource& random);
};

}  // namespace salus::seal
