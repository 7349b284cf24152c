// ExchangeCall is a request, and its answer, as the payloads of secure messages.
//
// Source: docs/formats/file-exchange.md.
// Shape:  {"method","path","query","content_type","body"}; {"status","content_type","body"}; body
// is
//         base64url.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "http/message.h"

namespace salus::api {

struct ExchangeCall {
  http::Method method = http::Method::kGet;
  std::string path;
  std::string query;
  std::string content_type;
  Bytes body;

  // Errors: InvalidArgument with the member; unknown members are refused.
  static Result<ExchangeCall> Parse(ByteSpan payload);
};

std::string EncodeExchangeAnswer(const http::Response& response);

}  // namespace salus::api
