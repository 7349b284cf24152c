// OwnAuthorityCertificates has the issuing authority of a data directory certify the front door,
// and renews before the end. Each certificate is an entry of the log before it is released, as
// every other; for that moment the directory must not be in use by salusd. What another front door
// of the same state had issued is taken within a minute.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "crypto/sha256.h"
#include "http/message.h"
#include "pki/authority.h"
#include "pki/revocation_list.h"
#include "proxy/certificate_source.h"
#include "proxy/ocsp_responder.h"

namespace salus::cli {

struct OwnAuthorityOptions {
  std::string data_directory;
  std::filesystem::path state;  // 0700; holds key.pem (0600) and chain.pem
  std::filesystem::path lock;   // held while one front door has a certificate issued
  std::vector<std::string> domains;
  // What a visitor puts before the paths of the plain listener, http://NAME[:PORT], which serves
  // the revocation list and answers OCSP; empty: nothing does.
  std::string plain_url;
};

inline constexpr std::string_view kRevocationListPath = "/salus-ca.crl";

class OwnAuthorityCertificates final : public proxy::CertificateSource {
 public:
  OwnAuthorityCertificates(OwnAuthorityOptions options, const Clock& clock, RandomSource& random);

  // Load issues the first certificate, so that the proxy starts with a good one or not at all.
  Result<http::ServerIdentity> Load() override;
  proxy::RenewalStep Renew(proxy::RenewalCause cause, const std::stop_token& stop) override;

  // AnswerPlain serves the revocation list and answers OCSP by GET; nullopt for another path. A
  // list that is over, or begins only later, is not given out: 503. Threads: safe.
  std::optional<http::Response> AnswerPlain(std::string_view path) const;

  // responder answers OCSP for the certificate, and for the one before it.
  const proxy::OcspResponder& responder() const { return responder_; }

 private:
  // When the stored certificate is to be renewed; the epoch when there is none that fits the key,
  // the names and the data directory's root.
  Timestamp DueTime() const;
  // Whether there is a good certificate that is another one than was loaded.
  bool HasAnother() const;
  // IssueWhenDue says whether there is another certificate than the one that was loaded.
  Result<bool> IssueWhenDue();
  Result<void> Issue();
  // SignStatuses signs the revocation list and the responses to OCSP anew: once a day, for another
  // certificate than before, and when the clock went back behind the last time.
  Result<void> SignStatuses();
  Result<void> SignList(const pki::IssuingAuthority& authority, Timestamp now);

  const OwnAuthorityOptions options_;
  const Clock& clock_;
  RandomSource& random_;
  mutable std::mutex mutex_;
  std::optional<pki::RevocationList> revocation_list_;  // guarded by mutex_
  proxy::OcspResponder responder_;
  // Of the thread that calls Load and Renew.
  crypto::Hash32 loaded_{};      // the certificate's fingerprint
  crypto::Hash32 signed_for_{};  // likewise
  Timestamp signed_at_{};
  std::uint64_t list_number_ = 0;
  std::chrono::steady_clock::time_point next_try_{};  // after trouble
};

}  // namespace salus::cli
