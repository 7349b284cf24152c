#include "api/certified_key.h"

#include "api/json_body.h"
#include "codec/hex.h"
#include "pki/path.h"

namespace salus::api {

namespace {

Result<pki::Certificate> ValidateHere(Service& service, std::string_view pem) {
  node::Node& node = service.node();
  TRY(const std::vector<pki::Certificate> chain, pki::Certificate::FromPemBundle(pem));
  TRY(const pki::Certificate root, pki::Certificate::FromPem(node.root_certificate_pem()));
  TRY(const pki::TrustStore trust, pki::TrustStore::Create({&root, 1}));
  std::vector<pki::Certificate> helpers = chain;
  helpers.insert(helpers.end(), service.authorities().begin(), service.authorities().end());
  return pki::ValidatePath(helpers, trust, node.clock().Now(), pki::Purpose::kClient,
                           node.origin());
}

}  // namespace

Result<CertifiedKey> ReadCertifiedKey(Service& service, const codec::JsonObject& body,
                                      pki::Role role) {
  CertifiedKey read;
  TRY(const auto pem, codec::OptionalStringAt(body, "certificate"));
  TRY(const codec::JsonObject* jwk, codec::OptionalObjectAt(body, "key"));
  if (pem && jwk != nullptr) return InvalidArgument("send either certificate or key");
  if (jwk != nullptr) {
    TRY(read.key, ReadJwk(*jwk));
    return read;
  }
  if (!pem) return read;
  Result<pki::Certificate> certificate = ValidateHere(service, *pem);
  if (!certificate) return std::move(certificate.error()).WithContext("certificate");
  TRY(const pki::Identity identity, certificate->identity());
  if (identity.role != role) return InvalidArgument("certificate: is for another role");
  TRY(read.key, certificate->encryption_key());
  if (!read.key) return InvalidArgument("certificate: carries no encryption key");
  read.certificate_fingerprint = codec::HexEncode(certificate->fingerprint());
  read.id = identity.id;
  return read;
}

}  // namespace salus::api
