// ListeningSocket is a TCP socket that listens on one address.
//
// Source:  none.
// Shape:   address is an IPv4 or IPv6 address without brackets; port 0 takes any free one.
// Ownership: closes its descriptor, unless it was released.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <utility>

#include "base/result.h"

namespace salus::http {

class ListeningSocket {
 public:
  // Open binds and listens; non-blocking, closed on exec.
  // Errors: InvalidArgument: no address of this kind; PermissionDenied: the port is a privileged
  //         one; Unavailable: in use, or another reason of the system's.
  static Result<ListeningSocket> Open(const std::string& address, std::uint16_t port);
  // Adopt takes over a descriptor that listens already.
  // Errors: InvalidArgument: it does not.
  static Result<ListeningSocket> Adopt(int fd);

  ListeningSocket(ListeningSocket&& other) noexcept;
  ListeningSocket& operator=(ListeningSocket&& other) noexcept;
  ~ListeningSocket();

  int fd() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }
  std::uint16_t port() const { return port_; }
  bool is_loopback() const { return is_loopback_; }

 private:
  explicit ListeningSocket(int fd) : fd_(fd) {}
  void ReadName();

  int fd_;
  std::uint16_t port_ = 0;
  bool is_loopback_ = false;
};

// AddressText is the address of a peer without its port; an IPv4 address that came in an IPv6
// socket is written as IPv4.
std::string AddressText(const sockaddr_storage& address);

// AddressGroup is the part of a peer's address (as AddressText gives it) that one subscriber has:
// an IPv4 address, or the first 64 bits of an IPv6 address.
std::string AddressGroup(const std::string& address);

// SocketAddress is what the system's calls take.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};
// Errors: InvalidArgument: neither IPv4 nor IPv6.
Result<SocketAddress> ParseSocketAddress(const std::string& address, std::uint16_t port);

}  // namespace salus::http
