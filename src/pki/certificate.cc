#include "pki/certificate.h"

#include <openssl/bn.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "pki/extensions.h"
#include "pki/openssl_handles.h"
#include "pki/pem.h"

namespace salus::pki {
namespace {

constexpr std::string_view kLabel = "CERTIFICATE";

Bytes SerialOf(const X509* certificate) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  ByteSpan bytes{ASN1_STRING_get0_data(serial),
                 static_cast<std::size_t>(ASN1_STRING_length(serial))};
  while (!bytes.empty() && bytes.front() == 0) bytes = bytes.subspan(1);
  return ToBytes(bytes);
}

}  // namespace

Result<Certificate> Certificate::FromDer(ByteSpan der) {
  if (der.size() > kMaxCertificateBytes) {
    return InvalidArgument("certificate: larger than 64 KiB");
  }
  TRY(X509Handle x509, ParseX509(der));
  Certificate out;
  out.der_ = ToBytes(der);
  out.fingerprint_ = crypto::Sha256(der);
  TRY(out.not_before_, ReadTime(X509_get0_notBefore(x509.get())));
  TRY(out.not_after_, ReadTime(X509_get0_notAfter(x509.get())));
  out.serial_number_ = SerialOf(x509.get());
  out.subject_ = ReadName(X509_get_subject_name(x509.get()));
  out.issuer_ = ReadName(X509_get_issuer_name(x509.get()));
  // Anything that could pass for an authority, version 1 certificates and Netscape's bit included.
  out.is_authority_ =
      X509_check_ca(x509.get()) != 0 || (X509_get_extension_flags(x509.get()) & EXFLAG_CA) != 0;
  out.key_usage_ = X509_get_key_usage(x509.get());
  out.subject_public_key_info_ = SubjectPublicKeyInfoOf(x509.get());
  TRY(AlternativeNames names, ReadAlternativeNames(x509.get()));
  out.uri_names_ = std::move(names.uris);
  out.dns_names_ = std::move(names.dns);
  out.ip_names_ = std::move(names.ips);
  TRY(out.encryption_key_info_, ReadEncryptionKeyInfo(x509.get()));
  return out;
}

Result<Certificate> Certificate::FromPem(std::string_view pem) {
  TRY(std::vector<Bytes> blocks, PemDecode(kLabel, pem, 1));
  return FromDer(blocks.front());
}

Result<std::vector<Certificate>> Certificate::FromPemBundle(std::string_view pem) {
  TRY(std::vector<Bytes> blocks, PemDecode(kLabel, pem, kMaxChainLength));
  std::vector<Certificate> out;
  for (const Bytes& block : blocks) {
    TRY(Certificate certificate, FromDer(block));
    out.push_back(std::move(certificate));
  }
  return out;
}

std::string Certificate::ToPem() const { return PemEncode(kLabel, der_); }

bool Certificate::allows(KeyPurpose purpose) const {
  switch (purpose) {
    case KeyPurpose::kDigitalSignature:
      return (key_usage_ & KU_DIGITAL_SIGNATURE) != 0;
    case KeyPurpose::kKeyEncipherment:
      return (key_usage_ & KU_KEY_ENCIPHERMENT) != 0;
    case KeyPurpose::kKeyAgreement:
      return (key_usage_ & KU_KEY_AGREEMENT) != 0;
  }
  return false;
}

Result<crypto::PublicKey> Certificate::public_key() const {
  return crypto::DecodePublicKeyDer(subject_public_key_info_);
}

Result<crypto::P256PublicKey> Certificate::p256_public_key() const {
  auto key = public_key();
  if (key.has_value()) {
    if (auto* p256 = std::get_if<crypto::P256PublicKey>(&*key)) return *p256;
  }
  return FailedPrecondition("the certificate's key is not a P-256 key");
}

Result<Identity> Certificate::identity() const {
  if (uri_names_.size() != 1) {
    return VerificationFailed(
        "the certificate must name exactly one URI in its subject alternative name");
  }
  auto identity = Identity::Parse(uri_names_.front());
  if (!identity.has_value()) {
    return VerificationFailed("the certificate's URI: " + identity.error().message);
  }
  return *std::move(identity);
}

Result<std::optional<crypto::P256PublicKey>> Certificate::encryption_key() const {
  if (!encryption_key_info_.has_value()) return std::optional<crypto::P256PublicKey>();
  auto key = crypto::DecodePublicKeyDer(*encryption_key_info_);
  if (key.has_value()) {
    if (auto* p256 = std::get_if<crypto::P256PublicKey>(&*key)) {
      return std::optional<crypto::P256PublicKey>(*p256);
    }
  }
  return VerificationFailed("the certificate's encryption key is not a P-256 key");
}

}  // namespace salus::pki
