// OwnAuthorityCertificates has the issuing authority of a data directory certify the front door,
// and renews before the end. Each certificate is an entry of the log before it is released, as
// every other; for that moment the directory must not be in use by salusd.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "crypto/sha256.h"
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

  // RevocationListDer is the list as it is to be served; empty when there is none. Threads: safe.
  std::string RevocationListDer() const;

  // responder answers OCSP for the certificate, and for the one before it.
  const proxy::OcspResponder& responder() const { return responder_; }

 private:
  // When the stored certificate is to be renewed; the epoch when there is none that fits the key,
  // the names and the data directory's root.
  Timestamp DueTime() const;
  // IssueWhenDue says whether there is another certificate than the one that was loaded.
  Result<bool> IssueWhenDue();
  Result<void> Issue();
  // SignStatuses signs the revocation list and the responses to OCSP anew, once a day and for
  // another certificate than before.
  Result<void> SignStatuses();

  const OwnAuthorityOptions options_;
  const Clock& clock_;
  RandomSource& random_;
  mutable std::mutex mutex_;
  std::string revocation_list_;  // guarded by mutex_
  proxy::OcspResponder responder_;
  // Of the thread that calls Load and Renew.
  crypto::Hash32 loaded_{};      // the certificate's fingerprint
  crypto::Hash32 signed_for_{};  // likewise
  Timestamp signed_at_{};
};

}  // namespace salus::cli
