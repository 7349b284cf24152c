// PeerLink is a party's connection to the host of a session, as PeerServer offers it.
//
// Source: docs/formats/peer-session.md.
// Shape:  HTTP/1.1 over TLS 1.3; both ends are known by the fingerprints in the roster.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "aggregate/peer_party.h"
#include "aggregate/peer_step.h"
#include "base/bytes.h"
#include "base/result.h"
#include "client/transport.h"
#include "crypto/sha256.h"
#include "pki/identity_directory.h"

namespace salus::cli {

// Errors: of each call: Unavailable when the host can't be reached, or the connection broke: worth
// another try; VerificationFailed when somebody else answers; PermissionDenied when the host does
// not know our certificate.
//
// Threads: one at a time.
class PeerLink {
 public:
  // Errors: FailedPrecondition when the identity has no certificate; InvalidArgument for the URL.
  static Result<PeerLink> Open(const std::string& url, const crypto::Hash32& host_fingerprint,
                               const pki::IdentityDirectory& identity);

  // FetchRoster is the host's word, signed.
  Result<std::string> FetchRoster();
  Result<void> Send(ByteSpan parcel);
  // FetchBoard waits up to half a minute; nothing: it is not there yet.
  Result<std::optional<Bytes>> FetchBoard(aggregate::PeerStep step);

 private:
  explicit PeerLink(std::unique_ptr<client::Transport> transport)
      : transport_(std::move(transport)) {}
  std::unique_ptr<client::Transport> transport_;
};

// Attend takes a party through its session, until it has a result. happened is told of each step,
// and may stop it.
//
// Errors: those of the party and of the link, once a second try makes no sense; happened's.
Result<void> Attend(aggregate::PeerParty& party, PeerLink& link,
                    const std::function<Result<void>(aggregate::PeerParty& party)>& happened);

}  // namespace salus::cli
