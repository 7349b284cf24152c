#include "pki/authority.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "codec/rfc3339.h"
#include "pki/certificate_draft.h"
#include "pki/directory_files.h"
#include "pki/extensions.h"
#include "pki/key_file.h"
#include "pki/openssl_handles.h"

namespace salus::pki {

// AuthorityKey is an authority as OpenSSL wants it.
struct AuthorityKey {
  KeyHandle key;
  X509Handle certificate;
};

namespace {

constexpr char kKeyFile[] = "authority.key";
constexpr char kCertificateFile[] = "certificate.pem";
constexpr char kRootFile[] = "root.pem";
constexpr char kRequestFile[] = "request.pem";
constexpr int kSerialBytes = 20;  // the most that RFC 5280 section 4.1.2.2 allows

Error OpenSslFailed() {
  ERR_clear_error();
  return Internal("OpenSSL could not build a certificate");
}

Result<void> CheckValidity(const Validity& validity) {
  if (validity.not_after <= validity.not_before) {
    return InvalidArgument("validity: ends before it begins");
  }
  return {};
}

Result<void> CheckInside(const Validity& inner, const Certificate& issuer) {
  using std::chrono::floor;
  using std::chrono::seconds;
  TRY_VOID(CheckValidity(inner));
  if (floor<seconds>(inner.not_before) < issuer.not_before() ||
      floor<seconds>(inner.not_after) > issuer.not_after()) {
    return InvalidArgument("validity: is not inside the issuer's own, " +
                           codec::FormatRfc3339(issuer.not_before()) + " to " +
                           codec::FormatRfc3339(issuer.not_after()));
  }
  return {};
}

// BuildAuthority makes an authority's certificate. Without an issuer it signs itself.
Result<Certificate> BuildAuthority(const AuthorityProfile& profile, EVP_PKEY* key,
                                   const AuthorityKey* issuer, EVP_PKEY* signer,
                                   RandomSource& random) {
  if (profile.name.empty()) return InvalidArgument("an authority needs a name");
  TRY_VOID(CheckValidity(profile.validity));
  TRY(NameHandle name, MakeCommonName(profile.name));
  const X509_NAME* issuer_name =
      issuer != nullptr ? X509_get_subject_name(issuer->certificate.get()) : name.get();
  // A name equal to the issuer's would make it self-issued, which path lengths do not count.
  if (issuer != nullptr && X509_NAME_cmp(name.get(), issuer_name) == 0) {
    return InvalidArgument("an authority needs another name than its issuer's");
  }
  TRY(X509Handle x509, StartCertificate(name.get(), issuer_name, key, profile.validity, random));
  ExtensionList extensions;
  TRY_VOID(
      extensions.AddAuthorityConstraints(issuer != nullptr ? std::optional<int>(0) : std::nullopt));
  TRY_VOID(extensions.AddKeyUsage(issuer != nullptr ? KeyUsage::kIssuingAuthority
                                                    : KeyUsage::kRootAuthority));
  TRY_VOID(extensions.AddSubjectKeyId(x509.get()));
  if (issuer != nullptr) TRY_VOID(extensions.AddAuthorityKeyId(issuer->certificate.get()));
  if (!profile.permitted_dns_names.empty()) {
    TRY_VOID(extensions.AddPermittedDnsNames(profile.permitted_dns_names));
  }
  TRY_VOID(extensions.AttachTo(x509.get()));
  TRY_VOID(Sign(x509.get(), signer));
  return Certificate::FromDer(DerOf(x509.get()));
}

Result<std::unique_ptr<AuthorityKey>> MakeAuthorityKey(KeyHandle key,
                                                       const Certificate& certificate) {
  TRY(X509Handle x509, ParseX509(certificate.der()));
  if (X509_check_private_key(x509.get(), key.get()) != 1) {
    ERR_clear_error();
    return Corruption("authority.key does not belong to certificate.pem");
  }
  if (!certificate.is_authority()) return Corruption("certificate.pem is not an authority's");
  auto out = std::make_unique<AuthorityKey>();
  out->key = std::move(key);
  out->certificate = std::move(x509);
  return out;
}

Result<Certificate> ReadCertificateFile(const std::filesystem::path& path) {
  TRY(std::string pem, ReadPublicFile(path));
  auto certificate = Certificate::FromPem(pem);
  if (!certificate.has_value()) {
    return std::move(certificate).error().WithContext(path.filename().string());
  }
  return certificate;
}

Result<void> AddRevoked(X509_CRL* crl, const RevokedCertificate& revoked) {
  if (revoked.serial_number.empty() || revoked.serial_number.size() > kSerialBytes) {
    return InvalidArgument("revocation: a serial number is 1 to 20 bytes");
  }
  std::unique_ptr<BIGNUM, decltype([](BIGNUM* p) { BN_free(p); })> number(BN_bin2bn(
      revoked.serial_number.data(), static_cast<int>(revoked.serial_number.size()), nullptr));
  std::unique_ptr<ASN1_INTEGER, HandleFree> serial(BN_to_ASN1_INTEGER(number.get(), nullptr));
  TRY(TimeHandle when, MakeTime(revoked.revoked_at));
  std::unique_ptr<X509_REVOKED, decltype([](X509_REVOKED* p) { X509_REVOKED_free(p); })> entry(
      X509_REVOKED_new());
  if (!entry || !serial || X509_REVOKED_set_serialNumber(entry.get(), serial.get()) != 1 ||
      X509_REVOKED_set_revocationDate(entry.get(), when.get()) != 1) {
    return OpenSslFailed();
  }
  if (revoked.reason != RevocationReason::kUnspecified) {
    std::unique_ptr<ASN1_ENUMERATED, HandleFree> reason(ASN1_ENUMERATED_new());
    if (!reason || ASN1_ENUMERATED_set(reason.get(), static_cast<long>(revoked.reason)) != 1 ||
        X509_REVOKED_add1_ext_i2d(entry.get(), NID_crl_reason, reason.get(), 0, 0) != 1) {
      return OpenSslFailed();
    }
  }
  if (X509_CRL_add0_revoked(crl, entry.get()) != 1) return OpenSslFailed();
  (void)entry.release();  // the list owns it
  return {};
}

Result<RevocationList> BuildRevocationList(const AuthorityKey& authority,
                                           const RevocationProfile& profile) {
  if (profile.next_update <= profile.this_update) {
    return InvalidArgument("revocation list: the next update is not after this one");
  }
  TRY(TimeHandle this_update, MakeTime(profile.this_update));
  TRY(TimeHandle next_update, MakeTime(profile.next_update));
  std::unique_ptr<ASN1_INTEGER, HandleFree> number(ASN1_INTEGER_new());
  std::unique_ptr<AUTHORITY_KEYID, decltype([](AUTHORITY_KEYID* p) { AUTHORITY_KEYID_free(p); })>
      key_id(AUTHORITY_KEYID_new());
  RevocationHandle crl(X509_CRL_new());
  if (!crl || !number || !key_id || ASN1_INTEGER_set_uint64(number.get(), profile.number) != 1 ||
      X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2) != 1 ||
      X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(authority.certificate.get())) !=
          1 ||
      X509_CRL_set1_lastUpdate(crl.get(), this_update.get()) != 1 ||
      X509_CRL_set1_nextUpdate(crl.get(), next_update.get()) != 1 ||
      X509_CRL_add1_ext_i2d(crl.get(), NID_crl_number, number.get(), 0, 0) != 1) {
    return OpenSslFailed();
  }
  key_id->keyid = ASN1_OCTET_STRING_dup(X509_get0_subject_key_id(authority.certificate.get()));
  if (X509_CRL_add1_ext_i2d(crl.get(), NID_authority_key_identifier, key_id.get(), 0, 0) != 1) {
    return OpenSslFailed();
  }
  for (const RevokedCertificate& revoked : profile.revoked) {
    TRY_VOID(AddRevoked(crl.get(), revoked));
  }
  X509_CRL_sort(crl.get());
  TRY_VOID(Sign(crl.get(), authority.key.get()));
  return RevocationList::FromDer(DerOf(crl.get()));
}

