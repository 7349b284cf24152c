#include "client/transport.h"

#include <array>
#include <utility>

#include "base/utf8.h"
#include "codec/json.h"

namespace salus::client {
namespace {

constexpr std::size_t kMaxDetailBytes = 1024;

ErrorCode CodeOfStatus(int status) {
  switch (status) {
    case 400:
    case 405:
    case 411:
    case 413:
    case 414:
    case 415:
    case 422:
    case 431:
      return ErrorCode::kInvalidArgument;
    case 401:
      return ErrorCode::kUnauthenticated;
    case 403:
      return ErrorCode::kPermissionDenied;
    case 404:
    case 410:
      return ErrorCode::kNotFound;
    case 409:
      return ErrorCode::kConflict;
    case 412:
    case 428:
      return ErrorCode::kFailedPrecondition;
    case 429:
    case 507:
      return ErrorCode::kResourceExhausted;
    case 502:
    case 503:
    case 504:
      return ErrorCode::kUnavailable;
    default:
      return ErrorCode::kInternal;
  }
}

// What a stranger's server says goes to a terminal: one line, no control characters.
std::string Printable(std::string_view text) {
  std::string out(text.substr(0, kMaxDetailBytes));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

std::string DetailOf(const CallAnswer& answer) {
  if (answer.content_type.starts_with("application/problem+json")) {
    if (const Result<codec::Json> json = codec::ParseJson(answer.body); json && json->is_object()) {
      for (const char* member : {"detail", "title"}) {
        const auto text = codec::OptionalStringAt(json->get_object(), member);
        if (text && *text && !(*text)->empty()) return Printable(**text);
      }
    }
  }
  if (answer.content_type.starts_with("text/plain")) return Printable(answer.body);
  return std::string(http::ReasonPhrase(answer.status));
}

}  // namespace

Result<std::unique_ptr<Transport>> HttpsTransport::Create(http::ClientOptions options) {
  std::string url = options.base_url;
  TRY(std::unique_ptr<http::Client> client, http::Client::Create(std::move(options)));
  return std::unique_ptr<Transport>(new HttpsTransport(std::move(url), std::move(client)));
}

Result<CallAnswer> HttpsTransport::Send(const Call& call) {
  http::ClientRequest request;
  request.method = call.method;
  request.target = call.path;
  if (!call.query.empty()) request.target += "?" + call.query;
  if (!call.content_type.empty()) request.headers.Add("Content-Type", call.content_type);
  request.body = AsBytes(call.body);
  request.response_limit_bytes = call.answer_limit_bytes;
  TRY(http::ClientResponse response, client_->Send(request));
  CallAnswer answer;
  answer.status = response.status;
  answer.content_type = response.headers.Find("Content-Type").value_or("");
  answer.body = std::move(response.body);
  return answer;
}

Error ErrorOfAnswer(const std::string& where, const CallAnswer& answer) {
  return {CodeOfStatus(answer.status),
          where + ": " + DetailOf(answer) + " (" + std::to_string(answer.status) + ")"};
}

}  // namespace salus::client
