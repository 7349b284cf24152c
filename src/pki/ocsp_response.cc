#include "pki/ocsp_response.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>

#include "base/c_handle.h"
#include "base/check.h"

namespace salus::pki {
namespace {

using BasicHandle = CHandle<OCSP_BASICRESP, OCSP_BASICRESP_free>;
using ResponseHandle = CHandle<OCSP_RESPONSE, OCSP_RESPONSE_free>;
using IdHandle = CHandle<OCSP_CERTID, OCSP_CERTID_free>;

Error OpenSslFailed() {
  ERR_clear_error();
  return Internal("OpenSSL could not build an OCSP response");
}

const EVP_MD* DigestOf(CertificateIdHash hash) {
  switch (hash) {
    case CertificateIdHash::kSha1:
      return EVP_sha1();
    case CertificateIdHash::kSha256:
      return EVP_sha256();
    case CertificateIdHash::kSha384:
      return EVP_sha384();
    case CertificateIdHash::kSha512:
      return EVP_sha512();
    case CertificateIdHash::kOther:
      break;
  }
  return nullptr;
}

Bytes DerOf(const OCSP_RESPONSE* response) {
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_RESPONSE(const_cast<OCSP_RESPONSE*>(response), &der);
  CHECK(size > 0);
  Bytes out(der, der + size);
  OPENSSL_free(der);
  return out;
}

Result<void> CheckProfile(const X509* issuer, const X509* certificate,
                          const OcspStatusProfile& profile) {
  if (profile.next_update <= profile.this_update) {
    return InvalidArgument("OCSP response: the next update is not after this one");
  }
  if (profile.hash == CertificateIdHash::kOther) {
    return InvalidArgument("OCSP response: no hash is named");
  }
  // A signed "good" about a certificate of somebody else's would be a lie.
  const bool is_ours =
      X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(issuer)) == 0 &&
      X509_verify(const_cast<X509*>(certificate), X509_get0_pubkey(issuer)) == 1;
  ERR_clear_error();
  if (!is_ours) return InvalidArgument("OCSP response: the certificate is not of this authority");
  return {};
}

Result<void> AddStatus(OCSP_BASICRESP* basic, OCSP_CERTID* id, const OcspStatusProfile& profile) {
  TRY(const TimeHandle this_update, MakeTime(profile.this_update));
  TRY(const TimeHandle next_update, MakeTime(profile.next_update));
  TimeHandle revoked_at;
  int status = V_OCSP_CERTSTATUS_GOOD;
  int reason = OCSP_REVOKED_STATUS_NOSTATUS;
  if (profile.revoked.has_value()) {
    TRY(revoked_at, MakeTime(profile.revoked->revoked_at));
    status = V_OCSP_CERTSTATUS_REVOKED;
    // RFC 5280 section 5.3.1: unspecified is left out, not said.
    if (profile.revoked->reason != RevocationReason::kUnspecified) {
      reason = static_cast<int>(profile.revoked->reason);
    }
  }
  if (OCSP_basic_add1_status(basic, id, status, reason, revoked_at.get(), this_update.get(),
                             next_update.get()) == nullptr) {
    return OpenSslFailed();
  }
  return {};
}

// OpenSSL would write its own clock's time; what it hands out is a part of basic, which is ours.
Result<void> SetProducedAt(OCSP_BASICRESP* basic, Timestamp time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  auto* const field = const_cast<ASN1_GENERALIZEDTIME*>(OCSP_resp_get0_produced_at(basic));
  if (ASN1_GENERALIZEDTIME_set(field, seconds) == nullptr) return OpenSslFailed();
  return {};
}

}  // namespace

Bytes OcspFailureDer(OcspFailure failure) {
  const ResponseHandle response(OCSP_response_create(static_cast<int>(failure), nullptr));
  CHECK(response != nullptr);
  return DerOf(response.get());
}

Result<OcspStatus> SignOcspStatus(const X509* issuer, EVP_PKEY* key, const X509* certificate,
                                  const OcspStatusProfile& profile) {
  TRY_VOID(CheckProfile(issuer, certificate, profile));
  const IdHandle id(OCSP_cert_to_id(DigestOf(profile.hash), certificate, issuer));
  const BasicHandle basic(OCSP_BASICRESP_new());
  if (!id || !basic) return OpenSslFailed();
  TRY_VOID(AddStatus(basic.get(), id.get(), profile));
  TRY_VOID(SetProducedAt(basic.get(), profile.produced_at));
  // The signer is the issuer, whose certificate the client has.
  constexpr unsigned long kFlags = OCSP_NOCERTS | OCSP_NOTIME | OCSP_RESPID_KEY;
  const EVP_MD* const digest =
      EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
  if (OCSP_basic_sign(basic.get(), const_cast<X509*>(issuer), key, digest, nullptr, kFlags) != 1) {
    return OpenSslFailed();
  }
  const ResponseHandle response(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
  if (!response) return OpenSslFailed();
  OcspStatus out;
  TRY(out.id, ReadCertificateId(id.get()));
  out.response_der = DerOf(response.get());
  return out;
}

}  // namespace salus::pki
