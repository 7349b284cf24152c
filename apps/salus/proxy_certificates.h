// ProxyCertificates is where `salus proxy` has its certificate from, as its flags say, and what its
// listeners answer to whoever checks that a name is ours.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "apps/salus/session.h"
#include "proxy/certificate_source.h"
#include "proxy/proxy.h"

namespace salus::cli {

struct ProxyCertificates {
  std::unique_ptr<proxy::CertificateSource> source;
  proxy::PlainAnswer plain_answer;  // of the plain listener; may be unset; refers to source
  std::optional<proxy::PlainPost> plain_post;  // likewise
  http::ChallengeCertificate challenge;  // of the TLS listener; may be unset; refers to source
};

// TellRefusedClients says on standard error, now and then, why clients were refused.
http::ClientRefused TellRefusedClients(Session& session);

// CertificateFlags are the flags of `salus proxy` about its certificate.
std::vector<Flag> CertificateFlags();

// MakeProxyCertificates reads the flags, with these domains. redirect_from is where plain HTTP is
// answered too, which HTTP-01, a revocation list and OCSP need.
//
// Errors: usage; as proxy::AcmeCertificates::Open.
Result<ProxyCertificates> MakeProxyCertificates(Session& session,
                                                const std::vector<proxy::Place>& redirect_from);

}  // namespace salus::cli
