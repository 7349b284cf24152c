// What the loops, listeners and connections of one server share. Internal to the module.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "http/admission.h"
#include "http/event_loop.h"
#include "http/server.h"
#include "http/tls.h"
#include "http/worker_pool.h"

namespace salus::http {

class Connection;
struct ServerCore;

// One read of a socket, and so the most that a connection takes in beyond its queue.
inline constexpr std::size_t kReadBytes = 64 * 1024;

// Listener is one address: its options and its TLS context, which can be replaced.
class Listener {
 public:
  explicit Listener(ListenerOptions listener_options)
      : options(std::move(listener_options)),
        response_headers(std::make_shared<const Headers>(options.response_headers)) {}
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // The listening socket is the listener's until an acceptor takes it.
  void set_fd(int fd) { fd_ = fd; }
  int TakeFd() { return std::exchange(fd_, -1); }

  std::shared_ptr<TlsContext> tls() const {
    std::lock_guard lock(mutex_);
    return tls_;
  }
  void set_tls(std::shared_ptr<TlsContext> context) {
    std::lock_guard lock(mutex_);
    tls_ = std::move(context);
  }

  ListenerOptions options;
  std::shared_ptr<const Headers> response_headers;
  std::uint16_t port = 0;
  bool client_certificate_required = false;

 private:
  int fd_ = -1;
  mutable std::mutex mutex_;
  std::shared_ptr<TlsContext> tls_;  // guarded by mutex_; null: plain
};

// LoopContext is one loop, its thread, and the buffers that its connections share.
struct LoopContext {
  explicit LoopContext(ServerCore& server) : core(server) {}

  ServerCore& core;
  EventLoop loop;
  TlsBuffers tls;
  Bytes received = Bytes(kReadBytes);
  Bytes plain = Bytes(kReadBytes);
  Bytes gathered;
  // now is the time of the last tick: near enough for timeouts, and free.
  std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now();
  std::unordered_set<std::shared_ptr<Connection>> connections;  // loop thread only
  std::atomic<std::size_t> load{0};
  std::thread thread;
};

struct ServerCounters {
  std::atomic<std::uint64_t> accepted{0}, refused_connections{0}, open{0}, handshakes{0},
      handshakes_resumed{0}, handshakes_failed{0}, requests{0}, in_flight{0}, refused{0},
      timeouts{0};
};

struct ServerCore {
  explicit ServerCore(const ServerOptions& options)
      : limits(options.limits),
        workers(options.workers, options.limits.requests_in_flight),
        stream_workers(options.stream_workers, options.limits.requests_in_flight) {}

  const ServerLimits limits;
  Admission admission{limits.connections, limits.connections_per_address};
  ServerCounters counters;
  const std::shared_ptr<std::atomic<bool>> draining = std::make_shared<std::atomic<bool>>(false);
  std::atomic<std::size_t> whole_body_bytes{0};  // reserved for bodies delivered whole
  std::vector<std::unique_ptr<Listener>> listeners;
  std::vector<std::unique_ptr<LoopContext>> loops;

  // Last, so that their threads end while all of the above is there.
  WorkerPool workers;
  WorkerPool stream_workers;
};

}  // namespace salus::http
