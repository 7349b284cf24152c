// The part of ClientConnection that answers on the plain listener.
#include <utility>

#include "http/problem.h"
#include "proxy/client_connection.h"

namespace salus::proxy {
namespace {

std::string_view WithoutPort(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  const bool is_port =
      colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
  return is_port ? host.substr(0, colon) : host;
}

// Source: RFC 9110 section 8.3.1: spaces and tabs may stand before the semicolon.
std::string_view WithoutParameters(std::string_view media_type) {
  media_type = media_type.substr(0, media_type.find(';'));
  return media_type.substr(0, media_type.find_last_not_of(" \t") + 1);
}

}  // namespace

bool ClientConnection::IsServed(std::string_view host) const {
  const auto& domains = core_.options.domains;
  if (domains.empty()) return true;
  const std::string_view name = WithoutPort(host);
  for (const std::string& domain : domains) {
    if (http::EqualIgnoreCase(domain, name)) return true;
  }
  return false;
}

std::uint64_t ClientConnection::max_body_bytes() const {
  return kind_ == ListenerKind::kTls ? core_.options.max_body_bytes
                                     : core_.options.plain_post->max_body_bytes;
}

bool ClientConnection::IsPlainPost() const {
  const std::optional<PlainPost>& post = core_.options.plain_post;
  return post && request_.method == http::Method::kPost && request_.path == post->path;
}

std::optional<http::Response> ClientConnection::PlainResponse(const http::Framing& framing,
                                                              std::string_view host) const {
  if (IsPlainPost()) {
    const PlainPost& post = *core_.options.plain_post;
    const std::string_view type = request_.Find("content-type").value_or("");
    if (!http::EqualIgnoreCase(WithoutParameters(type), post.content_type)) {
      return http::Problem(415, "", "the body's media type here is " + post.content_type);
    }
    if (framing.content_length.value_or(0) > post.max_body_bytes) {
      return http::Problem(413, "",
                           "the body is longer than the " + std::to_string(post.max_body_bytes) +
                               " bytes that are taken here");
    }
    return std::nullopt;
  }
  const bool reads =
      request_.method == http::Method::kGet || request_.method == http::Method::kHead;
  if (reads && core_.options.plain_answer) {
    if (auto response = core_.options.plain_answer(request_.path)) return response;
  }
  if (!IsServed(host)) return http::Problem(421, "", "this host is not served here");
  const std::string_view name = WithoutPort(host);
  if (name.empty() || !request_.target.starts_with('/')) {
    return http::Problem(400, "", "https is spoken here");
  }
  std::string location = "https://" + std::string(name);
  if (core_.https_port != 443) location += ":" + std::to_string(core_.https_port);
  location += request_.target;
  return http::Response{308, {{"Location", std::move(location)}}, ""};
}

void ClientConnection::BeginPlainPost(const http::Framing& framing, std::size_t ahead) {
  if (framing.expects_continue && framing.content_length != 0u && ahead == 0) {
    Put(loop_.to_client, kContinueHead);
  }
  reader_.StartBody(framing);
}

void ClientConnection::AnswerPlainPost() {
  const Bytes body = std::exchange(exchange_.sent, {});
  Answer(core_.options.plain_post->answer(body), false);
}

}  // namespace salus::proxy
