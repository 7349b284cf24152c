// The HTTPS server.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "http/exchange.h"
#include "http/router.h"

namespace salus::http {

// ClientCertificate says which clients get past the handshake. kByFingerprint: all that hold the
// key of a certificate which has not expired, whoever issued it; the listener's authenticate hook,
// which must be there, knows the fingerprints that are admitted.
enum class ClientCertificate { kNone, kOptional, kRequired, kByFingerprint };

// StapledStatus is asked, on a loop thread, what is known now of the state of one certificate, when
// a client wants that beside it: an OCSP response as DER, empty for none (RFC 6066 section 8, RFC
// 8446 section 4.4.2.1).
using StapledStatus = std::function<std::string()>;

// ServerIdentity is a certificate with its key.
struct ServerIdentity {
  std::string certificate_chain_pem;  // leaf first
  SecretBytes private_key_pem;        // PKCS#8 PEM without passphrase, or DER
  StapledStatus stapled_status = {};  // of the leaf; may be unset
};

// ChallengeCertificate is asked, on a loop thread, what to show to a client that offers the
// protocol "acme-tls/1" for a server name, and nothing else (RFC 8737). nullopt: nothing is being
// proven for that name, and the handshake fails. No request is read from such a connection.
using ChallengeCertificate = std::function<std::optional<ServerIdentity>(std::string_view name)>;

// ClientRefused is told, on a loop thread, why a client's certificate was refused, or that there
// was none: it must not block. The reason is one of a few constants, and names nobody.
using ClientRefused = std::function<void(std::string_view reason)>;

// TlsServerOptions is a listener's identity and whom it admits. TLS 1.3 only, unless allow_tls12
// adds 1.2 with ECDHE and an AEAD.
struct TlsServerOptions {
  std::string certificate_chain_pem;  // leaf first
  SecretBytes private_key_pem;        // PKCS#8 PEM without passphrase, or DER
  StapledStatus stapled_status;       // of the leaf; may be unset
  bool allow_tls12 = false;
  ChallengeCertificate challenge;
  ClientCertificate client_certificate = ClientCertificate::kNone;
  std::string client_authorities_pem;  // roots; a path must end in one of them, but by fingerprint
  ClientRefused client_refused;        // may be unset
};

// Authenticate looks at a verified certificate once per connection, also of a resumed session (so
// that one revoked since is caught), on a loop thread: it must not block. What it returns is
// PeerCertificate::attachment. Errors: any; every request of the connection is answered 403.
using Authenticate = std::function<Result<std::shared_ptr<const void>>(const PeerCertificate&)>;

// ListenerOptions is one address and what is served there. Without tls it must be a loopback
// address: plain HTTP is for metrics of the own machine.
struct ListenerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one, see Server::port
  std::optional<TlsServerOptions> tls;
  std::shared_ptr<const Router> router;
  Authenticate authenticate;
  // response_headers are added to every answer that does not set them itself.
  Headers response_headers;
};

// ServerLimits bounds what clients can make the server hold, and for how long.
struct ServerLimits {
  std::size_t header_bytes = 16 * 1024;
  std::size_t header_count = 100;
  std::size_t target_bytes = 8 * 1024;
  std::size_t connections = 10'000;
  std::size_t connections_per_address = 2'000;
  std::size_t requests_in_flight = 4'096;
  std::size_t tls_sessions = 4'096;
  // whole_body_bytes bounds all bodies above 64 KiB that are being delivered whole, together.
  std::size_t whole_body_bytes = 256 * 1024 * 1024;
  std::chrono::milliseconds handshake_timeout{5'000};
  std::chrono::milliseconds header_timeout{10'000};  // from the first byte of a request
  std::chrono::milliseconds idle_timeout{60'000};    // between requests
  // In each rate_window in which we wait for a client, it must move at least rate_bytes.
  std::chrono::milliseconds rate_window{15'000};
  std::size_t rate_bytes = 1'024;
};

struct ServerOptions {
  std::vector<ListenerOptions> listeners;
  ServerLimits limits;
  int loop_threads = 2;
  // workers run handlers with whole bodies, stream_workers those that read or wait for a client;
  // kept apart, so that slow uploads never hold up short requests.
  int workers = 8;
  int stream_workers = 32;
};

// ServerStats are totals since the start, and what is open now.
struct ServerStats {
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;
  std::uint64_t connections_open = 0;
  std::uint64_t handshakes = 0;
  std::uint64_t handshakes_resumed = 0;
  std::uint64_t handshakes_failed = 0;
  std::uint64_t requests = 0;
  std::uint64_t requests_in_flight = 0;
  std::uint64_t requests_refused = 0;  // answered by the server itself: 4xx, 5xx
  std::uint64_t timeouts = 0;
};

// Server listens, speaks TLS 1.3 and HTTP/1.1, and calls the routes' handlers.
//
// Source:  RFC 9110, RFC 9112, RFC 8446. Deviations: absolute-form targets and obs-fold are
// refused;
//          requests whose framing is in any doubt are answered 400 and the connection closed.
// Threads: all methods are safe to call from any thread but the server's own.
class Server {
 public:
  // Errors: InvalidArgument (options, certificate or key), Unavailable (address in use).
  static Result<std::unique_ptr<Server>> Start(ServerOptions options);

  // The destructor stops at once; call Drain first to finish what runs.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // port is the port of the n-th listener.
  std::uint16_t port(std::size_t listener = 0) const;

  // Drain stops accepting, closes idle connections, lets running requests finish, and returns when
  // no connection is left or the timeout is over. Returns true if everything finished.
  bool Drain(std::chrono::milliseconds timeout);

  // ReplaceTls changes identity and authorities for new connections of a listener, and forgets its
  // TLS sessions. Errors: InvalidArgument; the old ones then stay.
  Result<void> ReplaceTls(std::size_t listener, TlsServerOptions options);
  // ForgetSessions makes every client do a full handshake next time; call it after a revocation.
  void ForgetSessions();

  ServerStats stats() const;

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace salus::http
