// TaskNotice and ResultNotice tell everybody, in clear in the log, what people's data is added up
// for: the aggregation before anybody takes part, and what came of it.
//
// Source: protocol.md P2.1 (kind 7); docs/formats/entry.md.
// Shape:  a CBOR map {1: ..., 2: ..., ...} of exactly the members in the order below; texts of at
//         most 4,096 bytes, a task's id of 16 or 32 bytes. It names no participant.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/sha256.h"

namespace salus::audit {

// TaskNotice is kTaskOpened.
struct TaskNotice {
  Bytes task_id;
  std::string title;
  std::string purpose;
  std::string statistic;  // in words, with unit and range
  std::string publisher;  // role:id of who opened it
  std::uint64_t min_participants = 0;
  Timestamp from{};
  Timestamp until{};
  std::string noise = {};       // what is added so that no one stands out; empty: nothing
  crypto::Hash32 definition{};  // SHA-256 of the roster, or of the task's public configuration
};
// Errors: InvalidArgument names the member that is outside its limits.
Result<Bytes> EncodeTaskNotice(const TaskNotice& notice);
// Errors: InvalidArgument when content is not exactly such an encoding.
Result<TaskNotice> DecodeTaskNotice(ByteSpan content);

// ResultNotice is kResultReleased.
struct ResultNotice {
  Bytes task_id;
  std::string batch;  // which of the task's results; empty where there is one only
  std::uint64_t participants = 0;
  std::string result;  // in words or JSON; empty where only the collector knows it
  std::string publisher;
  Timestamp time{};
  crypto::Hash32 evidence{};  // SHA-256 of the transcript, or of the aggregate share
};
// Errors: as EncodeTaskNotice.
Result<Bytes> EncodeResultNotice(const ResultNotice& notice);
// Errors: as DecodeTaskNotice.
Result<ResultNotice> DecodeResultNotice(ByteSpan content);

}  // namespace salus::audit
