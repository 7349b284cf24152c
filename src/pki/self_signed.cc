#include "pki/self_signed.h"

#include <openssl/x509.h>

#include "crypto/pkcs8.h"
#include "pki/certificate.h"
#include "pki/certificate_draft.h"
#include "pki/extensions.h"
#include "pki/openssl_handles.h"

namespace salus::pki {

namespace {

Result<AlternativeNames> NamesOf(const RequestSubject& subject) {
  AlternativeNames names;
  if (subject.identity) {
    TRY(std::string uri, subject.identity->ToUri());
    names.uris.push_back(std::move(uri));
  }
  names.dns = subject.dns_names;
  for (const std::string& ip : subject.ip_names) {
    TRY(Bytes bytes, ParseIpName(ip));
    names.ips.push_back(std::move(bytes));
  }
  if (names.empty() && subject.name.empty()) {
    return InvalidArgument("the request names nobody: give it a name or an id");
  }
  return names;
}

}  // namespace

Result<Certificate> SelfSign(const CertificationRequest& request, const crypto::P256PrivateKey& key,
                             const Validity& validity, RandomSource& random) {
  if (request.subject_public_key_info() != crypto::EncodePublicKeyDer(key.public_key())) {
    return InvalidArgument("the request is for another key");
  }
  if (validity.not_after <= validity.not_before) {
    return InvalidArgument("validity: ends before it begins");
  }
  TRY(const AlternativeNames names, NamesOf(request.subject()));
  TRY(KeyHandle own, ToOpenSslKey(key.Clone()));
  TRY(NameHandle subject, MakeCommonName(request.subject().name));
  TRY(X509Handle x509, StartCertificate(subject.get(), subject.get(), own.get(), validity, random));
  const bool is_server = !names.dns.empty() || !names.ips.empty();
  ExtensionList extensions;
  TRY_VOID(extensions.AddLeafConstraints());
  TRY_VOID(extensions.AddKeyUsage(KeyUsage::kDigitalSignature));
  TRY_VOID(extensions.AddExtendedKeyUsage(is_server ? Purpose::kServer : Purpose::kClient));
  TRY_VOID(extensions.AddSubjectKeyId(x509.get()));
  if (!names.empty()) {
    TRY_VOID(extensions.AddAlternativeNames(names, request.subject().name.empty()));
  }
  if (request.encryption_key()) TRY_VOID(extensions.AddEncryptionKey(*request.encryption_key()));
  TRY_VOID(extensions.AttachTo(x509.get()));
  TRY_VOID(Sign(x509.get(), own.get()));
  return Certificate::FromDer(DerOf(x509.get()));
}

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
