#include "http/request_parser.h"

#include <gmock/gmock.h>

#include <random>

namespace salus::http {
namespace {

struct Parsed {
  int refused = 0;  // the status, 0 when accepted
  Request request;
  Framing framing;
  std::string head;
};

std::unique_ptr<Parsed> Parse(std::string head, const HeadLimits& limits = {}) {
  auto parsed = std::make_unique<Parsed>();
  parsed->head = std::move(head);
  if (auto refusal = ParseHead(parsed->head, limits, parsed->request, parsed->framing)) {
    parsed->refused = refusal->status;
  }
  return parsed;
}

TEST(ParseHead, ReadsAnOrdinaryRequest) {
  const auto p = Parse(
      "POST /a/b%20c?x=1&y HTTP/1.1\r\nHost: h.example:9443\r\nContent-Length: 12\r\n"
      "X-Thing:  padded \t\r\nExpect: 100-continue\r\n\r\n");
  ASSERT_EQ(p->refused, 0);
  EXPECT_EQ(p->request.method, Method::kPost);
  EXPECT_EQ(p->request.target, "/a/b%20c?x=1&y");
  EXPECT_EQ(p->request.path, "/a/b%20c");
  EXPECT_EQ(p->request.query, "x=1&y");
  EXPECT_EQ(p->request.Find("x-thing"), "padded");
  EXPECT_EQ(p->framing.content_length, 12u);
  EXPECT_FALSE(p->framing.chunked);
  EXPECT_TRUE(p->framing.keep_alive);
  EXPECT_TRUE(p->framing.expects_continue);
}

TEST(ParseHead, KnowsWhenTheConnectionEnds) {
  EXPECT_FALSE(
      Parse("GET / HTTP/1.1\r\nHost: h\r\nConnection: foo, Close\r\n\r\n")->framing.keep_alive);
  const auto old = Parse("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old->refused, 0);
  EXPECT_FALSE(old->framing.keep_alive);
}

struct Case {
  const char* name;
  int status;
  std::string head;
};

std::string WithField(const std::string& field) {
  return "POST / HTTP/1.1\r\nHost: h\r\n" + field + "\r\n\r\n";
}

// WithNul puts a NUL where the @ is.
std::string WithNul(std::string text) {
  text[text.find('@')] = '\0';
  return text;
}

// The list is that of the smuggling catalogues: two readers must never see two framings.
TEST(ParseHead, RefusesEveryDoubtfulHead) {
  const Case cases[] = {
      {"length and chunked", 400, WithField("Content-Length: 5\r\nTransfer-Encoding: chunked")},
      {"chunked and length", 400, WithField("Transfer-Encoding: chunked\r\nContent-Length: 5")},
      {"two lengths", 400, WithField("Content-Length: 5\r\nContent-Length: 6")},
      {"two equal lengths", 400, WithField("Content-Length: 5\r\nContent-Length: 5")},
      {"list of lengths", 400, WithField("Content-Length: 5, 5")},
      {"signed length", 400, WithField("Content-Length: +5")},
      {"negative length", 400, WithField("Content-Length: -1")},
      {"hex length", 400, WithField("Content-Length: 0x5")},
      {"empty length", 400, WithField("Content-Length:")},
      {"length with space inside", 400, WithField("Content-Length: 1 2")},
      {"overlong length", 400, WithField("Content-Length: 9999999999999999999999")},
      {"misspelt length", 400, WithField("Content_Length: 5")},
      {"two encodings", 400, WithField("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")},
      {"chunked twice", 400, WithField("Transfer-Encoding: chunked, chunked")},
      {"chunked not last", 400, WithField("Transfer-Encoding: chunked, identity")},
      {"gzip then chunked", 400, WithField("Transfer-Encoding: gzip, chunked")},
      {"gzip", 501, WithField("Transfer-Encoding: gzip")},
      {"identity", 501, WithField("Transfer-Encoding: identity")},
      {"xchunked", 501, WithField("Transfer-Encoding: xchunked")},
      {"quoted chunked", 501, WithField("Transfer-Encoding: \"chunked\"")},
      {"chunked with vertical tab", 400,
       WithField("Transfer-Encoding: \x0b"
                 "chunked")},
      {"chunked in HTTP/1.0", 400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"space before colon", 400, WithField("Content-Length : 5")},
      {"tab before colon", 400, WithField("Transfer-Encoding\t: chunked")},
      {"folded line", 400, WithField("X: a\r\n b")},
      {"folded with tab", 400, WithField("X: a\r\n\tb")},
      {"space before first field", 400, "GET / HTTP/1.1\r\n Host: h\r\n\r\n"},
      {"bare LF line", 400, "GET / HTTP/1.1\nHost: h\r\n\r\n"},
      {"bare LF field", 400, "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n"},
      {"bare CR", 400, WithField("X: a\rb")},
      {"CR CR LF", 400, WithField("X: a\r")},
      {"NUL in value", 400, WithNul("GET / HTTP/1.1\r\nHost: h\r\nX: a@b\r\n\r\n")},
      {"NUL in name", 400, WithNul("GET / HTTP/1.1\r\nHost: h\r\nX@: ab\r\n\r\n")},
      {"control in value", 400, WithField("X: a\x01")},
      {"delete in value", 400, WithField("X: a\x7f")},
      {"no colon", 400, WithField("Host2")},
      {"empty name", 400, WithField(": x")},
      {"bad name", 400, WithField("X(Y): 1")},
      {"non-ASCII name", 400, WithField("X\xc3\xa9: 1")},
      {"no host", 400, "GET / HTTP/1.1\r\n\r\n"},
      {"two hosts", 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
      {"two equal hosts", 400, "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"},
      {"host with path", 400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
      {"host with user", 400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"},
      {"host with a word for a port", 400, "GET / HTTP/1.1\r\nHost: h:abc\r\n\r\n"},
      {"host with a colon only", 400, "GET / HTTP/1.1\r\nHost: h:\r\n\r\n"},
      {"host with a great port", 400, "GET / HTTP/1.1\r\nHost: h:65536\r\n\r\n"},
      {"host with more than a port", 400, "GET / HTTP/1.1\r\nHost: h:80'&()\r\n\r\n"},
      {"host with half an escape", 400, "GET / HTTP/1.1\r\nHost: h%4\r\n\r\n"},
      {"host in one bracket", 400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"},
      {"host with a name in brackets", 400, "GET / HTTP/1.1\r\nHost: [h]\r\n\r\n"},
      {"host without brackets", 400, "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n"},
      {"port alone", 400, "GET / HTTP/1.1\r\nHost: :80\r\n\r\n"},
      {"host list", 400, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"},
      {"leading empty line", 400, "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"leading space", 400, " GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"two spaces", 400, "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"tab instead of space", 400, "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"space in target", 400, "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"trailing space", 400, "GET / HTTP/1.1 \r\nHost: h\r\n\r\n"},
      {"no version", 400, "GET /\r\nHost: h\r\n\r\n"},
      {"version 2", 505, "GET / HTTP/2.0\r\nHost: h\r\n\r\n"},
      {"version 1.2", 400, "GET / HTTP/1.2\r\nHost: h\r\n\r\n"},
      {"lower case version", 400, "GET / http/1.1\r\nHost: h\r\n\r\n"},
      {"version 1.10", 400, "GET / HTTP/1.10\r\nHost: h\r\n\r\n"},
      {"HTTP/0.9", 400, "GET /\r\n\r\n"},
      {"absolute form", 400, "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"authority form", 501, "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"relative target", 400, "GET a HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"asterisk of GET", 400, "GET * HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"fragment", 400, "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"NUL in target", 400, WithNul("GET /a@b HTTP/1.1\r\nHost: h\r\n\r\n")},
      {"unknown method", 501, "FROB / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"lower case method", 501, "get / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"TRACE", 501, "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"HTTP/2 preface", 505, "PRI * HTTP/2.0\r\n\r\n"},
      {"other expectation", 417, WithField("Expect: 200-ok")},
  };
  for (const Case& c : cases) EXPECT_EQ(Parse(c.head)->refused, c.status) << c.name;
}

TEST(ParseHead, HoldsItsLimits) {
  std::string many = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 101; ++i) many += "X: y\r\n";
  EXPECT_EQ(Parse(many + "\r\n")->refused, 431);
  EXPECT_EQ(Parse("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n")->refused, 414);
}

// Outcome is everything a reader makes of a stream: heads, bodies, and how it ended.
std::string Outcome(std::string_view stream, const std::vector<std::size_t>& cuts) {
  RequestReader reader(HeadLimits{});
  std::string out;
  std::size_t start = 0;
  for (std::size_t piece = 0; piece <= cuts.size(); ++piece) {
    const std::size_t end = piece < cuts.size() ? cuts[piece] : stream.size();
    ByteSpan input = AsBytes(stream.substr(start, end - start));
    start = end;
    while (true) {
      const RequestReader::Step step = reader.Next(input);
      input = input.subspan(step.consumed);
      if (step.event == RequestReader::Event::kNeedMore) break;
      if (step.event == RequestReader::Event::kRefused) {
        return out + "[refused " + std::to_string(step.refusal.status) + "]";
      }
      if (step.event == RequestReader::Event::kHead) {
        const std::string head = reader.TakeHead();
        Request request;
        Framing framing;
        if (auto refusal = ParseHead(head, HeadLimits{}, request, framing)) {
          return out + "[refused " + std::to_string(refusal->status) + "]";
        }
        out += "[head " + std::string(request.target) + "]";
        reader.StartBody(framing);
      } else if (step.event == RequestReader::Event::kBody) {
        out += AsText(step.body);
      } else {
        out += "[end]";
      }
    }
  }
  return out;
}

constexpr std::string_view kChunked =
    "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

TEST(RequestReader, ReadsBodiesOneAfterTheOther) {
  const std::string stream =
      "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\nHost: "
      "h\r\n\r\n" +
      std::string(kChunked) + "4\r\nwiki\r\n5;a=\"b\"\r\npedia\r\n0\r\nTrail: er\r\n\r\n" +
      "GET /3 HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string expected =
      "[head /1]hello[end][head /2][end][head /c]wikipedia[end][head /3][end]";
  EXPECT_EQ(Outcome(stream, {}), expected);
  for (std::size_t cut = 1; cut < stream.size(); ++cut) {
    EXPECT_EQ(Outcome(stream, {cut}), expected) << cut;
  }
  std::vector<std::size_t> every;
  for (std::size_t i = 1; i < stream.size(); ++i) every.push_back(i);
  EXPECT_EQ(Outcome(stream, every), expected);
}

TEST(RequestReader, RefusesBrokenChunks) {
  const std::string bodies[] = {
      "\r\n",
      "x\r\n",
      "-1\r\na",
      "+1\r\na",
      "0x1\r\na",
      " 1\r\na\r\n",
      "1 \r\na\r\n",
      "1\na\r\n",
      "1\r\nab\r\n",
      "1\r\na\n0\r\n\r\n",
      "1\r\na0\r\n\r\n",
      "1;a\nb\r\na\r\n",
      "1;a\rb\r\na\r\n",
      "ffffffffffffffff\r\na",
      "1000000000000000\r\na",
      "00000000000000001\r\na",
      "0\r\n\n",
      "0\r\n folded: x\r\n\r\n",
      "0\r\n: x\r\n\r\n",
      "0\r\nX: y\n\r\n",
      "1;" + std::string(10000, 'a'),
      "0\r\nX: " + std::string(10000, 'a'),
  };
  for (const std::string& body : bodies) {
    EXPECT_THAT(Outcome(std::string(kChunked) + body, {}), testing::EndsWith("[refused 400]"))
        << body.substr(0, 40);
  }
}

TEST(RequestReader, BoundsTheHeadBeforeItIsComplete) {
  EXPECT_EQ(Outcome("GET /" + std::string(20'000, 'a'), {}), "[refused 414]");
  EXPECT_EQ(Outcome("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'a'), {}), "[refused 431]");
  EXPECT_EQ(Outcome("\x16\x03\x01\x02", {}), "[refused 400]");
}

}  // namespace
}  // namespace salus::http
