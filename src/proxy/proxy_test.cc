#include "proxy/proxy.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <string>
#include <thread>

#include "base/check.h"
#include "base/random.h"
#include "base/test_folder.h"
#include "http/client.h"
#include "http/listening_socket.h"
#include "pki/authority.h"

namespace salus::proxy {
namespace {

using ::testing::HasSubstr;

// Backend answers every head with its own text as the body; one connection at a time.
class Backend {
 public:
  Backend() : listener_(*http::ListeningSocket::Open("127.0.0.1", 0)) {
    thread_ = std::thread([this] { Run(); });
  }
  ~Backend() {
    stopped_ = true;
    thread_.join();
  }
  std::uint16_t port() const { return listener_.port(); }
  int connections() const { return connections_; }

 private:
  void Run() {
    while (!stopped_) {
      const int fd = accept(listener_.fd(), nullptr, nullptr);
      if (fd < 0) {
        std::this_thread::yield();
        continue;
      }
      ++connections_;
      Serve(fd);
      close(fd);
    }
  }
  void Serve(int fd) {
    std::string input;
    const timeval patience{0, 50'000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    while (!stopped_) {
      char piece[4096];
      const ssize_t n = recv(fd, piece, sizeof piece, 0);
      if (n == 0) return;
      if (n < 0) continue;
      input.append(piece, static_cast<std::size_t>(n));
      const std::size_t end = input.find("\r\n\r\n");
      if (end == std::string::npos) continue;
      const std::string head = input.substr(0, end + 4);
      input.erase(0, end + 4);
      const std::string answer =
          "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(head.size()) + "\r\n\r\n" + head;
      CHECK(send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(answer.size()));
    }
  }

  http::ListeningSocket listener_;
  std::atomic<bool> stopped_{false};
  std::atomic<int> connections_{0};
  std::thread thread_;
};

struct Identity {
  std::string chain_pem;
  SecretBytes key_pem;
};

// Authority is a root and what it takes to issue certificates for localhost under it.
class Authority {
 public:
  Authority() {
    root_.emplace(*pki::RootAuthority::Create(folder_ / "root", Named("Root", 20), random_));
    issuing_.emplace(
        *pki::IssuingAuthority::Create(folder_ / "issuing", *root_, Named("Issuing", 10), random_));
  }
  std::string root_pem() const { return root_->certificate().ToPem(); }
  Identity Issue() {
    const crypto::PrivateKey key = crypto::P256PrivateKey::Generate();
    const auto name = *pki::Identity::Create("host/org/2026", pki::Role::kServer, "front");
    const auto request =
        *pki::CertificationRequest::Create({.name = "Front", .identity = name}, key, nullptr);
    const auto certificate = *issuing_->Issue(request,
                                              {.identity = name,
                                               .validity = Days(1),
                                               .purpose = pki::Purpose::kServer,
                                               .dns_names = {"localhost"}},
                                              random_, log_);
    return {certificate.ToPem() + issuing_->certificate().ToPem(),
            *crypto::EncodePrivateKeyPem(key)};
  }

 private:
  struct ForgetfulLog final : pki::IssuanceLog {
    Result<void> Record(ByteSpan, const pki::Identity&, bool) override { return {}; }
  };
  static pki::Validity Days(int count) {
    const Timestamp now = SystemClock().Now();
    return {now - std::chrono::days(count), now + std::chrono::days(count)};
  }
  static pki::AuthorityProfile Named(const std::string& name, int days) {
    return {.name = name, .validity = Days(days)};
  }

  TestFolder folder_;
  SystemRandom random_;
  ForgetfulLog log_;
  std::optional<pki::RootAuthority> root_;
  std::optional<pki::IssuingAuthority> issuing_;
};

http::TlsServerOptions TlsOf(const Identity& identity) {
  http::TlsServerOptions out;
  out.certificate_chain_pem = identity.chain_pem;
  out.private_key_pem = identity.key_pem.Clone();
  return out;
}

struct Front {
  Backend backend;
  Authority authority;
  Identity identity = authority.Issue();
  std::unique_ptr<Proxy> proxy;

