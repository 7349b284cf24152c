#include "seal/recipient_key.h"

#include <algorithm>

#include "codec/rfc3339.h"
#include "seal/p256_recipient.h"
#include "seal/ssh_recipient.h"
#include "seal/x25519_recipient.h"

namespace salus::seal {

namespace {

using jose::KeyManagement;

// Which of the algorithms a JWK is meant for does not matter here; that it is one of them does.
Result<jose::EncryptionKeyView> ForAnyEncryption(const jose::Jwk& jwk) {
  for (const KeyManagement algorithm :
       {KeyManagement::kEcdhEs, KeyManagement::kEcdhEsA128Kw, KeyManagement::kEcdhEsA256Kw,
        KeyManagement::kRsaOaep256, KeyManagement::kRsaOaep}) {
    auto view = jwk.ForEncrypting(algorithm);
    if (view) return view;
  }
  return InvalidArgument(
      "the JWK is not for encryption: nothing can be sealed to Ed25519, or where use, key_ops or "
      "alg say otherwise");
}

Error OnlySigns(std::string_view what) {
  return InvalidArgument(std::string(what) +
                         " is a signing key (Ed25519): nothing can be sealed to it");
}

Error NotAllowed(std::string_view bit) {
  return InvalidArgument("the certificate's keyUsage has no " + std::string(bit) +
                         ": its key is not for encryption");
}

bool IsOfSalus(const pki::Certificate& certificate) {
  return std::any_of(certificate.uri_names().begin(), certificate.uri_names().end(),
                     [](const std::string& name) { return name.starts_with("urn:salus:"); });
}

Result<std::unique_ptr<Recipient>> OfSubjectKey(const pki::Certificate& certificate) {
  auto key = certificate.public_key();
  if (!key) return InvalidArgument("the certificate's key: " + key.error().message);
  if (std::holds_alternative<crypto::Ed25519PublicKey>(*key)) {
    return OnlySigns("the certificate's key");
  }
  if (std::holds_alternative<crypto::RsaPublicKey>(*key) &&
      !certificate.allows(pki::KeyPurpose::kKeyEncipherment)) {
    return NotAllowed("keyEncipherment");
  }
  if (std::holds_alternative<crypto::P256PublicKey>(*key) &&
      !certificate.allows(pki::KeyPurpose::kKeyAgreement)) {
    return NotAllowed("keyAgreement");
  }
  return RecipientOf(*key);
}

}  // namespace

Result<std::unique_ptr<Recipient>> RecipientOf(const crypto::PublicKey& key) {
  if (const auto* p256 = std::get_if<crypto::P256PublicKey>(&key)) {
    return std::make_unique<P256Recipient>(*p256);
  }
  if (const auto* rsa = std::get_if<crypto::RsaPublicKey>(&key)) {
    return std::make_unique<SshRecipient>(SshPublicKey(*rsa));
  }
  return OnlySigns("the public key");
}

Result<std::unique_ptr<Recipient>> RecipientOf(const jose::Jwk& jwk) {
  if (jwk.is_private() || jwk.is_symmetric()) {
    return InvalidArgument(
        "the JWK is a secret key: give its public half, without \"d\" and \"k\"");
  }
  TRY(const jose::EncryptionKeyView key, ForAnyEncryption(jwk));
  if (const auto* x25519 = key.As<crypto::X25519PublicKey>()) {
    return std::make_unique<X25519Recipient>(*x25519);
  }
  if (const auto* p256 = key.As<crypto::P256PublicKey>()) return RecipientOf(*p256);
  return RecipientOf(*key.As<crypto::RsaPublicKey>());
}

Result<std::unique_ptr<Recipient>> RecipientOf(const pki::Certificate& certificate, Timestamp now) {
  if (now < certificate.not_before()) {
    return InvalidArgument("the certificate is valid from " +
                           codec::FormatRfc3339(certificate.not_before()) + " on only");
  }
  if (now > certificate.not_after()) {
    return InvalidArgument("the certificate expired at " +
                           codec::FormatRfc3339(certificate.not_after()) +
                           ": ask its holder for the new one");
  }
  if (!IsOfSalus(certificate)) return OfSubjectKey(certificate);
  auto key = certificate.encryption_key();
  if (!key) return InvalidArgument(key.error().message);
  if (!*key) {
    return InvalidArgument("the Salus certificate has no encryption key: it only signs");
  }
  return RecipientOf(**key);
}

Result<Recipients> RecipientsOf(std::span<const pki::Certificate> certificates, Timestamp now) {
  Recipients out;
  for (const pki::Certificate& certificate : certificates) {
    // openssl req -x509 calls every certificate an authority's, so that one alone is taken.
    if (certificates.size() > 1 && certificate.is_authority()) continue;
    TRY(std::unique_ptr<Recipient> recipient, RecipientOf(certificate, now));
    out.push_back(std::move(recipient));
  }
  if (out.empty()) return InvalidArgument("only certificates of authorities: give its holder's");
  return out;
}

Result<Recipients> RecipientsOf(const jose::JwkSet& set) {
  Recipients out;
  for (const jose::Jwk& jwk : set.keys()) {
    const bool is_secret = jwk.is_private() || jwk.is_symmetric();
    if (!is_secret && !ForAnyEncryption(jwk)) continue;
    TRY(std::unique_ptr<Recipient> recipient, RecipientOf(jwk));
    out.push_back(std::move(recipient));
  }
  if (out.empty()) return InvalidArgument("the JWK set has no key for encryption");
  return out;
}

}  // namespace salus::seal
