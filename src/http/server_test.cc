#include "http/server.h"

#include <gmock/gmock.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "http/test_server.h"
#include "http/tls.h"

namespace salus::http {
namespace {

using testing::HasSubstr;

constexpr std::string_view kGetHello = "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n";

ClientRequest Get(std::string target) {
  ClientRequest request;
  request.target = std::move(target);
  return request;
}

// RunCurl is curl's exit code, a colon, and what it printed.
std::string RunCurl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "curl");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  int out[2];
  if (pipe(out) != 0) return "no pipe";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, out[0]);
  posix_spawn_file_actions_addclose(&actions, out[1]);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, "curl", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(out[1]);
  std::string text;
  char data[4096];
  ssize_t n = 0;
  while ((n = read(out[0], data, sizeof data)) > 0) text.append(data, static_cast<std::size_t>(n));
  close(out[0]);
  int code = 0;
  if (failed != 0 || waitpid(child, &code, 0) != child) return "no curl";
  return std::to_string(WEXITSTATUS(code)) + ":" + text;
}

TEST(Server, StaplesWhatIsKnownOfItsCertificate) {
  std::mutex mutex;
  std::string known;
  TestServer test([&](ServerOptions& options) {
    options.listeners[0].tls->stapled_status = [&] {
      const std::lock_guard lock(mutex);
      return known;
    };
  });
  const auto stapled = [&]() -> std::string {
    const auto connection =
        RawConnection::Tls(test.tls_port(), test.authority.root_pem(), &test.identity);
    return connection == nullptr ? "no connection" : connection->stapled_status();
  };
  EXPECT_EQ(stapled(), "") << "none is known: the handshake goes on without";
  for (const std::string text : {"a response", "a later response"}) {
    {
      const std::lock_guard lock(mutex);
      known = text;
    }
    EXPECT_EQ(stapled(), text);
  }
}

TEST(Server, AnswersOverMutualTls) {
  TestServer test;
  auto client = test.client();
  for (int i = 0; i < 3; ++i) {
    const auto response = client->Send(Get("/hello"));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "hello");
    EXPECT_EQ(response->headers.Find("x-content-type-options"), "nosniff");
    EXPECT_EQ(client->Send(Get("/worker"))->body, "worker");
    EXPECT_EQ(client->Send(Get("/peer"))->body, "full");
  }
  EXPECT_EQ(test.server().stats().handshakes, 1u);
  EXPECT_EQ(test.server().stats().requests, 9u);
}

TEST(Server, RefusesClientsWithoutAValidCertificate) {
  std::mutex mutex;
  std::vector<std::string> told;
  TestServer test([&](ServerOptions& options) {
    options.listeners[0].tls->client_refused = [&](std::string_view reason) {
      std::lock_guard lock(mutex);
      told.emplace_back(reason);
    };
  });
  const TestAuthority foreign("foreign root");
  const TestIdentity stranger = foreign.IssueClient();
  const TestIdentity expired = test.authority.IssueClient(std::chrono::seconds(-60));
  const TestIdentity wrong_purpose = test.authority.IssueServer();
  for (const TestIdentity* who :
       {static_cast<const TestIdentity*>(nullptr), &stranger, &expired, &wrong_purpose}) {
    auto client = *Client::Create(test.client_options(who));
    const auto response = client->Send(Get("/hello"));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, ErrorCode::kUnauthenticated) << response.error().message;
  }
  EXPECT_EQ(test.server().stats().requests, 0u);
  // The client knows of the alert before the server has counted it.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (test.server().stats().handshakes_failed < 4 && std::chrono::steady_clock::now() < end) {
    std::this_thread::yield();
  }
  EXPECT_EQ(test.server().stats().handshakes_failed, 4u);
  std::lock_guard lock(mutex);
  EXPECT_THAT(told,
              ::testing::UnorderedElementsAre("none was shown", "its authority is unknown here",
                                              "it has expired", "it is not for TLS clients"));
}

TEST(Server, AdmitsByFingerprintWhomeverItsHookKnows) {
  const TestAuthority foreign("foreign root");
  const TestIdentity known = foreign.IssueClient();
  TestServer test(
      [&](ServerOptions& options) {
        options.listeners[0].tls->client_authorities_pem.clear();
        options.listeners[0].authenticate =
            [&](const PeerCertificate& peer) -> Result<std::shared_ptr<const void>> {
          if (peer.fingerprint != Sha256OfCertificate(known.leaf_der)) {
            return PermissionDenied("not in the list");
          }
          return std::shared_ptr<const void>();
        };
      },
      ClientCertificate::kByFingerprint);
  EXPECT_EQ((*Client::Create(test.client_options(&known)))->Send(Get("/peer"))->body, "full");
  EXPECT_EQ(test.client()->Send(Get("/peer"))->status, 403);
  const TestIdentity expired = foreign.IssueClient(std::chrono::seconds(-60));
  for (const TestIdentity* who : {static_cast<const TestIdentity*>(nullptr), &expired}) {
    const auto response = (*Client::Create(test.client_options(who)))->Send(Get("/hello"));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, ErrorCode::kUnauthenticated) << response.error().message;
  }
}

