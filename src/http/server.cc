#include "http/server.h"

#include <unistd.h>

#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "http/acceptor.h"
#include "http/connection.h"
#include "http/listening_socket.h"
#include "http/server_core.h"

namespace salus::http {
namespace {

constexpr std::chrono::milliseconds kTick{100};

Result<void> Listen(Listener& listener) {
  const std::string where = listener.options.address + ":" + std::to_string(listener.options.port);
  if (listener.options.tls && !listener.options.authenticate &&
      listener.options.tls->client_certificate == ClientCertificate::kByFingerprint) {
    return InvalidArgument("listener " + where + ": nobody says which fingerprints are admitted");
  }
  TRY(ListeningSocket socket,
      ListeningSocket::Open(listener.options.address, listener.options.port));
  if (!listener.options.tls && !socket.is_loopback()) {
    return InvalidArgument("listener " + where + ": plain HTTP is for loopback addresses only");
  }
  listener.port = socket.port();
  listener.set_fd(socket.Release());
  return {};
}

// TakeConnection gives a connection to the loop that has the fewest: with eight busy connections,
// chance would often put six on one core.
void TakeConnection(ServerCore& core, Listener& listener, int fd, std::string address) {
  if (*core.draining || !core.admission.Admit(address)) {
    ++core.counters.refused_connections;
    return RefuseConnection(fd);
  }
  ++core.counters.accepted;
  LoopContext* target = core.loops.front().get();
  for (const auto& loop : core.loops) {
    if (loop->load < target->load) target = loop.get();
  }
  ++target->load;
  // Made here, so that it closes its socket even if the loop stops before it starts.
  auto connection = std::make_shared<Connection>(*target, listener, fd, std::move(address));
  target->loop.PostFunction([connection] { connection->Start(); });
}

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
      acceptors.push_back(
          std::make_shared<Acceptor>(core.loops[0]->loop, listener->TakeFd(),
                                     [this, one = listener.get()](int fd, std::string address) {
                                       TakeConnection(core, *one, fd, std::move(address));
                                     }));
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
          listener->options.tls->client_certificate == ClientCertificate::kRequired ||
          listener->options.tls->client_certificate == ClientCertificate::kByFingerprint;
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
  return core.admission.WaitUntilEmpty(timeout);
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
  out.connections_open = state_->core.admission.open();
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
