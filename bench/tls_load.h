// TlsLoad is a closed loop over some TLS connections, all in one thread: each connection sends its
// next request when the answer to the one before is there.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/figures.h"

struct ssl_ctx_st;
struct ssl_st;

namespace salus::bench {

// LoadIdentity is who the client is, and whom it trusts: PEM files.
struct LoadIdentity {
  std::string chain_file;  // leaf first
  std::string key_file;
  std::string root_file;
};

// AnswerReader takes an answer in pieces and says when it is whole.
//
// Source: RFC 9112 sections 6 and 7: a Content-Length or the chunked coding, and no other.
// Shape:  keeps the status and the last kTailBytes of the body.
class AnswerReader {
 public:
  static constexpr std::size_t kTailBytes = 512;

  // Take returns true at the answer's last byte. Bytes behind it, or what is no answer, end the
  // process: this client never pipelines.
  bool Take(std::string_view bytes);
  void Reset() { *this = AnswerReader(); }

  int status() const { return status_; }
  const std::string& tail() const { return tail_; }

 private:
  enum class Part { kHead, kLength, kChunkSize, kChunk, kChunkEnd, kTrailer, kDone };
  bool TakeLine(std::string_view& bytes);
  void TakeBody(std::string_view& bytes, Part next);
  void ReadHead();

  Part part_ = Part::kHead;
  std::string line_;  // of the head, or of a chunk's size
  std::string tail_;
  std::uint64_t left_ = 0;
  int status_ = 0;
  bool is_chunked_ = false;
};

class TlsLoad {
 public:
  // Connects to 127.0.0.1; a failure ends the process.
  TlsLoad(const LoadIdentity& identity, std::uint16_t port, std::size_t connections);
  ~TlsLoad();
  TlsLoad(const TlsLoad&) = delete;
  TlsLoad& operator=(const TlsLoad&) = delete;

  // NextRequest puts a whole request, head and body, into its argument; false: there is no more.
  using NextRequest = std::function<bool(std::string& request)>;
  // CheckAnswer ends the process when an answer is not what it should be.
  using CheckAnswer = std::function<void(int status, std::string_view tail)>;

  struct Outcome {
    std::uint64_t requests = 0;
    double seconds = 0;
    Latencies latencies;
  };
  Outcome Run(const NextRequest& next, const CheckAnswer& check);

 private:
  struct Connection {
    int socket = -1;
    ssl_st* ssl = nullptr;
    std::string request;
    std::size_t sent = 0;
    bool is_busy = false;
    std::chrono::steady_clock::time_point start;
    AnswerReader answer;
  };
  void Begin(Connection& connection, const NextRequest& next);
  void Write(Connection& connection);
  // True when an answer became whole.
  bool Read(Connection& connection);

  ssl_ctx_st* context_;
  int epoll_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::size_t busy_ = 0;
};

}  // namespace salus::bench
