#include "aggregate/batch_bucket.h"

#include <algorithm>

namespace salus::aggregate {

Result<void> BatchBucket::AddReport(const Prio3& prio3, const ReportId& id, std::uint64_t time,
                                    const SecretBytes& output_share) {
  if (share.empty()) share = prio3.EmptyAggregate();
  TRY_VOID(prio3.Add(share, output_share));
  first_time = count == 0 ? time : std::min(first_time, time);
  last_time = count == 0 ? time : std::max(last_time, time);
  ++count;
  AddToChecksum(checksum, id);
  return {};
}

Result<void> BatchBucket::Merge(const Prio3& prio3, const BatchBucket& other) {
  if (other.count == 0) return {};
  if (share.empty()) share = prio3.EmptyAggregate();
  TRY_VOID(prio3.Add(share, other.share));
  first_time = count == 0 ? other.first_time : std::min(first_time, other.first_time);
  last_time = count == 0 ? other.last_time : std::max(last_time, other.last_time);
  count += other.count;
  for (std::size_t i = 0; i < checksum.size(); ++i) checksum[i] ^= other.checksum[i];
  return {};
}

}  // namespace salus::aggregate
