// What the backend is told about a client's certificate. Not a public header.
//
// Shape: X-Salus-Client-Subject (RFC 2253 text, percent-encoded), -Fingerprint (SHA-256, hex), and
//        -Identity where the certificate carries a urn:salus: name.
#pragma once

#include <string>

#include "base/result.h"
#include "http/exchange.h"

namespace salus::proxy {

// PeerLines are whole header lines. Errors: InvalidArgument: the certificate is not canonical.
Result<std::string> PeerLines(const http::PeerCertificate& peer);

}  // namespace salus::proxy
