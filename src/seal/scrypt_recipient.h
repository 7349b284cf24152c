// ScryptRecipient and ScryptIdentity: a passphrase opens the file, and nothing else does.
//
// Source: C2SP age.md, "The scrypt recipient type".
// Shape:  stanza scrypt, two arguments: a salt of 16 bytes and log2 N, 1 to 22; body of 32 bytes.
// It
//         is the only stanza of its file.
#pragma once

#include "base/secret.h"
#include "seal/recipient.h"

namespace salus::seal {

// What is made by default takes about a second and 256 MiB; more than 4 GiB is never worked off for
// a file that anybody may have made.
inline constexpr unsigned kScryptLogN = 18;
inline constexpr unsigned kMaxScryptLogN = 22;

class ScryptRecipient final : public Recipient {
 public:
  explicit ScryptRecipient(SecretBytes passphrase, unsigned log_n = kScryptLogN)
      : passphrase_(std::move(passphrase)), log_n_(log_n) {}

  Result<Stanza> Wrap(const FileKey& key, RandomSource& random) const override;
  std::string Name() const override { return ""; }

 private:
  const SecretBytes passphrase_;
  const unsigned log_n_;
};

// Threads: Unwrap works off one file at a time in the whole process.
class ScryptIdentity final : public Identity {
 public:
  explicit ScryptIdentity(SecretBytes passphrase) : passphrase_(std::move(passphrase)) {}

  Result<std::optional<FileKey>> Unwrap(std::span<const Stanza> stanzas) const override;
  std::string Name() const override { return ""; }

 private:
  const SecretBytes passphrase_;
};

}  // namespace salus::seal
