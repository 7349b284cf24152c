#include "api/exchange_call.h"

#include "api/json_body.h"
#include "codec/base64.h"

namespace salus::api {

Result<ExchangeCall> ExchangeCall::Parse(ByteSpan payload) {
  TRY(const codec::JsonObject object,
      ReadJsonBody(payload, {"method", "path", "query", "content_type", "body"}));
  ExchangeCall call;
  TRY(const std::string_view method, codec::StringAt(object, "method"));
  const auto parsed = http::ParseMethod(method);
  if (!parsed) return InvalidArgument("method: is not known");
  call.method = *parsed;
  TRY(call.path, codec::StringAt(object, "path"));
  TRY(call.query, codec::StringAt(object, "query"));
  TRY(call.content_type, codec::StringAt(object, "content_type"));
  TRY(const std::string_view body, codec::StringAt(object, "body"));
  Result<Bytes> bytes = codec::Base64UrlDecode(body);
  if (!bytes) return InvalidArgument("body: must be base64url");
  call.body = *std::move(bytes);
  return call;
}

std::string EncodeExchangeAnswer(const http::Response& response) {
  codec::JsonObject answer;
  answer["status"] = response.status;
  answer["content_type"] = response.headers.Find("Content-Type").value_or("");
  answer["body"] = codec::Base64UrlEncode(AsBytes(response.body));
  return codec::WriteJson(answer);
}

}  // namespace salus::api
