#include "http/client.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/c_handle.h"
#include "base/check.h"
#include "http/curl_library.h"
#include "http/tls.h"

namespace salus::http {
namespace {

void CleanUp(CURL* curl) { Curl().easy_cleanup(curl); }
void FreeList(curl_slist* list) { Curl().slist_free_all(list); }
using CurlPtr = CHandle<CURL, CleanUp>;
using ListPtr = CHandle<curl_slist, FreeList>;

constexpr std::chrono::milliseconds kPauseTime{100};
constexpr long kUploadBufferBytes = 128 * 1024;

template <typename T>
void Set(CURL* curl, CURLoption option, T value) {
  CHECK(Curl().easy_setopt(curl, option, value) == CURLE_OK);
}

Result<void> CheckBaseUrl(const std::string& url) {
  const bool is_tls = url.starts_with("https://");
  const bool is_loopback = url.starts_with("http://127.0.0.1:") || url.starts_with("http://[::1]:");
  if (!is_tls && !is_loopback) {
    return InvalidArgument("the server's URL must start with https:// (http:// on loopback only)");
  }
  const std::size_t host = url.find("://") + 3;
  if (url.size() == host || url.find_first_of("/?#@ \r\n", host) != std::string::npos) {
    return InvalidArgument("the server's URL is https://HOST:PORT, without a path");
  }
  return {};
}

// Transfer is the state of one request, as the callbacks see it.
struct Transfer {
  const ClientRequest& request;
  CURL* curl;
  ClientResponse response;
  std::optional<Error> error;
  std::size_t body_offset = 0;
  bool paused = false;
  std::chrono::steady_clock::time_point paused_at{};
  std::chrono::steady_clock::time_point moved_at = std::chrono::steady_clock::now();
  curl_off_t moved_bytes = 0;
  std::chrono::milliseconds stall_timeout{0};
  bool stalled = false;

  void Resume() {
    if (!std::exchange(paused, false)) return;
    Curl().easy_pause(curl, CURLPAUSE_CONT);
  }
};

std::size_t OnHeaderLine(char* data, std::size_t, std::size_t size, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  std::string_view line(data, size);
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {
    // A new head: of the final answer after a 100 Continue.
    transfer.response.headers = Headers();
    long status = 0;
    Curl().easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &status);
    transfer.response.status = static_cast<int>(status);
    return size;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  std::string_view value = line.substr(colon + 1);
  while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
  transfer.response.headers.Add(std::string(line.substr(0, colon)), std::string(value));
  return size;
}

std::size_t OnDownload(char* data, std::size_t, std::size_t size, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  long status = 0;
  Curl().easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &status);
  const ByteSpan piece = AsBytes({data, size});
  if (transfer.request.download && status >= 200 && status < 300) {
    if (Result<void> taken = transfer.request.download(piece); !taken) {
      transfer.error = std::move(taken).error();
      return size == 0 ? 1 : 0;
    }
  } else {
    if (transfer.response.body.size() + size > transfer.request.response_limit_bytes) {
      transfer.error = ResourceExhausted("the server's answer is longer than allowed");
      return size == 0 ? 1 : 0;
    }
    transfer.response.body.append(data, size);
  }
  transfer.Resume();
  return size;
}

std::size_t OnUpload(char* buffer, std::size_t, std::size_t size, void* user) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  if (!transfer.request.upload) {
    const ByteSpan left = transfer.request.body.subspan(transfer.body_offset);
    const std::size_t n = std::min(size, left.size());
    if (n > 0) std::memcpy(buffer, left.data(), n);
    transfer.body_offset += n;
    return n;
  }
  Result<std::size_t> got =
      transfer.request.upload({reinterpret_cast<std::uint8_t*>(buffer), size});
  if (!got) {
    transfer.error = std::move(got).error();
    return CURL_READFUNC_ABORT;
  }
  if (*got == kUploadPause) {
    transfer.paused = true;
    transfer.paused_at = std::chrono::steady_clock::now();
    return CURL_READFUNC_PAUSE;
  }
  CHECK(*got <= size);
  return *got;
}

// A body that was begun is only sent again from its start if it is ours to rewind.
int OnSeek(void* user, curl_off_t offset, int origin) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  if (transfer.request.upload || origin != SEEK_SET || offset < 0 ||
      static_cast<std::size_t>(offset) > transfer.request.body.size()) {
    return CURL_SEEKFUNC_FAIL;
  }
  transfer.body_offset = static_cast<std::size_t>(offset);
  return CURL_SEEKFUNC_OK;
}

int OnProgress(void* user, curl_off_t, curl_off_t down, curl_off_t, curl_off_t up) {
  Transfer& transfer = *static_cast<Transfer*>(user);
  const auto now = std::chrono::steady_clock::now();
  if (transfer.paused && now - transfer.paused_at >= kPauseTime) transfer.Resume();
  // Our own pause is no stall of the server's.
  if (up + down != transfer.moved_bytes || transfer.paused) {
    transfer.moved_bytes = up + down;
    transfer.moved_at = now;
  } else if (now - transfer.moved_at > transfer.stall_timeout) {
    transfer.stalled = true;
    return 1;
  }
  return 0;
}

