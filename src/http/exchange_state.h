// What a connection and the handler of its current request share. Internal to the module.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "http/exchange.h"

namespace salus::http {

// Bodies and answers wait in at most this many bytes a connection and direction, give or take one
// read of the socket.
inline constexpr std::size_t kQueueBytes = 192 * 1024;

// ExchangeSink is the connection, as the handler's side sees it.
class ExchangeSink {
 public:
  virtual ~ExchangeSink() = default;
  // Schedule makes the connection look at the state soon, on its own thread. Called with the
  // state's mutex held, so that a connection that let go of the state is never called again.
  virtual void Schedule() = 0;
};

struct ExchangeState {
  // Set before the handler runs, constant from then on.
  Request request;
  std::string head_text;  // what the views of request point into
  std::string remote_address;
  bool is_head = false;
  bool http10 = false;
  bool keep_alive = false;
  bool expects_continue = false;
  bool body_is_whole = false;
  std::optional<std::uint64_t> content_length;
  Bytes whole_body;
  // Shared, because an answer may be given after the server is gone.
  std::shared_ptr<const Headers> extra_headers;       // of the listener
  std::shared_ptr<const std::atomic<bool>> draining;  // of the server

  std::mutex mutex;
  std::condition_variable changed;
  // All below is guarded by mutex.
  std::shared_ptr<ExchangeSink> sink;  // null: the connection has let go
  bool scheduled = false;
  bool aborted = false;
  // The body, on its way in.
  std::deque<Bytes> body_pieces;
  std::size_t body_bytes = 0;
  bool body_ended = false;
  bool body_paused = false;     // the connection stopped reading
  bool body_requested = false;  // the handler has asked for a piece
  std::optional<Error> body_error;
  // The answer, on its way out.
  std::deque<std::string> output;
  std::size_t output_bytes = 0;
  bool output_ended = false;
  bool output_started = false;
  bool output_cut = false;  // dropped before its end
  bool close_after = false;
  int status = 0;

  void ScheduleLocked() {
    if (scheduled || sink == nullptr) return;
    scheduled = true;
    sink->Schedule();
  }
};

}  // namespace salus::http
