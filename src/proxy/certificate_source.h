// CertificateSource is where the front door's certificate comes from: files that somebody else
// renews, an ACME authority, or our own.
#pragma once

#include <chrono>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "http/server.h"
#include "pki/certificate.h"

namespace salus::proxy {

// RenewalCause says why a source is asked; what an operator asks for is not put off by a pause that
// we chose ourselves.
enum class RenewalCause { kTime, kOperator };

// RenewalStep is what came of one look at what is due.
struct RenewalStep {
  bool has_changed = false;       // Load gives something new
  std::string said = {};          // one sentence for the operator; empty: nothing to say
  bool is_trouble = false;        // said is a warning
  std::chrono::seconds wait{60};  // until the next look
};

// Threads: Load and Renew are called by one thread at a time.
class CertificateSource {
 public:
  virtual ~CertificateSource() = default;

  // Load reads what there is. Errors: NotFound, InvalidArgument, FailedPrecondition with the file.
  virtual Result<http::ServerIdentity> Load() = 0;

  // Renew does what is due. It may take minutes, and ends soon after stop was requested.
  virtual RenewalStep Renew(RenewalCause cause, const std::stop_token& stop) = 0;
};

// CertificateFiles are a chain and a key that somebody else renews. A change is noticed within a
// minute.
class CertificateFiles final : public CertificateSource {
 public:
  CertificateFiles(std::filesystem::path chain, std::filesystem::path key, const Clock& clock)
      : chain_(std::move(chain)), key_(std::move(key)), clock_(clock) {}

  Result<http::ServerIdentity> Load() override;
  RenewalStep Renew(RenewalCause cause, const std::stop_token& stop) override;

 private:
  const std::filesystem::path chain_;
  const std::filesystem::path key_;
  const Clock& clock_;
  std::string seen_;  // both files' times and sizes, as of the last Load
  Timestamp last_warning_{};
};

// StampOf changes whenever the file at path was replaced or written to.
std::string StampOf(const std::filesystem::path& path);

// ReadChain reads a file's certificates, leaf first. Text and other blocks beside them, as
// `openssl x509 -text` and other programs write, are passed over.
//
// Errors: as pki::ReadPublicFile and pki::Certificate::FromPemBundle, with the file's name.
Result<std::vector<pki::Certificate>> ReadChain(const std::filesystem::path& path);

// ReadServerIdentity reads a chain and a key file; the key's may be a symbolic link (certbot's is).
//
// Errors: as pki::ReadKeyFile and ReadChain, with the file's name.
Result<http::ServerIdentity> ReadServerIdentity(const std::filesystem::path& chain,
                                                const std::filesystem::path& key);

}  // namespace salus::proxy
