// OcspResponder answers how the front door's own certificates stand, with responses that their
// authority signed beforehand: nobody outside can make it sign, and the authority's key is not
// kept.
//
// Source: RFC 6960 section 2 and appendix A.1 (POST, and GET with the request in the path), RFC
//         5019 sections 2.2.3, 4, 5 and 6. Deviation from RFC 6960: a request for more than one
//         certificate, or for one that is not the front door's, is answered "unauthorized", as RFC
//         5019 has it for responders of responses that were signed beforehand.
// Shape:  pki::OcspRequest; base64 in the path, percent-encoded or not.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/message.h"
#include "http/server.h"
#include "pki/authority.h"

namespace salus::proxy {

inline constexpr std::string_view kOcspPath = "/salus-ocsp";
inline constexpr std::string_view kOcspRequestType = "application/ocsp-request";
// How long a response is good for. It is to be signed anew well before.
inline constexpr std::chrono::days kOcspValidity{7};
// A client whose clock is behind must not take what was just signed for something of the future.
inline constexpr std::chrono::hours kStatusBackdating{1};

// Threads: safe.
class OcspResponder {
 public:
  explicit OcspResponder(const Clock& clock) : clock_(clock) {}
  OcspResponder(const OcspResponder&) = delete;
  OcspResponder& operator=(const OcspResponder&) = delete;

  // Sign has authority say that certificates are good, instead of those of the last call. The first
  // is in use; others, which were before it, are left out where they are another authority's.
  //
  // Errors: as pki::IssuingAuthority::SignStatus of the first; what was signed before then stays.
  Result<void> Sign(const pki::IssuingAuthority& authority,
                    const std::vector<pki::Certificate>& certificates);

  // Answer is for a POST with this body. What is over is not given out, nor what begins only later
  // (the clock was ahead when it was signed): tryLater.
  http::Response Answer(ByteSpan request) const;
  // AnswerGet is nullopt when path, still percent-encoded, is not below kOcspPath.
  std::optional<http::Response> AnswerGet(std::string_view path) const;
  // StatusOf is what a client is handed in the TLS handshake: the current response as DER, empty
  // when there is none, as in Answer. It refers to this responder.
  http::StapledStatus StatusOf(const pki::Certificate& certificate) const;

 private:
  struct Signed {
    crypto::Hash32 fingerprint;
    pki::OcspStatus status;
    Timestamp this_update;
    Timestamp next_update;

    bool IsCurrent(Timestamp now) const { return this_update <= now && now < next_update; }
  };

  static http::Response ResponseOf(const Signed& found, Timestamp now);

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::vector<Signed> signed_;  // guarded by mutex_
};

}  // namespace salus::proxy
