// TaskExchange is one request of a task and its answer, as one who had a part in it kept them.
//
// Source: our own, docs/formats/task-transcript.md; why: docs/decisions/0038-signed-dap.md.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/sha256.h"

namespace salus::aggregate {

// The HTTP header in which a signature travels.
inline constexpr char kSignatureHeader[] = "Salus-Signature";
inline constexpr std::size_t kMaxSignatureBytes = 256;

// Shape: path is below the aggregator's URL, "tasks/..."; a signature is base64 of
//        key ID and signature, as in the line of a signed note (C2SP), of 256 bytes at most; empty:
//        there was none.
struct TaskExchange {
  Timestamp time{};  // when it was kept, by the keeper's clock
  std::string method;
  std::string path;
  Bytes request;
  std::string request_signature;
  int status = 0;
  Bytes answer;
  std::string answer_signature;

  // RequestText and AnswerText are what is signed, texts of notes. An answer names its request.
  std::string RequestText() const;
  std::string AnswerText() const;

  // Encode is deterministic CBOR and its SHA-256 behind it: what was written in part is no
  // exchange.
  Bytes Encode() const;
  // Errors: InvalidArgument; Corruption where the hash is another.
  static Result<TaskExchange> Parse(ByteSpan item);

  friend bool operator==(const TaskExchange&, const TaskExchange&) = default;
};

// The same texts for those who have no exchange yet.
std::string SignedRequestText(std::string_view method, std::string_view path, ByteSpan request);
std::string SignedAnswerText(std::string_view method, std::string_view path, ByteSpan request,
                             int status, ByteSpan answer);

}  // namespace salus::aggregate
