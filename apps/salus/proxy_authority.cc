#include "apps/salus/proxy_authority.h"

#include <algorithm>

#include "codec/rfc3339.h"
#include "node/node.h"
#include "pki/authority.h"
#include "pki/certificate.h"
#include "pki/directory_files.h"
#include "pki/key_file.h"

namespace salus::cli {

namespace {

using std::chrono::seconds;

constexpr std::chrono::days kValidity{90};
constexpr std::chrono::days kListValidity{7};
constexpr std::chrono::days kListAge{1};
constexpr seconds kRetry{6 * 3600};
constexpr seconds kLongestLook{12 * 3600};
constexpr char kId[] = "front-door";
constexpr std::size_t kMaxCommonName = 64;
constexpr char kOtherWay[] =
    " (each certificate is an entry of the log, which salusd writes while it runs: stop it for a "
    "moment, start this or send it SIGHUP, and start salusd again)";

// The key is made once: a renewal replaces one file, so that key and chain always fit.
Result<crypto::PrivateKey> OpenKey(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    crypto::PrivateKey key = crypto::P256PrivateKey::Generate();
    TRY_VOID(pki::WritePrivateKeyFile(path, key));
    return key;
  }
  return pki::ReadPrivateKeyFile(path);
}

}  // namespace

OwnAuthorityCertificates::OwnAuthorityCertificates(OwnAuthorityOptions options, const Clock& clock,
                                                   RandomSource& random)
    : options_(std::move(options)), clock_(clock), random_(random) {}

Timestamp OwnAuthorityCertificates::DueTime() const {
  const Result<std::string> pem = pki::ReadPublicFile(options_.state / "chain.pem");
  if (!pem) return {};
  const auto chain = pki::Certificate::FromPemBundle(*pem);
  if (!chain) return {};
  const pki::Certificate& leaf = chain->front();
  if (leaf.dns_names() != options_.domains) return {};
  return leaf.not_after() - (leaf.not_after() - leaf.not_before()) / 3;
}

Result<void> OwnAuthorityCertificates::Issue() {
  TRY(const crypto::PrivateKey key, OpenKey(options_.state / "key.pem"));
  auto node =
      node::Node::Open(options_.data_directory, node::NodeAccess::kReadWrite, clock_, random_);
  if (!node) {
    Error error = std::move(node).error();
    error.message += kOtherWay;
    return error;
  }
  pki::RequestSubject subject;
  const std::string& name = options_.domains.front();
  if (name.size() <= kMaxCommonName) subject.name = name;
  subject.dns_names = options_.domains;
  TRY(subject.identity, pki::Identity::Create((*node)->origin(), pki::Role::kServer, kId));
  TRY(const auto request, pki::CertificationRequest::Create(subject, key, nullptr));
  node::CertifyTerms terms{.validity = kValidity};
  if (options_.serves_revocation_list) {
    terms.revocation_list_urls.push_back("http://" + name + std::string(kRevocationListPath));
  }
  TRY(const std::string chain_pem,
      (*node)->Certify(request.ToPem(), pki::Role::kServer, kId, terms));
  return pki::ReplacePublicFile(options_.state / "chain.pem", chain_pem);
}

Result<void> OwnAuthorityCertificates::SignRevocationList() {
  const Timestamp now = clock_.Now();
  if (!options_.serves_revocation_list || now < list_signed_at_ + kListAge) return {};
  TRY(const auto authority,
      pki::IssuingAuthority::Open(std::filesystem::path(options_.data_directory) / "ca"));
  // Nothing of this authority's is revoked by a list today. The number only has to grow.
  TRY(const pki::RevocationList list,
      authority.Revoke({.number = static_cast<std::uint64_t>(ToUnixMillis(now)),
                        .this_update = now,
                        .next_update = now + kListValidity}));
  std::lock_guard lock(mutex_);
  revocation_list_.assign(AsText(list.der()));
  list_signed_at_ = now;
  return {};
}

std::string OwnAuthorityCertificates::RevocationListDer() const {
  std::lock_guard lock(mutex_);
  return revocation_list_;
}

Result<http::ServerIdentity> OwnAuthorityCertificates::Load() {
  if (DueTime() == Timestamp()) TRY_VOID(Issue());
  TRY_VOID(SignRevocationList());
  return proxy::ReadServerIdentity(options_.state / "chain.pem", options_.state / "key.pem");
}

proxy::RenewalStep OwnAuthorityCertificates::Renew(proxy::RenewalCause, const std::stop_token&) {
  const Timestamp due = DueTime();
  const bool is_due = clock_.Now() >= due;
  const Result<void> issued = is_due ? Issue() : Result<void>();
  const Result<void> listed = issued ? SignRevocationList() : Result<void>();
  if (!issued || !listed) {
    const Error& error = issued ? listed.error() : issued.error();
    return {.said = "no new certificate or revocation list from " + options_.data_directory + ": " +
                    error.message + "; the old one stays; next try in six hours, or on SIGHUP",
            .is_trouble = true,
            .wait = kRetry};
  }
  const Timestamp next = DueTime();
  proxy::RenewalStep step{.has_changed = is_due};
  step.wait = std::clamp(std::chrono::ceil<seconds>(next - clock_.Now()), seconds(1), kLongestLook);
  if (is_due) {
    step.said =
        "our own authority issued a certificate; it is renewed at " + codec::FormatRfc3339(next);
  }
  return step;
}

}  // namespace salus::cli
