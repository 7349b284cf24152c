// OcspRequest is what a client asks an OCSP responder: how certain certificates stand.
//
// Source: RFC 6960 section 4.1, RFC 5019 section 2.1. Responses of ours are signed beforehand, so
//         that a nonce is passed over (RFC 5019 section 4: their dates say how fresh they are), and
//         so is who signed the request. Deviation: an extension marked critical is refused.
// Shape:  one DER object of at most kMaxOcspRequestBytes, which re-encodes to the same bytes, of
//         version 1 (said or left out), of one certificate or more.
#pragma once

#include <cstddef>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

struct ocsp_cert_id_st;

namespace salus::pki {

inline constexpr std::size_t kMaxOcspRequestBytes = 16 * 1024;

// CertificateIdHash is what a CertificateId is made with. SHA-1 is what most clients take (RFC 5019
// section 2.1.1): the hashes only say who is meant, among issuers that sign with distinct keys, and
// nothing is trusted because of them.
enum class CertificateIdHash { kSha1, kSha256, kSha384, kSha512, kOther };

// CertificateId names a certificate by its issuer and serial number (CertID, RFC 6960 section
// 4.1.1). The issuer can't be told from it, only compared.
struct CertificateId {
  CertificateIdHash hash = CertificateIdHash::kOther;
  Bytes issuer_name_hash;
  Bytes issuer_key_hash;
  Bytes serial_number;  // as Certificate::serial_number

  friend bool operator==(const CertificateId&, const CertificateId&) = default;
};

class OcspRequest {
 public:
  // Errors: InvalidArgument when the bytes are not exactly one request, or too many; when it is of
  // another version, asks for nothing, has a hash of the wrong length or a negative serial number,
  // or wants an extension understood.
  static Result<OcspRequest> FromDer(ByteSpan der);

  // certificates has one element at least, in the request's order.
  const std::vector<CertificateId>& certificates() const { return certificates_; }

 private:
  OcspRequest() = default;

  std::vector<CertificateId> certificates_;
};

// ReadCertificateId is for this module. Errors: InvalidArgument, as OcspRequest::FromDer.
Result<CertificateId> ReadCertificateId(ocsp_cert_id_st* id);

}  // namespace salus::pki
