// Heads as they are passed on. Not a public header.
//
// Source: RFC 9110 section 7.6 (what ends at each hop), RFC 7239 (Forwarded), RFC 6797 (HSTS).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "http/exchange.h"
#include "http/message.h"
#include "http/request_parser.h"
#include "http/response_parser.h"

namespace salus::proxy {

inline constexpr std::string_view kContinueHead = "HTTP/1.1 100 Continue\r\n\r\n";

inline void Put(Bytes& out, std::string_view text) { Append(out, AsBytes(text)); }
void PutNumber(Bytes& out, std::uint64_t number, int base = 10);

// RequestNotes is what one look at the fields of a request finds.
struct RequestNotes {
  std::string_view host;
  // upgrades: it asks for a WebSocket, and may.
  bool upgrades = false;
  // names_fields: Connection names fields of this hop besides the usual ones.
  bool names_fields = false;
};

// InspectRequest refuses a Connection field that names what this hop needs, such as Host.
std::optional<http::Refusal> InspectRequest(const http::Request& request,
                                            const http::Framing& framing, RequestNotes& notes);

// Origin is what the backend is told about where a request came from.
struct Origin {
  std::string_view address;
  // identity_lines are whole header lines about the client's certificate, or empty.
  std::string_view identity_lines;
  std::string_view backend_host;
};

// PutRequestHead appends the head for the backend. Fields of this hop and everything that only the
// proxy may say are left out, then said anew.
void PutRequestHead(const http::Request& request, const http::Framing& framing,
                    const RequestNotes& notes, const Origin& origin, Bytes& out);

// AnswerFraming is how an answer is passed on.
struct AnswerFraming {
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool has_body = true;  // false: the backend's Content-Length is told as it is
  bool close = false;
};

// PutResponseHead appends the head of a final answer for the client.
void PutResponseHead(const http::ResponseHead& response, const AnswerFraming& framing,
                     std::string_view hsts_line, Bytes& out);
// PutInterimHead appends a 1xx answer.
void PutInterimHead(const http::ResponseHead& response, Bytes& out);
// PutSwitchHead appends 101 Switching Protocols.
void PutSwitchHead(const http::ResponseHead& response, Bytes& out);
// PutOwnResponse appends a whole answer of the proxy itself.
void PutOwnResponse(const http::Response& response, bool is_head, bool close,
                    std::string_view hsts_line, Bytes& out);

// IsWebSocketSwitch: a 101 says that it switches to a WebSocket, and to nothing else.
bool IsWebSocketSwitch(const http::ResponseHead& response);

}  // namespace salus::proxy
