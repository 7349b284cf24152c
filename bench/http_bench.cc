// http_bench [seconds]: the server in one process, 8 to 64 mutual-TLS connections in another, on
// loopback. Prints requests and megabytes a second, and both per second of server CPU, which stays
// meaningful when other work shares the machine.
//
//   small: POST of a 436-byte event; the handler hands the exchange to a committing thread, which
//          answers everything that came meanwhile each 200 us, as a group commit would.
//   bulk:  POST of 1,000 events of 300 bytes, read piece by piece on a worker ("stream"), or
//          delivered whole ("whole").
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <thread>

#include "base/check.h"
#include "http/server.h"
#include "http/test_identity.h"
#include "http/tls.h"

namespace {

using salus::http::ClientCertificate;
using salus::http::Exchange;
using salus::http::Handler;
using salus::http::Method;
using salus::http::RawConnection;
using salus::http::Response;
using salus::http::Route;
using salus::http::Router;
using salus::http::RunOn;
using salus::http::Server;
using salus::http::ServerOptions;
using salus::http::TestAuthority;
using salus::http::TestIdentity;
using salus::http::TlsServerOptions;
using SteadyClock = std::chrono::steady_clock;

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::size_t ResidentOf(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// Committer answers in groups from a thread of its own.
class Committer {
 public:
  void Add(std::shared_ptr<Exchange> exchange) {
    std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(exchange));
    if (waiting_.size() == 1) changed_.notify_one();
  }
  void Run() {
    std::vector<std::shared_ptr<Exchange>> group;
    while (true) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return !waiting_.empty(); });
      }
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      {
        std::lock_guard lock(mutex_);
        group.swap(waiting_);
      }
      for (auto& exchange : group) exchange->Respond(Response::Json(200, R"({"index":123456})"));
      group.clear();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<Exchange>> waiting_;
};

Route Make(Method method, std::string pattern, std::uint64_t limit, std::size_t whole, RunOn run_on,
           Handler handler) {
  Route route;
  route.method = method;
  route.pattern = std::move(pattern);
  route.body_limit_bytes = limit;
  route.whole_body_bytes = whole;
  route.run_on = run_on;
  route.handler = std::move(handler);
  return route;
}

void CountLines(std::shared_ptr<Exchange> exchange) {
  std::size_t lines = 0;
  while (true) {
    auto piece = exchange->ReadBody();
    if (!piece) return exchange->RespondToReadError(piece.error());
    if (piece->empty()) break;
    lines += static_cast<std::size_t>(std::count(piece->begin(), piece->end(), '\n'));
  }
  exchange->Respond(Response::Text(200, std::to_string(lines)));
}

[[noreturn]] void ServeUntilKilled(const TestAuthority& authority, const TestIdentity& identity,
                                   int port_pipe) {
  static Committer committer;
  std::vector<Route> routes;
  routes.push_back(Make(Method::kGet, "/hello", 0, 0, RunOn::kLoop,
                        [](auto exchange) { exchange->Respond(Response::Json(200, "{}")); }));
  routes.push_back(Make(Method::kPost, "/worker", 65536, 65536, RunOn::kWorker,
                        [](auto exchange) { exchange->Respond(Response::Json(200, "{}")); }));
  routes.push_back(Make(Method::kPost, "/small", 65536, 65536, RunOn::kLoop,
                        [](auto exchange) { committer.Add(std::move(exchange)); }));
  routes.push_back(Make(Method::kPost, "/stream", 1 << 30, 0, RunOn::kWorker, CountLines));
  routes.push_back(Make(Method::kPost, "/whole", 1 << 30, 4 << 20, RunOn::kWorker, CountLines));
  routes.push_back(Make(Method::kGet, "/cpu", 0, 0, RunOn::kLoop, [](auto exchange) {
    exchange->Respond(Response::Text(200, std::to_string(CpuSeconds())));
  }));
  ServerOptions options;
  options.listeners.emplace_back();
  options.listeners[0].router = std::make_shared<const Router>(*Router::Create(std::move(routes)));
  TlsServerOptions tls;
  tls.certificate_chain_pem = identity.chain_pem;
  tls.private_key_pem = identity.key();
  tls.client_certificate = ClientCertificate::kRequired;
  tls.client_authorities_pem = authority.root_pem();
  options.listeners[0].tls = std::move(tls);
  auto server = *Server::Start(std::move(options));
  const std::uint16_t port = server->port();
  CHECK(write(port_pipe, &port, sizeof port) == sizeof port);
  committer.Run();
  std::abort();
}