  Front() {
    ProxyOptions options;
    options.from = {{"127.0.0.1", 0}};
    options.to = {"127.0.0.1", backend.port()};
    options.domains = {"localhost"};
    options.tls = TlsOf(identity);
    proxy = *Proxy::Start(std::move(options));
  }
  std::unique_ptr<http::Client> Connect() const {
    http::ClientOptions options;
    options.base_url = "https://localhost:" + std::to_string(proxy->port());
    options.trust_anchors_pem = authority.root_pem();
    return *http::Client::Create(std::move(options));
  }
};

http::ClientRequest Get(const std::string& target) {
  http::ClientRequest request;
  request.target = target;
  return request;
}

TEST(Proxy, PassesRequestsOnOverOneConnection) {
  const Front front;
  const auto client = front.Connect();
  for (int i = 0; i < 5; ++i) {
    const auto response = client->Send(Get("/a?b=" + std::to_string(i)));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 200);
    EXPECT_THAT(response->body, HasSubstr("GET /a?b=" + std::to_string(i) + " HTTP/1.1\r\n"));
    EXPECT_THAT(response->body, HasSubstr("\r\nX-Forwarded-For: 127.0.0.1\r\n"));
    EXPECT_EQ(response->headers.Find("strict-transport-security"), "max-age=31536000");
  }
  EXPECT_EQ(front.backend.connections(), 1);
  EXPECT_EQ(front.proxy->stats().requests, 5u);
}

TEST(Proxy, ReplacesItsCertificate) {
  Front front;
  const auto shown = [&] {
    const auto chain = http::FetchPeerChain(
        "https://localhost:" + std::to_string(front.proxy->port()), std::chrono::seconds(10));
    return pki::Certificate::FromDer(chain->front())->ToPem();
  };
  const auto open = front.Connect();
  ASSERT_TRUE(open->Send(Get("/1")));
  EXPECT_THAT(front.identity.chain_pem, HasSubstr(shown()));

  const Identity fresh = front.authority.Issue();
  ASSERT_TRUE(front.proxy->ReplaceTls(TlsOf(fresh)));
  EXPECT_THAT(fresh.chain_pem, HasSubstr(shown()));
  EXPECT_TRUE(open->Send(Get("/2"))) << "the open connection goes on";

  const Identity mixed{fresh.chain_pem, front.identity.key_pem.Clone()};
  EXPECT_FALSE(front.proxy->ReplaceTls(TlsOf(mixed)));
  EXPECT_THAT(fresh.chain_pem, HasSubstr(shown())) << "what does not fit changes nothing";
}

TEST(Proxy, DrainsAndRefuses) {
  const Front front;
  const auto client = front.Connect();
  ASSERT_TRUE(client->Send(Get("/")));
  EXPECT_TRUE(front.proxy->Drain(std::chrono::seconds(10), std::chrono::seconds(0)));
  EXPECT_FALSE(front.Connect()->Send(Get("/")));
  EXPECT_EQ(front.proxy->stats().connections_open, 0u);
}

TEST(Proxy, RefusesBadOptions) {
  Authority authority;
  const Identity identity = authority.Issue();
  const auto start = [&](const std::function<void(ProxyOptions&)>& spoil) {
    ProxyOptions options;
    options.from = {{"127.0.0.1", 0}};
    options.to = {"127.0.0.1", 9};
    options.tls = TlsOf(identity);
    spoil(options);
    const auto started = Proxy::Start(std::move(options));
    return started ? ErrorCode::kInternal : started.error().code;
  };
  EXPECT_EQ(start([](auto&) {}), ErrorCode::kInternal) << "which stands for none";
  EXPECT_EQ(start([](auto& options) { options.from.clear(); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(start([](auto& options) { options.to.address = "x"; }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(start([](auto& options) { options.threads = 0; }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(start([](auto& options) { options.tls.certificate_chain_pem = ""; }),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(start([](auto& options) { options.access_log = "/none/log"; }),
            ErrorCode::kUnavailable);
  const auto taken = *http::ListeningSocket::Open("127.0.0.1", 0);
  EXPECT_EQ(start([&](auto& options) { options.from = {{"127.0.0.1", taken.port()}}; }),
            ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace salus::proxy
