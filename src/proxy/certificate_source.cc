#include "proxy/certificate_source.h"

#include <sys/stat.h>

#include "codec/rfc3339.h"
#include "pki/certificate.h"
#include "pki/directory_files.h"
#include "pki/key_file.h"
#include "pki/pem.h"

namespace salus::proxy {
namespace {

constexpr std::chrono::seconds kLook{60};
constexpr std::chrono::days kWarnBefore{7};
constexpr std::chrono::days kWarnEvery{1};

}  // namespace

std::string StampOf(const std::filesystem::path& path) {
  struct stat file{};
  if (::stat(path.c_str(), &file) != 0) return "none";
  return std::to_string(file.st_ino) + "." + std::to_string(file.st_size) + "." +
         std::to_string(file.st_mtim.tv_sec) + "." + std::to_string(file.st_mtim.tv_nsec);
}

Result<std::vector<pki::Certificate>> ReadChain(const std::filesystem::path& path) {
  TRY(const std::string text, pki::ReadPublicFile(path));
  auto chain = pki::Certificate::FromPemBundle(pki::PemBlocks("CERTIFICATE", text));
  if (!chain) return std::move(chain).error().WithContext(path.string());
  return chain;
}

Result<http::ServerIdentity> ReadServerIdentity(const std::filesystem::path& chain,
                                                const std::filesystem::path& key) {
  TRY(const std::vector<pki::Certificate> certificates, ReadChain(chain));
  std::string pem;
  for (const pki::Certificate& certificate : certificates) pem += certificate.ToPem();
  std::error_code failure;
  const std::filesystem::path target = std::filesystem::canonical(key, failure);
  if (failure) return NotFound(key.string() + ": " + failure.message());
  Result<SecretBytes> secret = pki::ReadKeyFile(target);
  if (!secret) return std::move(secret).error().WithContext(key.string());
  return http::ServerIdentity{std::move(pem), *std::move(secret)};
}

Result<http::ServerIdentity> CertificateFiles::Load() {
  // Before reading: what is written meanwhile is then seen as a change.
  seen_ = StampOf(chain_) + " " + StampOf(key_);
  return ReadServerIdentity(chain_, key_);
}

RenewalStep CertificateFiles::Renew(RenewalCause cause, const std::stop_token&) {
  RenewalStep step{.wait = kLook};
  step.has_changed =
      cause == RenewalCause::kOperator || StampOf(chain_) + " " + StampOf(key_) != seen_;
  const Timestamp now = clock_.Now();
  if (step.has_changed || now < last_warning_ + kWarnEvery) return step;
  const auto chain = ReadChain(chain_);
  if (!chain || now + kWarnBefore < chain->front().not_after()) return step;
  last_warning_ = now;
  step.is_trouble = true;
  step.said = "the certificate in " + chain_.string() + " is valid only until " +
              codec::FormatRfc3339(chain->front().not_after()) +
              ": put a new one there, it is taken within a minute";
  return step;
}

}  // namespace salus::proxy
