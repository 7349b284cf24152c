// One request and its answer, as a handler sees them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "http/message.h"

namespace salus::http {

// CertificateFingerprint is SHA-256 over a certificate's DER.
using CertificateFingerprint = std::array<std::uint8_t, 32>;

// PeerCertificate is the client's certificate, verified by TLS against the listener's authorities
// (path, dates, purpose), or its dates only where the listener admits by fingerprint. Revocation
// and meaning are the caller's business.
//
// Ownership: one per connection; hold the shared_ptr to keep it.
struct PeerCertificate {
  Bytes leaf_der;
  // chain_der holds the certificates above the leaf, nearest first.
  std::vector<Bytes> chain_der;
  // fingerprint is SHA-256 of leaf_der; a key for caches of what the certificate means.
  CertificateFingerprint fingerprint{};
  // resumed: the connection continues a TLS session whose first handshake had this certificate.
  bool resumed = false;
  // attachment is what the listener's authenticate hook made of it, once per connection.
  std::shared_ptr<const void> attachment;
};

// FieldView is one header field of a request.
struct FieldView {
  std::string_view name;
  std::string_view value;
};

// Request is what the client asked. All views live as long as the Exchange.
struct Request {
  Method method = Method::kGet;
  std::string_view method_token;  // as sent
  std::string_view target;        // as sent, origin-form: "/a/b?x=1"
  std::string_view path;          // target up to '?', still percent-encoded
  std::string_view query;         // after '?', still percent-encoded; Query::Parse reads it
  std::vector<FieldView> fields;
  // parameters are the decoded {names} of the route's pattern, in its order.
  std::vector<std::pair<std::string_view, std::string>> parameters;
  int route_tag = 0;
  std::shared_ptr<const PeerCertificate> peer;  // null: the client showed no certificate
  std::string_view remote_address;              // "127.0.0.1" or "::1", without the port

  // Find is the first header field of that name.
  std::optional<std::string_view> Find(std::string_view name) const;
  // Parameter is the decoded path parameter; CHECKs that the route's pattern has it.
  const std::string& Parameter(std::string_view name) const;
};

struct ExchangeState;

// Exchange is one request being answered. The handler answers with Respond, or with BeginResponse,
// Write and Finish; when the last reference goes without an answer, the client gets a 500.
//
// Small bodies (see Route::whole_body_bytes) are there whole when the handler is called. Larger or
// still growing ones are read with ReadBody, which blocks, and therefore runs on a worker thread
// only; at most 256 KiB wait in memory, then the client is no longer read from.
//
// Threads: body calls from one thread at a time, answer calls from one thread at a time, which may
//          be another and later: a handler can hand the shared_ptr to the thread that commits a
//          group.
class Exchange {
 public:
  explicit Exchange(std::shared_ptr<ExchangeState> state);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const Request& request() const;

  // body_is_whole: body() holds all of it and ReadBody never blocks.
  bool body_is_whole() const;
  // body is the whole body; CHECKs body_is_whole.
  ByteSpan body() const;
  // content_length is the announced length; nullopt for a chunked body.
  std::optional<std::uint64_t> content_length() const;

  // ReadBody blocks for the next piece (up to about 64 KiB), empty at the end. The view lives until
  // the next call.
  // Errors: Unavailable: the client went away or stalled; ResourceExhausted: the body is longer
  //         than the route allows; InvalidArgument: the chunked coding is broken.
  //         RespondToReadError answers each as HTTP wants it.
  Result<ByteSpan> ReadBody();
  // ReadWholeBody collects the rest. Errors: as ReadBody; ResourceExhausted above limit_bytes.
  Result<Bytes> ReadWholeBody(std::size_t limit_bytes);
  void RespondToReadError(const Error& error);

  // Respond answers at once. Never blocks; a client that went away is no error.
  void Respond(Response response);

  // BeginResponse starts a streamed answer, chunked unless content_length is given. It may start
  // while the body is still being read.
  void BeginResponse(int status, Headers headers,
                     std::optional<std::uint64_t> content_length = std::nullopt);
  // Write blocks while more than 256 KiB wait for the client. Worker threads only.
  // Errors: Unavailable: the client went away or reads too slowly.
  Result<void> Write(ByteSpan bytes);
  // TryWrite never blocks: false when there is no room now (nothing was taken). For event streams
  // that must not hold a thread each.
  Result<bool> TryWrite(ByteSpan bytes);
  // Finish ends the answer. An answer that is dropped unfinished is cut, so that the client sees
  // that it is not complete.
  void Finish();

  // aborted: nobody waits for the answer any more.
  bool aborted() const;

 private:
  void SendHead(int status, const Headers& headers, std::optional<std::uint64_t> content_length,
                std::string body, bool is_final);
  Result<bool> Enqueue(ByteSpan bytes, bool may_block);

  const std::shared_ptr<ExchangeState> state_;
  Bytes current_piece_;  // of the reading thread
  // Of the answering thread.
  enum class Answer { kNone, kStreaming, kDone } answer_ = Answer::kNone;
  bool chunked_ = false;
  std::optional<std::uint64_t> remaining_;
};

// Handler answers one exchange. It may keep the pointer and answer later from another thread.
// Errors: none may escape; an exception ends in a 500.
using Handler = std::function<void(std::shared_ptr<Exchange>)>;

}  // namespace salus::http