Result<AlternativeNames> CheckIssueProfile(const CertificationRequest& request,
                                           const IssueProfile& profile,
                                           const Certificate& authority) {
  TRY_VOID(CheckInside(profile.validity, authority));
  const auto& wished = request.subject().identity;
  if (wished.has_value() && *wished != profile.identity) {
    return InvalidArgument("the request asks for another identity than the one to be certified");
  }
  const Role role = profile.identity.role;
  if (NeedsEncryptionKey(role) && !request.encryption_key().has_value()) {
    return InvalidArgument("the request holds no encryption key, which a " +
                           std::string(RoleName(role)) + " needs");
  }
  // A key is public: who is certified with somebody else's would be taken for them.
  if (request.encryption_key().has_value() && !request.proves_encryption_key()) {
    return InvalidArgument(
        "the request does not prove that its sender holds the encryption key: make it anew with "
        "`salus identity new`");
  }
  AlternativeNames names;
  TRY(std::string uri, profile.identity.ToUri());
  names.uris.push_back(std::move(uri));
  const bool has_host_names = !profile.dns_names.empty() || !profile.ip_names.empty();
  if (profile.purpose == Purpose::kServer) {
    if (role != Role::kServer && role != Role::kWitness) {
      return InvalidArgument("only the roles server and witness get a certificate for servers");
    }
    if (!has_host_names) return InvalidArgument("a server's certificate needs a host name");
  } else if (has_host_names) {
    return InvalidArgument("host names are for certificates of servers");
  }
  for (const std::string& dns : profile.dns_names) {
    TRY_VOID(ValidateDnsName(dns));
    names.dns.push_back(dns);
  }
  for (const std::string& ip : profile.ip_names) {
    TRY(Bytes bytes, ParseIpName(ip));
    names.ips.push_back(std::move(bytes));
  }
  return names;
}

}  // namespace

