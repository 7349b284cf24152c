#include "proxy/head_writer.h"

#include <gmock/gmock.h>

#include <string>

namespace salus::proxy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr http::HeadLimits kLimits{16 * 1024, 100, 8 * 1024, true};

// Passed is what the backend gets for a head; "refused" where it gets nothing.
std::string Passed(const std::string& head, const Origin& origin = {"192.0.2.7", "", "b:80"}) {
  http::Request request;
  http::Framing framing;
  RequestNotes notes;
  if (http::ParseHead(head, kLimits, request, framing)) return "refused";
  if (InspectRequest(request, framing, notes)) return "refused";
  Bytes out;
  PutRequestHead(request, framing, notes, origin, out);
  return std::string(AsText(out));
}

std::string PassedField(const std::string& field) {
  return Passed("GET / HTTP/1.1\r\nHost: h\r\n" + field + "\r\n\r\n");
}

TEST(HeadWriter, PassesARequestOn) {
  EXPECT_EQ(Passed("GET /a?b HTTP/1.1\r\nHost: h:8443\r\nX-A: b\r\n\r\n"),
            "GET /a?b HTTP/1.1\r\nHost: h:8443\r\nX-A: b\r\n"
            "X-Forwarded-For: 192.0.2.7\r\nX-Real-IP: 192.0.2.7\r\n"
            "X-Forwarded-Proto: https\r\nX-Forwarded-Host: h:8443\r\n"
            "Forwarded: for=192.0.2.7;host=\"h:8443\";proto=https\r\nVia: 1.1 salus\r\n\r\n");
}

// RFC 7239 section 6: an IPv6 address stands in brackets, and so in quotes.
TEST(HeadWriter, QuotesIpv6) {
  EXPECT_THAT(Passed("GET / HTTP/1.1\r\nHost: h\r\n\r\n", {"2001:db8::1", "", "b:80"}),
              HasSubstr("\r\nForwarded: for=\"[2001:db8::1]\";host=\"h\";proto=https\r\n"));
}

TEST(HeadWriter, SaysWhoTheClientIsItself) {
  const std::string passed =
      Passed("GET / HTTP/1.1\r\nHost: h\r\nX_Salus_Client_Identity: evil\r\n\r\n",
             {"192.0.2.7", "X-Salus-Client-Identity: me\r\n", "b:80"});
  EXPECT_THAT(passed, HasSubstr("\r\nX-Salus-Client-Identity: me\r\n"));
  EXPECT_THAT(passed, Not(HasSubstr("evil")));
}

TEST(HeadWriter, DropsWhatMayBeTakenForItsOwn) {
  for (const char* name :
       {"X.Salus.Client.Identity", "x*salus!client", "X-Forwarded", "X.Forwarded.For", "X_Real.IP",
        "True-Client-IP", "true.client.ip", "Content.Length", "Transfer.Encoding"}) {
    EXPECT_THAT(PassedField(std::string(name) + ": evil"), Not(HasSubstr("evil"))) << name;
  }
}

TEST(HeadWriter, WritesTheLengthAnew) {
  EXPECT_THAT(PassedField("Content-Length: 007"), HasSubstr("\r\nContent-Length: 7\r\n"));
  EXPECT_THAT(PassedField("Transfer-Encoding: Chunked"),
              HasSubstr("\r\nTransfer-Encoding: chunked\r\n"));
  EXPECT_THAT(PassedField("X-A: b"), Not(HasSubstr("Content-Length")));
}

TEST(HeadWriter, UpgradesToWebSocketsOnly) {
  const std::string upgrade = "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  EXPECT_THAT(PassedField("Connection: keep-alive, upgrade\r\nUpgrade: WebSocket"),
              HasSubstr(upgrade));
  for (const char* fields :
       {"Upgrade: websocket", "Connection: upgrade", "Connection: upgrade\r\nUpgrade: h2c",
        "Connection: upgrade\r\nUpgrade: websocket, h2c",
        "Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c",
        "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1"}) {
    EXPECT_THAT(PassedField(fields), Not(HasSubstr("pgrade"))) << fields;
  }
}

TEST(HeadWriter, ConnectionNamesWhatEndsHere) {
  EXPECT_THAT(PassedField("Connection: X-A\r\nX-A: b\r\nX-B: c"), Not(HasSubstr("X-A")));
  EXPECT_THAT(PassedField("Connection: X-Forwarded-For"),
              HasSubstr("X-Forwarded-For: 192.0.2.7\r\n"));
  for (const char* name : {"Host", "Content-Length", "Transfer-Encoding", "Connection", "host"}) {
    EXPECT_EQ(PassedField(std::string("Connection: close, ") + name), "refused") << name;
  }
}

TEST(HeadWriter, PassesAnAnswerOn) {
  const std::string head =
      "HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nX-A: b\r\nConnection: x-hop\r\nX-Hop: c\r\n"
      "Strict-Transport-Security: max-age=1\r\n\r\n";
  http::ResponseHead response;
  http::Framing framing;
  ASSERT_TRUE(http::ParseResponseHead(head, kLimits, http::Method::kGet, response, framing));
  Bytes out;
  PutResponseHead(response, {5u, false, true, true}, "Strict-Transport-Security: max-age=9\r\n",
                  out);
  EXPECT_EQ(AsText(out),
            "HTTP/1.1 200 Fine\r\nX-A: b\r\nStrict-Transport-Security: max-age=9\r\n"
            "Content-Length: 5\r\nConnection: close\r\n\r\n");
  out.clear();
  PutResponseHead(response, {std::nullopt, true, true, false}, "", out);
  EXPECT_EQ(AsText(out),
            "HTTP/1.1 200 Fine\r\nX-A: b\r\nStrict-Transport-Security: max-age=1\r\n"
            "Transfer-Encoding: chunked\r\n\r\n");
}

}  // namespace
}  // namespace salus::proxy
