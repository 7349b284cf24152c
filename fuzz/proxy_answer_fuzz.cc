// Arbitrary bytes as the head of a backend's answer: what is passed on must be understood in the
// same way by the client.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "http/response_parser.h"
#include "proxy/head_writer.h"

namespace {

using salus::http::Method;

constexpr salus::http::HeadLimits kLimits{1024, 16, 256};
constexpr salus::http::HeadLimits kWiderLimits{4096, 40, 256};

void CheckPassed(const std::string& head, Method method) {
  salus::http::ResponseHead response;
  salus::http::Framing framing;
  if (!salus::http::ParseResponseHead(head, kLimits, method, response, framing)) return;
  CHECK(response.status >= 100 && response.status <= 599);
  CHECK(framing.chunked + framing.until_close + framing.content_length.has_value() == 1);
  if (response.status < 200) return;
  const bool has_body = method != Method::kHead && response.status != 204 && response.status != 304;
  const salus::proxy::AnswerFraming as{framing.content_length, has_body && !framing.content_length,
                                       has_body, false};
  salus::Bytes out;
  salus::proxy::PutResponseHead(response, as, "Strict-Transport-Security: max-age=1\r\n", out);
  salus::http::ResponseHead again;
  salus::http::Framing framing_again;
  CHECK(
      salus::http::ParseResponseHead(salus::AsText(out), kWiderLimits, method, again, framing_again)
          .has_value());
  CHECK(again.status == response.status && again.reason == response.reason);
  CHECK(framing_again.chunked == (framing.chunked || framing.until_close));
  CHECK(framing_again.content_length == framing.content_length);
  CHECK(!framing_again.http10 && (framing_again.keep_alive || !has_body));
  int hsts = 0;
  for (const auto& [name, value] : again.fields) {
    if (salus::http::EqualIgnoreCase(name, "strict-transport-security")) ++hsts;
    CHECK(!salus::http::EqualIgnoreCase(name, "connection"));
  }
  CHECK(hsts == 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string head(reinterpret_cast<const char*>(data), size);
  if (!head.ends_with("\r\n\r\n") || head.find("\r\n\r\n") + 4 != head.size()) return 0;
  CheckPassed(head, Method::kGet);
  CheckPassed(head, Method::kHead);
  return 0;
}
