// CMS signatures of content that stands beside them, as `openssl cms` and S/MIME programs make and
// read them.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/pkcs8.h"
#include "crypto/sha256.h"
#include "pki/certificate.h"

namespace salus::pki {

inline constexpr std::size_t kMaxCmsBytes = std::size_t{1} << 20;
inline constexpr char kCmsPemLabel[] = "CMS";

// SignCms signs content whose SHA-256 is digest; chain's first certificate is the key's.
//
// Source: RFC 5652 (SignedData, detached), RFC 5754 (SHA-256), RFC 5753 (ECDSA), RFC 4056 (RSA-PSS,
//         salt of 32 bytes); signed attributes contentType, messageDigest, signingTime and
//         signingCertificateV2 (RFC 5035), as CAdES wants them.
// Shape:  DER; the chain inside.
// Errors: InvalidArgument when chain is empty or its first certificate is not the key's, and for
//         Ed25519, which OpenSSL 3.0 can't put into CMS.
Result<Bytes> SignCms(const crypto::Hash32& digest, const crypto::PrivateKey& key,
                      std::span<const Certificate> chain, Timestamp time);

// CmsSignature is what a signature that holds says. Whether the signer is somebody is another
// question: ValidatePath.
struct CmsSignature {
  std::vector<Certificate> certificates;  // the signer's first, then all others that came with it
  std::optional<Timestamp> claimed_time;  // the signer's own word
  std::string algorithm;                  // for people: "ECDSA with SHA-256"
};

// CmsVerifier checks a detached signature over content that comes in pieces.
//
// Source: RFC 5652 section 5; OpenSSL checks the signature over the signed attributes.
// Shape:  at most kMaxCmsBytes of DER or BER, or PEM "CMS" or "PKCS7"; one signer; signed
// attributes
//         are required (a signature without them could be passed off as one of other content).
//         Content is id-data, in binary form: line ends as they are.
class CmsVerifier {
 public:
  // Errors: InvalidArgument when it is no detached SignedData with one signer; VerificationFailed
  // for an algorithm that is refused (SHA-1 and MD5 among them), by name.
  static Result<CmsVerifier> Parse(ByteSpan file);
  CmsVerifier(CmsVerifier&&) noexcept;
  ~CmsVerifier();

  void Update(ByteSpan content);

  // Finish looks for the signer's certificate inside, then in more.
  //
  // Errors: VerificationFailed with what does not hold; FailedPrecondition when the signer's
  // certificate is nowhere.
  Result<CmsSignature> Finish(std::span<const Certificate> more = {});

 private:
  struct State;
  explicit CmsVerifier(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace salus::pki
