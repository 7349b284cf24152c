#include "proxy/peer_fields.h"

#include "codec/hex.h"
#include "http/uri.h"
#include "pki/certificate.h"

namespace salus::proxy {

Result<std::string> PeerLines(const http::PeerCertificate& peer) {
  TRY(const pki::Certificate certificate, pki::Certificate::FromDer(peer.leaf_der));
  std::string out = "X-Salus-Client-Subject: " + http::PercentEncode(certificate.subject()) +
                    "\r\nX-Salus-Client-Fingerprint: " + codec::HexEncode(peer.fingerprint) +
                    "\r\n";
  if (certificate.identity()) {
    // A canonical urn: it holds nothing that would have to be escaped.
    out += "X-Salus-Client-Identity: " + certificate.uri_names().front() + "\r\n";
  }
  return out;
}

}  // namespace salus::proxy
