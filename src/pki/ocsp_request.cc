#include "pki/ocsp_request.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>

#include <array>
#include <memory>

#include "base/c_handle.h"

namespace salus::pki {
namespace {

using OcspRequestHandle = CHandle<OCSP_REQUEST, OCSP_REQUEST_free>;

Error Malformed(const char* what) {
  ERR_clear_error();
  return InvalidArgument(std::string("OCSP request: ") + what);
}

ByteSpan ViewOf(const ASN1_STRING* string) {
  return {ASN1_STRING_get0_data(string), static_cast<std::size_t>(ASN1_STRING_length(string))};
}

CertificateIdHash HashOf(const ASN1_OBJECT* algorithm) {
  switch (OBJ_obj2nid(algorithm)) {
    case NID_sha1:
      return CertificateIdHash::kSha1;
    case NID_sha256:
      return CertificateIdHash::kSha256;
    case NID_sha384:
      return CertificateIdHash::kSha384;
    case NID_sha512:
      return CertificateIdHash::kSha512;
    default:
      return CertificateIdHash::kOther;
  }
}

// 0: any.
std::size_t SizeOf(CertificateIdHash hash) {
  switch (hash) {
    case CertificateIdHash::kSha1:
      return 20;
    case CertificateIdHash::kSha256:
      return 32;
    case CertificateIdHash::kSha384:
      return 48;
    case CertificateIdHash::kSha512:
      return 64;
    case CertificateIdHash::kOther:
      break;
  }
  return 0;
}

bool IsCanonical(OCSP_REQUEST* request, ByteSpan der) {
  unsigned char* raw = nullptr;
  const int size = i2d_OCSP_REQUEST(request, &raw);
  const std::unique_ptr<unsigned char, decltype([](unsigned char* p) { OPENSSL_free(p); })> owned(
      raw);
  return size >= 0 && Equal(der, {raw, static_cast<std::size_t>(size)});
}

// OpenSSL tells nobody the version, which stands first in the TBSRequest. der is canonical. Some
// say it though it is the default.
bool IsVersion1(ByteSpan der) {
  const unsigned char* at = der.data();
  const unsigned char* const end = at + der.size();
  for (int depth = 0; depth < 2; ++depth) {  // into OCSPRequest, and into its TBSRequest
    long length = 0;
    int tag = 0;
    int tag_class = 0;
    ASN1_get_object(&at, &length, &tag, &tag_class, static_cast<long>(end - at));
  }
  constexpr std::array<std::uint8_t, 5> kSaid = {0xa0, 3, 2, 1, 0};
  const ByteSpan rest(at, end);
  if (rest.empty() || rest.front() != kSaid.front()) return true;
  return rest.size() >= kSaid.size() && Equal(rest.first(kSaid.size()), kSaid);
}

}  // namespace

Result<CertificateId> ReadCertificateId(OCSP_CERTID* id) {
  ASN1_OCTET_STRING* name_hash = nullptr;
  ASN1_OCTET_STRING* key_hash = nullptr;
  ASN1_OBJECT* algorithm = nullptr;
  ASN1_INTEGER* serial = nullptr;
  if (OCSP_id_get0_info(&name_hash, &algorithm, &key_hash, &serial, id) != 1) {
    return Malformed("a certificate's id can't be read");
  }
  if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER) {
    return Malformed("a serial number is negative");
  }
  CertificateId out;
  out.hash = HashOf(algorithm);
  out.issuer_name_hash = ToBytes(ViewOf(name_hash));
  out.issuer_key_hash = ToBytes(ViewOf(key_hash));
  const std::size_t size = SizeOf(out.hash);
  if (size != 0 && (out.issuer_name_hash.size() != size || out.issuer_key_hash.size() != size)) {
    return Malformed("a hash is not as long as its algorithm makes it");
  }
  ByteSpan number = ViewOf(serial);
  while (!number.empty() && number.front() == 0) number = number.subspan(1);
  out.serial_number = ToBytes(number);
  return out;
}

Result<OcspRequest> OcspRequest::FromDer(ByteSpan der) {
  if (der.size() > kMaxOcspRequestBytes) return Malformed("larger than 16 KiB");
  const unsigned char* at = der.data();
  const OcspRequestHandle request(d2i_OCSP_REQUEST(nullptr, &at, static_cast<long>(der.size())));
  if (!request || at != der.data() + der.size()) return Malformed("not exactly one DER object");
  if (!IsCanonical(request.get(), der)) return Malformed("not canonical DER");
  if (!IsVersion1(der)) return Malformed("its version is not 1");
  constexpr int kCritical = 1;
  if (OCSP_REQUEST_get_ext_by_critical(request.get(), kCritical, -1) >= 0) {
    return Malformed("an extension that it calls critical is not known here");
  }
  const int count = OCSP_request_onereq_count(request.get());
  if (count < 1) return Malformed("it asks for no certificate");
  OcspRequest out;
  for (int i = 0; i < count; ++i) {
    OCSP_ONEREQ* const one = OCSP_request_onereq_get0(request.get(), i);
    if (OCSP_ONEREQ_get_ext_by_critical(one, kCritical, -1) >= 0) {
      return Malformed("an extension that it calls critical is not known here");
    }
    TRY(CertificateId id, ReadCertificateId(OCSP_onereq_get0_id(one)));
    out.certificates_.push_back(std::move(id));
  }
  return out;
}

}  // namespace salus::pki
