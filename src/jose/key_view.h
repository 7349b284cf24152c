// Views of the keys that JWS and JWE work with, so that a caller passes the crypto type it holds.
#pragma once

#include <concepts>
#include <variant>

#include "base/secret.h"
#include "crypto/ed25519.h"
#include "crypto/p256.h"
#include "crypto/rsa.h"
#include "crypto/x25519.h"

namespace salus::jose {

// KeyView points at one key of one of several types.
//
// Ownership: a view; the key outlives it. The conversion is implicit, so that a key, or the
// temporary that `public_key()` returns, stands directly in a call.
template <typename... Keys>
class KeyView {
 public:
  template <typename Key>
    requires(std::same_as<Key, Keys> || ...)
  KeyView(const Key& key) : key_(&key) {}  // NOLINT(google-explicit-constructor)

  // As returns the key when it has type Key, else null.
  template <typename Key>
  const Key* As() const {
    const auto* const* pointer = std::get_if<const Key*>(&key_);
    return pointer == nullptr ? nullptr : *pointer;
  }

 private:
  std::variant<const Keys*...> key_;
};

// SecretBytes is a symmetric key (kty "oct").
using SigningKeyView =
    KeyView<crypto::P256PrivateKey, crypto::Ed25519PrivateKey, crypto::RsaPrivateKey, SecretBytes>;
using VerificationKeyView =
    KeyView<crypto::P256PublicKey, crypto::Ed25519PublicKey, crypto::RsaPublicKey, SecretBytes>;
using EncryptionKeyView =
    KeyView<crypto::P256PublicKey, crypto::X25519PublicKey, crypto::RsaPublicKey, SecretBytes>;
using DecryptionKeyView =
    KeyView<crypto::P256PrivateKey, crypto::X25519PrivateKey, crypto::RsaPrivateKey, SecretBytes>;

}  // namespace salus::jose
