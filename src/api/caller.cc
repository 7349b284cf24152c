#include "api/caller.h"

namespace salus::api {

Caller IdentifyCaller(const http::PeerCertificate& peer, std::string_view origin) {
  const Result<pki::Certificate> certificate = pki::Certificate::FromDer(peer.leaf_der);
  return certificate ? IdentifyCaller(*certificate, origin) : Caller();
}

Caller IdentifyCaller(const pki::Certificate& certificate, std::string_view origin) {
  Caller caller;
  caller.fingerprint = certificate.fingerprint();
  if (auto key = certificate.encryption_key()) caller.encryption_key = *std::move(key);
  Result<pki::Identity> identity = certificate.identity();
  if (!identity || identity->origin != origin) return caller;
  caller.identity = *std::move(identity);
  return caller;
}

}  // namespace salus::api
