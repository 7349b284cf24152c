#include "http/request_parser.h"

#include <arpa/inet.h>

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>

#include "http/head_lines.h"
#include "http/message.h"

namespace salus::http {
namespace {

namespace beast = boost::beast;

constexpr std::size_t kMaxChunkOverheadBytes = 8 * 1024;
constexpr int kMaxChunkSizeDigits = 15;
constexpr std::size_t kMaxMethodBytes = 32;

std::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

// HeadParser collects what Beast finds, as views.
class HeadParser final : public beast::http::basic_parser<true> {
 public:
  std::string_view method;
  std::string_view target;
  int version = 11;
  std::vector<FieldView>* fields = nullptr;

 private:
  using Code = beast::error_code;
  void on_request_impl(beast::http::verb, beast::string_view method_text,
                       beast::string_view target_text, int http_version, Code& ec) override {
    method = View(method_text);
    target = View(target_text);
    version = http_version;
    ec = {};
  }
  void on_response_impl(int, beast::string_view, int, Code& ec) override { ec = {}; }
  void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value,
                     Code& ec) override {
    fields->push_back({View(name), View(value)});
    ec = {};
  }
  void on_header_impl(Code& ec) override { ec = {}; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Code& ec) override { ec = {}; }
  std::size_t on_body_impl(beast::string_view body, Code& ec) override {
    ec = {};
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, Code& ec) override { ec = {}; }
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, Code& ec) override {
    ec = {};
    return body.size();
  }
  void on_finish_impl(Code& ec) override { ec = {}; }
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsHexDigit(char c) {
  const char letter = static_cast<char>(c | 0x20);
  return IsDigit(c) || (letter >= 'a' && letter <= 'f');
}

// Source: RFC 3986 section 3.2.2, reg-name (which an IPv4 address is too).
bool IsRegisteredName(std::string_view name) {
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (c == '%') {
      if (i + 2 >= name.size() || !IsHexDigit(name[i + 1]) || !IsHexDigit(name[i + 2])) {
        return false;
      }
      i += 2;
      continue;
    }
    const char letter = static_cast<char>(c | 0x20);
    if (!(letter >= 'a' && letter <= 'z') && !IsDigit(c) &&
        std::string_view("-._~!$&'()*+;=").find(c) == std::string_view::npos) {
      return false;
    }
  }
  return !name.empty();
}

bool IsPort(std::string_view port) {
  int value = 0;
  for (const char c : port) {
    if (!IsDigit(c)) return false;
    value = value * 10 + (c - '0');
  }
  return !port.empty() && port.size() <= 5 && value <= 65'535;
}

// An address in brackets, or a name; then a port or none. Empty where there is no authority.
// Stricter than RFC 3986: no IPvFuture, no comma, no colon without a port.
bool IsHost(std::string_view host) {
  if (host.empty()) return true;
  const bool is_literal = host.starts_with('[');
  const std::size_t end = is_literal ? std::min(host.find(']'), host.size() - 1) + 1
                                     : std::min(host.find(':'), host.size());
  const std::string_view name = host.substr(0, end);
  const std::string_view rest = host.substr(end);
  if (!rest.empty() && (rest.front() != ':' || !IsPort(rest.substr(1)))) return false;
  if (!is_literal) return IsRegisteredName(name);
  if (!name.ends_with(']')) return false;
  in6_addr address{};
  return inet_pton(AF_INET6, std::string(name.substr(1, name.size() - 2)).c_str(), &address) == 1;
}

// FramingFields are the fields that say where a message ends, and how often they came.
struct FramingFields {
  int hosts = 0;
  int lengths = 0;
  int encodings = 0;
  std::string_view host, length, encoding;
  bool close = false;
  bool keep_alive = false;
};

std::optional<Refusal> CheckFramingFields(const FramingFields& found, Framing& framing) {
  if (found.hosts > 1 || (found.hosts == 0 && !framing.http10) || !IsHost(found.host)) {
    return Refusal{400, "there must be one well-formed Host field"};
  }
  if (found.lengths > 1 || found.encodings > 1 || (found.lengths != 0 && found.encodings != 0)) {
    return Refusal{400, "the length of the body is given more than once"};
  }
  framing.content_length = 0;
  if (found.lengths == 1) {
    framing.content_length = ParseContentLength(found.length);
    if (!framing.content_length) return Refusal{400, "Content-Length is malformed"};
  }
  if (found.encodings == 1) {
    if (framing.http10) return Refusal{400, "Transfer-Encoding needs HTTP/1.1"};
    if (!EqualIgnoreCase(found.encoding, "chunked")) {
      // Something else before, after or instead of chunked: the end of the body is not known.
      return HasToken(found.encoding, "chunked")
                 ? Refusal{400, "Transfer-Encoding may only be chunked"}
                 : Refusal{501, "Transfer-Encoding may only be chunked"};
    }
    framing.chunked = true;
    framing.content_length.reset();
  }
  framing.keep_alive = framing.http10 ? false : !found.close;
  return std::nullopt;
}

