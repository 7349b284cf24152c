#include "http/client.h"

#include <gmock/gmock.h>

#include "http/test_server.h"
#include "http/tls.h"

namespace salus::http {
namespace {

using testing::HasSubstr;

ClientRequest Get(std::string target) {
  ClientRequest request;
  request.target = std::move(target);
  return request;
}

TEST(Client, SendsBodiesAndReadsAnswers) {
  TestServer test;
  auto client = test.client();
  const Bytes body(50'000, 'b');
  ClientRequest request;
  request.method = Method::kPost;
  request.target = "/echo";
  request.body = body;
  for (int i = 0; i < 3; ++i) {
    const auto response = client->Send(request);
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body, AsText(body));
    EXPECT_EQ(response->headers.Find("content-length"), "50000");
  }
  EXPECT_EQ(client->Send(Get("/nothing"))->status, 404);
  request.method = Method::kHead;
  request.body = {};
  request.target = "/hello";
  EXPECT_EQ(client->Send(request)->status, 200);
  EXPECT_EQ(test.server().stats().connections_accepted, 1u);
}

TEST(Client, TriesANameAgainThatIsNotKnown) {
  // No resolver asks anybody for a label of more than 63 letters.
  ClientOptions options;
  options.base_url = "https://" + std::string(70, 'x') + ".example";
  options.server_fingerprint = CertificateFingerprint{};
  auto client = Client::Create(std::move(options));
  ASSERT_TRUE(client) << client.error().message;
  for (int i = 0; i < 3; ++i) {
    const auto response = (*client)->Send(Get("/"));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(response.error().message, HasSubstr("the host name is not known"));
  }
}

TEST(Client, StreamsDownloadsAndBoundsAnswers) {
  TestServer test;
  auto client = test.client();
  std::size_t received = 0;
  ClientRequest request = Get("/many/10000000");
  request.download = [&](ByteSpan piece) -> Result<void> {
    received += piece.size();
    return {};
  };
  EXPECT_EQ(client->Send(request)->status, 200);
  EXPECT_EQ(received, 10'000'000u);
  request.download = nullptr;
  request.response_limit_bytes = 1'000'000;
  EXPECT_EQ(client->Send(request).error().code, ErrorCode::kResourceExhausted);
  request.download = [&](ByteSpan) -> Result<void> { return Conflict("enough"); };
  EXPECT_EQ(client->Send(request).error().message, "enough");
  // After a broken one the next request works again.
  EXPECT_EQ(client->Send(Get("/hello"))->body, "hello");
}

TEST(Client, AnUploadCanFail) {
  TestServer test;
  auto client = test.client();
  ClientRequest request;
  request.method = Method::kPost;
  request.target = "/count";
  int calls = 0;
  request.upload = [&](MutableByteSpan buffer) -> Result<std::size_t> {
    if (++calls == 3) return NotFound("no more file");
    return buffer.size();
  };
  EXPECT_EQ(client->Send(request).error().message, "no more file");
  request.upload = [&](MutableByteSpan buffer) -> Result<std::size_t> {
    return ++calls < 30 ? buffer.size() : 0;
  };
  request.target = "/limited";
  const auto refused = client->Send(request);
  ASSERT_TRUE(refused) << refused.error().message;
  EXPECT_EQ(refused->status, 413);
}

TEST(Client, NoticesACutAnswer) {
  TestServer test;
  const auto response = test.client()->Send(Get("/cut"));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
}

TEST(Client, TrustsOnlyTheGivenRoots) {
  TestServer test;
  const TestAuthority foreign("foreign root");
  ClientOptions options = test.client_options(&test.identity);
  options.trust_anchors_pem = foreign.root_pem();
  const auto response = (*Client::Create(std::move(options)))->Send(Get("/hello"));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kVerificationFailed) << response.error().message;
}

TEST(Client, ChecksTheName) {
  TestServer test;
  ClientOptions options = test.client_options(&test.identity);
  options.base_url = "https://127.0.0.2:" + std::to_string(test.tls_port());
  // The listener is on 127.0.0.1 only: the name is a loopback alias that nobody listens on.
  EXPECT_EQ((*Client::Create(std::move(options)))->Send(Get("/hello")).error().code,
            ErrorCode::kUnavailable);
  options = test.client_options(&test.identity);
  options.base_url = "https://localhost:" + std::to_string(test.tls_port());
  const auto by_name = (*Client::Create(std::move(options)))->Send(Get("/hello"));
  ASSERT_TRUE(by_name) << by_name.error().message;

  TestServer elsewhere([](ServerOptions& o) { o.listeners[0].address = "127.0.0.3"; });
  options = elsewhere.client_options(&elsewhere.identity);
  options.base_url = "https://127.0.0.3:" + std::to_string(elsewhere.tls_port());
  const auto other_name = (*Client::Create(std::move(options)))->Send(Get("/hello"));
  ASSERT_FALSE(other_name);
  EXPECT_EQ(other_name.error().code, ErrorCode::kVerificationFailed) << other_name.error().message;
}

TEST(Client, KnowsAServerByItsFingerprintAlone) {
  // Its certificate names another address than the one that it is reached at.
  TestServer test([](ServerOptions& o) { o.listeners[0].address = "127.0.0.3"; });
  ClientOptions options = test.client_options(&test.identity);
  options.base_url = "https://127.0.0.3:" + std::to_string(test.tls_port());
  options.trust_anchors_pem.clear();
  options.server_fingerprint = Sha256OfCertificate(test.server_identity.leaf_der);
  const auto same = (*Client::Create(std::move(options)))->Send(Get("/hello"));
  ASSERT_TRUE(same) << same.error().message;

  options = test.client_options(&test.identity);
  options.base_url = "https://127.0.0.3:" + std::to_string(test.tls_port());
  options.trust_anchors_pem.clear();
  // The authority's own certificate is in the chain, and all the same another one.
  options.server_fingerprint = Sha256OfCertificate(test.authority.root_der());
  const auto other = (*Client::Create(std::move(options)))->Send(Get("/hello"));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kVerificationFailed) << other.error().message;
  EXPECT_THAT(other.error().message, HasSubstr("another than the one expected"));

