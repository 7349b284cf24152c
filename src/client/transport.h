// Transport carries one request to a server and brings its answer: over HTTPS, or as files.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "http/client.h"
#include "http/message.h"

namespace salus::client {

// Call is one request, whatever carries it.
struct Call {
  http::Method method = http::Method::kGet;
  std::string path;   // "/audit/v1/whoami", percent-encoded
  std::string query;  // without '?', percent-encoded; may be empty
  std::string content_type;
  std::string body;
  std::size_t answer_limit_bytes = 64 * 1024 * 1024;
};

// CallAnswer is any answer that the server gave, errors included.
struct CallAnswer {
  int status = 0;
  std::string content_type;
  std::string body;
};

// Transport is one way to a server, under one identity.
//
// Errors:  of Send: Unavailable (worth another try), VerificationFailed (who answered is not who
// was
//          pinned), Unauthenticated, ResourceExhausted (the answer is too long). An HTTP error is
//          an answer.
// Threads: one thread at a time.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual Result<CallAnswer> Send(const Call& call) = 0;
  // where names the server in messages.
  virtual std::string where() const = 0;
};

// HttpsTransport is a connection that is kept open.
class HttpsTransport final : public Transport {
 public:
  // Errors: as http::Client::Create.
  static Result<std::unique_ptr<Transport>> Create(http::ClientOptions options);

  Result<CallAnswer> Send(const Call& call) override;
  std::string where() const override { return url_; }

 private:
  HttpsTransport(std::string url, std::unique_ptr<http::Client> client)
      : url_(std::move(url)), client_(std::move(client)) {}
  std::string url_;
  std::unique_ptr<http::Client> client_;
};

// ErrorOfAnswer maps an answer's status, and the problem+json in it, to a base Error. A server's
// word is never VerificationFailed: that verdict is the client's own.
//
// Source: RFC 9457.
Error ErrorOfAnswer(const std::string& where, const CallAnswer& answer);

}  // namespace salus::client
