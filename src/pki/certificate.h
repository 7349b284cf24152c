// Certificate is one X.509 certificate: its bytes, and what was read from them. Parsing says
// nothing about trust: that is ValidatePath (path.h).
//
// Source: RFC 5280 sections 4.1 and 4.2. Deviation: at most 64 KiB; the DER must be canonical.
// Shape:  DER, or PEM "CERTIFICATE" (RFC 7468).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/p256.h"
#include "crypto/pkcs8.h"
#include "crypto/sha256.h"
#include "pki/identity.h"

namespace salus::pki {

inline constexpr std::size_t kMaxCertificateBytes = 65'536;
inline constexpr std::size_t kMaxChainLength = 16;  // certificates in one PEM bundle

// The arc of Salus's own object identifiers is 2.25.<UUID as an integer> (ITU-T X.667), the UUID
// being f9f7dd18-5c79-42c0-bf48-8ad68a818f26; the encryption key's extension is its first child, a
// request's proof of that key the second.
inline constexpr char kEncryptionKeyOid[] = "2.25.332264752617119678298286052505968283430.1";
inline constexpr char kEncryptionKeyProofOid[] = "2.25.332264752617119678298286052505968283430.2";

// KeyPurpose is one of the bits of the keyUsage extension (RFC 5280 section 4.2.1.3).
enum class KeyPurpose { kDigitalSignature, kKeyEncipherment, kKeyAgreement };

class Certificate {
 public:
  // Errors: InvalidArgument when the bytes are not exactly one canonical DER certificate, or it is
  // too large.
  static Result<Certificate> FromDer(ByteSpan der);

  // Errors: InvalidArgument unless pem holds exactly one CERTIFICATE block and nothing else.
  static Result<Certificate> FromPem(std::string_view pem);

  // FromPemBundle reads 1 to kMaxChainLength certificates in the order of the text.
  static Result<std::vector<Certificate>> FromPemBundle(std::string_view pem);

  ByteSpan der() const { return der_; }
  std::string ToPem() const;

  // fingerprint is SHA-256 over the DER.
  const crypto::Hash32& fingerprint() const { return fingerprint_; }

  Timestamp not_before() const { return not_before_; }
  Timestamp not_after() const { return not_after_; }

  // serial_number is big-endian without leading zero bytes; empty stands for zero.
  const Bytes& serial_number() const { return serial_number_; }

  // subject and issuer are the names as one line of text (RFC 2253), for people to read only.
  const std::string& subject() const { return subject_; }
  const std::string& issuer() const { return issuer_; }

  bool is_authority() const { return is_authority_; }

  // allows says whether the key may serve the purpose: keyUsage has its bit, or is not there.
  bool allows(KeyPurpose purpose) const;

  // subject_public_key_info is DER, as crypto/pkcs8.h reads it.
  const Bytes& subject_public_key_info() const { return subject_public_key_info_; }

  // Errors: InvalidArgument when the key is of a kind or size that Salus refuses.
  Result<crypto::PublicKey> public_key() const;
  // Errors: FailedPrecondition when the key is no P-256 key.
  Result<crypto::P256PublicKey> p256_public_key() const;

  // identity reads the subject alternative name only, never the common name.
  //
  // Errors: VerificationFailed unless there is exactly one URI name, and it is a canonical
  // urn:salus: identity.
  Result<Identity> identity() const;

  const std::vector<std::string>& uri_names() const { return uri_names_; }
  const std::vector<std::string>& dns_names() const { return dns_names_; }
  // ip_names are 4 or 16 bytes each.
  const std::vector<Bytes>& ip_names() const { return ip_names_; }

  // encryption_key is the key that things are sealed to for this identity (docs/formats/
  // identity.md); empty when the certificate carries none.
  //
  // Errors: VerificationFailed when the extension is there but does not hold a P-256 key.
  Result<std::optional<crypto::P256PublicKey>> encryption_key() const;

  friend bool operator==(const Certificate& a, const Certificate& b) { return a.der_ == b.der_; }

 private:
  Certificate() = default;

  Bytes der_;
  crypto::Hash32 fingerprint_{};
  Timestamp not_before_;
  Timestamp not_after_;
  Bytes serial_number_;
  std::string subject_;
  std::string issuer_;
  bool is_authority_ = false;
  std::uint32_t key_usage_ = 0;  // OpenSSL's bits; all ones without the extension
  Bytes subject_public_key_info_;
  std::vector<std::string> uri_names_;
  std::vector<std::string> dns_names_;
  std::vector<Bytes> ip_names_;
  std::optional<Bytes> encryption_key_info_;  // the extension's value: a SubjectPublicKeyInfo
};

}  // namespace salus::pki
