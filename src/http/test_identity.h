// Certificates and raw connections for the tests and the benchmark of this module. Test code only.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/secret.h"
#include "http/client.h"
#include "http/server.h"

struct ssl_st;

namespace salus::http {

// TestIdentity is a certificate with its key.
struct TestIdentity {
  std::string chain_pem;
  Bytes key_der;
  Bytes leaf_der;

  SecretBytes key() const { return SecretBytes(ByteSpan(key_der)); }
};

// TestAuthority makes P-256 certificates under a root of its own.
class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name);
  ~TestAuthority();

  const std::string& root_pem() const { return root_pem_; }
  const Bytes& root_der() const { return root_der_; }

  TestIdentity IssueServer() const;
  TestIdentity IssueClient(std::chrono::seconds valid_for = std::chrono::hours(1)) const;

 private:
  struct State;
  TestIdentity Issue(const char* name, const char* usage, const char* subject_alternative,
                     std::chrono::seconds valid_for) const;
  std::unique_ptr<State> state_;
  std::string root_pem_;
  Bytes root_der_;
};

// RawConnection is a socket to a loopback port that sends what it is told, TLS or plain. All waits
// end after 20 s, as a failure.
class RawConnection {
 public:
  static std::unique_ptr<RawConnection> Plain(std::uint16_t port);
  // session: continues the one that TakeSession gave. Null when the handshake fails.
  static std::unique_ptr<RawConnection> Tls(std::uint16_t port, const std::string& root_pem,
                                            const TestIdentity* identity,
                                            const Bytes& session = {});
  ~RawConnection();

  // Send is false when the connection is gone.
  bool Send(std::string_view bytes);
  // ReadResponse reads one response with a Content-Length or chunked body; empty when the
  // connection ended before.
  std::string ReadResponse();
  // ReadSome returns what is there next; empty at the end.
  std::string ReadSome();
  std::string ReadToEnd();
  Bytes TakeSession();
  bool resumed() const;
  std::string stapled_status() const;  // which every TLS connection asks for
  int fd() const;
  ssl_st* ssl() const;  // null when plain

 private:
  struct State;
  explicit RawConnection(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// StatusOf is the status of a raw response, 0 when there is none.
int StatusOf(std::string_view response);
// BodyOf is what stands behind the head.
std::string BodyOf(std::string_view response);

// ResidentBytes is the memory of this process now.
std::size_t ResidentBytes();

}  // namespace salus::http
