// AcmeCertificates gets the front door's certificate from an ACME authority, through the client
// uacme, and renews it when less than a third of its life is left.
//
// Source: RFC 8555; docs/decisions/0033-acme-through-uacme.md.
// Shape:  STATE (0700) holds hook.sh, lock, the challenges' folders (challenge_store.h), and a
//         folder for each authority, named after it: uacme's configuration directory (account key
//         and certificate key 0600), registered, and not-before, the time until which the authority
//         wants to be left alone.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "proxy/acme_output.h"
#include "proxy/certificate_source.h"
#include "proxy/challenge_store.h"

namespace salus::proxy {

enum class AcmeChallenge { kHttp01, kTlsAlpn01 };

// Errors: InvalidArgument unless text is http-01 or tls-alpn-01.
Result<AcmeChallenge> ParseAcmeChallenge(std::string_view text);

// MakeStateFolder makes a folder (0700) for keys, where it is missing.
//
// Errors: FailedPrecondition when others may write to it; Unavailable.
Result<void> MakeStateFolder(const std::filesystem::path& folder);

struct AcmeOptions {
  std::string directory_url = "https://acme-v02.api.letsencrypt.org/directory";
  std::string email = {};  // may be empty
  std::filesystem::path state;
  std::vector<std::string> domains;
  AcmeChallenge challenge = AcmeChallenge::kHttp01;
};

class AcmeCertificates final : public CertificateSource {
 public:
  // Open makes the state directory where it is missing; nothing is asked of the authority yet.
  //
  // Errors: InvalidArgument naming the option; NotFound when uacme is not installed;
  // FailedPrecondition when others may write to the state directory; Unavailable.
  static Result<std::unique_ptr<AcmeCertificates>> Open(AcmeOptions options, const Clock& clock,
                                                        RandomSource& random);

  // Load gives a self-signed certificate until the authority has issued one.
  Result<http::ServerIdentity> Load() override;
  RenewalStep Renew(RenewalCause cause, const std::stop_token& stop) override;

  const ChallengeStore& challenges() const { return challenges_; }

 private:
  AcmeCertificates(AcmeOptions options, std::filesystem::path authority, const Clock& clock,
                   RandomSource& random);

  // Held is the stored certificate's dates and names; nullopt when there is none.
  struct Held {
    Timestamp not_before;
    Timestamp not_after;
    bool has_all_names = false;
  };
  std::optional<Held> ReadHeld() const;
  // When the certificate is to be renewed: now or before when it is due.
  Timestamp DueTime() const;
  std::optional<Timestamp> ReadNotBefore() const;
  Result<void> WriteHook() const;
  // Order asks the authority. An empty reason is success.
  AcmeReport Order(const std::stop_token& stop);
  AcmeReport RunClient(const std::vector<std::string>& words, const std::stop_token& stop) const;
  RenewalStep Failed(const AcmeReport& report);

  const AcmeOptions options_;
  const std::filesystem::path authority_;  // the folder of this authority
  const Clock& clock_;
  RandomSource& random_;
  ChallengeStore challenges_;
  int failures_ = 0;  // in a row
  Timestamp own_pause_until_{};
};

}  // namespace salus::proxy