TEST(Server, OptionalCertificate) {
  TestServer test({}, ClientCertificate::kOptional);
  EXPECT_EQ((*Client::Create(test.client_options(nullptr)))->Send(Get("/peer"))->body, "none");
  EXPECT_EQ(test.client()->Send(Get("/peer"))->body, "full");
  const TestAuthority foreign("foreign root");
  const TestIdentity stranger = foreign.IssueClient();
  EXPECT_FALSE((*Client::Create(test.client_options(&stranger)))->Send(Get("/peer")));
}

TEST(Server, ResumesSessionsAndForgetsThem) {
  TestServer test;
  const auto visit = [&](const Bytes& session, std::string& body) {
    auto c =
        RawConnection::Tls(test.tls_port(), test.authority.root_pem(), &test.identity, session);
    EXPECT_NE(c, nullptr);
    EXPECT_TRUE(c->Send("GET /peer HTTP/1.1\r\nHost: h\r\n\r\n"));
    body = BodyOf(c->ReadResponse());
    return c->TakeSession();
  };
  std::string body;
  Bytes session = visit({}, body);
  EXPECT_EQ(body, "full");
  session = visit(session, body);
  EXPECT_EQ(body, "resumed");
  test.server().ForgetSessions();
  visit(session, body);
  EXPECT_EQ(body, "full");
  EXPECT_EQ(test.server().stats().handshakes_resumed, 1u);
}

TEST(Server, AsksTheHookAlsoForResumedSessions) {
  std::atomic<bool> revoked = false;
  std::vector<bool> resumed;
  TestServer test([&](ServerOptions& options) {
    options.listeners[0].authenticate =
        [&](const PeerCertificate& peer) -> Result<std::shared_ptr<const void>> {
      resumed.push_back(peer.resumed);
      if (revoked) return PermissionDenied("revoked");
      return std::make_shared<const int>(7);
    };
  });
  const auto visit = [&](const Bytes& session, int& status) {
    auto c =
        RawConnection::Tls(test.tls_port(), test.authority.root_pem(), &test.identity, session);
    EXPECT_TRUE(c->Send(kGetHello));
    status = StatusOf(c->ReadResponse());
    return c->TakeSession();
  };
  int status = 0;
  const Bytes session = visit({}, status);
  EXPECT_EQ(status, 200);
  revoked = true;
  visit(session, status);
  EXPECT_EQ(status, 403);
  EXPECT_THAT(resumed, testing::ElementsAre(false, true));
}

TEST(Server, SpeaksOnlyTls13) {
  TestServer test;
  auto c = RawConnection::Plain(test.tls_port());
  ASSERT_TRUE(c->Send(kGetHello));
  EXPECT_THAT(c->ReadToEnd(), testing::Not(HasSubstr("HTTP/")));
  EXPECT_THAT(RunCurl({"-sk", "--tls-max", "1.2", "--max-time", "10", test.url() + "/hello"}),
              testing::StartsWith("35:"));
}

TEST(Server, CurlAgrees) {
  TestServer test({}, ClientCertificate::kOptional);
  const std::string root = testing::TempDir() + "/http_test_root.pem";
  std::ofstream(root) << test.authority.root_pem();
  const auto run = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-s", "--max-time", "20", "--cacert", root});
    return RunCurl(std::move(arguments));
  };
  const std::string url = test.url();
  const std::string status = "%{http_code}";
  EXPECT_EQ(run({url + "/hello"}), "0:hello");
  EXPECT_EQ(run({"-d", "abc", url + "/echo"}), "0:abc");
  EXPECT_EQ(run({"-o", "/dev/null", "-w", status + " %{size_download}", url + "/many/3000000"}),
            "0:200 3000000");
  EXPECT_EQ(run({"-I", "-o", "/dev/null", "-w", status, url + "/hello"}), "0:200");
  EXPECT_EQ(run({"-w", " %{num_connects}", url + "/hello", url + "/hello"}), "0:hello 1hello 0");
  EXPECT_EQ(run({"-H", "Transfer-Encoding: chunked", "-d", "abc", url + "/count"}), "0:3");
  EXPECT_EQ(run({"-o", "/dev/null", "-w", status, "-X", "PUT", url + "/hello"}), "0:405");
  const std::string big = testing::TempDir() + "/http_test_big";
  std::ofstream(big) << std::string(3'000'000, 'b');
  EXPECT_EQ(run({"-H", "Expect: 100-continue", "--data-binary", "@" + big, url + "/count"}),
            "0:3000000");
}

