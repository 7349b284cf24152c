#include "http/acceptor.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "http/listening_socket.h"

namespace salus::http {
namespace {

constexpr int kAcceptsPerTurn = 64;
constexpr int kDiscardsPerTurn = 4;

}  // namespace

Acceptor::Acceptor(EventLoop& loop, int listening_fd, Take take)
    : take_(std::move(take)), watch_(loop.Watch(listening_fd)) {}

void Acceptor::Arm() {
  if (armed_ || closed_) return;
  armed_ = true;
  watch_->WhenReadable(shared_from_this());
}

void Acceptor::Close() {
  closed_ = true;
  watch_->Close();
}

void Acceptor::OnReadable() {
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
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    take_(fd, AddressText(from));
  }
  Arm();
}

void ResetOnClose(int fd) {
  const linger hard{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

bool Discard(int fd, MutableByteSpan buffer) {
  for (int i = 0; i < kDiscardsPerTurn; ++i) {
    const ssize_t n = recv(fd, buffer.data(), buffer.size(), 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return false;
    if (n < 0) break;
  }
  return true;
}

void RefuseConnection(int fd) {
  ResetOnClose(fd);
  close(fd);
}

}  // namespace salus::http
