#include "pki/identity_directory.h"

#include "pki/directory_files.h"
#include "pki/key_file.h"
#include "pki/self_signed.h"

namespace salus::pki {
namespace {

constexpr char kSigningKeyFile[] = "sign.key";
constexpr char kEncryptionKeyFile[] = "encrypt.key";
constexpr char kRequestFile[] = "request.pem";
constexpr char kCertificateFile[] = "certificate.pem";
constexpr char kChainFile[] = "chain.pem";

Result<crypto::P256PrivateKey> ReadP256Key(const std::filesystem::path& path,
                                           const SecretBytes* passphrase) {
  auto key = ReadPrivateKeyFile(path, passphrase);
  if (!key.has_value()) return std::move(key).error().WithContext(path.filename().string());
  auto* p256 = std::get_if<crypto::P256PrivateKey>(&*key);
  if (p256 == nullptr) return Corruption(path.filename().string() + ": not a P-256 key");
  return std::move(*p256);
}

bool CarriesKeys(const Certificate& certificate, const crypto::P256PublicKey& signing,
                 const crypto::P256PublicKey& encryption) {
  auto signing_found = certificate.p256_public_key();
  auto encryption_found = certificate.encryption_key();
  return signing_found.has_value() && *signing_found == signing && encryption_found.has_value() &&
         encryption_found->has_value() && **encryption_found == encryption;
}

}  // namespace

IdentityDirectory::IdentityDirectory(std::filesystem::path path, crypto::P256PrivateKey signing_key,
                                     crypto::P256PrivateKey encryption_key,
                                     CertificationRequest request, std::vector<Certificate> chain)
    : path_(std::move(path)),
      signing_key_(std::move(signing_key)),
      encryption_key_(std::move(encryption_key)),
      request_(std::move(request)),
      chain_(std::move(chain)) {}

Result<IdentityDirectory> IdentityDirectory::Create(const std::filesystem::path& path,
                                                    const RequestSubject& subject,
                                                    const SecretBytes* passphrase) {
  crypto::PrivateKey signing = crypto::P256PrivateKey::Generate();
  crypto::PrivateKey encryption = crypto::P256PrivateKey::Generate();
  auto& signing_key = std::get<crypto::P256PrivateKey>(signing);
  auto& encryption_key = std::get<crypto::P256PrivateKey>(encryption);
  TRY(auto request, CertificationRequest::Create(subject, signing, &encryption_key));
  TRY_VOID(CreatePrivateDirectory(path));
  TRY_VOID(WritePrivateKeyFile(path / kSigningKeyFile, signing, passphrase));
  TRY_VOID(WritePrivateKeyFile(path / kEncryptionKeyFile, encryption, passphrase));
  TRY_VOID(ReplacePublicFile(path / kRequestFile, request.ToPem()));
  return IdentityDirectory(path, std::move(signing_key), std::move(encryption_key),
                           std::move(request), {});
}

Result<IdentityDirectory> IdentityDirectory::Open(const std::filesystem::path& path,
                                                  const SecretBytes* passphrase) {
  TRY(auto signing_key, ReadP256Key(path / kSigningKeyFile, passphrase));
  TRY(auto encryption_key, ReadP256Key(path / kEncryptionKeyFile, passphrase));
  TRY(std::string request_pem, ReadPublicFile(path / kRequestFile));
  TRY(auto request, CertificationRequest::FromPem(request_pem));
  if (request.encryption_key() != encryption_key.public_key() ||
      request.subject_public_key_info() != crypto::EncodePublicKeyDer(signing_key.public_key())) {
    return Corruption("request.pem does not carry the keys beside it");
  }
  // chain.pem is written first and holds the certificate too; certificate.pem is a copy for other
  // programs, so that a crash between the two leaves nothing undecided.
  std::vector<Certificate> chain;
  auto chain_pem = ReadPublicFile(path / kChainFile);
  if (chain_pem.has_value()) {
    TRY(chain, Certificate::FromPemBundle(*chain_pem));
    if (!CarriesKeys(chain.front(), signing_key.public_key(), encryption_key.public_key())) {
      return Corruption("chain.pem does not carry the keys beside it");
    }
  } else if (chain_pem.error().code != ErrorCode::kNotFound) {
    return std::move(chain_pem).error();
  }
  return IdentityDirectory(path, std::move(signing_key), std::move(encryption_key),
                           std::move(request), std::move(chain));
}

Result<void> IdentityDirectory::Install(const std::vector<Certificate>& chain) {
  if (chain.empty() || chain.size() > kMaxChainLength) {
    return InvalidArgument("certificate chain: 1 to 16 certificates");
  }
  if (!CarriesKeys(chain.front(), signing_key_.public_key(), encryption_key_.public_key())) {
    return InvalidArgument("the certificate does not carry this directory's keys");
  }
  std::string pem;
  for (const Certificate& certificate : chain) pem += certificate.ToPem();
  TRY_VOID(ReplacePublicFile(path_ / kChainFile, pem));
  TRY_VOID(ReplacePublicFile(path_ / kCertificateFile, chain.front().ToPem()));
  chain_ = chain;
  return {};
}

Result<void> IdentityDirectory::CertifySelf(const Validity& validity, RandomSource& random) {
  TRY(const Certificate certificate, SelfSign(request_, signing_key_, validity, random));
  return Install({certificate});
}

}  // namespace salus::pki
