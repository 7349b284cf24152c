#include "proxy/proxy.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "http/acceptor.h"
#include "proxy/client_connection.h"
#include "proxy/proxy_loop.h"

namespace salus::proxy {
namespace {

constexpr std::chrono::milliseconds kTick{100};

template <typename Call>
void ForEachClient(ProxyLoop& loop, const Call& call) {
  // A copy, because a call may close the connection.
  const std::vector<std::shared_ptr<ClientConnection>> all(loop.clients.begin(),
                                                           loop.clients.end());
  for (const auto& client : all) call(*client);
}

// TakeConnection gives a connection to the loop that has the fewest.
void TakeConnection(ProxyCore& core, ListenerKind kind, int fd, std::string address) {
  if (!core.admission.Admit(address)) {
    ++core.counters.refused;
    return http::RefuseConnection(fd);
  }
  ++core.counters.connections;
  ProxyLoop* target = core.loops.front().get();
  for (const auto& loop : core.loops) {
    if (loop->load < target->load) target = loop.get();
  }
  ++target->load;
  // Made here, so that it closes its socket even if the loop stops before it starts.
  auto client = std::make_shared<ClientConnection>(*target, kind, fd, std::move(address));
  target->loop.PostFunction([client] { client->Start(); });
}

Result<http::ListeningSocket> OpenPlace(const Place& place) {
  if (place.inherited_fd >= 0) return http::ListeningSocket::Adopt(place.inherited_fd);
  return http::ListeningSocket::Open(place.address, place.port);
}

std::string HostOf(const Place& place) {
  const bool is_v6 = place.address.find(':') != std::string::npos;
  const std::string address = is_v6 ? "[" + place.address + "]" : place.address;
  return address + ":" + std::to_string(place.port);
}

}  // namespace

struct Proxy::State {
  explicit State(ProxyOptions options) : core(std::move(options)) {}

  struct Listening {
    ListenerKind kind;
    int fd;
    std::uint16_t port;
    std::shared_ptr<http::Acceptor> acceptor;
  };

  ProxyCore core;
  std::vector<Listening> places;
  bool running = false;

  Result<void> Listen(const std::vector<Place>& at, ListenerKind kind) {
    for (const Place& place : at) {
      TRY(http::ListeningSocket socket, OpenPlace(place));
      const std::uint16_t port = socket.port();
      const int fd = socket.Release();
      places.push_back(
          {kind, fd, port,
           std::make_shared<http::Acceptor>(
               core.loops[0]->loop, fd, [this, kind](int client_fd, std::string address) {
                 TakeConnection(core, kind, client_fd, std::move(address));
               })});
    }
    return {};
  }

  void OnTick(ProxyLoop& loop, bool accepts) {
    loop.now = std::chrono::steady_clock::now();
    if (accepts) {
      for (const Listening& place : places) place.acceptor->Arm();
    }
    ForEachClient(loop, [](ClientConnection& client) { client.OnTick(); });
    BackendConnection::PruneIdle(loop, false);
  }

  void Run() {
    for (const Listening& place : places) place.acceptor->Arm();
    for (const auto& one : core.loops) {
      ProxyLoop* loop = one.get();
      const bool accepts = one == core.loops.front();
      loop->loop.Tick(kTick, [this, loop, accepts] { OnTick(*loop, accepts); });
      loop->thread = std::thread([loop] { loop->loop.Run(); });
    }
    running = true;
  }

  void CloseListeners() {
    core.loops[0]->loop.PostFunction([this] {
      for (const Listening& place : places) place.acceptor->Close();
    });
  }

  void Stop() {
    if (!running) return;
    running = false;
    core.draining = true;
    CloseListeners();
    for (const auto& loop : core.loops) {
      loop->loop.PostFunction([l = loop.get()] {
        ForEachClient(*l, [](ClientConnection& client) { client.Close(); });
        BackendConnection::PruneIdle(*l, true);
        l->loop.Stop();
      });
    }
    for (const auto& loop : core.loops) loop->thread.join();
  }
};

Result<std::unique_ptr<Proxy>> Proxy::Start(ProxyOptions options) {
  if (options.threads < 1) return InvalidArgument("proxy: one thread at least is needed");
  if (options.from.empty()) return InvalidArgument("proxy: there is nowhere to listen");
  auto state = std::make_unique<State>(std::move(options));
  ProxyCore& core = state->core;
  TRY(core.backend, http::ParseSocketAddress(core.options.to.address, core.options.to.port));
  core.backend_host = HostOf(core.options.to);
  if (core.options.hsts.count() > 0) {
    core.hsts_line =
        "Strict-Transport-Security: max-age=" + std::to_string(core.options.hsts.count()) + "\r\n";
  }
  TRY(auto context,
      http::TlsContext::ForServer(core.options.tls, core.options.limits.tls_sessions));
  core.set_tls(std::move(context));
  TRY(core.warnings, LineWriter::Open("-"));
  if (!core.options.access_log.empty()) {
    TRY(core.access_log, AccessLog::Open(core.options.access_log));
  }
  for (int i = 0; i < core.options.threads; ++i) {
    core.loops.push_back(std::make_unique<ProxyLoop>(core));
  }
  TRY_VOID(state->Listen(core.options.from, ListenerKind::kTls));
  core.https_port = state->places.front().port;
  TRY_VOID(state->Listen(core.options.redirect_from, ListenerKind::kRedirect));
  state->Run();
  return std::unique_ptr<Proxy>(new Proxy(std::move(state)));
}

Proxy::Proxy(std::unique_ptr<State> state) : state_(std::move(state)) {}

Proxy::~Proxy() { state_->Stop(); }

std::uint16_t Proxy::port(std::size_t place) const {
  CHECK(place < state_->places.size());
  return state_->places[place].port;
}

std::vector<int> Proxy::listening_fds() const {
  std::vector<int> out;
  for (const auto& place : state_->places) out.push_back(place.fd);
  return out;
}

Result<void> Proxy::ReplaceTls(const http::TlsServerOptions& options) {
  if (options.client_certificate != state_->core.options.tls.client_certificate) {
    return InvalidArgument("whether clients show a certificate can't change while running");
  }
  TRY(auto context, http::TlsContext::ForServer(options, state_->core.options.limits.tls_sessions));
  state_->core.set_tls(std::move(context));
  return {};
}

void Proxy::ReopenLog() {
  if (state_->core.access_log != nullptr) state_->core.access_log->Reopen();
}

void Proxy::Say(std::string_view line) {
  state_->core.warnings->Add(std::string(line).append("\n"));
}

bool Proxy::Drain(std::chrono::milliseconds timeout, std::chrono::milliseconds idle_grace) {
  ProxyCore& core = state_->core;
  core.idle_grace = idle_grace;
  core.draining = true;
  state_->CloseListeners();
  return core.admission.WaitUntilEmpty(timeout);
}

ProxyStats Proxy::stats() const {
  const ProxyCounters& c = state_->core.counters;
  ProxyStats out;
  out.connections = c.connections;
  out.connections_refused = c.refused;
  out.connections_open = state_->core.admission.open();
  out.requests = c.requests;
  out.backend_connections = c.backend_connections;
  out.timeouts = c.timeouts;
  return out;
}

}  // namespace salus::proxy
