#include <gmock/gmock.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "http/server.h"
#include "http/test_server.h"

namespace salus::http {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr std::string_view kGetHello = "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n";

std::string Ask(std::uint16_t port, std::string_view bytes) {
  auto c = RawConnection::Plain(port);
  c->Send(bytes);
  return c->ReadToEnd();
}

std::string Post(const std::string& path, const std::string& fields, const std::string& body) {
  return "POST " + path + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n" + body;
}

TEST(ServerLimits, PreciseStatus) {
  TestServer test;
  const std::uint16_t port = test.plain_port();
  const std::string close = "Connection: close\r\n";
  const auto status = [&](const std::string& request) { return StatusOf(Ask(port, request)); };
  const auto line = [&](const std::string& text) {
    return text + " HTTP/1.1\r\nHost: h\r\n" + close + "\r\n";
  };
  EXPECT_EQ(status(line("GET /hello")), 200);
  EXPECT_EQ(status(line("GET /nothing")), 404);
  EXPECT_EQ(status(line("GET /many/..")), 400);
  const std::string not_allowed = Ask(port, line("DELETE /hello"));
  EXPECT_EQ(StatusOf(not_allowed), 405);
  EXPECT_THAT(not_allowed, HasSubstr("Allow: GET, HEAD\r\n"));
  EXPECT_THAT(not_allowed, HasSubstr("Content-Type: application/problem+json\r\n"));
  EXPECT_EQ(status(line("FROB /hello")), 501);
  EXPECT_EQ(status(line("POST /echo")), 411);
  EXPECT_EQ(status(Post("/echo", close + "Content-Length: 65537\r\n", "")), 413);
  EXPECT_EQ(status(Post("/limited", "Content-Length: 100001\r\n", "")), 413);
  EXPECT_EQ(status("GET /" + std::string(9'000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n"), 414);
  EXPECT_EQ(status("PUT /typed HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n"
                   "Content-Type: text/plain\r\n\r\n{}"),
            415);
  EXPECT_EQ(status("PUT /typed HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}"), 415);
  EXPECT_EQ(status("PUT /typed HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n" + close +
                   "Content-Type: Application/JSON ; charset=utf-8\r\n\r\n{}"),
            204);
  EXPECT_EQ(status(Post("/echo", "Content-Length: 1\r\nExpect: more\r\n", "a")), 417);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(20'000, 'a')), 431);
  EXPECT_EQ(status(Post("/hello", "Content-Length: 1\r\n", "a")), 405);
  EXPECT_EQ(status("GET /hello HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na"), 413);
  EXPECT_EQ(status("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
}

TEST(ServerLimits, AKeptConnectionSurvivesRefusalsWithoutBody) {
  TestServer test;
  auto c = RawConnection::Plain(test.plain_port());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(c->Send("GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n"));
    EXPECT_EQ(StatusOf(c->ReadResponse()), 404);
    ASSERT_TRUE(c->Send(kGetHello));
    EXPECT_EQ(StatusOf(c->ReadResponse()), 200);
  }
}

// Whatever hides behind a refused request is never answered.
TEST(ServerLimits, NothingIsSmuggled) {
  TestServer test;
  const std::string hidden(kGetHello);
  const std::string doubtful[] = {
      Post("/echo", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + hidden),
      Post("/echo", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "5c\r\n" + hidden),
      Post("/echo", "Content-Length: 0\r\nContent-Length: 44\r\n", hidden),
      Post("/echo", "Transfer-Encoding: xchunked\r\n", "0\r\n\r\n" + hidden),
      Post("/echo", "Transfer-Encoding : chunked\r\n", "0\r\n\r\n" + hidden),
      Post("/echo", "X: y\r\n Transfer-Encoding: chunked\r\n", "0\r\n\r\n" + hidden),
      Post("/echo", "X: y\rTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + hidden),
      Post("/echo", "Transfer-Encoding: chunked\r\n", "1 \r\nZ\r\n0\r\n\r\n" + hidden),
      Post("/echo", "Transfer-Encoding: chunked\r\n", "1\nZ\r\n0\r\n\r\n" + hidden),
      Post("/echo", "Transfer-Encoding: chunked\r\n", "1;\nZ\r\n0\r\n\r\n" + hidden),
      Post("/echo", "Transfer-Encoding: chunked\r\n", "1\r\nZZ0\r\n\r\n" + hidden),
      Post("/echo", "Transfer-Encoding: chunked\r\n", "10000000000000001\r\nZ\r\n" + hidden),
      Post("/tee", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\nxyz\r\n" + hidden),
  };
  for (const std::string& request : doubtful) {
    const std::string all = Ask(test.plain_port(), request);
    EXPECT_THAT(all, testing::Not(HasSubstr("hello"))) << request;
    if (request.starts_with("POST /echo")) {
      EXPECT_THAT(StatusOf(all), testing::AnyOf(400, 501)) << request;
    }
  }
}

TEST(ServerLimits, ChunkedBodiesAreBoundedToo) {
  TestServer test;
  std::string body;
  for (int i = 0; i < 11; ++i) body += "2710\r\n" + std::string(10'000, 'x') + "\r\n";
  const std::string all =
      Ask(test.plain_port(), Post("/limited", "Transfer-Encoding: chunked\r\n", body));
  EXPECT_EQ(StatusOf(all), 413);
}

void Quicken(ServerOptions& options) {
  options.limits.handshake_timeout = milliseconds(300);
  options.limits.header_timeout = milliseconds(300);
  options.limits.idle_timeout = milliseconds(300);
  options.limits.rate_window = milliseconds(300);
}

TEST(ServerLimits, SlowClientsAreSentAway) {
  TestServer test(Quicken);
  const std::uint16_t port = test.plain_port();
  EXPECT_EQ(StatusOf(Ask(port, "GET /hello HTT")), 408);
  EXPECT_EQ(Ask(port, ""), "");
  EXPECT_EQ(StatusOf(Ask(port, Post("/echo", "Content-Length: 5\r\n", "ab"))), 408);
  EXPECT_EQ(StatusOf(Ask(port, Post("/count", "Content-Length: 99999\r\n", "ab"))), 408);
  EXPECT_EQ(StatusOf(Ask(port, Post("/count", "Transfer-Encoding: chunked\r\n", "5\r\nab"))), 408);
  EXPECT_EQ(Ask(test.tls_port(), ""), "");
  EXPECT_EQ(Ask(test.tls_port(), "\x16\x03\x01"), "");
  auto c = RawConnection::Tls(test.tls_port(), test.authority.root_pem(), &test.identity);
  EXPECT_EQ(c->ReadToEnd(), "");
  EXPECT_GE(test.server().stats().timeouts, 6u);
}

TEST(ServerLimits, AClientThatDoesNotReadIsCut) {
  TestServer test(Quicken);
  auto c = RawConnection::Plain(test.plain_port());
  ASSERT_TRUE(c->Send("GET /many/500000000 HTTP/1.1\r\nHost: h\r\n\r\n"));
  while (test.server().stats().requests == 0) std::this_thread::yield();
  // The handler's Write fails, and with it the connection count goes down.
  while (test.server().stats().connections_open > 0) std::this_thread::yield();
  EXPECT_LT(c->ReadToEnd().size(), 100'000'000u);
}

TEST(ServerLimits, ConnectionsAreBounded) {
  TestServer test([](ServerOptions& options) { options.limits.connections_per_address = 2; });
  const auto works = [](RawConnection* c) {
    return c != nullptr && c->Send(kGetHello) && StatusOf(c->ReadResponse()) == 200;
  };
  auto one = RawConnection::Plain(test.plain_port());
  auto two = RawConnection::Plain(test.plain_port());
  EXPECT_TRUE(works(one.get()));
  EXPECT_TRUE(works(two.get()));
  EXPECT_FALSE(works(RawConnection::Plain(test.plain_port()).get()));
  one.reset();
  while (test.server().stats().connections_open > 1) std::this_thread::yield();
  EXPECT_TRUE(works(RawConnection::Plain(test.plain_port()).get()));
  EXPECT_EQ(test.server().stats().connections_refused, 1u);
}

TEST(ServerLimits, RequestsInFlightAreBounded) {
  TestServer test([](ServerOptions& options) { options.limits.requests_in_flight = 1; });
  auto busy = RawConnection::Plain(test.plain_port());
  ASSERT_TRUE(busy->Send("GET /gate HTTP/1.1\r\nHost: h\r\n\r\n"));
  test.gate_reached.Wait();
  auto other = RawConnection::Plain(test.plain_port());
  ASSERT_TRUE(other->Send(kGetHello));
  const std::string refused = other->ReadResponse();
  EXPECT_EQ(StatusOf(refused), 503);
  EXPECT_THAT(refused, HasSubstr("Retry-After: 1\r\n"));
  test.gate.Open();
  EXPECT_EQ(StatusOf(busy->ReadResponse()), 200);
  // The answer can be here before the server has counted its request out.
  while (test.server().stats().requests_in_flight > 0) std::this_thread::yield();
  ASSERT_TRUE(other->Send(kGetHello));
  EXPECT_EQ(StatusOf(other->ReadResponse()), 200);
}

TEST(ServerLimits, WholeBodiesTogetherAreBounded) {
  Route route;
  route.method = Method::kPost;
  route.pattern = "/";
  route.body_limit_bytes = route.whole_body_bytes = 1'000'000;
  route.handler = [](std::shared_ptr<Exchange> exchange) {
    exchange->Respond(Response::Text(200, std::to_string(exchange->body().size())));
  };
  std::vector<Route> routes;
  routes.push_back(std::move(route));
  ServerOptions options;
  options.limits.whole_body_bytes = 1'500'000;
  options.listeners.emplace_back();
  options.listeners[0].router = std::make_shared<const Router>(*Router::Create(std::move(routes)));
  auto server = *Server::Start(std::move(options));
  const std::string field = "Content-Length: 1000000\r\n";
  auto first = RawConnection::Plain(server->port());
  ASSERT_TRUE(first->Send(Post("/", field + "Expect: 100-continue\r\n", "")));
  EXPECT_EQ(first->ReadSome(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(StatusOf(Ask(server->port(), Post("/", field, "x"))), 503);
  ASSERT_TRUE(first->Send(std::string(1'000'000, 'w')));
  EXPECT_EQ(BodyOf(first->ReadResponse()), "1000000");
  // What the first one held is free again.
  auto second = RawConnection::Plain(server->port());
  ASSERT_TRUE(second->Send(Post("/", field, std::string(1'000'000, 'w'))));
  EXPECT_EQ(BodyOf(second->ReadResponse()), "1000000");
}

// Uploads so many bytes, from so many clients at once, and returns the most memory seen.
std::size_t PeakOfUploads(TestServer& test, int clients, std::size_t bytes_each) {
  std::atomic<std::size_t> peak = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < clients; ++i) {
    threads.emplace_back([&] {
      auto client = test.client();
      std::size_t left = bytes_each;
      ClientRequest request;
      request.method = Method::kPost;
      request.target = "/count";
      request.upload = [&](MutableByteSpan buffer) -> Result<std::size_t> {
        const std::size_t n = std::min(left, buffer.size());
        left -= n;
        if (left % 64 == 0) peak = std::max(peak.load(), ResidentBytes());
        return n;
      };
      const auto response = client->Send(request);
      ASSERT_TRUE(response) << response.error().message;
      EXPECT_EQ(response->body, std::to_string(bytes_each));
    });
  }
  for (std::thread& thread : threads) thread.join();
  return peak;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kUploadBytes = 16'000'000;
constexpr bool kMeasuresMemory = false;  // a sanitizer's own memory would be measured
#else
constexpr std::size_t kUploadBytes = 256'000'000;
constexpr bool kMeasuresMemory = true;
#endif

TEST(ServerLimits, HugeBodiesDoNotStayInMemory) {
  TestServer test;
  const std::size_t before = ResidentBytes();
  const std::size_t peak = PeakOfUploads(test, 1, kUploadBytes);
  if (kMeasuresMemory) {
    EXPECT_LT(peak, before + 16'000'000);
  }
}

TEST(ServerLimits, ManyBigBodiesAtOnceStayWithin300Megabytes) {
  TestServer test;
  const std::size_t peak = PeakOfUploads(test, 64, kUploadBytes / 64);
  if (kMeasuresMemory) {
    EXPECT_LT(peak, 300'000'000u);
  }
}

// A handler that does not read holds the client up: what it can send is bounded by the queue and
// the kernel's buffers, however long it tries.
TEST(ServerLimits, AHandlerThatDoesNotReadHoldsTheClientUp) {
  Gate gate;
  Route route;
  route.method = Method::kPost;
  route.pattern = "/";
  route.body_limit_bytes = 1'000'000'000;
  route.handler = [&](std::shared_ptr<Exchange> exchange) {
    gate.Wait();
    auto body = exchange->ReadWholeBody(1'000'000'000);
    exchange->Respond(Response::Text(200, body ? std::to_string(body->size()) : "failed"));
  };
  std::vector<Route> routes;
  routes.push_back(std::move(route));
  ServerOptions options;
  options.listeners.emplace_back();
  options.listeners[0].router = std::make_shared<const Router>(*Router::Create(std::move(routes)));
  auto server = *Server::Start(std::move(options));
  auto c = RawConnection::Plain(server->port());
  constexpr std::size_t kAll = 100'000'000;
  ASSERT_TRUE(c->Send(Post("/", "Content-Length: " + std::to_string(kAll) + "\r\n", "")));
  const timeval short_limit{0, 300'000};
  setsockopt(c->fd(), SOL_SOCKET, SO_SNDTIMEO, &short_limit, sizeof short_limit);
  std::size_t sent = 0;
  const std::string piece(64 * 1024, 'p');
  while (sent < kAll) {
    const ssize_t n =
        send(c->fd(), piece.data(), std::min(piece.size(), kAll - sent), MSG_NOSIGNAL);
    if (n <= 0) break;
    sent += static_cast<std::size_t>(n);
  }
  EXPECT_LT(sent, 20'000'000u);
  gate.Open();
  const timeval long_limit{20, 0};
  setsockopt(c->fd(), SOL_SOCKET, SO_SNDTIMEO, &long_limit, sizeof long_limit);
  while (sent < kAll) {
    const std::size_t n = std::min(piece.size(), kAll - sent);
    ASSERT_TRUE(c->Send(std::string_view(piece).substr(0, n)));
    sent += n;
  }
  EXPECT_EQ(BodyOf(c->ReadResponse()), std::to_string(kAll));
}

}  // namespace
}  // namespace salus::http