  options = test.client_options(&test.identity);
  options.server_fingerprint = Sha256OfCertificate(test.server_identity.leaf_der);
  EXPECT_THAT(Client::Create(std::move(options)).error().message, HasSubstr("not by both"));
}

TEST(Client, TellsWhatIsWrong) {
  TestServer test;
  ClientOptions options = test.client_options(nullptr);
  std::uint16_t closed_port;
  {
    TestServer gone;
    closed_port = gone.tls_port();
  }
  options.base_url = "https://127.0.0.1:" + std::to_string(closed_port);
  const auto refused = (*Client::Create(std::move(options)))->Send(Get("/"));
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("cannot connect"));
  options = test.client_options(nullptr);
  options.base_url = "https://127.0.0.1:" + std::to_string(test.plain_port());
  const auto no_tls = (*Client::Create(std::move(options)))->Send(Get("/"));
  EXPECT_EQ(no_tls.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(no_tls.error().message, HasSubstr("TLS"));
  const auto no_certificate = (*Client::Create(test.client_options(nullptr)))->Send(Get("/hello"));
  EXPECT_EQ(no_certificate.error().code, ErrorCode::kUnauthenticated);
  EXPECT_THAT(no_certificate.error().message, HasSubstr("it wants one"));
}

TEST(Client, TimesOut) {
  TestServer test;
  ClientOptions options = test.client_options(&test.identity);
  options.stall_timeout = std::chrono::milliseconds(200);
  auto client = *Client::Create(std::move(options));
  const auto response = client->Send(Get("/gate"));
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().message, HasSubstr("timed out"));
}

TEST(Client, RefusesBadOptions) {
  TestServer test;
  for (const char* url : {"", "ftp://h", "http://example.org", "https://", "https://h/path",
                          "https://u@h", "https://h?x"}) {
    ClientOptions options = test.client_options(nullptr);
    options.base_url = url;
    EXPECT_FALSE(Client::Create(std::move(options))) << url;
  }
  ClientOptions options = test.client_options(&test.identity);
  options.private_key = test.server_identity.key();
  EXPECT_THAT(Client::Create(std::move(options)).error().message, HasSubstr("does not belong"));
  options = test.client_options(nullptr);
  options.trust_anchors_pem = "";
  EXPECT_FALSE(Client::Create(std::move(options)));
  EXPECT_FALSE(test.client()->Send(Get("hello")));
  EXPECT_FALSE(test.client()->Send(Get("/hello\r\nX: y")));
  ClientRequest split = Get("/hello");
  split.headers = {{"X", "a\r\nY: b"}};
  EXPECT_FALSE(test.client()->Send(split));
}

TEST(Client, FetchesTheChainOfAServerNotYetTrusted) {
  TestServer test;
  const auto chain = FetchPeerChain(test.url(), std::chrono::seconds(10));
  ASSERT_TRUE(chain) << chain.error().message;
  ASSERT_EQ(chain->size(), 2u);
  EXPECT_EQ((*chain)[0], test.server_identity.leaf_der);
  EXPECT_EQ(Sha256OfCertificate((*chain)[1]), Sha256OfCertificate(test.authority.root_der()));
  EXPECT_FALSE(FetchPeerChain("https://127.0.0.1:1", std::chrono::seconds(10)));
}

TEST(Client, PlainOnLoopback) {
  TestServer test;
  ClientOptions options;
  options.base_url = "http://127.0.0.1:" + std::to_string(test.plain_port());
  EXPECT_EQ((*Client::Create(std::move(options)))->Send(Get("/hello"))->body, "hello");
}

}  // namespace
}  // namespace salus::http