std::optional<Refusal> ReadFraming(const Request& request, Framing& framing) {
  FramingFields found;
  for (const auto& [name, value] : request.fields) {
    if (EqualIgnoreCase(name, "host")) {
      ++found.hosts;
      found.host = value;
    } else if (EqualIgnoreCase(name, "content-length")) {
      ++found.lengths;
      found.length = value;
    } else if (EqualIgnoreCase(name, "transfer-encoding")) {
      ++found.encodings;
      found.encoding = value;
    } else if (EqualIgnoreCase(name, "content_length") ||
               EqualIgnoreCase(name, "transfer_encoding")) {
      return Refusal{400, "a framing field is misspelt"};
    } else if (EqualIgnoreCase(name, "connection")) {
      found.close = found.close || HasToken(value, "close");
    } else if (EqualIgnoreCase(name, "expect")) {
      if (!EqualIgnoreCase(value, "100-continue")) return Refusal{417, "unknown expectation"};
      framing.expects_continue = !framing.http10;
    }
  }
  return CheckFramingFields(found, framing);
}

}  // namespace

std::optional<Refusal> ParseHead(std::string_view head, const HeadLimits& limits, Request& request,
                                 Framing& framing) {
  if (auto refusal = CheckHeadLines(head, limits)) return refusal;
  request.fields.clear();
  request.fields.reserve(16);
  HeadParser parser;
  parser.fields = &request.fields;
  parser.header_limit(static_cast<std::uint32_t>(head.size() + 1));
  parser.body_limit(boost::none);
  // Framing is read from the fields below, more strictly; the body never goes through Beast.
  parser.skip(true);
  beast::error_code ec;
  parser.put(boost::asio::const_buffer(head.data(), head.size()), ec);
  if (ec == beast::http::error::bad_version) {
    return head.find(" HTTP/2") < head.find('\r') ? Refusal{505, "HTTP/1.1 is spoken here"}
                                                  : Refusal{400, "the HTTP version is malformed"};
  }
  if (ec || !parser.is_header_done()) return Refusal{400, "the request is malformed"};
  if (parser.target.size() > limits.target_bytes) return Refusal{414, "the target is too long"};
  framing.http10 = parser.version == 10;
  const std::optional<Method> method = ParseMethod(parser.method);
  if (auto refusal = ReadFraming(request, framing)) return refusal;
  const bool is_refused = parser.method == "CONNECT" || parser.method == "TRACE";
  const bool is_short = parser.method.size() <= kMaxMethodBytes;
  if (!method && (!limits.any_method || is_refused || !is_short)) {
    return Refusal{501, "the method is not known here"};
  }
  request.method = method.value_or(Method::kOther);
  request.method_token = parser.method;
  request.target = parser.target;
  const bool is_asterisk = request.target == "*" && request.method == Method::kOptions;
  if (!is_asterisk && !request.target.starts_with('/')) {
    return Refusal{400, "the target must start with /"};
  }
  if (request.target.find('#') != std::string_view::npos) {
    return Refusal{400, "the target holds a fragment"};
  }
  const std::size_t mark = std::min(request.target.find('?'), request.target.size());
  request.path = request.target.substr(0, mark);
  request.query = request.target.substr(std::min(mark + 1, request.target.size()));
  return std::nullopt;
}

RequestReader::Step RequestReader::Next(ByteSpan input) {
  switch (state_) {
    case State::kHead:
      return NextHead(input);
    case State::kHeadDone:
      return {Event::kRefused, 0, {}, {500, "StartBody was not called"}};
    case State::kEnd:
      state_ = State::kHead;
      return {Event::kEnd, 0, {}, {}};
    case State::kLength: {
      if (input.empty()) return {Event::kNeedMore, 0, {}, {}};
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size()));
      remaining_ -= n;
      if (remaining_ == 0) state_ = State::kEnd;
      return {Event::kBody, n, input.first(n), {}};
    }
    case State::kUntilClose:
      if (input.empty()) return {Event::kNeedMore, 0, {}, {}};
      return {Event::kBody, input.size(), input, {}};
    default:
      return NextChunked(input);
  }
}

