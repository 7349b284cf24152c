// Arbitrary bytes as the head of a request: what is passed on must be understood in the same way by
// the next reader, and say about the client only what the proxy says.
#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "http/request_parser.h"
#include "proxy/head_writer.h"

namespace {

constexpr salus::http::HeadLimits kLimits{1024, 16, 256, true};
constexpr salus::http::HeadLimits kWiderLimits{4096, 40, 256, true};
constexpr salus::proxy::Origin kOrigin{"192.0.2.1", "X-Salus-Client-Identity: me\r\n", "backend:1"};

bool IsOurs(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) {
    const auto byte = static_cast<unsigned char>(c);
    c = std::isalnum(byte) != 0 ? static_cast<char>(std::tolower(byte)) : '-';
  }
  return lower.starts_with("x-salus-") || lower.starts_with("x-forwarded-") ||
         lower == "x-real-ip" || lower == "forwarded";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string head(reinterpret_cast<const char*>(data), size);
  if (!head.ends_with("\r\n\r\n") || head.find("\r\n\r\n") + 4 != head.size()) return 0;
  salus::http::Request request;
  salus::http::Framing framing;
  salus::proxy::RequestNotes notes;
  if (salus::http::ParseHead(head, kLimits, request, framing)) return 0;
  if (salus::proxy::InspectRequest(request, framing, notes)) return 0;

  salus::Bytes out;
  salus::proxy::PutRequestHead(request, framing, notes, kOrigin, out);
  const std::string passed(salus::AsText(out));
  salus::http::Request again;
  salus::http::Framing framing_again;
  CHECK(!salus::http::ParseHead(passed, kWiderLimits, again, framing_again));
  CHECK(again.method_token == request.method_token && again.target == request.target);
  CHECK(framing_again.chunked == framing.chunked);
  CHECK(framing_again.content_length == framing.content_length);
  CHECK(!framing_again.http10 && framing_again.keep_alive);
  int ours = 0;
  for (const auto& [name, value] : again.fields) {
    if (IsOurs(name)) ++ours;
    if (salus::http::EqualIgnoreCase(name, "connection")) CHECK(notes.upgrades);
    if (salus::http::EqualIgnoreCase(name, "x-forwarded-for")) CHECK(value == kOrigin.address);
  }
  CHECK(ours == 6);
  return 0;
}
