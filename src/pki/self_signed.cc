#include "pki/self_signed.h"

#include <openssl/x509.h>

#include "crypto/pkcs8.h"
#include "pki/certificate.h"
#include "pki/certificate_draft.h"
#include "pki/extensions.h"
#include "pki/openssl_handles.h"

namespace salus::pki {

Result<SelfSignedCertificate> SelfSignedCertificate::Make(
    const std::string& dns_name, const Validity& validity, RandomSource& random,
    const std::optional<crypto::Hash32>& acme_digest) {
  TRY_VOID(ValidateDnsName(dns_name));
  if (validity.not_after <= validity.not_before) {
    return InvalidArgument("validity: ends before it begins");
  }
  const crypto::PrivateKey secret = crypto::P256PrivateKey::Generate();
  TRY(KeyHandle key, ToOpenSslKey(secret));
  // The name stands in the extension, which has room for 253 characters; the subject has not.
  TRY(NameHandle subject, MakeCommonName(""));
  TRY(X509Handle x509, StartCertificate(subject.get(), subject.get(), key.get(), validity, random));
  ExtensionList extensions;
  TRY_VOID(extensions.AddAlternativeNames({{}, {dns_name}, {}}, /*is_critical=*/true));
  if (acme_digest) TRY_VOID(extensions.AddAcmeIdentifier(*acme_digest));
  TRY_VOID(extensions.AttachTo(x509.get()));
  TRY_VOID(Sign(x509.get(), key.get()));
  TRY(const Certificate certificate, Certificate::FromDer(DerOf(x509.get())));
  TRY(SecretBytes key_pem, crypto::EncodePrivateKeyPem(secret));
  return SelfSignedCertificate{certificate.ToPem(), std::move(key_pem)};
}

}  // namespace salus::pki
