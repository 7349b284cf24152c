// IdentityDirectory is what the holder of an identity keeps on their own machine: two private keys,
// the request, and, once certified, the certificate and its chain.
//
// Source: design.md section 3; docs/formats/identity.md.
// Shape:  a directory (0700) of sign.key and encrypt.key (0600, PKCS #8), request.pem, and later
//         certificate.pem and chain.pem (leaf first, then the issuing authority).
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/p256.h"
#include "pki/authority.h"
#include "pki/certificate.h"
#include "pki/certification_request.h"

namespace salus::pki {

class IdentityDirectory {
 public:
  // Create makes the directory, both P-256 keys and the request.
  //
  // Errors: AlreadyExists when path exists and is not empty; otherwise as WritePrivateKeyFile and
  // CertificationRequest::Create.
  static Result<IdentityDirectory> Create(const std::filesystem::path& path,
                                          const RequestSubject& subject,
                                          const SecretBytes* passphrase = nullptr);

  // Open reads all that is there. A certificate that does not match the keys is refused.
  //
  // Errors: as ReadPrivateKeyFile; Corruption when keys, request and certificate do not belong
  // together.
  static Result<IdentityDirectory> Open(const std::filesystem::path& path,
                                        const SecretBytes* passphrase = nullptr);

  // Install stores the certificate (chain's first) and its chain, replacing an older one at once.
  //
  // Errors: InvalidArgument when chain is empty or its first certificate does not carry both of
  // this directory's keys.
  Result<void> Install(const std::vector<Certificate>& chain);

  // CertifySelf installs a certificate that the own signing key signed, for where no authority is
  // at hand: as SelfSign (self_signed.h).
  Result<void> CertifySelf(const Validity& validity, RandomSource& random);

  const std::filesystem::path& path() const { return path_; }
  const crypto::P256PrivateKey& signing_key() const { return signing_key_; }
  const crypto::P256PrivateKey& encryption_key() const { return encryption_key_; }
  const CertificationRequest& request() const { return request_; }

  // chain is empty until Install; the leaf is its first.
  const std::vector<Certificate>& chain() const { return chain_; }

 private:
  IdentityDirectory(std::filesystem::path path, crypto::P256PrivateKey signing_key,
                    crypto::P256PrivateKey encryption_key, CertificationRequest request,
                    std::vector<Certificate> chain);

  std::filesystem::path path_;
  crypto::P256PrivateKey signing_key_;
  crypto::P256PrivateKey encryption_key_;
  CertificationRequest request_;
  std::vector<Certificate> chain_;
};

}  // namespace salus::pki