RootAuthority::RootAuthority(std::unique_ptr<AuthorityKey> key, Certificate certificate)
    : key_(std::move(key)), certificate_(std::move(certificate)) {}
RootAuthority::RootAuthority(RootAuthority&&) noexcept = default;
RootAuthority& RootAuthority::operator=(RootAuthority&&) noexcept = default;
RootAuthority::~RootAuthority() = default;

Result<RootAuthority> RootAuthority::Create(const std::filesystem::path& directory,
                                            const AuthorityProfile& profile, RandomSource& random,
                                            const SecretBytes* passphrase) {
  crypto::PrivateKey secret = crypto::P256PrivateKey::Generate();
  TRY(KeyHandle key, ToOpenSslKey(secret));
  TRY(Certificate certificate, BuildAuthority(profile, key.get(), nullptr, key.get(), random));
  TRY_VOID(CreatePrivateDirectory(directory));
  TRY_VOID(WritePrivateKeyFile(directory / kKeyFile, secret, passphrase));
  TRY_VOID(ReplacePublicFile(directory / kCertificateFile, certificate.ToPem()));
  TRY(auto authority, MakeAuthorityKey(std::move(key), certificate));
  return RootAuthority(std::move(authority), std::move(certificate));
}

Result<RootAuthority> RootAuthority::Open(const std::filesystem::path& directory,
                                          const SecretBytes* passphrase) {
  TRY(Certificate certificate, ReadCertificateFile(directory / kCertificateFile));
  TRY(crypto::PrivateKey secret, ReadPrivateKeyFile(directory / kKeyFile, passphrase));
  TRY(KeyHandle key, ToOpenSslKey(secret));
  TRY(auto authority, MakeAuthorityKey(std::move(key), certificate));
  return RootAuthority(std::move(authority), std::move(certificate));
}

Result<Certificate> RootAuthority::CertifyAuthority(const CertificationRequest& request,
                                                    const AuthorityProfile& profile,
                                                    RandomSource& random) const {
  TRY_VOID(CheckInside(profile.validity, certificate_));
  TRY(KeyHandle key, ToOpenSslPublicKey(request.subject_public_key_info()));
  return BuildAuthority(profile, key.get(), key_.get(), key_->key.get(), random);
}

Result<RevocationList> RootAuthority::Revoke(const RevocationProfile& profile) const {
  return BuildRevocationList(*key_, profile);
}

IssuingAuthority::IssuingAuthority(std::unique_ptr<AuthorityKey> key, Certificate certificate,
                                   Certificate root)
    : key_(std::move(key)), certificate_(std::move(certificate)), root_(std::move(root)) {}
IssuingAuthority::IssuingAuthority(IssuingAuthority&&) noexcept = default;
IssuingAuthority& IssuingAuthority::operator=(IssuingAuthority&&) noexcept = default;
IssuingAuthority::~IssuingAuthority() = default;

Result<IssuingAuthority> IssuingAuthority::Create(const std::filesystem::path& directory,
                                                  const RootAuthority& root,
                                                  const AuthorityProfile& profile,
                                                  RandomSource& random,
                                                  const SecretBytes* passphrase) {
  crypto::PrivateKey secret = crypto::P256PrivateKey::Generate();
  TRY(auto request, CertificationRequest::Create({.name = profile.name}, secret, nullptr));
  TRY(Certificate certificate, root.CertifyAuthority(request, profile, random));
  TRY_VOID(CreatePrivateDirectory(directory));
  TRY_VOID(WritePrivateKeyFile(directory / kKeyFile, secret, passphrase));
  return Install(directory, certificate, root.certificate(), passphrase);
}

Result<CertificationRequest> IssuingAuthority::Prepare(const std::filesystem::path& directory,
                                                       const std::string& name,
                                                       const SecretBytes* passphrase) {
  crypto::PrivateKey secret = crypto::P256PrivateKey::Generate();
  TRY(auto request, CertificationRequest::Create({.name = name}, secret, nullptr));
  TRY_VOID(CreatePrivateDirectory(directory));
  TRY_VOID(WritePrivateKeyFile(directory / kKeyFile, secret, passphrase));
  TRY_VOID(ReplacePublicFile(directory / kRequestFile, request.ToPem()));
  return request;
}

