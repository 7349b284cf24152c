// ClientConnection is one client: its TLS, its requests one after the other, and what is going on
// with the backend for the current one. Not a public header.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "http/event_loop.h"
#include "http/exchange.h"
#include "http/message.h"
#include "http/rate_guard.h"
#include "http/request_parser.h"
#include "http/response_parser.h"
#include "http/tls.h"
#include "proxy/backend_connection.h"
#include "proxy/head_writer.h"
#include "proxy/proxy_loop.h"

namespace salus::proxy {

enum class ListenerKind { kTls, kRedirect };

// How a connection works: OnInput and OnAnswerBytes put what is to be passed on into the loop's
// to_backend and to_client; Settle sends both at the end of the turn, and goes on with the next
// request.
class ClientConnection final : public http::FdHandler,
                               public std::enable_shared_from_this<ClientConnection> {
 public:
  ClientConnection(ProxyLoop& loop, ListenerKind kind, int fd, std::string address);
  ~ClientConnection() override;

  void Start();
  void OnTick();
  void Close();

  void OnReadable() override;
  void OnWritable() override;

  // Of the backend's connection. TakesAnswer is false while the client does not take what it has
  // been sent.
  bool TakesAnswer() const { return out_pending_.empty() && !closing_; }
  void OnAnswerBytes(ByteSpan input);
  void OnBackendDrained();
  void OnBackendEnd(bool is_error);

 private:
  enum class Stage { kHandshake, kHead, kExchange, kTunnel, kLinger, kClosed };

  // Exchange is the current request and its answer. Its buffers are used again.
  struct Exchange {
    http::Method method = http::Method::kOther;
    TimePoint began{};
    bool upgrades = false;
    bool http10 = false;
    bool keep_alive = false;
    bool chunked = false;            // the request's body
    bool request_done = false;       // all of it was read
    bool waits_to_continue = false;  // the client may be waiting for 100 Continue
    std::uint64_t received_bytes = 0;
    bool may_retry = false;  // on a fresh connection, with what is in sent
    bool collects = false;   // sent is still to be sent, once the body is whole
    Bytes sent;              // of a PlainPost: the body

    int interim_answers = 0;
    bool answer_started = false;  // its final head was passed on
    int status = 0;
    http::Framing answer;
    bool answer_chunked = false;  // as the client gets it
    bool close_after = false;
    std::uint64_t answer_bytes = 0;
    bool is_logged = false;

    void Reset();
  };

  // Reading (client_connection.cc).
  bool WantsInput() const;
  void Arm();
  void OnInput(ByteSpan input);
  bool FinishHandshake();
  // OnPlain returns what is for later.
  ByteSpan OnPlain(ByteSpan input);

  // Writing (client_connection.cc).
  void Settle();
  void FlushToBackend();
  void FlushToClient();
  bool EncryptToClient(ByteSpan bytes);
  void SendPending(ByteSpan bytes);
  void PassToClient(ByteSpan bytes);
  void PassToBackend(ByteSpan bytes);
  void StartLinger();
  // BeginWaiting begins requests that came while another was running.
  void BeginWaiting();

  // The exchange (client_exchange.cc).
  void OnHead(std::size_t ahead);
  std::optional<http::Response> CheckRequest(const http::Framing& framing,
                                             const RequestNotes& notes) const;
  bool CollectsFirst(const http::Framing& framing, std::size_t ahead) const;
  // StartBackend returns 0, or the status that the client gets.
  int StartBackend();
  void SendCollected();
  void RefuseWithoutBackend(int status, bool close);
  void OnBody(ByteSpan piece);
  void OnBodyEnd();
  void OnBodyRefused(const http::Refusal& refusal);
  void OnAnswerHead();
  void PassAnswerHead(const http::Framing& framing);
  void OnInterim();
  void StartTunnel();
  void OnAnswerBody(ByteSpan piece);
  void FinishAnswer(bool backend_is_reusable);
  bool Retry();
  void Refuse(int status, std::string_view detail, bool close);
  void Answer(http::Response response, bool close);
  void BackendFailed(int status, std::string_view detail);
  void DropBackend();
  std::shared_ptr<BackendConnection> LeaveBackend();
  void CheckExchangeTimes();
  void LogAnswer();
  void WarnOfBackend(std::string_view what);
  void WarnOfConnecting();
  std::string_view hsts_line() const;
  std::uint64_t max_body_bytes() const;

  // The plain listener, and which hosts are served (client_plain.cc).
  bool IsServed(std::string_view host) const;
  // PlainResponse is nullopt for a request to the PlainPost, whose body is then read.
  std::optional<http::Response> PlainResponse(const http::Framing& framing,
                                              std::string_view host) const;
  bool IsPlainPost() const;
  void BeginPlainPost(const http::Framing& framing, std::size_t ahead);
  void AnswerPlainPost();

  ProxyLoop& loop_;
  ProxyCore& core_;
  const ListenerKind kind_;
  const std::string address_;
  const std::shared_ptr<BackendQuota::Share> share_;
  const std::unique_ptr<http::FdWatch> watch_;
  const int fd_;
  std::unique_ptr<http::TlsChannel> tls_;  // null: plain
  std::string identity_lines_;

  Stage stage_ = Stage::kHandshake;
  TimePoint since_{};  // when the stage, or the head, began
  TimePoint backend_moved_{};
  bool head_started_ = false;
  bool read_armed_ = false;
  bool write_armed_ = false;
  bool closing_ = false;  // after what is pending is sent
  http::RateGuard read_rate_, write_rate_;

  http::RequestReader reader_;
  http::Request request_;  // its views are good within OnHead only
  http::ResponseHead response_;
  Exchange exchange_;
  std::shared_ptr<BackendConnection> backend_;
  Bytes backlog_;  // decrypted, of requests after the current one; read from backlog_begin_ on
  std::size_t backlog_begin_ = 0;
  Bytes out_pending_;  // encrypted, the socket was full
};

}  // namespace salus::proxy
