// What the loops and connections of one proxy share. Not a public header.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "http/admission.h"
#include "http/event_loop.h"
#include "http/listening_socket.h"
#include "http/tls.h"
#include "proxy/access_log.h"
#include "proxy/backend_quota.h"
#include "proxy/line_writer.h"
#include "proxy/proxy.h"

namespace salus::proxy {

class BackendConnection;
class ClientConnection;
struct ProxyLoop;

using TimePoint = std::chrono::steady_clock::time_point;

// One read of a socket, and so the most that one connection takes in beyond what it has sent on.
inline constexpr std::size_t kReadBytes = 128 * 1024;
// A TLS record's worth: from here on a piece is passed on where it lies, instead of copied.
inline constexpr std::size_t kLargePiece = 16 * 1024;
inline constexpr int kReadsPerTurn = 4;

struct ProxyCounters {
  std::atomic<std::uint64_t> connections{0}, refused{0}, requests{0}, backend_connections{0},
      timeouts{0};
};

struct ProxyCore {
  explicit ProxyCore(ProxyOptions given);
  ~ProxyCore();

  std::shared_ptr<http::TlsContext> tls() const {
    std::lock_guard lock(mutex);
    return tls_context;
  }
  void set_tls(std::shared_ptr<http::TlsContext> context) {
    std::lock_guard lock(mutex);
    tls_context = std::move(context);
  }

  const ProxyOptions options;
  http::Admission admission{options.limits.connections, options.limits.connections_per_address};
  ProxyCounters counters;
  http::SocketAddress backend;
  std::string backend_host;  // for a request without a Host field
  std::string hsts_line;     // a whole header line, or empty
  std::uint16_t https_port = 443;
  std::atomic<bool> draining{false};
  std::atomic<std::chrono::milliseconds> idle_grace{std::chrono::milliseconds(0)};
  BackendQuota quota{options.backend_connections, options.backend_connections_per_address};
  std::unique_ptr<LineWriter> warnings;
  std::unique_ptr<AccessLog> access_log;  // null: none
  std::vector<std::unique_ptr<ProxyLoop>> loops;

 private:
  mutable std::mutex mutex;
  std::shared_ptr<http::TlsContext> tls_context;  // guarded by mutex
};

// ProxyLoop is one loop, its thread, its unused backend connections, and the buffers that its
// connections share. to_client and to_backend collect what one turn of a connection has to say, so
// that it goes out in one send; they are empty between turns.
struct ProxyLoop {
  explicit ProxyLoop(ProxyCore& of) : core(of) {}

  ProxyCore& core;
  http::EventLoop loop;
  http::TlsBuffers tls;
  Bytes received = Bytes(kReadBytes);
  Bytes plain = Bytes(kReadBytes);
  Bytes to_client, to_backend;
  // now is the time of the last tick: near enough for timeouts, and free.
  TimePoint now = std::chrono::steady_clock::now();
  TimePoint last_warning{};
  int connect_error = 0;  // why the last connection to the backend could not be made
  std::unordered_set<std::shared_ptr<ClientConnection>> clients;
  std::vector<std::shared_ptr<BackendConnection>> idle_backends;  // the last used is last
  std::atomic<std::size_t> load{0};
  std::thread thread;
};

// Here a ProxyLoop is known, which a core makes and takes away.
inline ProxyCore::ProxyCore(ProxyOptions given) : options(std::move(given)) {}
inline ProxyCore::~ProxyCore() = default;

}  // namespace salus::proxy
