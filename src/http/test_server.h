// A running server with the routes that the tests of this module need. Test code only.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "http/server.h"
#include "http/test_identity.h"

namespace salus::http {

// Gate holds threads until it is opened.
class Gate {
 public:
  void Open() {
    {
      std::lock_guard lock(mutex_);
      open_ = true;
    }
    changed_.notify_all();
  }
  void Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

// TestServer has two listeners: 0 is TLS, 1 is plain.
//   GET  /hello           "hello", on the loop
//   GET  /worker          "worker"
//   POST /echo            the whole body back (up to 64 KiB), on the loop
//   POST /count           reads the body as it comes, answers its length
//   POST /tee             sends the body back while it comes
//   POST /later           answered by another thread
//   GET  /gate            waits for gate, then "open"
//   GET  /many/{bytes}    so many bytes, streamed
//   GET  /drop, /throw    no answer
//   GET  /cut             half an answer
//   GET  /peer            fingerprint state: "none", "full" or "resumed"
//   PUT  /typed           takes application/json up to 100 bytes, whole
class TestServer {
 public:
  explicit TestServer(std::function<void(ServerOptions&)> adjust = {},
                      ClientCertificate certificate = ClientCertificate::kRequired);
  ~TestServer();

  Server& server() { return *server_; }
  std::uint16_t tls_port() const { return server_->port(0); }
  std::uint16_t plain_port() const { return server_->port(1); }
  std::string url() const { return "https://127.0.0.1:" + std::to_string(tls_port()); }
  ClientOptions client_options(const TestIdentity* identity) const;
  std::unique_ptr<Client> client() const;

  TestAuthority authority{"test root"};
  TestIdentity identity = authority.IssueClient();
  TestIdentity server_identity = authority.IssueServer();
  Gate gate;
  Gate gate_reached;

 private:
  std::vector<Route> Routes();
  void RunLater(std::shared_ptr<Exchange> exchange);

  std::unique_ptr<Server> server_;
  std::mutex mutex_;
  std::vector<std::thread> threads_;  // guarded by mutex_
};

TlsServerOptions TlsOptions(const TestAuthority& authority, const TestIdentity& identity,
                            ClientCertificate certificate);

}  // namespace salus::http
