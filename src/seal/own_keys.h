// OwnKeys are the private keys of one file, whatever its form.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/ed25519.h"
#include "crypto/p256.h"
#include "crypto/rsa.h"
#include "crypto/x25519.h"
#include "seal/pem_key.h"
#include "seal/recipient.h"

namespace salus::seal {

// Source: docs/formats/seal-keys.md; C2SP age.md ("AGE-SECRET-KEY-1...", and a file of them sealed
//         with a passphrase), pem_key.h, RFC 7517 (private JWK).
// Shape:  at most 64 KiB: a file of mode 0600, owned by who runs the program, that a symbolic link
//         may lead to; a pipe, or "-", the standard input. In a file of age's keys one stands on a
//         line; empty lines and those that begin with # are passed over.
//         The directory of a Salus identity stands for its encryption key.
class OwnKeys {
 public:
  using Key = std::variant<crypto::X25519PrivateKey, crypto::P256PrivateKey,
                           crypto::Ed25519PrivateKey, crypto::RsaPrivateKey>;
  enum class Form { kAge, kSsh, kPem, kJwk };

  // Errors: as ReadPrivateFile (says the chmod to run), and Parse; with the path in front;
  // InvalidArgument when path is a secret key itself (secret_text.h).
  static Result<OwnKeys> Read(const std::string& path, const PassphraseSource& ask);

  // Errors: InvalidArgument, with the line, for what is no private key that is read here (age's
  // post-quantum keys and plugins are refused by name); FailedPrecondition when the passphrase does
  // not open it, or it is encrypted in a form that is not read; those of ask.
  static Result<OwnKeys> Parse(ByteSpan content, const PassphraseSource& ask);

  const std::vector<Key>& keys() const { return keys_; }
  Form form() const { return form_; }

  // ToIdentities is what opens files with them.
  //
  // Errors: InvalidArgument for a key that only signs: Ed25519 that is not of SSH, or a JWK that
  // says so.
  Result<Identities> ToIdentities() &&;

  // PublicText is the public half of all of them, in the form's own way, with a line feed at its
  // end: age1..., an SSH line, PEM, a JWK.
  std::string PublicText() const;

 private:
  explicit OwnKeys(Form form) : form_(form) {}
  static Result<OwnKeys> ParseOpen(ByteSpan content, const PassphraseSource& ask);
  static Result<OwnKeys> FromPem(ByteSpan content, const PassphraseSource& ask);
  static Result<OwnKeys> FromJwk(std::string_view text);
  static Result<OwnKeys> FromLines(std::string_view content);

  Form form_;
  std::vector<Key> keys_;
  bool only_signs_ = false;  // by the word of a JWK
  std::string public_jwk_;
};

// ReadIdentityFile is OwnKeys::Read and ToIdentities.
Result<Identities> ReadIdentityFile(const std::string& path, const PassphraseSource& ask);

}  // namespace salus::seal
