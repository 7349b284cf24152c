// OpenInputShare is how an aggregator looks at one report: may it be counted, and what is its
// share.
//
// Source: DAP-18 sections 4.5.4.3 and 4.5.4.4; DAP-09 sections 4.4.1.3 and 4.4.1.4.
#pragma once

#include <chrono>
#include <expected>
#include <optional>

#include "aggregate/aggregator_task.h"
#include "aggregate/batch_bucket.h"
#include "aggregate/dap_report.h"
#include "aggregate/hpke_key_ring.h"
#include "base/clock.h"
#include "base/secret.h"

namespace salus::aggregate {

// Clients' clocks may be this much ahead.
inline constexpr std::chrono::seconds kClockSkew{300};

// CheckReport is what can be said without opening it: its time, and its extensions, of which we
// know none.
std::optional<ReportError> CheckReport(const OpenTask& task, const ReportMetadata& metadata,
                                       Timestamp now);

// HasSizesOfTask says that the public share and both sealed shares are as long as the task's VDAF
// makes them. The leader passes the helper's on unseen: what is of another length no helper opens,
// and a large one would be carried, stored and sent for nothing.
bool HasSizesOfTask(const OpenTask& task, const DapReport& report);

// OpenInputShare opens this aggregator's share of a report that CheckReport passed.
std::expected<SecretBytes, ReportError> OpenInputShare(const OpenTask& task,
                                                       const HpkeKeyRing& keys,
                                                       const ReportMetadata& metadata,
                                                       ByteSpan public_share,
                                                       const HpkeCiphertext& sealed);

// BucketOf is where a report of the time-interval mode belongs.
inline BucketKey BucketOf(const OpenTask& task, std::uint64_t time) {
  return BucketKey::ForTime(task.task().BucketOf(time).start);
}

}  // namespace salus::aggregate
