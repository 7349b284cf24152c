#include "apps/salus/proxy_authority.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <thread>

#include "codec/rfc3339.h"
#include "http/date.h"
#include "http/problem.h"
#include "node/node.h"
#include "pki/certificate.h"
#include "pki/descriptor.h"
#include "pki/directory_files.h"
#include "pki/key_file.h"
#include "pki/path.h"

namespace salus::cli {

namespace {

using std::chrono::seconds;

constexpr std::chrono::days kValidity{90};
constexpr std::chrono::days kListValidity{7};
constexpr std::chrono::days kStatusAge{1};
constexpr seconds kRetry{6 * 3600};
// How long another front door's renewal for the same names may go unnoticed.
constexpr seconds kLongestLook{60};
constexpr char kChain[] = "chain.pem";
constexpr char kChainBefore[] = "chain-before.pem";
constexpr char kId[] = "front-door";
constexpr std::size_t kMaxCommonName = 64;
constexpr int kLockLooks = 100;
constexpr std::chrono::milliseconds kLockPause{100};
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

// Issuing takes a moment only, so that waiting for another front door is short.
Result<void> WaitForLock(const pki::Descriptor& lock, const std::filesystem::path& path) {
  for (int i = 0; lock.is_open() && i < kLockLooks; ++i) {
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return {};
    std::this_thread::sleep_for(kLockPause);
  }
  return Unavailable(
      path.string() + ": " +
      (lock.is_open() ? "another front door has held it for ten seconds" : "can't be opened"));
}

// A data directory that was set up anew has another root: what the old one certified is worth
// nothing to those who trust the new one.
bool LeadsTo(const std::filesystem::path& root_path, std::span<const pki::Certificate> chain,
             Timestamp now) {
  const Result<std::string> pem = pki::ReadPublicFile(root_path);
  const auto root = pem ? pki::Certificate::FromPem(*pem) : Result<pki::Certificate>(pem.error());
  if (!root) return false;
  const auto trust = pki::TrustStore::Create({&*root, 1});
  return trust && pki::ValidatePath(chain, *trust, now, pki::Purpose::kServer).has_value();
}

}  // namespace

OwnAuthorityCertificates::OwnAuthorityCertificates(OwnAuthorityOptions options, const Clock& clock,
                                                   RandomSource& random)
    : options_(std::move(options)), clock_(clock), random_(random), responder_(clock) {}

Timestamp OwnAuthorityCertificates::DueTime() const {
  const auto chain = proxy::ReadChain(options_.state / kChain);
  const auto key = pki::ReadPrivateKeyFile(options_.state / "key.pem");
  if (!chain || !key) return {};
  const pki::Certificate& leaf = chain->front();
  if (leaf.dns_names() != options_.domains) return {};
  if (leaf.subject_public_key_info() != crypto::EncodePublicKeyDer(crypto::PublicKeyOf(*key))) {
    return {};
  }
  const std::filesystem::path root = std::filesystem::path(options_.data_directory) / "root.pem";
  if (!LeadsTo(root, *chain, clock_.Now())) return {};
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
  if (!options_.plain_url.empty()) {
    terms.revocation_list_urls.push_back(options_.plain_url + std::string(kRevocationListPath));
    terms.ocsp_urls.push_back(options_.plain_url + std::string(proxy::kOcspPath));
  }
  TRY(const std::string chain_pem,
      (*node)->Certify(request.ToPem(), pki::Role::kServer, kId, terms));
  if (const auto before = pki::ReadPublicFile(options_.state / kChain)) {
    TRY_VOID(pki::ReplacePublicFile(options_.state / kChainBefore, *before));
  }
  return pki::ReplacePublicFile(options_.state / kChain, chain_pem);
}

bool OwnAuthorityCertificates::HasAnother() const {
  if (clock_.Now() >= DueTime()) return false;
  const auto chain = proxy::ReadChain(options_.state / kChain);
  return chain && chain->front().fingerprint() != loaded_;
}

Result<bool> OwnAuthorityCertificates::IssueWhenDue() {
  if (clock_.Now() < DueTime()) return HasAnother();
  const pki::Descriptor lock(::open(options_.lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  TRY_VOID(WaitForLock(lock, options_.lock));
  // Another front door for the same names may just have done it.
  if (clock_.Now() >= DueTime()) TRY_VOID(Issue());
  return true;
}

Result<void> OwnAuthorityCertificates::SignStatuses() {
  const Timestamp now = clock_.Now();
  TRY(const std::vector<pki::Certificate> chain, proxy::ReadChain(options_.state / kChain));
  const crypto::Hash32& fingerprint = chain.front().fingerprint();
  const bool is_recent = now >= signed_at_ && now < signed_at_ + kStatusAge;
  if (is_recent && fingerprint == signed_for_) return {};
  TRY(const auto authority,
      pki::IssuingAuthority::Open(std::filesystem::path(options_.data_directory) / "ca"));
  if (!options_.plain_url.empty()) TRY_VOID(SignList(authority, now));
  std::vector<pki::Certificate> certificates = {chain.front()};
  const auto before = proxy::ReadChain(options_.state / kChainBefore);
  if (before && before->front().not_after() > now) certificates.push_back(before->front());
  TRY_VOID(responder_.Sign(authority, certificates));
  signed_at_ = now;
  signed_for_ = fingerprint;
  return {};
}

Result<void> OwnAuthorityCertificates::SignList(const pki::IssuingAuthority& authority,
                                                Timestamp now) {
  // The number only has to grow, also when the clock goes back.
  list_number_ = std::max(list_number_ + 1, static_cast<std::uint64_t>(ToUnixMillis(now)));
  // Nothing of this authority's is revoked today.
  TRY(pki::RevocationList list, authority.Revoke({.number = list_number_,
                                                  .this_update = now - proxy::kStatusBackdating,
                                                  .next_update = now + kListValidity}));
  std::lock_guard lock(mutex_);
  revocation_list_ = std::move(list);
  return {};
}

std::optional<http::Response> OwnAuthorityCertificates::AnswerPlain(std::string_view path) const {
  if (path != kRevocationListPath) return responder_.AnswerGet(path);
  const Timestamp now = clock_.Now();
  std::lock_guard lock(mutex_);
  const auto& list = revocation_list_;
  if (!list || now < list->this_update() || now >= list->next_update()) {
    return http::Problem(503, "", "there is no revocation list of today");
  }
  return http::Response{200,
                        {{"Content-Type", "application/pkix-crl"},
                         {"Last-Modified", http::FormatDate(list->this_update())},
                         {"Expires", http::FormatDate(list->next_update())}},
                        std::string(AsText(list->der()))};
}

Result<http::ServerIdentity> OwnAuthorityCertificates::Load() {
  if (DueTime() == Timestamp()) TRY_VOID(IssueWhenDue());
  // Without a list and responses the certificate still serves. Renew, which comes next, tries again
  // and tells.
  (void)SignStatuses();
  TRY(http::ServerIdentity identity,
      proxy::ReadServerIdentity(options_.state / kChain, options_.state / "key.pem"));
  TRY(const std::vector<pki::Certificate> chain,
      pki::Certificate::FromPemBundle(identity.certificate_chain_pem));
  loaded_ = chain.front().fingerprint();
  identity.stapled_status = responder_.StatusOf(chain.front());
  return identity;
}

proxy::RenewalStep OwnAuthorityCertificates::Renew(proxy::RenewalCause cause,
                                                   const std::stop_token&) {
  const bool pauses =
      cause == proxy::RenewalCause::kTime && clock_.Monotonic() < next_try_ && !HasAnother();
  if (pauses) return {.wait = kLongestLook};
  const Result<bool> issued = IssueWhenDue();
  // A list is over in days: it is signed also when no certificate can be issued now.
  const Result<void> listed = SignStatuses();
  proxy::RenewalStep step{.has_changed = issued.value_or(false)};
  const Timestamp next = DueTime();
  if (step.has_changed) {
    step.said =
        "our own authority issued a certificate; it is renewed at " + codec::FormatRfc3339(next);
  }
  if (issued && listed) {
    next_try_ = {};
    step.wait =
        std::clamp(std::chrono::ceil<seconds>(next - clock_.Now()), seconds(1), kLongestLook);
    return step;
  }
  const Error& error = issued ? listed.error() : issued.error();  // the graver one
  if (!step.said.empty()) step.said += "; but ";
  step.said +=
      (issued ? "no new revocation list and OCSP responses from " : "no new certificate from ") +
      options_.data_directory + ": " + error.message +
      "; what there is stays; next try in six hours, or on SIGHUP";
  step.is_trouble = true;
  step.wait = kLongestLook;
  next_try_ = clock_.Monotonic() + kRetry;
  return step;
}

}  // namespace salus::cli
