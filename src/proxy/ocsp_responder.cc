#include "proxy/ocsp_responder.h"

#include <algorithm>

#include "codec/base64.h"
#include "codec/hex.h"
#include "http/date.h"
#include "http/uri.h"

namespace salus::proxy {
namespace {

using pki::CertificateIdHash;
using std::chrono::seconds;

constexpr CertificateIdHash kHashes[] = {CertificateIdHash::kSha1, CertificateIdHash::kSha256,
                                         CertificateIdHash::kSha384, CertificateIdHash::kSha512};
// Caches between are to learn of a newer one on the day after.
constexpr seconds kCacheTime = std::chrono::days(1);

http::Response WithDer(ByteSpan der, http::Headers headers) {
  headers.Add("Content-Type", "application/ocsp-response");
  return {200, std::move(headers), std::string(AsText(der))};
}

http::Response Failure(pki::OcspFailure failure) {
  return WithDer(pki::OcspFailureDer(failure), {{"Cache-Control", "no-store"}});
}

}  // namespace

Result<void> OcspResponder::Sign(const pki::IssuingAuthority& authority,
                                 const std::vector<pki::Certificate>& certificates) {
  const Timestamp now = clock_.Now();
  std::vector<Signed> made;
  for (const pki::Certificate& certificate : certificates) {
    pki::OcspStatusProfile profile;
    profile.produced_at = now;
    // Not from before the certificate, which a client that is further behind refuses anyway.
    profile.this_update =
        std::max(now - kStatusBackdating, std::min(now, certificate.not_before()));
    profile.next_update = now + kOcspValidity;
    for (const CertificateIdHash hash : kHashes) {
      profile.hash = hash;
      Result<pki::OcspStatus> status = authority.SignStatus(certificate, profile);
      if (!status && &certificate == &certificates.front()) return std::move(status).error();
      if (!status) break;
      made.push_back({certificate.fingerprint(), *std::move(status), profile.this_update,
                      profile.next_update});
    }
  }
  const std::lock_guard lock(mutex_);
  signed_ = std::move(made);
  return {};
}

// The fields are those of RFC 5019 section 6.2.
http::Response OcspResponder::ResponseOf(const Signed& found, Timestamp now) {
  const Bytes& der = found.status.response_der;
  const auto left = std::chrono::floor<seconds>(found.next_update - now);
  return WithDer(
      der, {{"Last-Modified", http::FormatDate(found.this_update)},
            {"Expires", http::FormatDate(found.next_update)},
            {"ETag", "\"" + codec::HexEncode(crypto::Sha256(der)) + "\""},
            {"Cache-Control", "max-age=" + std::to_string(std::min(left, kCacheTime).count()) +
                                  ", public, no-transform, must-revalidate"}});
}

http::Response OcspResponder::Answer(ByteSpan request_der) const {
  const auto request = pki::OcspRequest::FromDer(request_der);
  if (!request) return Failure(pki::OcspFailure::kMalformedRequest);
  if (request->certificates().size() != 1) return Failure(pki::OcspFailure::kUnauthorized);
  const pki::CertificateId& id = request->certificates().front();
  const Timestamp now = clock_.Now();
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(
      signed_, [&](const Signed& candidate) { return candidate.status.id == id; });
  if (found == signed_.end()) return Failure(pki::OcspFailure::kUnauthorized);
  if (!found->IsCurrent(now)) return Failure(pki::OcspFailure::kTryLater);
  return ResponseOf(*found, now);
}

std::optional<http::Response> OcspResponder::AnswerGet(std::string_view path) const {
  if (!path.starts_with(kOcspPath)) return std::nullopt;
  path.remove_prefix(kOcspPath.size());
  if (!path.empty() && path.front() != '/') return std::nullopt;
  if (!path.empty()) path.remove_prefix(1);
  const Result<std::string> text = http::PercentDecode(path);
  const Result<Bytes> request = text ? codec::Base64Decode(*text) : Result<Bytes>(text.error());
  if (!request) return Failure(pki::OcspFailure::kMalformedRequest);
  return Answer(*request);
}

http::StapledStatus OcspResponder::StatusOf(const pki::Certificate& certificate) const {
  return [this, fingerprint = certificate.fingerprint()]() -> std::string {
    const Timestamp now = clock_.Now();
    const std::lock_guard lock(mutex_);
    // The first is by SHA-1, which every client knows.
    const auto found = std::ranges::find(signed_, fingerprint, &Signed::fingerprint);
    if (found == signed_.end() || !found->IsCurrent(now)) return {};
    return std::string(AsText(found->status.response_der));
  };
}

}  // namespace salus::proxy
