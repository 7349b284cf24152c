// What the plain listener takes and answers besides the redirection.
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/random.h"
#include "crypto/pkcs8.h"
#include "pki/self_signed.h"
#include "proxy/proxy.h"

namespace salus::proxy {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::size_t kMaxBody = 40;

// Plain is a proxy whose plain listener answers POST /ask with the body in brackets.
class Plain : public ::testing::Test {
 protected:
  Plain() {
    SystemRandom random;
    const Timestamp now = SystemClock().Now();
    auto own = *pki::SelfSignedCertificate::Make(
        "localhost", {now - std::chrono::days(1), now + std::chrono::days(1)}, random);
    ProxyOptions options;
    options.from = {{"127.0.0.1", 0}};
    options.redirect_from = {{"127.0.0.1", 0}};
    options.to = {"127.0.0.1", 9};
    options.domains = {"localhost"};
    options.tls.certificate_chain_pem = own.certificate_pem;
    options.tls.private_key_pem = std::move(own.private_key_pem);
    options.plain_post =
        PlainPost{"/ask", "text/x", kMaxBody, [](ByteSpan body) {
                    return http::Response{200, {}, "[" + std::string(AsText(body)) + "]"};
                  }};
    proxy_ = *Proxy::Start(std::move(options));
  }

  // All that the listener says to these bytes until it closes.
  std::string Say(std::string_view bytes) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(proxy_->port(1));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    CHECK(send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
    shutdown(fd, SHUT_WR);
    const timeval patience{20, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::string out;
    char piece[4096];
    ssize_t n = 0;
    while ((n = recv(fd, piece, sizeof piece, 0)) > 0)
      out.append(piece, static_cast<std::size_t>(n));
    EXPECT_EQ(n, 0) << "it closes";
    close(fd);
    return out;
  }
  std::string Post(const std::string& fields, const std::string& body,
                   const std::string& path = "/ask") {
    return Say("POST " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + fields +
               "\r\n\r\n" + body);
  }

  std::unique_ptr<Proxy> proxy_;
};

TEST_F(Plain, TakesASmallPost) {
  const std::string answer = Post("Content-Type: Text/X\r\nContent-Length: 5", "hello");
  EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("\r\nDate: "),
                            HasSubstr("\r\n\r\n[hello]")));
  EXPECT_THAT(Post("Content-Type: text/x\r\nContent-Length: 0", ""), HasSubstr("\r\n\r\n[]"));
  EXPECT_THAT(Post("Content-Type: text/x\r\nTransfer-Encoding: chunked",
                   "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"),
              HasSubstr("\r\n\r\n[hello]"));
  for (const char* type : {"text/x;charset=utf-8", "text/x \t; a=\"b;c\"", "Text/X;"}) {
    EXPECT_THAT(Post(std::string("Content-Type: ") + type + "\r\nContent-Length: 1", "x"),
                HasSubstr("\r\n\r\n[x]"))
        << type;
  }
  const std::string full(kMaxBody, 'x');
  EXPECT_THAT(Post("Content-Type: text/x\r\nContent-Length: 40", full),
              HasSubstr("[" + full + "]"));
}

TEST_F(Plain, TakesOneAfterTheOther) {
  const std::string one =
      "POST /ask HTTP/1.1\r\nHost: h\r\nContent-Type: text/x\r\nContent-Length: 1\r\n\r\n";
  const std::string answer = Say(one + "1" + one + "2");
  EXPECT_THAT(answer, AllOf(HasSubstr("[1]HTTP/1.1 200 OK"), HasSubstr("[2]")));
}

TEST_F(Plain, SaysToGoOn) {
  EXPECT_THAT(Post("Content-Type: text/x\r\nContent-Length: 2\r\nExpect: 100-continue", "ab"),
              HasSubstr("[ab]"));
  const std::string head =
      "POST /ask HTTP/1.1\r\nHost: h\r\nContent-Type: text/x\r\nContent-Length: 2\r\n"
      "Expect: 100-continue\r\n\r\n";
  EXPECT_THAT(Say(head), StartsWith("HTTP/1.1 100 Continue\r\n\r\n"));
}

TEST_F(Plain, RefusesWhatItDoesNotTake) {
  EXPECT_THAT(Post("Content-Type: text/x\r\nContent-Length: 41", std::string(41, 'x')),
              AllOf(StartsWith("HTTP/1.1 413 "), HasSubstr("the 40 bytes that are taken here")));
  EXPECT_THAT(Post("Content-Type: text/x\r\nTransfer-Encoding: chunked",
                   "29\r\n" + std::string(41, 'x') + "\r\n0\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 413 "), Not(HasSubstr("["))));
  EXPECT_THAT(Post("Content-Type: text/y\r\nContent-Length: 1", "x"),
              AllOf(StartsWith("HTTP/1.1 415 "), HasSubstr("text/x")));
  for (const char* type :
       {"", " ", ";", "; text/x", "text/x y", "text/xy; a=b", "text/y; text/x"}) {
    EXPECT_THAT(Post(std::string("Content-Type: ") + type + "\r\nContent-Length: 1", "x"),
                StartsWith("HTTP/1.1 415 "))
        << type;
  }
  EXPECT_THAT(Post("Content-Length: 1", "x"), StartsWith("HTTP/1.1 415 "));
  EXPECT_THAT(Post("Content-Type: text/x\r\nTransfer-Encoding: chunked", "zz\r\n"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Post("Content-Type: text/x\r\nContent-Length: 1", "x", "/other"),
              AllOf(StartsWith("HTTP/1.1 308 "), HasSubstr("/other\r\n")));
  EXPECT_THAT(Say("GET /ask HTTP/1.1\r\nHost: localhost\r\n\r\n"), StartsWith("HTTP/1.1 308 "));
  // Half a body, and the client goes.
  EXPECT_EQ(Post("Content-Type: text/x\r\nContent-Length: 5", "he"), "");
}

}  // namespace
}  // namespace salus::proxy
