#include "api/dap_link.h"

#include <algorithm>
#include <charconv>

#include "aggregate/task_exchange.h"
#include "api/secret_access.h"
#include "crypto/pkcs8.h"
#include "http/uri.h"

namespace salus::api {

namespace {

using aggregate::ChannelRequest;
using aggregate::DapAnswer;

constexpr std::size_t kMaxAnswerBytes = 64 * 1024 * 1024;
constexpr std::chrono::milliseconds kStallTimeout{20'000};
constexpr int kMaxRetryAfter = 3600;

struct SplitUrl {
  std::string origin;  // "https://host:8443"
  std::string path;    // "/dap", or empty
};

SplitUrl Split(std::string_view url) {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == std::string_view::npos ? 0 : scheme + 3;
  const std::size_t slash = std::min(url.find('/', begin), url.size());
  return {std::string(url.substr(0, slash)), std::string(url.substr(slash))};
}

int RetryAfterOf(const http::Headers& headers) {
  const std::string_view text = headers.Find("Retry-After").value_or("");
  int seconds = 0;
  const auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (failed != std::errc() || stop != text.data() + text.size()) return 0;
  return std::clamp(seconds, 0, kMaxRetryAfter);
}

// What is too long for one is none.
std::string SignatureOf(const http::Headers& headers) {
  const std::string_view text = headers.Find(aggregate::kSignatureHeader).value_or("");
  return std::string(text.size() <= aggregate::kMaxSignatureBytes ? text : std::string_view());
}

// A Location may be a whole URL or the path of one, with or without the aggregator's own path: in
// the examples of the draft it begins at "/tasks".
std::string BelowBase(std::string_view location, std::string_view base_path) {
  std::string path =
      location.find("://") == std::string_view::npos ? std::string(location) : Split(location).path;
  if (path.starts_with(base_path)) return path.substr(base_path.size());
  return path.substr(std::min(path.find_first_not_of('/'), path.size()));
}

}  // namespace

std::string PathOfUrl(std::string_view url) {
  std::string path = Split(url).path;
  if (!path.ends_with('/')) path += '/';
  return path;
}

Result<DapLink> DapLink::Create(const DapPeer& peer) {
  const bool by_certificate = !peer.machine_url.empty() && peer.identity != nullptr;
  http::ClientOptions options;
  options.base_url = by_certificate ? Split(peer.machine_url).origin : Split(peer.url).origin;
  options.trust_anchors_pem = peer.root_pem;
  options.stall_timeout = kStallTimeout;
  options.total_timeout = peer.total_timeout;
  if (by_certificate) {
    if (peer.identity->chain().empty()) {
      return FailedPrecondition(peer.identity->path().string() +
                                " has no certificate yet: salus identity certify");
    }
    for (const pki::Certificate& one : peer.identity->chain()) {
      options.certificate_chain_pem += one.ToPem();
    }
    TRY(options.private_key,
        crypto::EncodePrivateKeyDer(crypto::PrivateKey(peer.identity->signing_key().Clone())));
  }
  std::string url = options.base_url;
  TRY(std::unique_ptr<http::Client> client, http::Client::Create(std::move(options)));
  return DapLink(std::move(url), PathOfUrl(peer.url), std::move(client));
}

// The token passes through the text of a header, which http keeps for the time of the request.
Result<DapAnswer> DapLink::Exchange(const ChannelRequest& request, const SecretBytes* token) {
  http::ClientRequest out;
  const auto method = http::ParseMethod(request.method);
  if (!method) return InvalidArgument("the method is none of HTTP's");
  out.method = *method;
  out.target = base_path_ + request.path;
  out.body = request.body;
  out.response_limit_bytes = kMaxAnswerBytes;
  if (!request.media_type.empty()) out.headers.Add("Content-Type", request.media_type);
  if (token != nullptr && !token->empty()) {
    const std::string_view text = AsText(token->view(ApiSecrets::Token()));
    out.headers.Add("Authorization", "Bearer " + std::string(text));
    out.headers.Add("DAP-Auth-Token", std::string(text));
  }
  if (!request.signature.empty()) out.headers.Add(aggregate::kSignatureHeader, request.signature);
  TRY(http::ClientResponse response, client_->Send(out));
  DapAnswer answer;
  answer.status = response.status;
  answer.media_type = std::string(response.headers.Find("Content-Type").value_or(""));
  if (const auto location = response.headers.Find("Location")) {
    answer.location = BelowBase(*location, base_path_);
  }
  answer.body = ToBytes(response.body);
  answer.retry_after_s = RetryAfterOf(response.headers);
  answer.signature = SignatureOf(response.headers);
  return answer;
}

}  // namespace salus::api