// Load is one closed loop over some connections: each sends its request again when the answer is
// there.
class Load {
 public:
  Load(const std::vector<std::unique_ptr<RawConnection>>& connections, std::string request)
      : request_(std::move(request)) {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    for (const auto& connection : connections) {
      fcntl(connection->fd(), F_SETFL, O_NONBLOCK);
      slots_.push_back({connection->ssl(), 0, {}});
    }
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      epoll_event event{};
      event.events = EPOLLIN | EPOLLOUT | EPOLLET;
      event.data.u64 = i;
      CHECK(epoll_ctl(epoll_, EPOLL_CTL_ADD, connections[i]->fd(), &event) == 0);
    }
  }
  ~Load() { close(epoll_); }

  std::size_t Run(std::chrono::milliseconds time) {
    std::size_t done = 0;
    const auto end = SteadyClock::now() + time;
    for (auto& slot : slots_) done += Advance(slot);
    while (SteadyClock::now() < end) {
      epoll_event events[64];
      const int n = epoll_wait(epoll_, events, 64, 100);
      for (int i = 0; i < n; ++i) done += Advance(slots_[events[i].data.u64]);
    }
    return done;
  }

 private:
  struct Slot {
    ssl_st* ssl;
    std::size_t sent;
    std::string answer;
  };

  std::size_t Advance(Slot& slot) {
    std::size_t done = 0;
    while (true) {
      while (slot.sent < request_.size()) {
        const std::size_t left = std::min<std::size_t>(request_.size() - slot.sent, 16384);
        const int n = SSL_write(slot.ssl, request_.data() + slot.sent, static_cast<int>(left));
        if (n <= 0) return done;
        slot.sent += static_cast<std::size_t>(n);
      }
      char data[4096];
      const int n = SSL_read(slot.ssl, data, sizeof data);
      if (n <= 0) {
        CHECK(SSL_get_error(slot.ssl, n) == SSL_ERROR_WANT_READ);
        return done;
      }
      slot.answer.append(data, static_cast<std::size_t>(n));
      const std::size_t head = slot.answer.find("\r\n\r\n");
      if (head == std::string::npos) continue;
      CHECK(salus::http::StatusOf(slot.answer) == 200);
      const std::size_t at = slot.answer.find("Content-Length: ");
      const std::size_t length = std::strtoul(slot.answer.c_str() + at + 16, nullptr, 10);
      if (slot.answer.size() < head + 4 + length) continue;
      slot.answer.clear();
      slot.sent = 0;
      ++done;
    }
  }

  int epoll_;
  const std::string request_;
  std::vector<Slot> slots_;
};

struct Bench {
  const TestAuthority& authority;
  const TestIdentity& client;
  std::uint16_t port;
  std::chrono::milliseconds time;

  std::unique_ptr<RawConnection> Connect() const {
    auto connection = RawConnection::Tls(port, authority.root_pem(), &client);
    CHECK(connection != nullptr);
    return connection;
  }
  double ServerCpu() const {
    auto connection = Connect();
    CHECK(connection->Send("GET /cpu HTTP/1.1\r\nHost: h\r\n\r\n"));
    return std::strtod(salus::http::BodyOf(connection->ReadResponse()).c_str(), nullptr);
  }
  void Run(const char* name, const std::string& path, int connection_count,
           const std::string& body) const {
    std::vector<std::unique_ptr<RawConnection>> connections;
    for (int i = 0; i < connection_count; ++i) connections.push_back(Connect());
    const std::string method = body.empty() ? "GET " : "POST ";
    Load load(connections, method + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                               std::to_string(body.size()) + "\r\n\r\n" + body);
    const double cpu_before = ServerCpu();
    const double own_before = CpuSeconds();
    const auto start = SteadyClock::now();
    const auto done = static_cast<double>(load.Run(time));
    const double seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
    const double cpu = ServerCpu() - cpu_before;
    const double mb = done * static_cast<double>(body.size()) / 1e6;
    fmt::print(
        "{:<28} {:>9.0f} requests/s {:>8.0f} MB/s | per server CPU second: {:>9.0f} requests "
        "{:>7.0f} MB | CPU: server {:.2f} client {:.2f} of {:.2f} s\n",
        name, done / seconds, mb / seconds, done / cpu, mb / cpu, cpu, CpuSeconds() - own_before,
        seconds);
  }
};

}  // namespace

int main(int argc, char** argv) {
  const int seconds = argc > 1 ? static_cast<int>(std::strtol(argv[1], nullptr, 10)) : 3;
  const TestAuthority authority("bench root");
  const TestIdentity server = authority.IssueServer();
  const TestIdentity client = authority.IssueClient();
  int port_pipe[2];
  CHECK(pipe(port_pipe) == 0);
  const pid_t child = fork();
  if (child == 0) ServeUntilKilled(authority, server, port_pipe[1]);
  std::uint16_t port = 0;
  CHECK(read(port_pipe[0], &port, sizeof port) == sizeof port);

  const Bench bench{authority, client, port, std::chrono::seconds(seconds)};
  const std::string event(436, 'e');
  std::string events;
  for (int i = 0; i < 1000; ++i) events += std::string(299, 'e') + "\n";
  bench.Run("GET, 64 connections", "/hello", 64, "");
  bench.Run("small, 64 connections", "/small", 64, event);
  bench.Run("small on workers, 64", "/worker", 64, event);
  bench.Run("bulk whole, 8 connections", "/whole", 8, events);
  bench.Run("bulk stream, 8 connections", "/stream", 8, events);
  {
    const auto start = SteadyClock::now();
    const double cpu = bench.ServerCpu();
    int handshakes = 0;
    while (SteadyClock::now() - start < bench.time) handshakes += bench.Connect() != nullptr;
    fmt::print("handshakes: {:.0f} per server CPU second\n",
               handshakes / (bench.ServerCpu() - cpu));
  }
  {
    constexpr int kIdle = 1000;
    std::vector<std::unique_ptr<RawConnection>> idle;
    const std::size_t before = ResidentOf(child);
    for (int i = 0; i < kIdle; ++i) {
      idle.push_back(bench.Connect());
      CHECK(idle.back()->Send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"));
      CHECK(!idle.back()->ReadResponse().empty());
    }
    fmt::print("idle TLS connection: {:.1f} KiB\n",
               static_cast<double>(ResidentOf(child) - before) / 1024 / kIdle);
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  return 0;
}
