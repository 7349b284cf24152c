// CertifiedKey is the encryption key that a registrar names for somebody: by certificate, or bare.
#pragma once

#include <optional>
#include <string>

#include "api/service.h"
#include "base/result.h"
#include "codec/json.h"
#include "crypto/p256.h"
#include "pki/identity.h"

namespace salus::api {

struct CertifiedKey {
  std::optional<crypto::P256PublicKey> key;
  std::string certificate_fingerprint;  // hex SHA-256, empty without a certificate
  std::string id;                       // of the certificate's identity, empty without one
};

// ReadCertifiedKey reads the member "certificate" (PEM, leaf first) or "key" (JWK), or neither. The
// certificate must lead to this node's root, and be of the role under this node's origin.
//
// Errors: InvalidArgument, VerificationFailed.
Result<CertifiedKey> ReadCertifiedKey(Service& service, const codec::JsonObject& body,
                                      pki::Role role);

}  // namespace salus::api
