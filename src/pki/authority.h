// RootAuthority and IssuingAuthority are the two levels of Salus's own certification authority. The
// root lives in a directory of its own, which the operator moves offline once it has certified the
// issuing authority; the issuing authority certifies identities.
//
// Source: RFC 5280 section 4; profile in docs/formats/identity.md.
// Shape:  a directory (0700) of authority.key (PKCS #8, 0600) and certificate.pem; the issuing
//         authority's also has root.pem, since the root's directory moves away.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "pki/certificate.h"
#include "pki/certification_request.h"
#include "pki/issuance_log.h"
#include "pki/ocsp_response.h"
#include "pki/path.h"
#include "pki/revocation_list.h"

namespace salus::pki {

// Validity is from not_before up to and including not_after; X.509 keeps whole seconds, and both
// are cut to them.
struct Validity {
  Timestamp not_before{};
  Timestamp not_after{};
};

// AuthorityProfile says what the certificate of a new authority holds.
struct AuthorityProfile {
  std::string name;  // the subject's common name, 1 to 64 characters, unlike its issuer's
  Validity validity;
  // When not empty, certificates below may carry no DNS names but these and what is under them
  // (name constraints, RFC 5280 section 4.2.1.10). URN identities can't be constrained that way:
  // pass the origin to ValidatePath instead.
  std::vector<std::string> permitted_dns_names = {};
};

// IssueProfile says what a leaf certificate holds beside the request's keys.
struct IssueProfile {
  Identity identity;
  Validity validity;
  Purpose purpose = Purpose::kClient;
  std::string name = {};  // common name to show, at most 64 characters; may be empty
  std::vector<std::string> dns_names = {};  // servers only
  std::vector<std::string> ip_names = {};   // servers only, text
  // Where the authority's revocation list is served, http:// (RFC 5280 section 4.2.1.13).
  std::vector<std::string> revocation_list_urls = {};
  // Where OCSP is answered for the authority, http:// (RFC 5280 section 4.2.2.1).
  std::vector<std::string> ocsp_urls = {};
};

class IssuingAuthority;
struct AuthorityKey;

class RootAuthority {
 public:
  // Create makes the directory, the key (P-256) and a self-signed certificate.
  //
  // Errors: AlreadyExists when directory exists and is not empty; InvalidArgument for a profile
  // that is malformed; Unavailable or ResourceExhausted when a file can't be written.
  static Result<RootAuthority> Create(const std::filesystem::path& directory,
                                      const AuthorityProfile& profile, RandomSource& random,
                                      const SecretBytes* passphrase = nullptr);

  // Errors: as ReadPrivateKeyFile; Corruption when key and certificate do not belong together.
  static Result<RootAuthority> Open(const std::filesystem::path& directory,
                                    const SecretBytes* passphrase = nullptr);

  RootAuthority(RootAuthority&&) noexcept;
  RootAuthority& operator=(RootAuthority&&) noexcept;
  ~RootAuthority();

  const Certificate& certificate() const { return certificate_; }

  // CertifyAuthority issues the certificate of an issuing authority (path length 0) whose key never
  // has to come near the root's directory: only its request does.
  //
  // Errors: InvalidArgument when the profile's validity is not inside the root's own.
  Result<Certificate> CertifyAuthority(const CertificationRequest& request,
                                       const AuthorityProfile& profile, RandomSource& random) const;

  // Errors: InvalidArgument when the profile is malformed.
  Result<RevocationList> Revoke(const RevocationProfile& profile) const;

 private:
  RootAuthority(std::unique_ptr<AuthorityKey> key, Certificate certificate);

  std::unique_ptr<AuthorityKey> key_;
  Certificate certificate_;
};

// Threads: safe to share after Create or Open.
class IssuingAuthority {
 public:
  // Create makes directory and key and has root certify it.
  //
  // Errors: as RootAuthority::Create and CertifyAuthority.
  static Result<IssuingAuthority> Create(const std::filesystem::path& directory,
                                         const RootAuthority& root, const AuthorityProfile& profile,
                                         RandomSource& random,
                                         const SecretBytes* passphrase = nullptr);

  // Prepare makes directory, key and request.pem only, for a root that is offline: its machine runs
  // CertifyAuthority on the request, and Install takes the answer.
  static Result<CertificationRequest> Prepare(const std::filesystem::path& directory,
                                              const std::string& name,
                                              const SecretBytes* passphrase = nullptr);

  // Install stores a certificate for the key in directory: the first one, or a renewed one.
  //
  // Errors: Corruption when certificate is not for the key in directory or not issued by root.
  static Result<IssuingAuthority> Install(const std::filesystem::path& directory,
                                          const Certificate& certificate, const Certificate& root,
                                          const SecretBytes* passphrase = nullptr);

  // Errors: as RootAuthority::Open; Corruption also when root.pem did not issue certificate.pem.
  static Result<IssuingAuthority> Open(const std::filesystem::path& directory,
                                       const SecretBytes* passphrase = nullptr);

  IssuingAuthority(IssuingAuthority&&) noexcept;
  IssuingAuthority& operator=(IssuingAuthority&&) noexcept;
  ~IssuingAuthority();

  const Certificate& certificate() const { return certificate_; }
  const Certificate& root_certificate() const { return root_; }

  // Issue certifies the request's keys for profile.identity. The certificate is recorded in log
  // first; when that fails, it is dropped.
  //
  // Errors: InvalidArgument when the profile is malformed or outlives this authority, when the
  // request names another identity than the profile, asks for server use with a role that is no
  // server's, or lacks the encryption key that its role needs; else what log returns.
  Result<Certificate> Issue(const CertificationRequest& request, const IssueProfile& profile,
                            RandomSource& random, IssuanceLog& log) const;

  // Errors: InvalidArgument when the profile is malformed.
  Result<RevocationList> Revoke(const RevocationProfile& profile) const;

  // SignStatus says how a certificate stands that this authority issued. That is the caller's word:
  // an authority keeps no register.
  //
  // Errors: InvalidArgument when certificate is not of this authority, or the profile is malformed.
  Result<OcspStatus> SignStatus(const Certificate& certificate,
                                const OcspStatusProfile& profile) const;

 private:
  IssuingAuthority(std::unique_ptr<AuthorityKey> key, Certificate certificate, Certificate root);
  static Result<IssuingAuthority> Assemble(const std::filesystem::path& directory,
                                           const Certificate& certificate, const Certificate& root,
                                           const SecretBytes* passphrase);

  std::unique_ptr<AuthorityKey> key_;
  Certificate certificate_;
  Certificate root_;
};

}  // namespace salus::pki
