#include "http/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "http/connection.h"
#include "http/server_core.h"

namespace salus::http {
namespace {

constexpr int kBacklog = 1024;
constexpr int kAcceptsPerTurn = 64;
constexpr std::chrono::milliseconds kTick{100};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  bool is_loopback = false;
};

Result<SocketAddress> ParseAddress(const std::string& text, std::uint16_t port) {
  SocketAddress out;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    out.is_loopback = (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
    out.size = sizeof v4;
    std::memcpy(&out.storage, &v4, sizeof v4);
  } else if (inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    out.is_loopback = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
    out.size = sizeof v6;
    std::memcpy(&out.storage, &v6, sizeof v6);
  } else {
    return InvalidArgument("listener: the address is neither IPv4 nor IPv6");
  }
  return out;
}

std::string AddressText(const sockaddr_storage& storage) {
  char text[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &storage, sizeof v4);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
  } else if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &storage, sizeof v6);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  }
  return text;
}

Result<void> Listen(Listener& listener) {
  const std::string where = listener.options.address + ":" + std::to_string(listener.options.port);
  TRY(SocketAddress address, ParseAddress(listener.options.address, listener.options.port));
  if (!listener.options.tls && !address.is_loopback) {
    return InvalidArgument("listener " + where + ": plain HTTP is for loopback addresses only");
  }
  const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Unavailable("listener " + where + ": no socket: " + std::strerror(errno));
  listener.set_fd(fd);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto* raw = reinterpret_cast<const sockaddr*>(&address.storage);
  if (bind(fd, raw, address.size) != 0 || listen(fd, kBacklog) != 0) {
    return Unavailable("listener " + where + ": " + std::strerror(errno));
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) == 0);
  // The port is at the same place for IPv4 and IPv6.
  sockaddr_in as_v4;
  std::memcpy(&as_v4, &bound, sizeof as_v4);
  listener.port = ntohs(as_v4.sin_port);
  return {};
}

// Acceptor accepts for one listener on the first loop, and gives each connection to the loop that
// has the fewest: with eight busy connections, chance would often put six on one core.
class Acceptor final : public FdHandler, public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(ServerCore& core, LoopContext& loop, Listener& listener)
      : core_(core), listener_(listener), watch_(loop.loop.Watch(listener.TakeFd())) {}

  void Arm() {
    if (armed_ || closed_) return;
    armed_ = true;
    watch_->WhenReadable(shared_from_this());
  }
  void Close() {
    closed_ = true;
    watch_->Close();
  }
  void OnReadable() override {
    armed_ = false;
    for (int i = 0; i < kAcceptsPerTurn && !closed_; ++i) {
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      const int fd = accept4(watch_->fd(), reinterpret_cast<sockaddr*>(&from), &size,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) {
        if (errno == EAGAIN) break;
        // Out of descriptors or memory: the next tick tries again, this turn would only spin.
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) return;
        continue;
      }
      Take(fd, AddressText(from));
    }
    Arm();
  }
  void OnWritable() override {}

 private:
  void Take(int fd, std::string address) {
    if (!core_.Admit(address)) {
      // A reset, so that the client knows at once, and nothing lingers here.
      const linger hard{1, 0};
      setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
      close(fd);
      return;
    }
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    LoopContext* target = core_.loops.front().get();
    for (const auto& loop : core_.loops) {
      if (loop->load < target->load) target = loop.get();
    }
    ++target->load;
    // Made here, so that it closes its socket even if the loop stops before it starts.
    auto connection = std::make_shared<Connection>(*target, listener_, fd, std::move(address));
    target->loop.PostFunction([connection] { connection->Start(); });
  }

  ServerCore& core_;
  Listener& listener_;
  const std::unique_ptr<FdWatch> watch_;
  bool armed_ = false;
  bool closed_ = false;
};

void ForEachConnection(LoopContext& loop, void (Connection::*call)()) {
  // A copy, because a call may close the connection.
  const std::vector<std::shared_ptr<Connection>> all(loop.connections.begin(),
                                                     loop.connections.end());
  for (const auto& connection : all) (connection.get()->*call)();
}

}  // namespace

Listener::~Listener() {
  if (fd_ >= 0) close(fd_);
}

bool ServerCore::Admit(const std::string& address) {
  std::lock_guard lock(mutex);
  std::size_t& of_address = per_address[address];
  if (*draining || connection_count >= limits.connections ||
      of_address >= limits.connections_per_address) {
    if (of_address == 0) per_address.erase(address);
    ++counters.refused_connections;
    return false;
  }
  ++of_address;
  ++connection_count;
  ++counters.accepted;
  return true;
}

void ServerCore::Leave(const std::string& address) {
  std::lock_guard lock(mutex);
  if (--per_address[address] == 0) per_address.erase(address);
  --connection_count;
  left.notify_all();
}

struct Server::State {
  explicit State(const ServerOptions& options) : core(options) {}

