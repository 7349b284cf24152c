#include "api/api_server.h"

#include <algorithm>
#include <thread>

#include "api/aggregators.h"
#include "api/pipeline.h"
#include "crypto/pkcs8.h"
#include "pki/identity_directory.h"

namespace salus::api {

namespace {

constexpr int kWorkers = 8;
constexpr int kStreamWorkers = 32;
constexpr std::size_t kWholeBodyMemory = 48 * 1024 * 1024;

std::string PemOf(const std::vector<pki::Certificate>& chain) {
  std::string pem;
  for (const pki::Certificate& certificate : chain) pem += certificate.ToPem();
  return pem;
}

// The root is shown too: on first contact, a client compares its fingerprint.
Result<http::TlsServerOptions> TlsOptions(node::Node& node, const pki::IdentityDirectory& identity,
                                          http::ClientCertificate client) {
  http::TlsServerOptions tls;
  tls.certificate_chain_pem = PemOf(identity.chain()) + node.root_certificate_pem();
  TRY(tls.private_key_pem, crypto::EncodePrivateKeyDer(identity.signing_key().Clone()));
  tls.client_certificate = client;
  if (client == http::ClientCertificate::kRequired) {
    tls.client_authorities_pem = node.root_certificate_pem();
    // Beside the root, so that a client that sends its leaf alone is admitted too.
    for (std::size_t i = 1; i < identity.chain().size(); ++i) {
      tls.client_authorities_pem += identity.chain()[i].ToPem();
    }
  }
  return tls;
}

http::Headers CommonHeaders() {
  return {{"X-Content-Type-Options", "nosniff"},
          {"Strict-Transport-Security", "max-age=31536000"},
          {"Cache-Control", "no-store"}};
}

Result<http::ListenerOptions> PublicListener(Service& service,
                                             const pki::IdentityDirectory& identity) {
  const node::Config& config = service.node().config();
  http::ListenerOptions listener;
  listener.address = config.public_address;
  listener.port = config.public_port;
  TRY(listener.tls, TlsOptions(service.node(), identity, http::ClientCertificate::kNone));
  TRY(http::Router router, http::Router::Create(RoutesFor(service, Door::kPublic)));
  listener.router = std::make_shared<const http::Router>(std::move(router));
  listener.response_headers = CommonHeaders();
  listener.response_headers.Add("Access-Control-Allow-Origin", "*");
  return listener;
}

Result<http::ListenerOptions> MachineListener(Service& service,
                                              const pki::IdentityDirectory& identity) {
  const node::Config& config = service.node().config();
  http::ListenerOptions listener;
  listener.address = config.machine_address;
  listener.port = config.machine_port;
  TRY(listener.tls, TlsOptions(service.node(), identity, http::ClientCertificate::kRequired));
  TRY(http::Router router, http::Router::Create(RoutesFor(service, Door::kMachine)));
  listener.router = std::make_shared<const http::Router>(std::move(router));
  listener.authenticate =
      [origin = service.node().origin()](
          const http::PeerCertificate& peer) -> Result<std::shared_ptr<const void>> {
    return std::shared_ptr<const void>(
        std::make_shared<const Caller>(IdentifyCaller(peer, origin)));
  };
  listener.response_headers = CommonHeaders();
  return listener;
}

Result<http::ListenerOptions> MetricsListener(Service& service, std::uint16_t port) {
  http::Route route;
  route.pattern = "/metrics";
  route.handler = [&service](const std::shared_ptr<http::Exchange>& exchange) {
    exchange->Respond({200,
                       {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
                       service.node().metrics().Text()});
  };
  std::vector<http::Route> routes;
  routes.push_back(std::move(route));
  http::ListenerOptions listener;
  listener.port = port;
  TRY(http::Router router, http::Router::Create(std::move(routes)));
  listener.router = std::make_shared<const http::Router>(std::move(router));
  return listener;
}

http::ServerOptions OptionsOf(const node::Config& config) {
  http::ServerOptions options;
  options.limits.connections = config.max_connections;
  options.limits.connections_per_address = config.max_connections;
  options.limits.whole_body_bytes = kWholeBodyMemory;
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  options.loop_threads = static_cast<int>(config.threads == 0 ? cores : config.threads);
  options.workers = kWorkers;
  options.stream_workers = kStreamWorkers;
  return options;
}

}  // namespace

ApiServer::ApiServer(std::unique_ptr<Service> service, std::unique_ptr<http::Server> server,
                     bool has_metrics)
    : service_(std::move(service)), server_(std::move(server)), has_metrics_(has_metrics) {}

ApiServer::~ApiServer() = default;

Result<std::unique_ptr<ApiServer>> ApiServer::Start(node::Node& node) {
  TRY(const pki::IdentityDirectory identity, pki::IdentityDirectory::Open(node.path() + "/server"));
  if (identity.chain().empty()) {
    return FailedPrecondition("DIR/server has no certificate: run `salus identity certify`");
  }
  auto service = std::make_unique<Service>(node, identity.chain());
  if (node.aggregation() != nullptr) {
    TRY(std::unique_ptr<Aggregators> aggregators, Aggregators::Start(node));
    service->set_aggregators(std::move(aggregators));
  }
  http::ServerOptions options = OptionsOf(node.config());
  TRY(http::ListenerOptions public_listener, PublicListener(*service, identity));
  TRY(http::ListenerOptions machine_listener, MachineListener(*service, identity));
  options.listeners.push_back(std::move(public_listener));
  options.listeners.push_back(std::move(machine_listener));
  const bool has_metrics = node.config().metrics_port != 0;
  if (has_metrics) {
    TRY(http::ListenerOptions metrics, MetricsListener(*service, node.config().metrics_port));
    options.listeners.push_back(std::move(metrics));
  }
  TRY(std::unique_ptr<http::Server> server, http::Server::Start(std::move(options)));
  service->set_ports(server->port(0), server->port(1));
  return std::unique_ptr<ApiServer>(
      new ApiServer(std::move(service), std::move(server), has_metrics));
}

std::uint16_t ApiServer::metrics_port() const { return has_metrics_ ? server_->port(2) : 0; }

}  // namespace salus::api
