#include "http/test_server.h"

#include "http/event_loop.h"

#include <charconv>

#include "base/check.h"
#include "http/problem.h"

namespace salus::http {
namespace {

Route Make(Method method, std::string pattern, Handler handler) {
  Route route;
  route.method = method;
  route.pattern = std::move(pattern);
  route.handler = std::move(handler);
  return route;
}

void Count(std::shared_ptr<Exchange> exchange) {
  std::size_t total = 0;
  while (true) {
    auto piece = exchange->ReadBody();
    if (!piece) return exchange->RespondToReadError(piece.error());
    if (piece->empty()) break;
    total += piece->size();
  }
  exchange->Respond(Response::Text(200, std::to_string(total)));
}

void Tee(std::shared_ptr<Exchange> exchange) {
  exchange->BeginResponse(200, {{"Content-Type", "application/octet-stream"}});
  while (true) {
    auto piece = exchange->ReadBody();
    if (!piece) return;
    if (piece->empty()) break;
    if (!exchange->Write(*piece)) return;
  }
  exchange->Finish();
}

void Many(std::shared_ptr<Exchange> exchange) {
  std::size_t left = 0;
  const std::string& text = exchange->request().Parameter("bytes");
  CHECK(std::from_chars(text.data(), text.data() + text.size(), left).ec == std::errc());
  exchange->BeginResponse(200, {}, left);
  const Bytes piece(100'000, 'm');
  while (left > 0) {
    const std::size_t n = std::min(left, piece.size());
    if (!exchange->Write(ByteSpan(piece).first(n))) return;
    left -= n;
  }
  exchange->Finish();
}

void Peer(std::shared_ptr<Exchange> exchange) {
  const auto& peer = exchange->request().peer;
  exchange->Respond(Response::Text(200, peer == nullptr ? "none"
                                        : peer->resumed ? "resumed"
                                                        : "full"));
}

}  // namespace

TlsServerOptions TlsOptions(const TestAuthority& authority, const TestIdentity& identity,
                            ClientCertificate certificate) {
  TlsServerOptions tls;
  tls.certificate_chain_pem = identity.chain_pem;
  tls.private_key_pem = identity.key();
  tls.client_certificate = certificate;
  tls.client_authorities_pem = authority.root_pem();
  return tls;
}

void TestServer::RunLater(std::shared_ptr<Exchange> exchange) {
  std::lock_guard lock(mutex_);
  threads_.emplace_back([exchange = std::move(exchange)] {
    exchange->Respond(Response::Text(200, "later " + std::to_string(exchange->body().size())));
  });
}

std::vector<Route> TestServer::Routes() {
  std::vector<Route> routes;
  routes.push_back(Make(Method::kGet, "/hello",
                        [](auto exchange) { exchange->Respond(Response::Text(200, "hello")); }));
  routes.back().run_on = RunOn::kLoop;
  routes.push_back(Make(Method::kGet, "/worker",
                        [](auto exchange) { exchange->Respond(Response::Text(200, "worker")); }));
  routes.push_back(Make(Method::kPost, "/echo", [](auto exchange) {
    exchange->Respond(Response::Text(200, std::string(AsText(exchange->body()))));
  }));
  routes.back().run_on = RunOn::kLoop;
  routes.back().body_limit_bytes = 64 * 1024;
  routes.push_back(Make(Method::kPost, "/count", Count));
  routes.back().body_limit_bytes = 4'000'000'000;
  routes.push_back(Make(Method::kPost, "/limited", Count));
  routes.back().body_limit_bytes = 100'000;
  routes.push_back(Make(Method::kPost, "/tee", Tee));
  routes.back().body_limit_bytes = 4'000'000'000;
  routes.back().whole_body_bytes = 0;
  routes.push_back(
      Make(Method::kPost, "/later", [this](auto exchange) { RunLater(std::move(exchange)); }));
  routes.back().body_limit_bytes = 1000;
  routes.back().run_on = RunOn::kLoop;
  routes.push_back(Make(Method::kPost, "/where", [](auto exchange) {
    exchange->Respond(Response::Text(200, OnLoopThread() ? "loop" : "worker"));
  }));
  routes.back().body_limit_bytes = 1'000'000;
  routes.back().never_blocks = [](const Request& request, ByteSpan body) {
    return request.query.empty() && body.size() == 5;
  };
  routes.push_back(Make(Method::kGet, "/gate", [this](auto exchange) {
    gate_reached.Open();
    gate.Wait();
    exchange->Respond(Response::Text(200, "open"));
  }));
  routes.push_back(Make(Method::kGet, "/many/{bytes}", Many));
  routes.back().run_on = RunOn::kStreamWorker;
  routes.push_back(Make(Method::kGet, "/drop", [](auto) {}));
  routes.push_back(Make(Method::kGet, "/throw", [](auto) { throw std::runtime_error("x"); }));
  routes.push_back(Make(Method::kGet, "/cut", [](auto exchange) {
    exchange->BeginResponse(200, {});
    CHECK(exchange->Write(AsBytes("half")));
  }));
  routes.push_back(Make(Method::kGet, "/split", [](auto exchange) {
    exchange->Respond({200, {{"X-Evil", "a\r\nSet-Cookie: b"}}, "x"});
  }));
  routes.push_back(Make(Method::kGet, "/peer", Peer));
  routes.push_back(
      Make(Method::kPut, "/typed", [](auto exchange) { exchange->Respond({204, {}, ""}); }));
  routes.back().body_limit_bytes = 100;
  routes.back().content_types = {"application/json"};
  return routes;
}

TestServer::TestServer(std::function<void(ServerOptions&)> adjust, ClientCertificate certificate) {
  auto router = std::make_shared<const Router>(*Router::Create(Routes()));
  ServerOptions options;
  ListenerOptions tls;
  tls.tls = TlsOptions(authority, server_identity, certificate);
  tls.router = router;
  tls.response_headers = {{"X-Content-Type-Options", "nosniff"}};
  ListenerOptions plain;
  plain.router = router;
  options.listeners.push_back(std::move(tls));
  options.listeners.push_back(std::move(plain));
  if (adjust) adjust(options);
  auto server = Server::Start(std::move(options));
  CHECK(server.has_value());
  server_ = *std::move(server);
}

TestServer::~TestServer() {
  gate.Open();
  server_.reset();
  for (std::thread& thread : threads_) thread.join();
}

ClientOptions TestServer::client_options(const TestIdentity* who) const {
  ClientOptions options;
  options.base_url = url();
  options.trust_anchors_pem = authority.root_pem();
  if (who != nullptr) {
    options.certificate_chain_pem = who->chain_pem;
    options.private_key = who->key();
  }
  options.stall_timeout = std::chrono::seconds(20);
  return options;
}

std::unique_ptr<Client> TestServer::client() const {
  return *Client::Create(client_options(&identity));
}

}  // namespace salus::http
