#include "apps/salus/recording_relay.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <list>
#include <thread>

#include "http/listening_socket.h"
#include "pki/descriptor.h"

namespace salus::cli {

namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;
constexpr char kLoopback[] = "127.0.0.1";

// Line is one direction of a connection: what was read waits until it can be written.
struct Line {
  int from;
  int to;
  Bytes* record;
  Bytes waiting = {};
  bool is_open = true;

  // Read is asked when from has something; a direction that ended is told to the other side.
  void Read() {
    Bytes piece(kPieceBytes);
    const ssize_t size = ::recv(from, piece.data(), piece.size(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) {
      is_open = false;
      ::shutdown(to, SHUT_WR);
      return;
    }
    piece.resize(static_cast<std::size_t>(size));
    Append(*record, piece);
    waiting = std::move(piece);
  }

  void Write() {
    const ssize_t size = ::send(to, waiting.data(), waiting.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size < 0) {
      is_open = false;
      waiting.clear();
      ::shutdown(from, SHUT_RD);
      return;
    }
    waiting.erase(waiting.begin(), waiting.begin() + size);
  }
};

struct Connection {
  Connection(int client_fd, int server_fd)
      : client(client_fd),
        server(server_fd),
        up{client_fd, server_fd, &heard.from_client},
        down{server_fd, client_fd, &heard.from_server} {}

  const pki::Descriptor client;
  const pki::Descriptor server;
  Captured heard;
  Line up;
  Line down;
};

}  // namespace

struct RecordingRelay::State {
  State(http::ListeningSocket socket, std::uint16_t server_port)
      : listener(std::move(socket)), to_port(server_port), stop(::eventfd(0, EFD_CLOEXEC)) {}

  http::ListeningSocket listener;
  const std::uint16_t to_port;
  const pki::Descriptor stop;
  std::list<Connection> connections;  // the thread's until it has ended
  std::vector<Captured> ended;
  std::thread thread;

  void Accept() {
    const int client = ::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    const auto address = http::ParseSocketAddress(kLoopback, to_port);
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server < 0 || !address || ::connect(server, address->get(), address->size) != 0) {
      ::close(client);
      if (server >= 0) ::close(server);
      return;
    }
    connections.emplace_back(client, server);
  }

  // Looks at each direction once; connections that have ended on both sides are closed.
  void Move(const std::vector<pollfd>& ready) {
    std::size_t at = 2;
    for (auto connection = connections.begin(); connection != connections.end();) {
      for (Line* line : {&connection->up, &connection->down}) {
        const short seen = ready[at++].revents;
        if (seen == 0) continue;
        if (line->waiting.empty()) {
          line->Read();
        } else {
          line->Write();
        }
      }
      const bool is_over = !connection->up.is_open && !connection->down.is_open &&
                           connection->up.waiting.empty() && connection->down.waiting.empty();
      if (is_over) ended.push_back(std::move(connection->heard));
      connection = is_over ? connections.erase(connection) : std::next(connection);
    }
  }

  void Run() {
    for (;;) {
      std::vector<pollfd> all = {{stop.get(), POLLIN, 0}, {listener.fd(), POLLIN, 0}};
      for (const Connection& connection : connections) {
        for (const Line* line : {&connection.up, &connection.down}) {
          const bool has_more = !line->waiting.empty();
          const int fd = has_more ? line->to : line->from;
          all.push_back({line->is_open || has_more ? fd : -1,
                         static_cast<short>(has_more ? POLLOUT : POLLIN), 0});
        }
      }
      if (::poll(all.data(), all.size(), -1) < 0 && errno != EINTR) return;
      if (all[0].revents != 0) return;
      Move(all);
      if (all[1].revents != 0) Accept();
    }
  }
};

RecordingRelay::RecordingRelay(std::unique_ptr<State> state) : state_(std::move(state)) {}
RecordingRelay::~RecordingRelay() { Stop(); }

Result<std::unique_ptr<RecordingRelay>> RecordingRelay::Start(std::uint16_t server_port) {
  TRY(http::ListeningSocket socket, http::ListeningSocket::Open(kLoopback, 0));
  auto state = std::make_unique<State>(std::move(socket), server_port);
  if (!state->stop.is_open()) return Unavailable("there is no descriptor left for the relay");
  state->thread = std::thread([s = state.get()] { s->Run(); });
  return std::unique_ptr<RecordingRelay>(new RecordingRelay(std::move(state)));
}

std::uint16_t RecordingRelay::port() const { return state_->listener.port(); }

std::vector<Captured> RecordingRelay::Stop() {
  if (state_->thread.joinable()) {
    ::eventfd_write(state_->stop.get(), 1);
    state_->thread.join();
    for (Connection& one : state_->connections) state_->ended.push_back(std::move(one.heard));
    state_->connections.clear();
  }
  return state_->ended;
}

}  // namespace salus::cli
