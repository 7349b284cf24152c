// OcspStatus is one certificate's state as an authority signs it for an OCSP responder, once for
// many clients: whoever answers with it needs no key.
//
// Source: RFC 6960 section 4.2, as RFC 5019 section 2.2 narrows it: basic responses of one
//         certificate, signed by the authority that issued it, which is named by its key.
// Shape:  DER, about 250 bytes.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "pki/ocsp_request.h"
#include "pki/openssl_handles.h"
#include "pki/revocation_list.h"

namespace salus::pki {

struct OcspRevocation {
  Timestamp revoked_at{};
  RevocationReason reason = RevocationReason::kUnspecified;
};

// OcspStatusProfile is what a response says; times are cut to whole seconds.
struct OcspStatusProfile {
  // A client finds itself answered only by the hash that it asked with.
  CertificateIdHash hash = CertificateIdHash::kSha1;
  Timestamp produced_at{};
  Timestamp this_update{};  // when this was known to be so
  Timestamp next_update{};
  std::optional<OcspRevocation> revoked = {};  // empty: good
};

struct OcspStatus {
  CertificateId id;
  Bytes response_der;
};

// OcspFailure is an answer that needs no signature. kUnauthorized: nothing is known here of what
// was asked (RFC 5019 section 2.2.3).
enum class OcspFailure { kMalformedRequest = 1, kTryLater = 3, kUnauthorized = 6 };

// OcspFailureDer is the whole response.
Bytes OcspFailureDer(OcspFailure failure);

// SignOcspStatus is for authority.cc: issuer issued certificate, and key is its key.
//
// Errors: InvalidArgument when issuer did not sign certificate, the profile's times are not in
// order, or its hash is kOther.
Result<OcspStatus> SignOcspStatus(const x509_st* issuer, evp_pkey_st* key,
                                  const x509_st* certificate, const OcspStatusProfile& profile);

}  // namespace salus::pki
