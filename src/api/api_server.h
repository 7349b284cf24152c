// ApiServer serves one node: the public door, the machine door, and metrics on the loopback.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "api/service.h"
#include "base/result.h"
#include "http/server.h"
#include "node/node.h"

namespace salus::api {

// Source: design.md section 3: TLS 1.3 on both doors; the machine door wants a client certificate
//         that leads to DIR/root.pem.
class ApiServer {
 public:
  // Start reads the server's identity from DIR/server and listens where the configuration says.
  //
  // Errors: FailedPrecondition when DIR/server has no certificate; Unavailable when an address is
  // in use; as pki::IdentityDirectory::Open.
  static Result<std::unique_ptr<ApiServer>> Start(node::Node& node);
  ~ApiServer();

  std::uint16_t public_port() const { return service_->public_port(); }
  std::uint16_t machine_port() const { return service_->machine_port(); }
  // metrics_port is 0 when metrics are not served.
  std::uint16_t metrics_port() const;

  Service& service() { return *service_; }

  // Drain lets running requests finish. False when some did not in time.
  bool Drain(std::chrono::milliseconds timeout) { return server_->Drain(timeout); }

 private:
  ApiServer(std::unique_ptr<Service> service, std::unique_ptr<http::Server> server,
            bool has_metrics);

  // The server's handlers use the service: it goes first.
  const std::unique_ptr<Service> service_;
  const std::unique_ptr<http::Server> server_;
  const bool has_metrics_;
};

}  // namespace salus::api
