#include "pki/certificate_draft.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/x509.h>

namespace salus::pki {
namespace {

constexpr int kSerialBytes = 20;  // the most that RFC 5280 section 4.1.2.2 allows

}  // namespace

Result<X509Handle> StartCertificate(const X509_NAME* subject, const X509_NAME* issuer,
                                    EVP_PKEY* key, const Validity& validity, RandomSource& random) {
  auto serial = random.Array<kSerialBytes>();
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7f) | 0x40);  // positive, always 20 bytes
  std::unique_ptr<BIGNUM, decltype([](BIGNUM* p) { BN_free(p); })> number(
      BN_bin2bn(serial.data(), kSerialBytes, nullptr));
  TRY(TimeHandle not_before, MakeTime(validity.not_before));
  TRY(TimeHandle not_after, MakeTime(validity.not_after));
  X509Handle out(X509_new());
  if (!out || !number || X509_set_version(out.get(), X509_VERSION_3) != 1 ||
      BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(out.get())) == nullptr ||
      X509_set_subject_name(out.get(), subject) != 1 ||
      X509_set_issuer_name(out.get(), issuer) != 1 || X509_set_pubkey(out.get(), key) != 1 ||
      X509_set1_notBefore(out.get(), not_before.get()) != 1 ||
      X509_set1_notAfter(out.get(), not_after.get()) != 1) {
    ERR_clear_error();
    return Internal("OpenSSL could not build a certificate");
  }
  return out;
}

}  // namespace salus::pki
