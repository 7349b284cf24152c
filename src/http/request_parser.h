// RequestReader and ParseHead make requests of bytes: heads, then bodies. No I/O.
//
// Source: RFC 9112; stricter: every doubt is a refusal, which the caller answers before it closes.
// Shape:  heads and targets are bounded by HeadLimits; a chunk's size has at most 15 digits, and
//         chunk extensions and trailers, which are skipped, 8 KiB together.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "http/exchange.h"

namespace salus::http {

// Refusal is why a request is answered without a handler.
struct Refusal {
  int status = 400;
  std::string_view detail;  // a constant
};

struct HeadLimits {
  std::size_t header_bytes = 16 * 1024;
  std::size_t header_count = 100;
  std::size_t target_bytes = 8 * 1024;
  // any_method: methods that a route can't have are Method::kOther instead of refused; CONNECT and
  // TRACE, which change what a connection is or echo its fields, are refused all the same.
  bool any_method = false;
};

// Framing is what the head says about the message as a whole.
struct Framing {
  std::optional<std::uint64_t> content_length;  // nullopt with chunked; 0 when there is no body
  bool chunked = false;
  bool http10 = false;
  bool keep_alive = true;
  bool expects_continue = false;
  // until_close: the body of an answer goes to the end of the connection.
  bool until_close = false;
};

// ParseHead reads a whole head, "GET / HTTP/1.1\r\n...\r\n\r\n". The views in request point into
// head, which must stay where it is.
//
// Boost.Beast's parser does the reading. Before it, the lines are checked for what Beast tolerates
// and two readers could understand differently: line folding, bare CR or LF, NUL, repeated or
// contradicting lengths.
//
// Source: RFC 9112 sections 2 to 6 and 11.2; stricter: every doubt is a refusal.
std::optional<Refusal> ParseHead(std::string_view head, const HeadLimits& limits, Request& request,
                                 Framing& framing);

// RequestReader cuts a stream of bytes, in pieces of any size, into heads and bodies.
class RequestReader {
 public:
  explicit RequestReader(const HeadLimits& limits) : limits_(limits) {}
  const HeadLimits& limits() const { return limits_; }

  enum class Event {
    kNeedMore,  // all input is consumed
    kHead,      // TakeHead has it; call StartBody next
    kBody,      // a piece of the body, a view into the input
    kEnd,       // the body is complete; the reader is ready for the next head
    kRefused,   // refusal says why; the connection can't go on
  };
  struct Step {
    Event event;
    std::size_t consumed;
    ByteSpan body;
    Refusal refusal;
  };

  Step Next(ByteSpan input);
  std::string TakeHead() { return std::move(head_); }
  // head is what TakeHead takes, left where it is until StartBody.
  std::string_view head() const { return head_; }
  void StartBody(const Framing& framing);

  // in_head: some bytes of a head have come, not all.
  bool in_head() const { return state_ == State::kHead && !head_.empty(); }
  // body_is_complete: all of a body with a known length has been handed out.
  bool body_is_complete() const { return state_ == State::kEnd; }

 private:
  enum class State {
    kHead,
    kHeadDone,
    kLength,
    kUntilClose,
    kChunkSize,
    kChunkExtension,
    kChunkSizeLf,
    kChunkData,
    kChunkDataCr,
    kChunkDataLf,
    kTrailerStart,
    kTrailerName,
    kTrailerLine,
    kTrailerLf,
    kEndLf,
    kEnd,
  };

  Step NextHead(ByteSpan input);
  Step NextChunked(ByteSpan input);
  bool ChunkByte(char c);

  const HeadLimits limits_;
  State state_ = State::kHead;
  std::string head_;
  std::uint64_t remaining_ = 0;  // of the body, or of the chunk
  int size_digits_ = 0;
  std::size_t overhead_bytes_ = 0;  // chunk extensions and trailers, which we only skip
};

}  // namespace salus::http
