// Collection is a batch on its way to the collector, as an aggregator keeps it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "aggregate/batch_bucket.h"
#include "aggregate/dap_collection.h"
#include "aggregate/dap_id.h"
#include "base/bytes.h"
#include "crypto/sha256.h"

namespace salus::aggregate {

// CollectionState goes from top to bottom. The numbers are stored.
//
// From kClosing on the collection holds its batch: nothing more is admitted to it, and no other
// collection may have it. kFailed lets it go; kFinished and kDeleted hold it for ever.
enum class CollectionState : std::uint8_t {
  kWaiting = 0,     // for reports
  kClosing = 1,     // until the reports that were taken before are aggregated
  kCollecting = 2,  // its share is fixed; the other aggregator's is not there yet
  kFinished = 3,
  kFailed = 4,
  kDeleted = 5,    // finished, and its answer forgotten
  kAbandoned = 6,  // deleted before it held anything
};

constexpr bool HoldsBatch(CollectionState state) {
  return state == CollectionState::kClosing || state == CollectionState::kCollecting ||
         state == CollectionState::kFinished || state == CollectionState::kDeleted;
}

// Collection is a collection job at the leader, an aggregate share at the helper (which knows
// kFinished and kDeleted only).
struct Collection {
  CollectionJobId id;
  CollectionState state = CollectionState::kWaiting;
  Bytes request;                     // as it came
  std::optional<BucketRange> range;  // unknown until the leader selects a batch
  Bytes share_request;               // kCollecting: AggregateShareReq
  Bytes leader_share;                // kCollecting: HpkeCiphertext
  std::uint64_t report_count = 0;    // from kCollecting on
  DapInterval interval;              // of the reports, from kCollecting on
  BatchChecksum checksum{};          // from kCollecting on
  Bytes answer;                      // kFinished
  std::string failure;               // kFailed: the type of the problem
};

}  // namespace salus::aggregate
