#include "http/response_parser.h"

#include <gmock/gmock.h>

#include <string>

namespace salus::http {
namespace {

struct Read {
  bool ok = false;
  ResponseHead head;
  Framing framing;
};

Read Parse(const std::string& text, Method to = Method::kGet) {
  static std::string kept;  // the views point into it
  kept = text + "\r\n";
  Read out;
  out.ok = ParseResponseHead(kept, HeadLimits(), to, out.head, out.framing).has_value();
  return out;
}

TEST(ResponseParser, ReadsWhatItIsMadeOf) {
  const Read read = Parse("HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\nX-A: \t b c \r\n");
  ASSERT_TRUE(read.ok);
  EXPECT_EQ(read.head.status, 404);
  EXPECT_EQ(read.head.reason, "Not Found");
  ASSERT_EQ(read.head.fields.size(), 2u);
  EXPECT_EQ(read.head.fields[1].name, "X-A");
  EXPECT_EQ(read.head.fields[1].value, "b c");
  EXPECT_EQ(read.framing.content_length, 12u);
  EXPECT_TRUE(read.framing.keep_alive);
}

// RFC 9112 section 6.3, in its order.
TEST(ResponseParser, FindsTheEndOfTheBody) {
  EXPECT_TRUE(Parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n").framing.chunked);
  const Read open = Parse("HTTP/1.1 200 OK\r\n");
  EXPECT_TRUE(open.framing.until_close);
  EXPECT_FALSE(open.framing.keep_alive);
  EXPECT_EQ(Parse("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n", Method::kHead).framing.content_length,
            0u);
  EXPECT_EQ(Parse("HTTP/1.1 304 Same\r\nContent-Length: 9\r\n").framing.content_length, 0u);
  EXPECT_EQ(Parse("HTTP/1.1 304 Same\r\nTransfer-Encoding: chunked\r\n").framing.content_length,
            0u);
  EXPECT_EQ(Parse("HTTP/1.1 204 None\r\n").framing.content_length, 0u);
  EXPECT_EQ(Parse("HTTP/1.1 100 Continue\r\n").framing.content_length, 0u);
}

TEST(ResponseParser, KnowsWhetherTheConnectionGoesOn) {
  const std::string length = "Content-Length: 0\r\n";
  EXPECT_TRUE(Parse("HTTP/1.1 200 OK\r\n" + length).framing.keep_alive);
  EXPECT_FALSE(Parse("HTTP/1.1 200 OK\r\nConnection: x, Close\r\n" + length).framing.keep_alive);
  EXPECT_FALSE(Parse("HTTP/1.0 200 OK\r\n" + length).framing.keep_alive);
  EXPECT_TRUE(Parse("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + length).framing.keep_alive);
}

TEST(ResponseParser, RefusesDoubts) {
  const std::string start = "HTTP/1.1 200 OK\r\n";
  for (const std::string& text :
       {start + "Content-Length: 1\r\nContent-Length: 1\r\n",
        start + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        start + "Transfer-Encoding: gzip, chunked\r\n",
        start + "Content-Length: 1,1\r\n",
        start + "Content-Length: +1\r\n",
        start + "Content-Length: \r\n",
        start + "Content-Length : 1\r\n",
        start + "X-A: b\r\n c\r\n",
        start + "X-A: b\rc\r\n",
        start + "X-A\r\n",
        std::string("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n"),
        std::string("HTTP/1.1 204 None\r\nContent-Length: 1\r\n"),
        std::string("HTTP/1.1 204 None\r\nTransfer-Encoding: chunked\r\n"),
        std::string("HTTP/1.1 20 OK\r\n"),
        std::string("HTTP/1.1 2000 OK\r\n"),
        std::string("HTTP/1.1 99 OK\r\n"),
        std::string("HTTP/1.1 099 OK\r\n"),
        std::string("HTTP/1.1 600 OK\r\n"),
        std::string("HTTP/1.1  200 OK\r\n"),
        std::string("HTTP/1.1 200OK\r\n"),
        std::string("HTTP/2.0 200 OK\r\n"),
        std::string("http/1.1 200 OK\r\n"),
        std::string("HTTP/1.1 200 O\x01K\r\n"),
        std::string("HTTP/1.1 200 OK\n"),
        std::string("200 OK\r\n"),
        std::string("\r\n")}) {
    EXPECT_FALSE(Parse(text).ok) << text;
  }
  EXPECT_TRUE(Parse("HTTP/1.1 200\r\n").ok);
  EXPECT_TRUE(Parse("HTTP/1.1 200 \r\n").ok);
}

TEST(ResponseParser, KeepsNoConnectionOnWhichABodyMayFollow) {
  const auto keeps = [](const std::string& text, Method to) {
    const Read parsed = Parse("HTTP/1.1 " + text, to);
    EXPECT_TRUE(parsed.ok) << text;
    return parsed.framing.keep_alive;
  };
  EXPECT_FALSE(keeps("200 OK\r\nContent-Length: 5\r\n", Method::kHead));
  EXPECT_FALSE(keeps("200 OK\r\nTransfer-Encoding: chunked\r\n", Method::kHead));
  EXPECT_FALSE(keeps("200 OK\r\n", Method::kHead));
  EXPECT_TRUE(keeps("200 OK\r\nContent-Length: 0\r\n", Method::kHead));
  EXPECT_FALSE(keeps("304 Same\r\nContent-Length: 5\r\n", Method::kGet));
  EXPECT_FALSE(keeps("304 Same\r\nTransfer-Encoding: chunked\r\n", Method::kGet));
  EXPECT_TRUE(keeps("304 Same\r\n", Method::kGet));
  EXPECT_TRUE(keeps("304 Same\r\n", Method::kHead));
  EXPECT_TRUE(keeps("204 None\r\n", Method::kGet));
  EXPECT_TRUE(keeps("200 OK\r\nContent-Length: 5\r\n", Method::kGet));
}

}  // namespace
}  // namespace salus::http
