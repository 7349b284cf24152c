#include "aggregate/sealed_share.h"

#include "aggregate/dap_binding.h"
#include "base/check.h"
#include "base/endian.h"

namespace salus::aggregate {

BucketRange RangeOf(const OpenTask& task, const DapBatchSelector& selector) {
  if (!task.by_time()) return BucketRange::Of(BucketKey::ForBatch(selector.batch_id));
  CHECK(task.task().IsBatchInterval(selector.interval));
  const std::uint64_t end = selector.interval.start + selector.interval.duration;
  return {.first = BucketKey::ForTime(selector.interval.start),
          .last = BucketKey::ForTime(task.task().BucketOf(end - 1).start)};
}

DapBatchSelector SelectorOf(const OpenTask& task, const BucketRange& range) {
  if (!task.by_time()) {
    const auto id = BatchId::FromBytes(range.first.bytes);
    CHECK(id.has_value());
    return DapBatchSelector::ForBatch(*id);
  }
  CHECK(range.first.bytes.size() == 8 && range.last.bytes.size() == 8);
  const auto start = LoadBe<std::uint64_t>(range.first.bytes.data());
  const DapInterval last = task.task().BucketOf(LoadBe<std::uint64_t>(range.last.bytes.data()));
  return DapBatchSelector::ForInterval(
      {.start = start, .duration = last.start + last.duration - start});
}

Result<HpkeCiphertext> SealAggregateShare(const OpenTask& task, const CollectionJobReq& request,
                                          const DapBatchSelector& selector,
                                          const SecretBytes& share, RandomSource& random) {
  return task.collector().Seal(AggregateShareInfo(task.version(), task.config().role),
                               AggregateShareAad(task.task(), request, selector), share, random);
}

}  // namespace salus::aggregate
