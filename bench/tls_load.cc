#include "bench/tls_load.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "base/check.h"
#include "http/message.h"

namespace salus::bench {

namespace {

using SteadyClock = std::chrono::steady_clock;

[[noreturn]] void Fail(std::string_view what) {
  Progress(fmt::format("the load client: {}", what));
  ERR_print_errors_fp(stderr);
  std::exit(1);
}

std::uint64_t NumberIn(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || stop == text.data()) Fail("a length in an answer is no number");
  return value;
}

ssl_ctx_st* MakeContext(const LoadIdentity& identity) {
  ssl_ctx_st* context = SSL_CTX_new(TLS_client_method());
  CHECK(context != nullptr);
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (SSL_CTX_load_verify_locations(context, identity.root_file.c_str(), nullptr) != 1 ||
      SSL_CTX_use_certificate_chain_file(context, identity.chain_file.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, identity.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    Fail("an identity's file can't be used");
  }
  return context;
}

int Connect(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    Fail("the server takes no connection");
  }
  return fd;
}

}  // namespace

// Moves bytes up to the end of a line into line_; true when the line is whole, without its end.
bool AnswerReader::TakeLine(std::string_view& bytes) {
  const std::size_t end = bytes.find('\n');
  line_.append(bytes.substr(0, end));
  bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
  if (end == std::string_view::npos) return false;
  if (line_.ends_with('\r')) line_.pop_back();
  return true;
}

void AnswerReader::TakeBody(std::string_view& bytes, Part next) {
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  const std::string_view last = bytes.substr(n - std::min(n, kTailBytes), std::min(n, kTailBytes));
  if (tail_.size() + last.size() > kTailBytes) {
    tail_.erase(0, std::min(tail_.size(), tail_.size() + last.size() - kTailBytes));
  }
  tail_.append(last);
  bytes.remove_prefix(n);
  left_ -= n;
  if (left_ == 0) part_ = next;
}

// One line of the head is in line_.
void AnswerReader::ReadHead() {
  if (status_ == 0) {
    if (!line_.starts_with("HTTP/1.1 ") || line_.size() < 12) Fail("an answer is not HTTP/1.1");
    status_ = static_cast<int>(NumberIn(std::string_view(line_).substr(9, 3), 10));
  } else if (line_.empty()) {
    part_ = is_chunked_ ? Part::kChunkSize : left_ == 0 ? Part::kDone : Part::kLength;
  } else {
    const std::size_t colon = line_.find(':');
    const std::string_view name(line_.data(), std::min(colon, line_.size()));
    if (http::EqualIgnoreCase(name, "Content-Length")) {
      left_ = NumberIn(std::string_view(line_).substr(line_.find_first_not_of(' ', colon + 1)), 10);
    } else if (http::EqualIgnoreCase(name, "Transfer-Encoding")) {
      is_chunked_ = true;
    }
  }
  line_.clear();
}

bool AnswerReader::Take(std::string_view bytes) {
  while (!bytes.empty() && part_ != Part::kDone) {
    switch (part_) {
      case Part::kLength:
        TakeBody(bytes, Part::kDone);
        break;
      case Part::kChunk:
        TakeBody(bytes, Part::kChunkEnd);
        break;
      case Part::kHead:
        if (TakeLine(bytes)) ReadHead();
        break;
      case Part::kChunkEnd:
        if (TakeLine(bytes)) line_.clear(), part_ = Part::kChunkSize;
        break;
      case Part::kChunkSize:
        if (!TakeLine(bytes)) break;
        left_ = NumberIn(line_, 16);
        part_ = left_ == 0 ? Part::kTrailer : Part::kChunk;
        line_.clear();
        break;
      case Part::kTrailer:
        if (!TakeLine(bytes)) break;
        if (line_.empty()) part_ = Part::kDone;
        line_.clear();
        break;
      case Part::kDone:
        break;
    }
  }
  if (!bytes.empty()) Fail("more bytes than the answer has");
  return part_ == Part::kDone;
}

TlsLoad::TlsLoad(const LoadIdentity& identity, std::uint16_t port, std::size_t connections)
    : context_(MakeContext(identity)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  CHECK(epoll_ >= 0);
  for (std::size_t i = 0; i < connections; ++i) {
    auto connection = std::make_unique<Connection>();
    connection->socket = Connect(port);
    connection->ssl = SSL_new(context_);
    CHECK(connection->ssl != nullptr);
    SSL_set_fd(connection->ssl, connection->socket);
    SSL_set1_host(connection->ssl, "localhost");
    if (SSL_connect(connection->ssl) != 1) Fail("no TLS handshake");
    fcntl(connection->socket, F_SETFL, O_NONBLOCK);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.ptr = connection.get();
    CHECK(epoll_ctl(epoll_, EPOLL_CTL_ADD, connection->socket, &event) == 0);
    connections_.push_back(std::move(connection));
  }
}

TlsLoad::~TlsLoad() {
  for (const auto& connection : connections_) {
    SSL_free(connection->ssl);
    close(connection->socket);
  }
  close(epoll_);
  SSL_CTX_free(context_);
}

void TlsLoad::Begin(Connection& connection, const NextRequest& next) {
  connection.request.clear();
  connection.sent = 0;
  connection.answer.Reset();
  connection.is_busy = next(connection.request);
  if (!connection.is_busy) return;
  ++busy_;
  connection.start = SteadyClock::now();
  Write(connection);
}

void TlsLoad::Write(Connection& connection) {
  while (connection.sent < connection.request.size()) {
    const std::size_t left = connection.request.size() - connection.sent;
    const int n = SSL_write(connection.ssl, connection.request.data() + connection.sent,
                            static_cast<int>(std::min<std::size_t>(left, 1 << 20)));
    if (n <= 0) {
      const int reason = SSL_get_error(connection.ssl, n);
      if (reason != SSL_ERROR_WANT_WRITE && reason != SSL_ERROR_WANT_READ) {
        Fail("a connection broke while sending");
      }
      return;
    }
    connection.sent += static_cast<std::size_t>(n);
  }
}

bool TlsLoad::Read(Connection& connection) {
  std::array<char, 16384> buffer;
  for (;;) {
    const int n = SSL_read(connection.ssl, buffer.data(), static_cast<int>(buffer.size()));
    if (n <= 0) {
      if (SSL_get_error(connection.ssl, n) == SSL_ERROR_WANT_READ) return false;
      Fail("a connection broke while reading");
    }
    if (!connection.is_busy) Fail("an answer that nobody asked for");
    if (connection.answer.Take({buffer.data(), static_cast<std::size_t>(n)})) return true;
  }
}

TlsLoad::Outcome TlsLoad::Run(const NextRequest& next, const CheckAnswer& check) {
  Outcome outcome;
  const auto start = SteadyClock::now();
  for (const auto& connection : connections_) Begin(*connection, next);
  while (busy_ > 0) {
    std::array<epoll_event, 64> events;
    constexpr int kStallMs = 60'000;
    const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), kStallMs);
    if (n == 0) Fail("the server has not answered for a minute");
    for (int i = 0; i < n; ++i) {
      Connection& connection =
          *static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (connection.is_busy) Write(connection);
      while (connection.is_busy && Read(connection)) {
        check(connection.answer.status(), connection.answer.tail());
        outcome.latencies.Add(SecondsSince(connection.start));
        ++outcome.requests;
        --busy_;
        Begin(connection, next);
      }
    }
  }
  outcome.seconds = SecondsSince(start);
  return outcome;
}

}  // namespace salus::bench
