// TaskLog is where an aggregator tells the log what it does: which studies there are, and what left
// it. Implemented where there is a log.
#pragma once

#include <cstdint>

#include "aggregate/aggregator_task.h"
#include "aggregate/dap_collection.h"
#include "base/result.h"
#include "crypto/sha256.h"

namespace salus::aggregate {

// LoggedBatch is what is logged of a batch before its share is released.
struct LoggedBatch {
  DapBatchSelector selector;
  std::uint64_t report_count = 0;
  BatchChecksum checksum{};
  crypto::Hash32 answer_sha256{};  // of the answer with the sealed share, or shares
};

// TaskLog has each entry durable before it returns: nothing is released without a trace. After a
// crash the same call may come again with the same values; one entry is enough. A batch that was
// logged with another answer_sha256 is refused: it was released already, and what comes now was
// made after a store was put back from before. Two answers have two draws of noise, which can be
// averaged; the ledger does not see it, because it was spent for once. So the log, the ledger and
// the store of an aggregator are restored together, to one moment.
//
// Errors: Conflict for another answer to a batch; whatever kept the entry from being written. The
// act is not done then.
class TaskLog {
 public:
  virtual ~TaskLog() = default;
  virtual Result<void> TaskCreated(const AggregatorTask& task) = 0;
  virtual Result<void> BatchCollected(const AggregatorTask& task, const LoggedBatch& batch) = 0;
};

}  // namespace salus::aggregate
