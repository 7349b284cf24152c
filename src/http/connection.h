// One connection of the server. Internal to the module.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>

#include "http/event_loop.h"
#include "http/exchange_state.h"
#include "http/rate_guard.h"
#include "http/request_parser.h"
#include "http/server_core.h"

namespace salus::http {

// Connection takes a socket from the TLS handshake to its end: one request at a time, in the order
// sent; what a client sends ahead waits, unread as far as possible.
//
// Threads: all on its loop's thread, except Schedule.
class Connection final : public FdHandler,
                         public LoopTask,
                         public ExchangeSink,
                         public std::enable_shared_from_this<Connection> {
 public:
  Connection(LoopContext& loop, Listener& listener, int fd, std::string address);
  ~Connection() override;

  void Start();
  void OnTick();
  // BeginDrain closes at once if no request is running; else the answer will be the last.
  void BeginDrain();
  void Close();

  void OnReadable() override;
  void OnWritable() override;
  void RunOnLoop() override { Advance(); }
  void Schedule() override;

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  enum class Stage {
    kHandshake,
    kHead,    // between requests, or in a head
    kBody,    // the head is there, the body not all
    kBusy,    // the request is there, the answer not all
    kLinger,  // the answer is out; what still comes is thrown away, so that no reset destroys it
    kClosed,
  };

  // Reading.
  bool WantsInput() const;
  void ArmRead();
  void OnInput(ByteSpan input);
  bool FinishHandshake();
  void OnPlain(ByteSpan input);
  void OnEof();

  // One request.
  void OnHead(bool more_is_there);
  std::optional<Response> CheckRequest(const Framing& framing);
  void OnBody(ByteSpan piece);
  void OnBodyEnd();
  void Dispatch(bool is_stream);
  void Refuse(Response problem);
  void RefuseMalformed(int status, std::string_view detail);
  void Advance();
  void FailBody(Error error);

  // Writing.
  void PumpOutput();
  bool TakeOutput();
  void DropSent();
  void SendPlain(ByteSpan bytes);
  void Flush();
  bool SendAll(ByteSpan bytes, std::size_t& sent);
  void FinishExchange(bool close);
  void ReleaseExchange(bool aborted);
  void StartLinger();

  ServerCore& core_;
  LoopContext& loop_;
  Listener& listener_;
  const std::string address_;
  const std::unique_ptr<FdWatch> watch_;
  const int fd_;
  std::unique_ptr<TlsChannel> tls_;  // null: plain
  std::shared_ptr<const PeerCertificate> peer_;
  bool peer_refused_ = false;

  Stage stage_ = Stage::kHandshake;
  TimePoint since_{};  // when the stage, or the head, began
  bool head_started_ = false;
  bool read_armed_ = false;
  bool write_armed_ = false;
  bool closing_ = false;  // after what is pending is sent
  RateGuard read_rate_, write_rate_;

  RequestReader reader_;
  Bytes backlog_;      // decrypted, of requests after the current one
  Bytes out_pending_;  // encrypted, the socket was full

  // The current request.
  std::shared_ptr<ExchangeState> exchange_;
  const Route* route_ = nullptr;
  std::uint64_t received_bytes_ = 0;
  std::size_t reserved_bytes_ = 0;  // of the memory for whole bodies
  bool counted_ = false;            // in requests in flight
  bool dispatched_ = false;         // the handler was called
  bool refused_ = false;
  bool body_paused_ = false;
  bool body_failed_ = false;
  bool continue_owed_ = false;  // the client may be waiting for 100 Continue
  bool continue_sent_ = false;
  std::deque<std::string> outgoing_;
  std::size_t outgoing_offset_ = 0;
  bool output_ended_ = false;
};

}  // namespace salus::http
