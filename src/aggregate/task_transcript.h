// TaskTranscript keeps every exchange of a task, for anybody to check again.
//
// Source: our own, docs/formats/task-transcript.md: a CBOR sequence (RFC 8742) of byte strings, one
//         TaskExchange each, behind a first one that says what the file is.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "aggregate/task_exchange.h"
#include "base/result.h"
#include "storage/file_system.h"

namespace salus::aggregate {

// An aggregation job of the most reports that fit into HTTP's messages, with room.
inline constexpr std::size_t kMaxExchangeBytes = 256u << 20;

// TaskTranscriptReader reads exchanges one by one, with the memory of one.
class TaskTranscriptReader {
 public:
  // The file outlives it.
  explicit TaskTranscriptReader(const storage::File& file) : file_(file) {}

  // Next is nullopt at the end.
  //
  // Errors: InvalidArgument and Corruption with the number of the item; those of File.
  Result<std::optional<TaskExchange>> Next();
  // item is the number of the one that was read last, from 1.
  std::uint64_t item() const { return item_; }
  // offset is behind it, in bytes.
  std::uint64_t offset() const { return offset_; }

 private:
  const storage::File& file_;
  std::uint64_t offset_ = 0;
  std::uint64_t item_ = 0;
};

// TaskTranscript appends to a file.
//
// Threads: safe to share.
class TaskTranscript {
 public:
  // Open begins a transcript, or goes on with one. What stands at its end and is no whole exchange,
  // as after a power cut, is moved to a file beside it, PATH.torn-OFFSET.
  //
  // Errors: AlreadyExists for a file that is no transcript of a task: it is not touched; Corruption
  // where more is damaged than an append can be.
  static Result<std::unique_ptr<TaskTranscript>> Open(storage::FileSystem& fs,
                                                      const std::string& path);

  // Append is durable when it returns. After an error the exchange is not there.
  //
  // Errors: ResourceExhausted, Unavailable; FailedPrecondition after one that could not be undone:
  // open it anew.
  Result<void> Append(const TaskExchange& exchange);

 private:
  TaskTranscript(std::unique_ptr<storage::File> file, std::uint64_t size)
      : file_(std::move(file)), size_(size) {}

  std::mutex mutex_;
  std::unique_ptr<storage::File> file_;  // guarded by mutex_
  std::uint64_t size_;                   // guarded by mutex_
  bool is_broken_ = false;               // guarded by mutex_
};

}  // namespace salus::aggregate
