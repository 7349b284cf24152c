// SignerKey signs notes under a name; its public half is a VerifierKey.
//
// Source: golang.org/x/mod/sumdb/note for the text form (the specification has none); C2SP
//         signed-note and tlog-cosignature for the signatures.
// Shape:  PRIVATE+KEY+NAME+XXXXXXXX+BASE64 of a type byte and the 32-byte seed.
#pragma once

#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/ed25519.h"
#include "tlog/note.h"
#include "tlog/verifier_key.h"

namespace salus::tlog {

class SignerKey {
 public:
  // Errors: InvalidArgument for a bad name.
  static Result<SignerKey> Create(std::string_view name, SignatureType type,
                                  crypto::Ed25519PrivateKey key);
  // Errors: InvalidArgument; it never says which part was wrong.
  static Result<SignerKey> Parse(const SecretBytes& skey);
  SecretBytes ToText() const;

  const VerifierKey& verifier() const { return verifier_; }

  // Sign signs the text of a note; a cosigner's key signs the time too, in whole seconds. The time
  // of type 0x01 is not used. Errors: InvalidArgument when a cosignature's time is before 1970.
  Result<NoteSignature> Sign(std::string_view text, Timestamp time) const;

 private:
  SignerKey(VerifierKey verifier, crypto::Ed25519PrivateKey key)
      : verifier_(std::move(verifier)), key_(std::move(key)) {}

  VerifierKey verifier_;
  crypto::Ed25519PrivateKey key_;
};

}  // namespace salus::tlog
