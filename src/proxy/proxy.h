// Proxy is a TLS front door: it ends TLS, and passes HTTP/1.1 requests to one plain HTTP server.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "http/message.h"
#include "http/server.h"

namespace salus::proxy {

// Place is an address and a port; inherited_fd is a socket that listens there already, or -1.
struct Place {
  std::string address;
  std::uint16_t port = 0;
  int inherited_fd = -1;
};

// PlainAnswer answers a path of the plain listener (a challenge, a revocation list) instead of the
// redirection; nullopt: redirect. Called on loop threads: it must not block for long.
using PlainAnswer = std::function<std::optional<http::Response>(std::string_view path)>;

// PlainPost is the one path of the plain listener that takes POST: a small body, of one media type,
// whose parameters are passed over. answer is called as a PlainAnswer is.
struct PlainPost {
  std::string path;
  std::string content_type;
  std::size_t max_body_bytes = 0;
  std::function<http::Response(ByteSpan body)> answer;
};

struct ProxyOptions {
  std::vector<Place> from;           // TLS
  std::vector<Place> redirect_from;  // plain: 308 to https
  PlainAnswer plain_answer;
  std::optional<PlainPost> plain_post;
  Place to;  // the backend, plain HTTP/1.1
  // domains are the host names served; any other is answered 421. Empty: all.
  std::vector<std::string> domains;
  http::TlsServerOptions tls;
  std::chrono::seconds hsts{31'536'000};  // 0: the field is not set
  std::uint64_t max_body_bytes = std::uint64_t{1} << 30;
  // backend_timeout: the backend neither connects, takes nor sends anything for that long.
  std::chrono::milliseconds backend_timeout{60'000};
  http::ServerLimits limits;
  // How many requests, with what they became (a WebSocket), may be at the backend at once, of all
  // and of one address; more get 503.
  std::size_t backend_connections = 1'024;
  std::size_t backend_connections_per_address = 256;
  std::string access_log;  // a file; "-": standard error; empty: none
  int threads = 1;
};

// ProxyStats are totals since the start.
struct ProxyStats {
  std::uint64_t connections = 0;
  std::uint64_t connections_refused = 0;
  std::uint64_t connections_open = 0;
  std::uint64_t requests = 0;
  std::uint64_t backend_connections = 0;
  std::uint64_t timeouts = 0;
};

// Proxy runs until it is drained or destroyed.
//
// Source:  RFC 9110 section 7, RFC 9112, RFC 7239, RFC 6797, RFC 6455 (the upgrade only).
//          Deviations: a message that could be read in two ways is refused (400, or 502 for the
//          backend's), never passed on; only "websocket" is upgraded to; trailers are dropped.
// Threads: all methods are safe to call from any thread but the proxy's own.
class Proxy {
 public:
  // Errors: InvalidArgument (options, certificate or key), Unavailable (address in use),
  //         PermissionDenied (a privileged port).
  static Result<std::unique_ptr<Proxy>> Start(ProxyOptions options);

  // The destructor stops at once; call Drain first to finish what runs.
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  // port is the port of the n-th place of from, then of redirect_from; listening_fds are their
  // sockets in the same order, for a process that takes over.
  std::uint16_t port(std::size_t place = 0) const;
  std::vector<int> listening_fds() const;

  // ReplaceTls changes the identity for new connections. Errors: InvalidArgument; the old one then
  // stays.
  Result<void> ReplaceTls(const http::TlsServerOptions& options);

  // ReopenLog goes on in a new access log of the same name, after the old one was moved away.
  void ReopenLog();

  // Say puts a line, without its end, on standard error in its turn; it never waits for whoever
  // reads there. What can't be written is left out.
  void Say(std::string_view line);

  // Drain stops accepting, lets running requests finish, and returns true when no connection is
  // left before the timeout. A connection without a request is closed when it was idle for
  // idle_grace; until then it may send one more request.
  bool Drain(std::chrono::milliseconds timeout, std::chrono::milliseconds idle_grace);

  ProxyStats stats() const;

 private:
  struct State;
  explicit Proxy(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace salus::proxy