RequestReader::Step RequestReader::NextHead(ByteSpan input) {
  if (input.empty()) return {Event::kNeedMore, 0, {}, {}};
  const std::size_t before = head_.size();
  // The end may lie across the border of two pieces.
  const std::size_t take = std::min(input.size(), limits_.header_bytes + 1 - before);
  std::string_view head = AsText(input.first(take));
  if (before != 0) head = head_.append(head);
  // The checks stand in an order in which it does not matter how the bytes were cut.
  // Garbage (a TLS hello on a plain port, say) is refused at once, not after a timeout.
  if (head[0] < 'A' || head[0] > 'z') {
    return {Event::kRefused, take, {}, {400, "the request is malformed"}};
  }
  const std::size_t first_lf = head.find('\n');
  if (std::min(first_lf, head.size()) > limits_.target_bytes + kMaxLineOverhead + 1) {
    return {Event::kRefused, take, {}, {414, "the target is too long"}};
  }
  // Whoever ends lines so would wait for an answer that only comes when the time is over.
  if (first_lf != std::string_view::npos && head[first_lf - 1] != '\r') {
    return {Event::kRefused, take, {}, {400, "a line does not end in CR LF"}};
  }
  const std::size_t from = before < 3 ? 0 : before - 3;
  const std::size_t end = head.find("\r\n\r\n", from);
  if (end != std::string::npos && end + 4 <= limits_.header_bytes) {
    const std::size_t consumed = end + 4 - before;
    if (before == 0) head_.assign(head.substr(0, end + 4));
    head_.resize(end + 4);
    state_ = State::kHeadDone;
    return {Event::kHead, consumed, {}, {}};
  }
  if (head.size() > limits_.header_bytes) {
    return {Event::kRefused, take, {}, {431, "the header is too long"}};
  }
  if (before == 0) head_.assign(head);
  return {Event::kNeedMore, take, {}, {}};
}

void RequestReader::StartBody(const Framing& framing) {
  head_.clear();
  overhead_bytes_ = 0;
  size_digits_ = 0;
  remaining_ = framing.content_length.value_or(0);
  if (framing.chunked) {
    state_ = State::kChunkSize;
  } else if (framing.until_close) {
    state_ = State::kUntilClose;
  } else {
    state_ = remaining_ == 0 ? State::kEnd : State::kLength;
  }
}

RequestReader::Step RequestReader::NextChunked(ByteSpan input) {
  std::size_t i = 0;
  while (i < input.size()) {
    if (state_ == State::kChunkData) {
      const auto n =
          static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size() - i));
      remaining_ -= n;
      if (remaining_ == 0) state_ = State::kChunkDataCr;
      return {Event::kBody, i + n, input.subspan(i, n), {}};
    }
    if (!ChunkByte(static_cast<char>(input[i]))) {
      return {Event::kRefused, i, {}, {400, "the chunked coding is broken"}};
    }
    ++i;
    if (state_ == State::kEnd) {
      state_ = State::kHead;
      return {Event::kEnd, i, {}, {}};
    }
  }
  return {Event::kNeedMore, i, {}, {}};
}

// ChunkByte takes one byte of what stands between the chunks' data. Source: RFC 9112 section 7.1.
// Extensions and trailers are skipped, within a bound; white space around the size is refused.
bool RequestReader::ChunkByte(char c) {
  const auto go = [&](bool is_expected, State next) {
    state_ = next;
    return is_expected;
  };
  const auto is_text = [&] {
    return (c == '\t' || static_cast<unsigned char>(c) >= 0x20) && c != 0x7f;
  };
  switch (state_) {
    case State::kChunkSize: {
      const bool is_digit = c >= '0' && c <= '9';
      const char letter = static_cast<char>(c | 0x20);
      const bool is_letter = letter >= 'a' && letter <= 'f';
      if (is_digit || is_letter) {
        if (++size_digits_ > kMaxChunkSizeDigits) return false;
        remaining_ =
            remaining_ * 16 + static_cast<std::uint64_t>(is_digit ? c - '0' : letter - 'a' + 10);
        return true;
      }
      if (size_digits_ == 0) return false;
      if (c == ';') return go(true, State::kChunkExtension);
      return go(c == '\r', State::kChunkSizeLf);
    }
    case State::kChunkExtension:
      if (c == '\r') return go(true, State::kChunkSizeLf);
      return is_text() && ++overhead_bytes_ <= kMaxChunkOverheadBytes;
    case State::kChunkSizeLf:
      size_digits_ = 0;
      return go(c == '\n', remaining_ == 0 ? State::kTrailerStart : State::kChunkData);
    case State::kChunkDataCr:
      return go(c == '\r', State::kChunkDataLf);
    case State::kChunkDataLf:
      return go(c == '\n', State::kChunkSize);
    case State::kTrailerStart:
      if (c == '\r') return go(true, State::kEndLf);
      return go(IsValidField({&c, 1}, {}), State::kTrailerName);
    case State::kTrailerName:
      if (c == ':') return go(true, State::kTrailerLine);
      return IsValidField({&c, 1}, {}) && ++overhead_bytes_ <= kMaxChunkOverheadBytes;
    case State::kTrailerLine:
      if (c == '\r') return go(true, State::kTrailerLf);
      return is_text() && ++overhead_bytes_ <= kMaxChunkOverheadBytes;
    case State::kTrailerLf:
      return go(c == '\n', State::kTrailerStart);
    case State::kEndLf:
      return go(c == '\n', State::kEnd);
    default:
      return false;
  }
}

}  // namespace salus::http
