#include "pki/path.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/c_handle.h"
#include "base/check.h"
#include "codec/rfc3339.h"
#include "crypto/pkcs8.h"
#include "pki/extensions.h"
#include "pki/openssl_handles.h"
#include "pki/path_policy.h"

namespace salus::pki {

// TrustAnchors is what OpenSSL wants of a TrustStore, parsed once.
struct RevocationStackFree {
  void operator()(STACK_OF(X509_CRL) * p) const { sk_X509_CRL_pop_free(p, X509_CRL_free); }
};
struct TrustAnchors {
  StoreHandle store;
  // Not in the store: OpenSSL would find there only lists that the certificate's issuer signed.
  std::unique_ptr<STACK_OF(X509_CRL), RevocationStackFree> revocation_lists;
};

namespace {

struct StackFree {
  void operator()(STACK_OF(X509) * p) const { sk_X509_pop_free(p, X509_free); }
};
using X509Stack = std::unique_ptr<STACK_OF(X509), StackFree>;
using ContextHandle =
    std::unique_ptr<X509_STORE_CTX, decltype([](X509_STORE_CTX* p) { X509_STORE_CTX_free(p); })>;
using ObjectHandle =
    std::unique_ptr<ASN1_OBJECT, decltype([](ASN1_OBJECT* p) { ASN1_OBJECT_free(p); })>;

std::string DepthName(int depth) {
  return depth == 0 ? std::string("the certificate")
                    : "the authority at depth " + std::to_string(depth);
}

Error Refuse(int depth, std::string_view reason) {
  return VerificationFailed(DepthName(depth) + " " + std::string(reason));
}

// ReasonFor says in Salus's words what OpenSSL found. The dates are of the certificate at fault.
std::string ReasonFor(int error, const X509* at) {
  const auto date = [](const ASN1_TIME* time) {
    auto read = ReadTime(time);
    return read.has_value() ? codec::FormatRfc3339(*read) : std::string("an unreadable time");
  };
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return at ? "expired at " + date(X509_get0_notAfter(at)) : "expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return at ? "is not yet valid before " + date(X509_get0_notBefore(at)) : "is not yet valid";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "has an unknown issuer: no path to a trusted root";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return "is self-signed and not a trusted root";
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "has a signature that does not verify";
    case X509_V_ERR_INVALID_PURPOSE:
      return "has the wrong purpose";
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
      return "may not issue certificates";
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
      return "exceeds the path length that its issuer allows";
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
      return "is under too many authorities";
    case X509_V_ERR_CERT_REVOKED:
      return "was revoked";
    case X509_V_ERR_UNABLE_TO_GET_CRL:
      return "has no revocation list of its issuer: fetch the current one";
    case X509_V_ERR_CRL_HAS_EXPIRED:
      return "has an outdated revocation list: fetch the current one";
    case X509_V_ERR_CRL_NOT_YET_VALID:
      return "has a revocation list that is not yet valid";
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
      return "has a revocation list whose signature does not verify";
    case X509_V_ERR_PERMITTED_VIOLATION:
    case X509_V_ERR_EXCLUDED_VIOLATION:
      return "has a name that its issuer may not certify";
    case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
      return "has an unknown critical extension";
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
      return "has a key that is too small";
    case X509_V_ERR_CA_MD_TOO_WEAK:
      return "has a signature whose algorithm is refused";
    default:
      return std::string("is refused: ") + X509_verify_cert_error_string(error);
  }
}

Result<void> CheckKeyAndSignature(const X509* certificate, int depth, bool is_root) {
  auto key = crypto::DecodePublicKeyDer(SubjectPublicKeyInfoOf(certificate));
  if (!key.has_value()) {
    return Refuse(depth,
                  "has a key that is refused: it must be P-256, Ed25519 or RSA of at least 2048 "
                  "bits");
  }
  if (is_root) return {};  // nobody relies on a root's signature over itself
  auto signature = CheckSignatureAlgorithm(certificate);
  if (!signature.has_value()) {
    return Refuse(depth, "is refused: " + signature.error().message);
  }
  return {};
}

// NamesDocumentSigning looks for id-kp-documentSigning, which OpenSSL 3.0 has no flag for.
bool NamesDocumentSigning(const X509* certificate) {
  CHandle<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free> usages(static_cast<EXTENDED_KEY_USAGE*>(
      X509_get_ext_d2i(certificate, NID_ext_key_usage, nullptr, nullptr)));
  const ObjectHandle wanted(OBJ_txt2obj("1.3.6.1.5.5.7.3.36", 1));
  for (int i = 0; usages && wanted && i < sk_ASN1_OBJECT_num(usages.get()); ++i) {
    if (OBJ_cmp(sk_ASN1_OBJECT_value(usages.get(), i), wanted.get()) == 0) return true;
  }
  return false;
}

bool HasPurpose(X509* certificate, Purpose purpose) {
  if ((X509_get_extension_flags(certificate) & EXFLAG_XKUSAGE) == 0) {
    return purpose == Purpose::kSigning;
  }
  const std::uint32_t usages = X509_get_extended_key_usage(certificate);
  switch (purpose) {
    case Purpose::kServer:
      return (usages & XKU_SSL_SERVER) != 0;
    case Purpose::kClient:
      return (usages & XKU_SSL_CLIENT) != 0;
    case Purpose::kSigning:
      return (usages & (XKU_SMIME | XKU_SSL_CLIENT | XKU_ANYEKU)) != 0 ||
             NamesDocumentSigning(certificate);
  }
  return false;
}

const char* WrongPurpose(Purpose purpose) {
  switch (purpose) {
    case Purpose::kServer:
      return "has the wrong purpose: it is not for TLS servers";
    case Purpose::kClient:
      return "has the wrong purpose: it is not for TLS clients";
    case Purpose::kSigning:
      return "has the wrong purpose: its extended key usage does not allow signing documents";
  }
  return "has the wrong purpose";
}

// CheckLeafProfile asks of the leaf what RFC 5280 leaves open: absent usages would mean "any".
Result<void> CheckLeafProfile(X509* leaf, Purpose purpose) {
  // X509_check_ca overlooks CA:TRUE where the key usage lacks certificate signing.
  std::uint32_t flags = X509_get_extension_flags(leaf);
  if (X509_check_ca(leaf) != 0 || (flags & EXFLAG_CA) != 0) {
    return Refuse(0, "is an authority's, not a holder's");
  }
  std::uint32_t wanted = KU_DIGITAL_SIGNATURE;
  if (purpose == Purpose::kSigning) wanted |= KU_NON_REPUDIATION;
  if ((flags & EXFLAG_KUSAGE) == 0 || (X509_get_key_usage(leaf) & wanted) == 0) {
    return Refuse(0, "has the wrong purpose: its key usage does not allow signing");
  }
  if (!HasPurpose(leaf, purpose)) return Refuse(0, WrongPurpose(purpose));
  return {};
}

// OpenSSL looks at the authorities' extended usages for the purposes of TLS only.
Result<void> CheckAuthoritiesMaySign(STACK_OF(X509) * path) {
  for (int depth = 1; depth + 1 < sk_X509_num(path); ++depth) {
    if (!HasPurpose(sk_X509_value(path, depth), Purpose::kSigning)) {
      return Refuse(depth, WrongPurpose(Purpose::kSigning));
    }
  }
  return {};
}

int OpenSslPurpose(Purpose purpose) {
  switch (purpose) {
    case Purpose::kServer:
      return X509_PURPOSE_SSL_SERVER;
    case Purpose::kClient:
      return X509_PURPOSE_SSL_CLIENT;
    case Purpose::kSigning:
      return X509_PURPOSE_ANY;  // that of S/MIME would refuse our own identities
  }
  return X509_PURPOSE_ANY;
}

Result<void> ApplyPolicy(const PathPolicy& policy, const TrustAnchors& anchors, Timestamp time,
                         Purpose purpose, X509_VERIFY_PARAM* parameters) {
  unsigned long flags = X509_V_FLAG_POLICY_CHECK | X509_V_FLAG_TRUSTED_FIRST;
  if (policy.is_strict) flags |= X509_V_FLAG_X509_STRICT;
  if (policy.requires_explicit_policy) flags |= X509_V_FLAG_EXPLICIT_POLICY;
  if (policy.inhibits_policy_mapping) flags |= X509_V_FLAG_INHIBIT_MAP;
  if (policy.inhibits_any_policy) flags |= X509_V_FLAG_INHIBIT_ANY;
  if (sk_X509_CRL_num(anchors.revocation_lists.get()) > 0) {
    flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
  }
  if (policy.allows_extended_revocation) {
    flags |= X509_V_FLAG_EXTENDED_CRL_SUPPORT | X509_V_FLAG_USE_DELTAS;
  }
  // OpenSSL takes an empty set as "no policy is acceptable" where RFC 5280 says any-policy.
  static const std::vector<std::string> kAnyPolicy = {"2.5.29.32.0"};
  for (const std::string& text :
       policy.initial_policies.empty() ? kAnyPolicy : policy.initial_policies) {
    ObjectHandle object(OBJ_txt2obj(text.c_str(), 1));
    if (!object || X509_VERIFY_PARAM_add0_policy(parameters, object.get()) != 1) {
      return Internal("OpenSSL could not take the initial policy set");
    }
    (void)object.release();  // the parameters own it
  }
  if (policy.requires_leaf_profile &&
      X509_VERIFY_PARAM_set_purpose(parameters, OpenSslPurpose(purpose)) != 1) {
    return Internal("OpenSSL does not know the purpose");
  }
  X509_VERIFY_PARAM_set_flags(parameters, flags);
  X509_VERIFY_PARAM_set_depth(parameters, policy.max_authorities);
  constexpr int kBits112 = 2;  // refuses RSA below 2048 and SHA-1
  X509_VERIFY_PARAM_set_auth_level(parameters, kBits112);
  X509_VERIFY_PARAM_set_time(
      parameters, std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
  return {};
}

Result<X509Stack> ParseStack(std::span<const Certificate> certificates) {
  X509Stack stack(sk_X509_new_null());
  if (!stack) return Internal("out of memory");
  for (const Certificate& certificate : certificates) {
    TRY(X509Handle x509, ParseX509(certificate.der()));
    if (sk_X509_push(stack.get(), x509.get()) <= 0) return Internal("out of memory");
    (void)x509.release();  // the stack owns it
  }
  return stack;
}

Result<void> CheckRoot(const Certificate& root, X509* x509) {
  if (!root.is_authority()) return InvalidArgument("trusted root: is not an authority");
  auto signature = CheckSignatureAlgorithm(x509);
  auto key = root.public_key();
  if (!signature.has_value() || !key.has_value()) {
    return InvalidArgument(
        "trusted root: the key must be P-256, Ed25519 or RSA of at least 2048 bits, the signature "
        "with SHA-256 or better");
  }
  if (X509_self_signed(x509, /*verify_signature=*/1) != 1) {
    ERR_clear_error();
    return InvalidArgument("trusted root: is not self-signed");
  }
  return {};
}

Result<std::vector<Certificate>> FindPathUnder(const PathPolicy& policy,
                                               std::span<const Certificate> chain,
                                               const TrustStore& trust, Timestamp time,
                                               Purpose purpose,
                                               std::optional<std::string_view> origin) {
  if (chain.empty()) return InvalidArgument("certificate chain: empty");
  if (chain.size() > kMaxChainLength) {
    return InvalidArgument("certificate chain: more than 16 certificates");
  }
  const Certificate& leaf = chain.front();
  TRY(X509Handle x509, ParseX509(leaf.der()));
  TRY(X509Stack helpers, ParseStack(chain.subspan(1)));
  ContextHandle context(X509_STORE_CTX_new());
  if (!context || X509_STORE_CTX_init(context.get(), trust.anchors().store.get(), x509.get(),
                                      helpers.get()) != 1) {
    ERR_clear_error();
    return Internal("OpenSSL could not prepare the validation");
  }
  X509_STORE_CTX_set0_crls(context.get(), trust.anchors().revocation_lists.get());
  TRY_VOID(ApplyPolicy(policy, trust.anchors(), time, purpose,
                       X509_STORE_CTX_get0_param(context.get())));
  int outcome = X509_verify_cert(context.get());
  ERR_clear_error();
  if (outcome != 1) {
    return Refuse(X509_STORE_CTX_get_error_depth(context.get()),
                  ReasonFor(X509_STORE_CTX_get_error(context.get()),
                            X509_STORE_CTX_get_current_cert(context.get())));
  }
  STACK_OF(X509)* stack = X509_STORE_CTX_get0_chain(context.get());
  int length = sk_X509_num(stack);
  CHECK(length > 0);
  std::vector<Certificate> path;
  for (int depth = 0; depth < length; ++depth) {
    const X509* const at = sk_X509_value(stack, depth);
    TRY_VOID(CheckKeyAndSignature(at, depth, depth == length - 1));
    TRY(Certificate certificate, Certificate::FromDer(DerOf(at)));
    path.push_back(std::move(certificate));
  }
  if (!policy.requires_leaf_profile) return path;
  TRY_VOID(CheckLeafProfile(x509.get(), purpose));
  if (purpose == Purpose::kSigning) {
    TRY_VOID(CheckAuthoritiesMaySign(stack));
    if (!origin.has_value()) return path;
  }
  TRY(Identity identity, leaf.identity());
  if (origin.has_value() && identity.origin != *origin) {
    return Refuse(0, "is for another origin");
  }
  TRY_VOID(leaf.encryption_key());
  return path;
}

}  // namespace

TrustStore::TrustStore(std::vector<Certificate> roots, std::unique_ptr<TrustAnchors> anchors)
    : roots_(std::move(roots)), anchors_(std::move(anchors)) {}
TrustStore::TrustStore(TrustStore&&) noexcept = default;
TrustStore& TrustStore::operator=(TrustStore&&) noexcept = default;
TrustStore::~TrustStore() = default;

Result<TrustStore> TrustStore::Create(std::span<const Certificate> roots,
                                      std::span<const RevocationList> revocation_lists) {
  if (roots.empty()) return InvalidArgument("trust store: no root given");
  auto anchors = std::make_unique<TrustAnchors>();
  anchors->store.reset(X509_STORE_new());
  anchors->revocation_lists.reset(sk_X509_CRL_new_null());
  if (!anchors->store || !anchors->revocation_lists) return Internal("out of memory");
  for (const Certificate& root : roots) {
    TRY(X509Handle x509, ParseX509(root.der()));
    TRY_VOID(CheckRoot(root, x509.get()));
    if (X509_STORE_add_cert(anchors->store.get(), x509.get()) != 1) {
      ERR_clear_error();
      return Internal("OpenSSL does not take a root");
    }
  }
  for (const RevocationList& list : revocation_lists) {
    TRY(RevocationHandle crl, ParseX509RevocationList(list.der()));
    if (sk_X509_CRL_push(anchors->revocation_lists.get(), crl.get()) <= 0) {
      return Internal("out of memory");
    }
    (void)crl.release();  // the stack owns it
  }
  return TrustStore({roots.begin(), roots.end()}, std::move(anchors));
}

Result<Certificate> ValidatePathUnder(const PathPolicy& policy, std::span<const Certificate> chain,
                                      const TrustStore& trust, Timestamp time, Purpose purpose,
                                      std::optional<std::string_view> origin) {
  TRY(std::vector<Certificate> path, FindPathUnder(policy, chain, trust, time, purpose, origin));
  return std::move(path.front());
}

Result<std::vector<Certificate>> FindPath(std::span<const Certificate> chain,
                                          const TrustStore& trust, Timestamp time, Purpose purpose,
                                          std::optional<std::string_view> origin) {
  return FindPathUnder(PathPolicy(), chain, trust, time, purpose, origin);
}

Result<Certificate> ValidatePath(std::span<const Certificate> chain, const TrustStore& trust,
                                 Timestamp time, Purpose purpose,
                                 std::optional<std::string_view> origin) {
  return ValidatePathUnder(PathPolicy(), chain, trust, time, purpose, origin);
}

Result<void> CheckServerName(const Certificate& certificate, std::string_view host) {
  TRY(X509Handle x509, ParseX509(certificate.der()));
  auto ip = ParseIpName(host);
  std::string folded(host);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  // OpenSSL would take an empty host as "not set", and ".example" as "anything below".
  if (!ip.has_value() && !ValidateDnsName(folded).has_value()) {
    return VerificationFailed(
        "the host name is malformed: use a DNS name without a trailing dot, or an IP address");
  }
  int outcome =
      ip.has_value()
          ? X509_check_ip(x509.get(), ip->data(), ip->size(), 0)
          : X509_check_host(x509.get(), folded.data(), folded.size(),
                            X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_WILDCARDS,
                            nullptr);
  ERR_clear_error();
  if (outcome != 1) {
    return VerificationFailed("the server's certificate is not for this host name");
  }
  return {};
}

}  // namespace salus::pki
