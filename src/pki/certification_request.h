// CertificationRequest asks an authority for a certificate that binds two keys to one identity: the
// signing key, which signs the request, and the encryption key, which stands in an extension,
// beside a signature that it makes once, to prove that the sender holds it too.
//
// Source: PKCS #10, RFC 2986; proof of possession by signature, RFC 4211 section 4.1; extension
// request RFC 2985 section 5.4.2; docs/formats/identity.md. Shape:  DER of at most 64 KiB, or PEM
// "CERTIFICATE REQUEST" (RFC 7468).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/p256.h"
#include "crypto/pkcs8.h"
#include "pki/certificate.h"
#include "pki/identity.h"

namespace salus::pki {

// RequestSubject is what a request asks for; the authority decides what it gets.
struct RequestSubject {
  std::string name = {};  // common name, for people to read: 0 to 64 characters
  std::optional<Identity> identity = std::nullopt;
  std::vector<std::string> dns_names = {};
  std::vector<std::string> ip_names = {};  // text, "192.0.2.1" or "2001:db8::1"
};

class CertificationRequest {
 public:
  // encryption_key may be null. Errors: InvalidArgument when a part of subject is malformed.
  static Result<CertificationRequest> Create(const RequestSubject& subject,
                                             const crypto::PrivateKey& signing_key,
                                             const crypto::P256PrivateKey* encryption_key);

  // FromDer and FromPem also verify the request's own signature, so that whoever holds a
  // CertificationRequest knows that the sender has the signing key; and the encryption key's, where
  // there is one.
  //
  // Errors: InvalidArgument when it is not exactly one request, when a name or the encryption key
  // in it is malformed, or its key is not P-256, Ed25519 or RSA of at least 2048 bits;
  // VerificationFailed when a signature is wrong or uses SHA-1 or MD5.
  static Result<CertificationRequest> FromDer(ByteSpan der);
  static Result<CertificationRequest> FromPem(std::string_view pem);

  ByteSpan der() const { return der_; }
  std::string ToPem() const;

  // fingerprint is SHA-256 over the DER: what holder and operator compare out of band.
  crypto::Hash32 fingerprint() const;

  const RequestSubject& subject() const { return subject_; }
  const Bytes& subject_public_key_info() const { return subject_public_key_info_; }
  const std::optional<crypto::P256PublicKey>& encryption_key() const { return encryption_key_; }
  // proves_encryption_key says that whoever holds the signing key held the encryption key too.
  bool proves_encryption_key() const { return proves_encryption_key_; }

 private:
  CertificationRequest() = default;

  Bytes der_;
  RequestSubject subject_;
  Bytes subject_public_key_info_;
  std::optional<crypto::P256PublicKey> encryption_key_;
  bool proves_encryption_key_ = false;
};

}  // namespace salus::pki
