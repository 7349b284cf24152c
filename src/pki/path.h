// TrustStore holds the roots that a deployment trusts, and ValidatePath decides whether a chain
// leads to one of them.
//
// Source: RFC 5280 section 6, as OpenSSL's X509_verify_cert does it, and on top Salus's own policy:
//         keys are P-256, Ed25519 or RSA of at least 2048 bits; signatures use SHA-256 or better;
//         the leaf is no authority, has the extended key usage asked for, and exactly one URI name,
//         which is an identity; at most two authorities below the root. Signers of documents may
//         be certified by anybody's authorities, which know no identities of ours.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "pki/certificate.h"
#include "pki/revocation_list.h"

namespace salus::pki {

// Purpose is what a certificate is for: an end of a TLS connection, or signing documents. Signers
// need the key usage digitalSignature or nonRepudiation; where extended usages are named, also in
// the authorities of the path, one must be e-mail protection (what S/MIME and CMS signers have),
// TLS clients (Salus's own identities), document signing (RFC 9336) or any.
enum class Purpose { kClient, kServer, kSigning };

struct TrustAnchors;  // the parsed roots and revocation lists

// Threads: immutable after Create, safe to share. A new revocation list makes a new TrustStore.
class TrustStore {
 public:
  // With no revocation lists none is asked for. With any, each certificate of a path below the root
  // must be covered by a list of its issuer that is current at the time of validation.
  //
  // Errors: InvalidArgument when roots is empty, a root is not a self-signed authority, or its key
  // or signature is one that the policy refuses.
  static Result<TrustStore> Create(std::span<const Certificate> roots,
                                   std::span<const RevocationList> revocation_lists = {});

  TrustStore(TrustStore&&) noexcept;
  TrustStore& operator=(TrustStore&&) noexcept;
  ~TrustStore();

  const std::vector<Certificate>& roots() const { return roots_; }
  // anchors is for path.cc.
  const TrustAnchors& anchors() const { return *anchors_; }

 private:
  TrustStore(std::vector<Certificate> roots, std::unique_ptr<TrustAnchors> anchors);

  std::vector<Certificate> roots_;
  std::unique_ptr<TrustAnchors> anchors_;
};

// ValidatePath returns chain's first certificate when a path leads from it to a root. The rest of
// chain are certificates that may help to build the path, in any order; they are never trusted.
// When origin is given, the leaf's identity must be of that origin. For signing, the leaf needs no
// identity unless origin is given.
//
// Errors: InvalidArgument when chain is empty or longer than kMaxChainLength; VerificationFailed
// otherwise, with the precise reason (expired, not yet valid, unknown issuer, wrong purpose, ...)
// and the depth at which it was found, 0 being the leaf.
Result<Certificate> ValidatePath(std::span<const Certificate> chain, const TrustStore& trust,
                                 Timestamp time, Purpose purpose,
                                 std::optional<std::string_view> origin = std::nullopt);

// FindPath is ValidatePath, and returns the whole path: the leaf first, the root last.
Result<std::vector<Certificate>> FindPath(std::span<const Certificate> chain,
                                          const TrustStore& trust, Timestamp time, Purpose purpose,
                                          std::optional<std::string_view> origin = std::nullopt);

// CheckServerName says whether a server's certificate is for host, a DNS name or an IP address. The
// common name and wildcards do not count.
//
// Errors: VerificationFailed.
Result<void> CheckServerName(const Certificate& certificate, std::string_view host);

}  // namespace salus::pki
