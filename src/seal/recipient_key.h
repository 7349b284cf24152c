// Recipients from keys that were made for other uses too: certificates, JWKs, public keys in PEM.
#pragma once

#include <memory>
#include <span>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/pkcs8.h"
#include "jose/jwk.h"
#include "pki/certificate.h"
#include "seal/recipient.h"

namespace salus::seal {

// RecipientOf gives a P-256 key the stanza type salus/p256, an RSA key ssh-rsa, an X25519 key
// (which only a JWK holds) X25519.
//
// Errors: InvalidArgument, with the reason, when nothing may be sealed to the key: Ed25519, which
// only signs; a JWK that says so, or that is private or symmetric.
Result<std::unique_ptr<Recipient>> RecipientOf(const crypto::PublicKey& key);
Result<std::unique_ptr<Recipient>> RecipientOf(const jose::Jwk& jwk);

// RecipientOf a Salus certificate is its encryption key, of any other its subject's key. Who issued
// it is not looked at: whoever names a certificate as a recipient trusts it.
//
// Errors: InvalidArgument when now is outside of its validity (with the date), keyUsage allows no
// encryption, or the key is of another type.
Result<std::unique_ptr<Recipient>> RecipientOf(const pki::Certificate& certificate, Timestamp now);

// RecipientsOf a file of certificates: the one, or all that are no authorities', so that a chain
// stands for its first.
//
// Errors: as above, for any of them; InvalidArgument when all are authorities'.
Result<Recipients> RecipientsOf(std::span<const pki::Certificate> certificates, Timestamp now);

// RecipientsOf a set: its keys that may encrypt.
//
// Errors: InvalidArgument when it has none, or a private one.
Result<Recipients> RecipientsOf(const jose::JwkSet& set);

}  // namespace salus::seal
