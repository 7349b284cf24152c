// TaskTranscripts signs what this server says as an aggregator, and keeps what is said to it.
//
// Source: docs/formats/task-transcript.md.
// Shape:  DIR/aggregate/transcripts/TASK.transcript, made when the first message of a task passes.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "aggregate/dap_id.h"
#include "aggregate/task_transcript.h"
#include "base/result.h"
#include "crypto/sha256.h"
#include "storage/file_system.h"

namespace salus::node {

class Node;

// Threads: safe to share.
class TaskTranscripts {
 public:
  // The node and the file system outlive it. Where the configuration wants no transcripts, Keep
  // does nothing.
  TaskTranscripts(const Node& node, storage::FileSystem& fs, std::string folder);

  // Sign is the signature of a text of task_exchange.h, by the server's receipt key.
  Result<std::string> Sign(std::string_view text) const;
  // Keep is durable when it returns; the exchange gets its time. One of the last few once more is
  // there already.
  //
  // Errors: those of TaskTranscript. The caller does not act on the exchange then.
  Result<void> Keep(const aggregate::TaskId& task, aggregate::TaskExchange exchange);

 private:
  // A task's transcript, opened when its first message is kept, and anew after one that could not
  // be.
  struct Slot {
    std::mutex mutex;
    std::unique_ptr<aggregate::TaskTranscript> transcript;  // guarded by mutex
    std::deque<crypto::Hash32> newest;                      // what was kept last; guarded by mutex
  };
  std::shared_ptr<Slot> SlotOf(const aggregate::TaskId& task);
  Result<void> KeepIn(Slot& slot, const aggregate::TaskId& task,
                      const aggregate::TaskExchange& exchange);

  const Node& node_;
  storage::FileSystem& fs_;
  const std::string folder_;
  std::mutex mutex_;
  std::map<aggregate::TaskId, std::shared_ptr<Slot>> slots_;  // guarded by mutex_
};

}  // namespace salus::node