TEST(Server, AnswersOneRequestAfterTheOtherWhenTheyCameAtOnce) {
  TestServer test;
  for (const bool is_tls : {false, true}) {
    auto c = is_tls ? RawConnection::Tls(test.tls_port(), test.authority.root_pem(), &test.identity)
                    : RawConnection::Plain(test.plain_port());
    std::string all;
    for (int i = 0; i < 200; ++i) {
      all += kGetHello;
      all += "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
      all += "GET /worker HTTP/1.1\r\nHost: h\r\n\r\n";
    }
    ASSERT_TRUE(c->Send(all));
    for (int i = 0; i < 200; ++i) {
      EXPECT_EQ(BodyOf(c->ReadResponse()), "hello");
      EXPECT_EQ(BodyOf(c->ReadResponse()), "later 3");
      EXPECT_EQ(BodyOf(c->ReadResponse()), "worker");
    }
  }
}

// Only what the route's own question says yes to: the body is whole then, and not yet handed on.
TEST(Server, ARequestThatNeverBlocksIsHandledOnTheLoop) {
  TestServer test;
  auto c = RawConnection::Plain(test.plain_port());
  const std::string post = "POST /where HTTP/1.1\r\nHost: h\r\nContent-Length: ";
  ASSERT_TRUE(c->Send(post + "5\r\n\r\nabcde"));
  EXPECT_EQ(BodyOf(c->ReadResponse()), "loop");
  ASSERT_TRUE(c->Send(post + "6\r\n\r\nabcdef"));
  EXPECT_EQ(BodyOf(c->ReadResponse()), "worker");
  ASSERT_TRUE(c->Send("POST /where?a=b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabcde"));
  EXPECT_EQ(BodyOf(c->ReadResponse()), "worker");
  const std::string large(200'000, 'x');  // read as it comes
  ASSERT_TRUE(c->Send(post + std::to_string(large.size()) + "\r\n\r\n" + large));
  EXPECT_EQ(BodyOf(c->ReadResponse()), "worker");
}

TEST(Server, HeadHasTheLengthButNoBody) {
  TestServer test;
  auto c = RawConnection::Plain(test.plain_port());
  ASSERT_TRUE(
      c->Send("HEAD /hello HTTP/1.1\r\nHost: h\r\n\r\n"
              "HEAD /many/100 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
  const std::string all = c->ReadToEnd();
  EXPECT_THAT(all, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_THAT(all, HasSubstr("Content-Length: 100\r\n"));
  EXPECT_THAT(all, testing::EndsWith("\r\n\r\n"));
  EXPECT_THAT(all, testing::Not(HasSubstr("hello")));
}

TEST(Server, ContinuesOnlyWhenTheBodyIsWanted) {
  TestServer test;
  auto c = RawConnection::Plain(test.plain_port());
  ASSERT_TRUE(
      c->Send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
              "Expect: 100-continue\r\n\r\n"));
  EXPECT_EQ(c->ReadSome(), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(c->Send("abc"));
  EXPECT_EQ(BodyOf(c->ReadResponse()), "abc");
  ASSERT_TRUE(
      c->Send("POST /count HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n"
              "Expect: 100-continue\r\n\r\n"));
  EXPECT_EQ(c->ReadSome(), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(c->Send(std::string(100'000, 'x')));
  EXPECT_EQ(BodyOf(c->ReadResponse()), "100000");
  ASSERT_TRUE(
      c->Send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n"
              "Expect: 100-continue\r\n\r\n"));
  EXPECT_EQ(StatusOf(c->ReadResponse()), 413);
}

TEST(Server, HandlersThatFailAnswer500) {
  TestServer test;
  auto c = RawConnection::Plain(test.plain_port());
  for (const char* path : {"/drop", "/throw", "/split"}) {
    ASSERT_TRUE(c->Send("GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n\r\n"));
    const std::string response = c->ReadResponse();
    EXPECT_EQ(StatusOf(response), 500) << path;
    EXPECT_THAT(response, testing::Not(HasSubstr("Set-Cookie")));
  }
  ASSERT_TRUE(c->Send("GET /cut HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_THAT(c->ReadToEnd(), testing::EndsWith("4\r\nhalf\r\n"));
}

TEST(Server, StreamsBothWaysAtOnce) {
  TestServer test;
  auto client = test.client();
  // Each piece is only sent after the one before has come back.
  std::size_t sent = 0;
  std::size_t received = 0;
  ClientRequest request;
  request.method = Method::kPost;
  request.target = "/tee";
  request.upload = [&](MutableByteSpan buffer) -> Result<std::size_t> {
    if (sent == 50'000) return 0;
    if (received < sent) return kUploadPause;
    std::fill_n(buffer.begin(), 1000, 't');
    sent += 1000;
    return 1000;
  };
  request.download = [&](ByteSpan piece) -> Result<void> {
    received += piece.size();
    return {};
  };
  const auto response = client->Send(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(received, 50'000u);
}

TEST(Server, DrainsWhatRunsAndNothingElse) {
  TestServer test;
  auto idle = RawConnection::Plain(test.plain_port());
  ASSERT_TRUE(idle->Send(kGetHello));
  EXPECT_EQ(StatusOf(idle->ReadResponse()), 200);
  auto busy = RawConnection::Tls(test.tls_port(), test.authority.root_pem(), &test.identity);
  ASSERT_TRUE(busy->Send("GET /gate HTTP/1.1\r\nHost: h\r\n\r\n"));
  test.gate_reached.Wait();
  EXPECT_FALSE(test.server().Drain(std::chrono::milliseconds(0)));
  EXPECT_EQ(idle->ReadToEnd(), "");
  test.gate.Open();
  const std::string response = busy->ReadResponse();
  EXPECT_EQ(BodyOf(response), "open");
  EXPECT_THAT(response, HasSubstr("Connection: close\r\n"));
  EXPECT_EQ(busy->ReadToEnd(), "");
  busy.reset();
  idle.reset();
  EXPECT_TRUE(test.server().Drain(std::chrono::seconds(20)));
  auto late = RawConnection::Plain(test.plain_port());
  EXPECT_TRUE(late == nullptr || !late->Send(kGetHello) || late->ReadResponse().empty());
}

TEST(Server, AnswersMayComeAfterItsEnd) {
  std::shared_ptr<Exchange> kept;
  Gate reached;
  {
    Route route;
    route.pattern = "/";
    route.handler = [&](std::shared_ptr<Exchange> exchange) {
      kept = std::move(exchange);
      reached.Open();
    };
    std::vector<Route> routes;
    routes.push_back(std::move(route));
    ServerOptions options;
    options.listeners.emplace_back();
    options.listeners[0].router =
        std::make_shared<const Router>(*Router::Create(std::move(routes)));
    auto server = *Server::Start(std::move(options));
    auto c = RawConnection::Plain(server->port());
    ASSERT_TRUE(c->Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    reached.Wait();
  }
  EXPECT_TRUE(kept->aborted());
  kept->Respond(Response::Text(200, "nobody listens"));
  kept.reset();
}

TEST(Server, ReplacesItsCertificate) {
  TestServer test;
  auto before = RawConnection::Tls(test.tls_port(), test.authority.root_pem(), &test.identity);
  const TestAuthority other("other root");
  const TestIdentity other_client = other.IssueClient();
  ASSERT_TRUE(test.server().ReplaceTls(
      0, TlsOptions(other, other.IssueServer(), ClientCertificate::kRequired)));
  auto after = RawConnection::Tls(test.tls_port(), other.root_pem(), &other_client);
  ASSERT_NE(after, nullptr);
  ASSERT_TRUE(after->Send(kGetHello));
  EXPECT_EQ(StatusOf(after->ReadResponse()), 200);
  ASSERT_TRUE(before->Send(kGetHello));
  EXPECT_EQ(StatusOf(before->ReadResponse()), 200);
  EXPECT_FALSE(
      test.server().ReplaceTls(0, TlsOptions(other, TestIdentity{}, ClientCertificate::kRequired)));
}

TEST(Server, RefusesOptionsThatCannotWork) {
  TestServer test;
  const auto start = [&](std::function<void(ListenerOptions&)> adjust) {
    ServerOptions options;
    options.listeners.emplace_back();
    ListenerOptions& one = options.listeners[0];
    one.router = std::make_shared<const Router>(*Router::Create({}));
    adjust(one);
    auto server = Server::Start(std::move(options));
    return server ? std::string() : server.error().message;
  };
  EXPECT_EQ(start([](auto&) {}), "");
  EXPECT_THAT(start([](auto& one) { one.address = "0.0.0.0"; }), HasSubstr("loopback"));
  EXPECT_THAT(start([](auto& one) { one.address = "localhost"; }), HasSubstr("IPv4"));
  EXPECT_THAT(start([&](auto& one) { one.port = test.tls_port(); }), HasSubstr("in use"));
  EXPECT_THAT(start([&](auto& one) {
                one.tls =
                    TlsOptions(test.authority, test.server_identity, ClientCertificate::kNone);
                one.tls->private_key_pem = test.identity.key();
              }),
              HasSubstr("does not belong"));
  EXPECT_THAT(start([&](auto& one) {
                one.tls = TlsOptions(test.authority, test.server_identity,
                                     ClientCertificate::kByFingerprint);
              }),
              HasSubstr("nobody says which fingerprints"));
}

}  // namespace
}  // namespace salus::http
