#include "pki/revocation_list.h"

#include <openssl/x509.h>

#include "pki/openssl_handles.h"
#include "pki/pem.h"

namespace salus::pki {
namespace {

constexpr std::string_view kLabel = "X509 CRL";

}  // namespace

Result<RevocationList> RevocationList::FromDer(ByteSpan der) {
  if (der.size() > kMaxRevocationListBytes) {
    return InvalidArgument("revocation list: larger than 16 MiB");
  }
  TRY(RevocationHandle crl, ParseX509RevocationList(der));
  RevocationList out;
  out.der_ = ToBytes(der);
  TRY(out.this_update_, ReadTime(X509_CRL_get0_lastUpdate(crl.get())));
  out.next_update_ = out.this_update_;
  if (const ASN1_TIME* next = X509_CRL_get0_nextUpdate(crl.get())) {
    TRY(out.next_update_, ReadTime(next));
  }
  const STACK_OF(X509_REVOKED)* revoked = X509_CRL_get_REVOKED(crl.get());
  int count = revoked == nullptr ? 0 : sk_X509_REVOKED_num(revoked);
  out.revoked_count_ = count > 0 ? static_cast<std::size_t>(count) : 0;
  return out;
}

Result<RevocationList> RevocationList::FromPem(std::string_view pem) {
  TRY(std::vector<Bytes> blocks, PemDecode(kLabel, pem, 1));
  return FromDer(blocks.front());
}

std::string RevocationList::ToPem() const { return PemEncode(kLabel, der_); }

}  // namespace salus::pki
