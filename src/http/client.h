// The blocking HTTPS client.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "http/exchange.h"
#include "http/message.h"

namespace salus::http {

// ClientOptions says whom to talk to, whom to trust, and who we are.
struct ClientOptions {
  std::string base_url;           // "https://host:9443", no path; "http://" on loopback only
  std::string trust_anchors_pem;  // the only roots believed; the system's are never used
  // server_fingerprint, in place of roots: the server is whoever holds the key of this certificate,
  // while its dates hold. No authority, name or purpose is looked at.
  std::optional<CertificateFingerprint> server_fingerprint;
  std::string certificate_chain_pem;  // ours, leaf first; empty: none shown
  SecretBytes private_key;            // PKCS#8 PEM without passphrase, or DER
  std::chrono::milliseconds connect_timeout{10'000};
  // stall_timeout: neither direction moved a byte for that long.
  std::chrono::milliseconds stall_timeout{60'000};
  std::chrono::milliseconds total_timeout{0};  // of one request; 0: none
};

// UploadSource fills part of the buffer and returns how much: 0 at the end, kUploadPause when
// there is nothing now; then it is asked again after the next piece of the answer, or within a
// second.
using UploadSource = std::function<Result<std::size_t>(MutableByteSpan buffer)>;
inline constexpr std::size_t kUploadPause = static_cast<std::size_t>(-1);

// DownloadSink takes the next piece of the answer's body.
using DownloadSink = std::function<Result<void>(ByteSpan piece)>;

// ClientRequest is one request. The callbacks run on the calling thread, in turns: the answer may
// arrive while the body is still being sent. An Error from one of them ends the request with it.
struct ClientRequest {
  Method method = Method::kGet;
  std::string target;  // "/path?query"
  Headers headers;
  ByteSpan body;          // sent with a Content-Length; or
  UploadSource upload;    // sent chunked
  DownloadSink download;  // takes the body of a 2xx answer; unset: ClientResponse::body
  std::size_t response_limit_bytes = 16 * 1024 * 1024;  // of ClientResponse::body
};

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;
};

// Client keeps one connection to one server and reuses it.
//
// Source:  RFC 9112 over TLS 1.3; the server's name is checked (RFC 9525).
// Threads: one thread at a time; one Client per thread.
class Client {
 public:
  // Errors: InvalidArgument: the URL, a certificate or the key.
  static Result<std::unique_ptr<Client>> Create(ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Send does one request; an HTTP error status is a ClientResponse, not an Error.
  // Errors: Unavailable: could not resolve or connect, timed out, or the connection broke;
  //         VerificationFailed: the server's certificate is not trusted or not for this name;
  //         Unauthenticated: the server refused our certificate, or wants one;
  //         ResourceExhausted: the answer is longer than allowed; the callbacks' own.
  Result<ClientResponse> Send(const ClientRequest& request);

 private:
  struct State;
  explicit Client(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// FetchPeerChain connects without trusting anything, and returns the certificates that the server
// shows, leaf first, as DER. For the first contact only: the caller compares the root's SHA-256
// with the fingerprint it was given, and from then on pins that root as trust anchor.
//
// Errors: Unavailable as Client::Send.
Result<std::vector<Bytes>> FetchPeerChain(const std::string& base_url,
                                          std::chrono::milliseconds timeout);

}  // namespace salus::http
