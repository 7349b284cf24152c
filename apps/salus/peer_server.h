// PeerServer lets the parties of a session reach its PeerHost over HTTPS.
//
// Source: our own; docs/formats/peer-session.md. Every answer but the first two is a problem of
//         RFC 9457.
// Shape:  GET /aggregate/v1/roster: the signed roster. POST /aggregate/v1/parcels: a party's
//         parcel, 204. GET /aggregate/v1/parcels/{step}: the board of that step, or 204 when there
//         is none after 25 s: ask again.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "aggregate/peer_host.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"

namespace salus::cli {

struct PeerServerOptions {
  std::string address;
  std::uint16_t port = 0;  // 0: any free one
  std::string certificate_pem = {};
  SecretBytes private_key = {};
};

// PeerServer speaks TLS 1.3 with clients that hold the key of any certificate, and listens to those
// whose fingerprint is in the roster; the others are told that it is not.
//
// Ownership: host and clock outlive it; nobody else touches host while it lives.
class PeerServer {
 public:
  // Errors: as http::Server::Start.
  static Result<std::unique_ptr<PeerServer>> Start(aggregate::PeerHost& host,
                                                   PeerServerOptions options, const Clock& clock);
  ~PeerServer();
  PeerServer(const PeerServer&) = delete;
  PeerServer& operator=(const PeerServer&) = delete;

  std::uint16_t port() const;

  // Serve returns when the session is over and its parties know, or have had the time to ask.
  // changed is called on this thread whenever something may have happened, at least twice a second.
  //
  // Errors: those of changed.
  Result<void> Serve(const std::function<Result<void>(aggregate::PeerHost& host)>& changed);

 private:
  struct State;
  explicit PeerServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace salus::cli
