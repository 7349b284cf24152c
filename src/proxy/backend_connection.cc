#include "proxy/backend_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "proxy/client_connection.h"

namespace salus::proxy {
namespace {

// Shorter than the five seconds after which common backends close an unused connection.
constexpr std::chrono::milliseconds kIdleTime{4'000};
constexpr std::size_t kMaxIdle = 256;

http::HeadLimits AnswerLimits() {
  http::HeadLimits limits;
  limits.header_bytes = 64 * 1024;
  limits.header_count = 200;
  return limits;
}

}  // namespace

BackendConnection::BackendConnection(ProxyLoop& loop, int fd)
    : reader(AnswerLimits()), loop_(loop), watch_(loop.loop.Watch(fd)), fd_(fd) {}

BackendConnection::~BackendConnection() = default;

std::shared_ptr<BackendConnection> BackendConnection::TakeIdle(ProxyLoop& loop) {
  while (!loop.idle_backends.empty()) {
    std::shared_ptr<BackendConnection> out = std::move(loop.idle_backends.back());
    loop.idle_backends.pop_back();
    if (out->IsQuiet()) return out;
    out->Close();
  }
  return nullptr;
}

std::shared_ptr<BackendConnection> BackendConnection::Take(ProxyLoop& loop, ClientConnection& owner,
                                                           Freshness freshness) {
  if (freshness != Freshness::kNew) {
    if (auto idle = TakeIdle(loop)) {
      idle->owner_ = &owner;
      return idle;
    }
  }
  const http::SocketAddress& to = loop.core.backend;
  const int fd = socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    loop.connect_error = errno;
    return nullptr;
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  auto out = std::make_shared<BackendConnection>(loop, fd);
  out->owner_ = &owner;
  if (connect(fd, to.get(), to.size) != 0) {
    if (errno != EINPROGRESS) {
      loop.connect_error = errno;
      out->Close();
      return nullptr;
    }
    out->connecting_ = true;
    out->ArmWrite();
  }
  ++loop.core.counters.backend_connections;
  return out;
}

// IsQuiet: neither closed nor saying anything unasked, which the next visitor would get for an
// answer. That nothing was readable at the last turn is not enough: it may have come since.
bool BackendConnection::IsQuiet() const {
  char byte = 0;
  return recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

void BackendConnection::PruneIdle(ProxyLoop& loop, bool all) {
  auto& idle = loop.idle_backends;
  const auto is_old = [&](const std::shared_ptr<BackendConnection>& one) {
    return all || loop.now - one->idle_since_ > kIdleTime;
  };
  // The oldest are first.
  const auto keep = std::find_if_not(idle.begin(), idle.end(), is_old);
  const std::vector<std::shared_ptr<BackendConnection>> old(idle.begin(), keep);
  idle.erase(idle.begin(), keep);
  for (const auto& one : old) one->Close();
}

bool BackendConnection::FinishConnect() {
  int error = 0;
  socklen_t size = sizeof error;
  connecting_ = false;
  if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  loop_.connect_error = error;
  failed_to_connect_ = error != 0;
  return error == 0;
}

void BackendConnection::Send(ByteSpan bytes) {
  if (write_failed_ || closed_) return;
  if (is_congested()) return Append(pending_, bytes);
  while (!bytes.empty()) {
    const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) {
      write_failed_ = true;
      return;
    }
    if (n < 0) break;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  if (bytes.empty()) return;
  Append(pending_, bytes);
  ArmWrite();
}

void BackendConnection::ArmWrite() {
  if (write_armed_ || closed_) return;
  write_armed_ = true;
  watch_->WhenWritable(shared_from_this());
}

void BackendConnection::OnWritable() {
  write_armed_ = false;
  if (closed_ || owner_ == nullptr) return;
  if (connecting_ && !FinishConnect()) return owner_->OnBackendEnd(true);
  const Bytes waiting = std::exchange(pending_, {});
  Send(waiting);
  if (!pending_.empty()) return;
  owner_->OnBackendDrained();
}

void BackendConnection::ArmRead() {
  if (read_armed_ || closed_ || connecting_) return;
  read_armed_ = true;
  watch_->WhenReadable(shared_from_this());
}

void BackendConnection::OnReadable() {
  read_armed_ = false;
  if (closed_) return;
  if (owner_ == nullptr) {
    // An unused connection has nothing to say: it is being closed, or it is confused.
    std::erase(loop_.idle_backends, shared_from_this());
    return Close();
  }
  for (int i = 0; i < kReadsPerTurn && owner_ != nullptr && owner_->TakesAnswer(); ++i) {
    const ssize_t n = recv(fd_, loop_.received.data(), loop_.received.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (n <= 0) return owner_->OnBackendEnd(n < 0);
    const auto size = static_cast<std::size_t>(n);
    owner_->OnAnswerBytes(ByteSpan(loop_.received).first(size));
    if (size < loop_.received.size()) break;
  }
  if (owner_ == nullptr || owner_->TakesAnswer()) ArmRead();
}

void BackendConnection::GiveBack() {
  owner_ = nullptr;
  if (closed_) return;
  if (write_failed_ || !pending_.empty() || loop_.idle_backends.size() >= kMaxIdle) return Close();
  was_used_ = true;
  idle_since_ = loop_.now;
  loop_.idle_backends.push_back(shared_from_this());
  ArmRead();
}

void BackendConnection::Close() {
  owner_ = nullptr;
  if (closed_) return;
  closed_ = true;
  watch_->Close();
}

}  // namespace salus::proxy