Result<IssuingAuthority> IssuingAuthority::Install(const std::filesystem::path& directory,
                                                   const Certificate& certificate,
                                                   const Certificate& root,
                                                   const SecretBytes* passphrase) {
  TRY(IssuingAuthority authority, Assemble(directory, certificate, root, passphrase));
  TRY_VOID(ReplacePublicFile(directory / kRootFile, root.ToPem()));
  TRY_VOID(ReplacePublicFile(directory / kCertificateFile, certificate.ToPem()));
  return authority;
}

Result<IssuingAuthority> IssuingAuthority::Assemble(const std::filesystem::path& directory,
                                                    const Certificate& certificate,
                                                    const Certificate& root,
                                                    const SecretBytes* passphrase) {
  TRY(X509Handle root_x509, ParseX509(root.der()));
  TRY(X509Handle own_x509, ParseX509(certificate.der()));
  if (!root.is_authority() || X509_self_signed(root_x509.get(), /*verify_signature=*/1) != 1 ||
      X509_verify(own_x509.get(), X509_get0_pubkey(root_x509.get())) != 1) {
    ERR_clear_error();
    return Corruption("the authority's certificate was not issued by the root beside it");
  }
  TRY(crypto::PrivateKey secret, ReadPrivateKeyFile(directory / kKeyFile, passphrase));
  TRY(KeyHandle key, ToOpenSslKey(secret));
  TRY(auto authority, MakeAuthorityKey(std::move(key), certificate));
  return IssuingAuthority(std::move(authority), certificate, root);
}

Result<IssuingAuthority> IssuingAuthority::Open(const std::filesystem::path& directory,
                                                const SecretBytes* passphrase) {
  TRY(Certificate certificate, ReadCertificateFile(directory / kCertificateFile));
  TRY(Certificate root, ReadCertificateFile(directory / kRootFile));
  return Assemble(directory, certificate, root, passphrase);
}

Result<Certificate> IssuingAuthority::Issue(const CertificationRequest& request,
                                            const IssueProfile& profile, RandomSource& random,
                                            IssuanceLog& log) const {
  TRY(AlternativeNames names, CheckIssueProfile(request, profile, certificate_));
  TRY(NameHandle subject, MakeCommonName(profile.name));
  TRY(KeyHandle key, ToOpenSslPublicKey(request.subject_public_key_info()));
  TRY(X509Handle x509,
      StartCertificate(subject.get(), X509_get_subject_name(key_->certificate.get()), key.get(),
                       profile.validity, random));
  ExtensionList extensions;
  TRY_VOID(extensions.AddLeafConstraints());
  TRY_VOID(extensions.AddKeyUsage(KeyUsage::kDigitalSignature));
  TRY_VOID(extensions.AddExtendedKeyUsage(profile.purpose));
  TRY_VOID(extensions.AddSubjectKeyId(x509.get()));
  TRY_VOID(extensions.AddAuthorityKeyId(key_->certificate.get()));
  // With an empty subject the names must be critical (RFC 5280 section 4.1.2.6).
  TRY_VOID(extensions.AddAlternativeNames(names, profile.name.empty()));
  if (!profile.revocation_list_urls.empty()) {
    TRY_VOID(extensions.AddRevocationListUrls(profile.revocation_list_urls));
  }
  if (!profile.ocsp_urls.empty()) TRY_VOID(extensions.AddOcspUrls(profile.ocsp_urls));
  if (request.encryption_key().has_value()) {
    TRY_VOID(extensions.AddEncryptionKey(*request.encryption_key()));
  }
  TRY_VOID(extensions.AttachTo(x509.get()));
  TRY_VOID(Sign(x509.get(), key_->key.get()));
  TRY(Certificate certificate, Certificate::FromDer(DerOf(x509.get())));
  TRY_VOID(
      log.Record(certificate.fingerprint(), profile.identity, IsPerson(profile.identity.role)));
  return certificate;
}

Result<RevocationList> IssuingAuthority::Revoke(const RevocationProfile& profile) const {
  return BuildRevocationList(*key_, profile);
}

Result<OcspStatus> IssuingAuthority::SignStatus(const Certificate& certificate,
                                                const OcspStatusProfile& profile) const {
  TRY(const X509Handle x509, ParseX509(certificate.der()));
  return SignOcspStatus(key_->certificate.get(), key_->key.get(), x509.get(), profile);
}

}  // namespace salus::pki
