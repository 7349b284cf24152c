#include "apps/salus/proxy_certificates.h"

namespace salus::cli {

std::vector<Flag> CertificateFlags() {
  return {
      {"--certificate", FlagKind::kText, "FILE", "certificate chain (PEM, leaf first)"},
      {"--key", FlagKind::kText, "FILE", "its private key (PKCS#8 PEM, mode 0600)"},
  };
}

Result<ProxyCertificates> MakeProxyCertificates(Session& session, bool) {
  TRY(const std::string chain, session.Required("--certificate"));
  TRY(const std::string key, session.Required("--key"));
  ProxyCertificates out;
  out.source = std::make_unique<proxy::CertificateFiles>(chain, key, session.clock());
  return out;
}

}  // namespace salus::cli
