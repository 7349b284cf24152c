#include "http/response_parser.h"

#include <algorithm>

#include "http/head_lines.h"
#include "http/message.h"

namespace salus::http {
namespace {

constexpr std::size_t kStatusLineStart = 13;  // "HTTP/1.1 200 "

Result<void> ReadStatusLine(std::string_view line, ResponseHead& response, Framing& framing) {
  // The space before an absent reason is often left out.
  const bool is_shaped = line.size() >= kStatusLineStart - 1 &&
                         (line.starts_with("HTTP/1.1 ") || line.starts_with("HTTP/1.0 ")) &&
                         (line.size() < kStatusLineStart || line[kStatusLineStart - 1] == ' ');
  if (!is_shaped) return InvalidArgument("the status line is malformed");
  framing.http10 = line[7] == '0';
  int status = 0;
  for (const char c : line.substr(9, 3)) {
    if (c < '0' || c > '9') return InvalidArgument("the status is malformed");
    status = status * 10 + (c - '0');
  }
  if (status < 100 || status > 599) return InvalidArgument("the status is malformed");
  response.status = status;
  response.reason = line.substr(std::min(kStatusLineStart, line.size()));
  if (!std::all_of(response.reason.begin(), response.reason.end(), [](char c) {
        return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
      })) {
    return InvalidArgument("the reason holds a control character");
  }
  return {};
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

void ReadFields(std::string_view lines, ResponseHead& response) {
  response.fields.clear();
  while (!lines.starts_with("\r\n")) {
    const std::size_t end = lines.find("\r\n");
    const std::string_view line = lines.substr(0, end);
    const std::size_t colon = line.find(':');
    response.fields.push_back({line.substr(0, colon), Trimmed(line.substr(colon + 1))});
    lines.remove_prefix(end + 2);
  }
}

// FramingFields are the fields that say where an answer ends, and how often they came.
struct FramingFields {
  int lengths = 0;
  int encodings = 0;
  std::string_view length, encoding;
  bool close = false;
  bool keep_alive = false;
};

FramingFields FindFraming(const ResponseHead& response) {
  FramingFields found;
  for (const auto& [name, value] : response.fields) {
    if (EqualIgnoreCase(name, "content-length")) {
      ++found.lengths;
      found.length = value;
    } else if (EqualIgnoreCase(name, "transfer-encoding")) {
      ++found.encodings;
      found.encoding = value;
    } else if (EqualIgnoreCase(name, "connection")) {
      found.close = found.close || HasToken(value, "close");
      found.keep_alive = found.keep_alive || HasToken(value, "keep-alive");
    }
  }
  return found;
}

}  // namespace

Result<void> ParseResponseHead(std::string_view head, const HeadLimits& limits, Method to,
                               ResponseHead& response, Framing& framing) {
  if (CheckHeadLines(head, limits)) return InvalidArgument("a line of the head is malformed");
  const std::size_t first_end = head.find("\r\n");
  TRY_VOID(ReadStatusLine(head.substr(0, first_end), response, framing));
  ReadFields(head.substr(first_end + 2), response);
  const FramingFields found = FindFraming(response);
  if (found.lengths > 1 || found.encodings > 1 || (found.lengths != 0 && found.encodings != 0)) {
    return InvalidArgument("the length of the body is given more than once");
  }
  framing.content_length.reset();
  if (found.lengths == 1) {
    framing.content_length = ParseContentLength(found.length);
    if (!framing.content_length) return InvalidArgument("Content-Length is malformed");
  }
  if (found.encodings == 1) {
    if (framing.http10 || !EqualIgnoreCase(found.encoding, "chunked")) {
      return InvalidArgument("Transfer-Encoding may only be chunked");
    }
    framing.chunked = true;
  }
  framing.keep_alive = framing.http10 ? found.keep_alive && !found.close : !found.close;
  const bool never_has_body = response.status < 200 || response.status == 204;
  if (never_has_body && (framing.chunked || framing.content_length.value_or(0) != 0)) {
    return InvalidArgument("an answer that has no body gives a length");
  }
  if (never_has_body || response.status == 304 || to == Method::kHead) {
    // A server that sends the body all the same would begin the next answer with it.
    const bool gives_none = !framing.chunked && !framing.content_length;
    const bool is_sure =
        framing.content_length == 0u || (gives_none && (never_has_body || response.status == 304));
    if (!is_sure) framing.keep_alive = false;
    framing.chunked = false;
    framing.content_length = 0;
  }
  framing.until_close = !framing.chunked && !framing.content_length;
  if (framing.until_close) framing.keep_alive = false;
  return {};
}

}  // namespace salus::http
