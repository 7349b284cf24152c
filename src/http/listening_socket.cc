#include "http/listening_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace salus::http {
namespace {

constexpr int kBacklog = 1024;

sockaddr_in AsV4(const sockaddr_storage& storage) {
  sockaddr_in v4;
  std::memcpy(&v4, &storage, sizeof v4);
  return v4;
}

sockaddr_in6 AsV6(const sockaddr_storage& storage) {
  sockaddr_in6 v6;
  std::memcpy(&v6, &storage, sizeof v6);
  return v6;
}

}  // namespace

Result<SocketAddress> ParseSocketAddress(const std::string& address, std::uint16_t port) {
  SocketAddress out;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    out.size = sizeof v4;
    std::memcpy(&out.storage, &v4, sizeof v4);
  } else if (inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    out.size = sizeof v6;
    std::memcpy(&out.storage, &v6, sizeof v6);
  } else {
    return InvalidArgument("listener: the address is neither IPv4 nor IPv6");
  }
  return out;
}

std::string AddressText(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const sockaddr_in v4 = AsV4(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
  } else if (address.ss_family == AF_INET6) {
    const sockaddr_in6 v6 = AsV6(address);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text, sizeof text);
    } else {
      inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    }
  }
  return text;
}

std::string AddressGroup(const std::string& address) {
  in6_addr v6{};
  if (inet_pton(AF_INET6, address.c_str(), &v6) != 1) return address;
  std::memset(&v6.s6_addr[8], 0, 8);
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(AF_INET6, &v6, text, sizeof text);
  return text;
}

Result<ListeningSocket> ListeningSocket::Open(const std::string& address, std::uint16_t port) {
  const std::string where = "listener " + address + ":" + std::to_string(port);
  TRY(const SocketAddress parsed, ParseSocketAddress(address, port));
  ListeningSocket out(
      socket(parsed.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (out.fd_ < 0) return Unavailable(where + ": no socket: " + std::strerror(errno));
  const int on = 1;
  setsockopt(out.fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // So that 0.0.0.0 and :: can stand side by side, whatever the system's default is.
  if (parsed.storage.ss_family == AF_INET6) {
    setsockopt(out.fd_, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (bind(out.fd_, parsed.get(), parsed.size) != 0 || listen(out.fd_, kBacklog) != 0) {
    const int reason = errno;
    if (reason == EACCES) {
      return PermissionDenied(where + ": ports below 1024 need root or CAP_NET_BIND_SERVICE");
    }
    return Unavailable(where + ": " + std::strerror(reason));
  }
  out.ReadName();
  return out;
}

Result<ListeningSocket> ListeningSocket::Adopt(int fd) {
  int listens = 0;
  socklen_t size = sizeof listens;
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) {
    return InvalidArgument("an inherited descriptor is no listening socket");
  }
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  ListeningSocket out(fd);
  out.ReadName();
  return out;
}

void ListeningSocket::ReadName() {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  CHECK(getsockname(fd_, reinterpret_cast<sockaddr*>(&bound), &size) == 0);
  if (bound.ss_family == AF_INET) {
    const sockaddr_in v4 = AsV4(bound);
    port_ = ntohs(v4.sin_port);
    is_loopback_ = (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
  } else {
    const sockaddr_in6 v6 = AsV6(bound);
    port_ = ntohs(v6.sin6_port);
    is_loopback_ = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
  }
}

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : fd_(other.Release()), port_(other.port_), is_loopback_(other.is_loopback_) {}

ListeningSocket& ListeningSocket::operator=(ListeningSocket&& other) noexcept {
  if (this == &other) return *this;
  if (fd_ >= 0) close(fd_);
  fd_ = other.Release();
  port_ = other.port_;
  is_loopback_ = other.is_loopback_;
  return *this;
}

ListeningSocket::~ListeningSocket() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace salus::http