CURLcode OnContext(CURL*, void* context, void* user) {
  const ClientOptions& options = *static_cast<const ClientOptions*>(user);
  // Create has tried these options out; a failure here is no memory.
  return ConfigureClient(static_cast<SSL_CTX*>(context), options) ? CURLE_OK
                                                                  : CURLE_SSL_CONNECT_ERROR;
}

// ErrorOf tells who refused whom. Server-side refusals come as TLS alerts, which libcurl only has
// as text: with TLS 1.3 a refused client certificate shows at the first read, not in the handshake.
Error ErrorOf(CURLcode code, std::string_view text, const std::string& url) {
  const auto says = [&](std::string_view what) { return text.find(what) != text.npos; };
  if (says("alert certificate required") || says("alert bad certificate") ||
      says("alert unknown ca") || says("alert certificate expired") ||
      says("alert certificate unknown") || says("alert certificate revoked") ||
      says("alert unsupported certificate") || says("alert access denied")) {
    return Unauthenticated(url + ": the server does not accept our client certificate" +
                           (says("required") ? " (it wants one, none was shown)" : ""));
  }
  if (says("certificate rejected")) {
    return VerificationFailed(url + ": the server's certificate is another than the one expected");
  }
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
      return VerificationFailed(url +
                                ": the server's certificate is not trusted: " + std::string(text));
    case CURLE_COULDNT_RESOLVE_HOST:
      return Unavailable(url + ": the host name is not known");
    case CURLE_COULDNT_CONNECT:
      return Unavailable(url + ": cannot connect; is the server running?");
    case CURLE_OPERATION_TIMEDOUT:
      return Unavailable(url + ": timed out");
    case CURLE_SSL_CONNECT_ERROR:
      return Unavailable(url + ": the TLS handshake failed: " + std::string(text));
    default:
      return Unavailable(url + ": the connection broke: " + std::string(text));
  }
}

}  // namespace

struct Client::State {
  ClientOptions options;
  CurlPtr curl;
};

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::Create(ClientOptions options) {
  TRY_VOID(LoadCurl());
  TRY_VOID(CheckBaseUrl(options.base_url));
  if (options.base_url.starts_with("https://")) {
    // A rehearsal, so that a bad key is told here and not by the first request.
    CHandle<SSL_CTX, SSL_CTX_free> context(SSL_CTX_new(TLS_client_method()));
    if (context == nullptr) return Internal("OpenSSL has no memory");
    TRY_VOID(ConfigureClient(context.get(), options));
  }
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  state->curl.reset(Curl().easy_init());
  if (state->curl == nullptr) return Internal("libcurl has no memory");
  return std::unique_ptr<Client>(new Client(std::move(state)));
}