  ServerCore core;
  std::vector<std::shared_ptr<Acceptor>> acceptors;
  bool running = false;

  void Run(int loop_threads) {
    for (int i = 0; i < loop_threads; ++i) {
      core.loops.push_back(std::make_unique<LoopContext>(core));
    }
    for (const auto& listener : core.listeners) {
      acceptors.push_back(std::make_shared<Acceptor>(core, *core.loops[0], *listener));
      acceptors.back()->Arm();
    }
    for (std::size_t i = 0; i < core.loops.size(); ++i) {
      LoopContext* loop = core.loops[i].get();
      loop->loop.Tick(kTick, [this, loop, i] {
        loop->now = std::chrono::steady_clock::now();
        if (i == 0) {
          for (const auto& acceptor : acceptors) acceptor->Arm();
        }
        ForEachConnection(*loop, &Connection::OnTick);
      });
      loop->thread = std::thread([loop] { loop->loop.Run(); });
    }
    running = true;
  }

  void Stop() {
    if (!running) return;
    running = false;
    *core.draining = true;
    core.loops[0]->loop.PostFunction([this] {
      for (const auto& acceptor : acceptors) acceptor->Close();
    });
    for (const auto& loop : core.loops) {
      loop->loop.PostFunction([l = loop.get()] {
        ForEachConnection(*l, &Connection::Close);
        l->loop.Stop();
      });
    }
    for (const auto& loop : core.loops) loop->thread.join();
    core.workers.Stop();
    core.stream_workers.Stop();
  }
};

Result<std::unique_ptr<Server>> Server::Start(ServerOptions options) {
  if (options.loop_threads < 1 || options.workers < 1 || options.stream_workers < 1) {
    return InvalidArgument("server: each kind of thread is needed at least once");
  }
  if (options.listeners.empty()) return InvalidArgument("server: no listener is given");
  auto state = std::make_unique<State>(options);
  for (ListenerOptions& one : options.listeners) {
    if (one.router == nullptr) return InvalidArgument("listener: no router is given");
    for (const auto& [name, value] : one.response_headers) {
      if (!IsValidField(name, value)) return InvalidArgument("listener: a header is malformed");
    }
    auto listener = std::make_unique<Listener>(std::move(one));
    if (listener->options.tls) {
      TRY(auto context, TlsContext::ForServer(*listener->options.tls, options.limits.tls_sessions));
      listener->client_certificate_required =
          listener->options.tls->client_certificate == ClientCertificate::kRequired;
      listener->set_tls(std::move(context));
    }
    state->core.listeners.push_back(std::move(listener));
    Listener& added = *state->core.listeners.back();
    TRY_VOID(Listen(added));
    // The key is in the TLS context now; one copy is enough.
    if (added.options.tls) added.options.tls->private_key_pem.Wipe();
  }
  state->Run(options.loop_threads);
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() { state_->Stop(); }

std::uint16_t Server::port(std::size_t listener) const {
  CHECK(listener < state_->core.listeners.size());
  return state_->core.listeners[listener]->port;
}

bool Server::Drain(std::chrono::milliseconds timeout) {
  ServerCore& core = state_->core;
  *core.draining = true;
  core.loops[0]->loop.PostFunction([this] {
    for (const auto& acceptor : state_->acceptors) acceptor->Close();
  });
  for (const auto& loop : core.loops) {
    loop->loop.PostFunction([l = loop.get()] { ForEachConnection(*l, &Connection::BeginDrain); });
  }
  std::unique_lock lock(core.mutex);
  return core.left.wait_for(lock, timeout, [&] { return core.connection_count == 0; });
}

Result<void> Server::ReplaceTls(std::size_t index, TlsServerOptions options) {
  CHECK(index < state_->core.listeners.size());
  Listener& listener = *state_->core.listeners[index];
  if (!listener.options.tls) return InvalidArgument("this listener speaks plain HTTP");
  if (options.client_certificate != listener.options.tls->client_certificate) {
    return InvalidArgument("whether clients show a certificate can't change while running");
  }
  TRY(auto context, TlsContext::ForServer(options, state_->core.limits.tls_sessions));
  listener.set_tls(std::move(context));
  return {};
}

void Server::ForgetSessions() {
  for (const auto& listener : state_->core.listeners) {
    if (auto context = listener->tls()) context->ForgetSessions();
  }
}

ServerStats Server::stats() const {
  const ServerCounters& c = state_->core.counters;
  ServerStats out;
  out.connections_accepted = c.accepted;
  out.connections_refused = c.refused_connections;
  {
    std::lock_guard lock(state_->core.mutex);
    out.connections_open = state_->core.connection_count;
  }
  out.handshakes = c.handshakes;
  out.handshakes_resumed = c.handshakes_resumed;
  out.handshakes_failed = c.handshakes_failed;
  out.requests = c.requests;
  out.requests_in_flight = c.in_flight;
  out.requests_refused = c.refused;
  out.timeouts = c.timeouts;
  return out;
}

}  // namespace salus::http
