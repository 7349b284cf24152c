// SelfSignedCertificate is a certificate that vouches for nothing but itself, with its key: what a
// TLS server shows while it has no other, and what it answers a TLS-ALPN-01 challenge with; and
// what a person without an authority takes part in a sum with.
//
// Source: RFC 5280 section 4.1; the challenge's RFC 8737 section 3.
// Shape:  P-256, one DNS name; the challenge's has the critical acmeIdentifier extension.
#pragma once

#include <optional>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/sha256.h"
#include "pki/authority.h"
#include "pki/certificate.h"
#include "pki/certification_request.h"

namespace salus::pki {

// SelfSign certifies a request by the key that signed it, which key must be: for TLS clients, or,
// where the request names hosts, servers. Whoever believes it does so for its fingerprint.
//
// Errors: InvalidArgument when key is another's, when the request names neither a person nor an
// identity nor a host, or when validity ends before it begins.
Result<Certificate> SelfSign(const CertificationRequest& request, const crypto::P256PrivateKey& key,
                             const Validity& validity, RandomSource& random);

struct SelfSignedCertificate {
  std::string certificate_pem;
  SecretBytes private_key_pem;  // PKCS #8

  // Make draws a new key. acme_digest is the SHA-256 of a key authorization.
  //
  // Errors: InvalidArgument when dns_name is none, or validity ends before it begins.
  static Result<SelfSignedCertificate> Make(const std::string& dns_name, const Validity& validity,
                                            RandomSource& random,
                                            const std::optional<crypto::Hash32>& acme_digest = {});
};

}  // namespace salus::pki