namespace {

Result<ListPtr> HeaderList(const ClientRequest& request) {
  curl_slist* list = nullptr;
  const auto add = [&](const std::string& line) { list = Curl().slist_append(list, line.c_str()); };
  for (const auto& [name, value] : request.headers) {
    if (!IsValidField(name, value)) {
      Curl().slist_free_all(list);
      return InvalidArgument("the request has a malformed header field");
    }
    add(value.empty() ? name + ";" : name + ": " + value);
  }
  if (!request.headers.Find("content-type")) add("Content-Type:");
  if (request.upload) add("Transfer-Encoding: chunked");
  // Bodies that fit one round trip are not worth a wait for 100 Continue.
  if (!request.upload && request.body.size() <= 1024 * 1024) add("Expect:");
  return ListPtr(list);
}

void SetBasics(CURL* curl, const ClientOptions& options) {
  Set(curl, CURLOPT_NOSIGNAL, 1L);
  Set(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  Set(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  Set(curl, CURLOPT_PROXY, "");
  Set(curl, CURLOPT_FOLLOWLOCATION, 0L);
  Set(curl, CURLOPT_BUFFERSIZE, kUploadBufferBytes);
  Set(curl, CURLOPT_UPLOAD_BUFFERSIZE, kUploadBufferBytes);
  Set(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  Set(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(options.total_timeout.count()));
  Set(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  Set(curl, CURLOPT_SSL_VERIFYHOST, options.server_fingerprint ? 0L : 2L);
  Set(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_3));
  // The system's authorities are nobody to us.
  Set(curl, CURLOPT_CAINFO, static_cast<const char*>(nullptr));
  Set(curl, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
}

void SetMethod(CURL* curl, const ClientRequest& request) {
  const bool has_body = request.upload || !request.body.empty();
  if (request.method == Method::kHead) {
    Set(curl, CURLOPT_NOBODY, 1L);
  } else if (has_body || request.method == Method::kPost || request.method == Method::kPut ||
             request.method == Method::kPatch) {
    Set(curl, CURLOPT_UPLOAD, 1L);
    if (!request.upload) {
      Set(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    }
  }
  Set(curl, CURLOPT_CUSTOMREQUEST, std::string(MethodName(request.method)).c_str());
}

}  // namespace

Result<ClientResponse> Client::Send(const ClientRequest& request) {
  if (!request.target.starts_with('/') ||
      request.target.find_first_of(" \r\n#") != std::string::npos) {
    return InvalidArgument("the target must start with / and hold no spaces");
  }
  CURL* curl = state_->curl.get();
  const ClientOptions& options = state_->options;
  Curl().easy_reset(curl);  // keeps the connection
  TRY(ListPtr headers, HeaderList(request));
  Transfer transfer{request, curl, {}, {}};
  transfer.stall_timeout = options.stall_timeout;
  char error_text[CURL_ERROR_SIZE] = "";
  SetBasics(curl, options);
  SetMethod(curl, request);
  Set(curl, CURLOPT_URL, (options.base_url + request.target).c_str());
  Set(curl, CURLOPT_PATH_AS_IS, 1L);
  Set(curl, CURLOPT_ERRORBUFFER, error_text);
  Set(curl, CURLOPT_HTTPHEADER, headers.get());
  if (options.base_url.starts_with("https://")) {
    Set(curl, CURLOPT_SSL_CTX_FUNCTION, &OnContext);
    Set(curl, CURLOPT_SSL_CTX_DATA, static_cast<const void*>(&options));
  }
  Set(curl, CURLOPT_HEADERFUNCTION, &OnHeaderLine);
  Set(curl, CURLOPT_HEADERDATA, &transfer);
  Set(curl, CURLOPT_WRITEFUNCTION, &OnDownload);
  Set(curl, CURLOPT_WRITEDATA, &transfer);
  Set(curl, CURLOPT_READFUNCTION, &OnUpload);
  Set(curl, CURLOPT_READDATA, &transfer);
  Set(curl, CURLOPT_SEEKFUNCTION, &OnSeek);
  Set(curl, CURLOPT_SEEKDATA, &transfer);
  Set(curl, CURLOPT_NOPROGRESS, 0L);
  Set(curl, CURLOPT_XFERINFOFUNCTION, &OnProgress);
  Set(curl, CURLOPT_XFERINFODATA, &transfer);
  const CURLcode code = Curl().easy_perform(curl);
  // After a name that is not known, libcurl 7.88 takes no options any more.
  if (code == CURLE_COULDNT_RESOLVE_HOST) {
    state_->curl.reset(Curl().easy_init());
    if (state_->curl == nullptr) return Internal("libcurl has no memory");
  }
  if (transfer.error) return *std::move(transfer.error);
  if (transfer.stalled) return Unavailable(options.base_url + ": timed out: nothing moved");
  if (code != CURLE_OK) return ErrorOf(code, error_text, options.base_url);
  return std::move(transfer.response);
}

namespace {
CURLcode OnChainContext(CURL*, void* context, void* user) {
  CollectPeerChain(static_cast<SSL_CTX*>(context), *static_cast<std::vector<Bytes>*>(user));
  return CURLE_OK;
}
}  // namespace

Result<std::vector<Bytes>> FetchPeerChain(const std::string& base_url,
                                          std::chrono::milliseconds timeout) {
  TRY_VOID(LoadCurl());
  TRY_VOID(CheckBaseUrl(base_url));
  if (!base_url.starts_with("https://")) return InvalidArgument("the URL must be https://");
  CurlPtr curl(Curl().easy_init());
  if (curl == nullptr) return Internal("libcurl has no memory");
  ClientOptions options;
  options.connect_timeout = timeout;
  options.total_timeout = timeout;
  char error_text[CURL_ERROR_SIZE] = "";
  SetBasics(curl.get(), options);
  Set(curl.get(), CURLOPT_URL, base_url.c_str());
  Set(curl.get(), CURLOPT_ERRORBUFFER, error_text);
  // Nothing is believed yet: the caller compares fingerprints, and nothing is sent.
  Set(curl.get(), CURLOPT_SSL_VERIFYPEER, 0L);
  Set(curl.get(), CURLOPT_SSL_VERIFYHOST, 0L);
  Set(curl.get(), CURLOPT_CONNECT_ONLY, 1L);
  std::vector<Bytes> chain;
  Set(curl.get(), CURLOPT_SSL_CTX_FUNCTION, &OnChainContext);
  Set(curl.get(), CURLOPT_SSL_CTX_DATA, &chain);
  const CURLcode code = Curl().easy_perform(curl.get());
  if (code != CURLE_OK) return ErrorOf(code, error_text, base_url);
  if (chain.empty()) return Unavailable(base_url + ": the server showed no certificate");
  return chain;
}

}  // namespace salus::http
