// Aggregation is the aggregator of a data directory: its tasks, reports, keys and budgets. It does
// not reach the network: who serves it carries requests to it, and its leader's to the helpers.
//
// Source: docs/formats/data-directory.md; DAP-18, DAP-09.
// Shape:  DIR/aggregate/: aggregate.db (aggregate/report_store.h), rows.key (0600; seals the
//         secrets of aggregate.db), budget.db (aggregate/privacy_ledger.h), tasks/ID.json (what
//         this aggregator knows of a task beside it). Made as a whole, once: where one of them is
//         lost nothing is made in its place, or reports could count twice. transcripts/
//         (task_transcripts.h) comes with the first message.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "aggregate/aggregator_parts.h"
#include "aggregate/task_file.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "node/task_record.h"
#include "node/task_transcripts.h"
#include "storage/file_system.h"

namespace salus::node {

class Node;

// TaskStatus is a task with how far it is.
struct TaskStatus {
  const aggregate::OpenTask* task = nullptr;
  TaskRecord record;
  aggregate::TaskCounts counts;
};

// KeyStatus is the key that clients seal reports to.
struct KeyStatus {
  Timestamp made;
  std::int64_t age_days = 0;
  std::uint32_t rotate_days = 0;  // when the server makes a new one; 0: never
};

// Threads: safe to share.
class Aggregation {
 public:
  // Open makes DIR/aggregate where there is none. The node outlives it.
  //
  // Errors: Corruption when a file of it is lost; as ReportStore::Open.
  static Result<std::unique_ptr<Aggregation>> Open(Node& node, storage::FileSystem& fs);
  ~Aggregation();

  // AddTask logs the task and takes it. The same file once more changes nothing.
  //
  // Errors: InvalidArgument for a file that is neither the leader's nor the helper's;
  //         FailedPrecondition when this server has the other role; Conflict for another task, or
  //         another budget, of that name; those of CreateTask.
  Result<const aggregate::OpenTask*> AddTask(const aggregate::TaskFile& file);
  // CloseTask takes no more reports of a task, for good. What is there is still collected.
  //
  // Errors: NotFound.
  Result<void> CloseTask(const aggregate::TaskId& task);
  Result<std::vector<TaskStatus>> Tasks();
  // RecordOf is what this aggregator knows of a task beside it; nullopt: unknown.
  std::optional<TaskRecord> RecordOf(const aggregate::TaskId& task) const;

  // RotateKeys offers a new HPKE key to clients. Those that were replaced a day ago or longer are
  // forgotten, unless a report waits for them; says how many.
  //
  // Errors: FailedPrecondition, and nothing is changed, when the log does not trust the clock;
  // those
  //         of Log::MakeCheckpoint and of the store.
  Result<std::size_t> RotateKeys();
  // RetireKeys forgets those that are due, and offers no new one; says how many.
  //
  // Errors: as RotateKeys, where any is due.
  Result<std::size_t> RetireKeys();
  Result<KeyStatus> Key();

  const aggregate::AggregatorParts& parts() const { return *parts_; }
  TaskTranscripts& transcripts();

 private:
  struct State;
  explicit Aggregation(std::unique_ptr<State> state);
  Result<void> PutRecord(const aggregate::TaskId& task, const TaskRecord& record);

  const std::unique_ptr<State> state_;
  std::unique_ptr<const aggregate::AggregatorParts> parts_;
};

}  // namespace salus::node
