#include "aggregate/dap_collector.h"

#include "aggregate/dap_binding.h"

namespace salus::aggregate {
namespace {

using Wide = unsigned __int128;

// Source: VDAF draft-20 section 6.1.4 (Field64, Field128).
constexpr Wide kModulus64 = (Wide{1} << 32) * 4294967295u + 1;
constexpr Wide kModulus128 = (Wide{1} << 66) * 4611686018427387897u + 1;

// Noise that outweighs a sum wraps below 0; without noise a number is what it is.
__int128 Signed(Wide sum, Wide modulus, bool has_noise) {
  constexpr Wide kMax = ~Wide{0} >> 1;
  const bool is_negative = has_noise ? sum > modulus / 2 : sum > kMax;
  return is_negative ? -static_cast<__int128>(modulus - sum) : static_cast<__int128>(sum);
}

Timestamp AtSecond(std::uint64_t seconds) {
  return FromUnixMillis(static_cast<std::int64_t>(seconds) * 1000);
}

}  // namespace

Result<DapCollector> DapCollector::Create(DapTask task, DapHpkeKey key) {
  TRY(std::unique_ptr<const Prio3> prio3, Prio3::Create(task.vdaf()));
  return DapCollector(std::move(task), std::move(prio3), std::move(key));
}

DapCollector::DapCollector(DapTask task, std::unique_ptr<const Prio3> prio3, DapHpkeKey key)
    : task_(std::move(task)), prio3_(std::move(prio3)), key_(std::move(key)) {}

Result<CollectionJobReq> DapCollector::RequestInterval(Timestamp begin, Timestamp end) const {
  if (task_.batch_mode() != BatchMode::kTimeInterval) {
    return FailedPrecondition("the task's batches are not of time: ask for the next one");
  }
  const std::uint64_t first = task_.TimeOf(begin), last = task_.TimeOf(end);
  const auto first_s = task_.UnixSeconds(first), last_s = task_.UnixSeconds(last);
  if (!first_s || !last_s || AtSecond(*first_s) != begin || AtSecond(*last_s) != end ||
      first >= last) {
    return InvalidArgument("a batch begins and ends at multiples of " +
                           std::to_string(task_.parameters().time_precision_s) +
                           " seconds, and begins first");
  }
  CollectionJobReq request;
  request.query = DapQuery::ForInterval({.start = first, .duration = last - first});
  return request;
}

Result<CollectionJobReq> DapCollector::RequestNextBatch() const {
  if (task_.batch_mode() != BatchMode::kLeaderSelected) {
    return FailedPrecondition("the task's batches are of time: ask for an interval");
  }
  CollectionJobReq request;
  request.query = DapQuery::ForNextBatch();
  return request;
}

// The batch that the shares of an answer must be bound to. DAP-18 binds the request instead.
Result<DapBatchSelector> DapCollector::SelectorOf(const CollectionJobReq& request,
                                                  const CollectionJobResp& resp) const {
  const bool is_time = task_.batch_mode() == BatchMode::kTimeInterval;
  if (request.query.mode != task_.batch_mode()) {
    return InvalidArgument("the request is of another batch mode than the task");
  }
  if (is_time) {
    if (resp.batch_id || !request.query.interval.Contains(resp.interval)) {
      return InvalidArgument("the answer is of another batch than the request");
    }
    return DapBatchSelector::ForInterval(request.query.interval);
  }
  if (task_.version() == DapVersion::k18) return DapBatchSelector::ForBatch({});
  const bool is_asked = !request.query.batch_id || request.query.batch_id == resp.batch_id;
  if (!resp.batch_id || !is_asked) {
    return InvalidArgument("the answer is of another batch than the request");
  }
  return DapBatchSelector::ForBatch(*resp.batch_id);
}

Result<CollectedBatch> DapCollector::Open(const CollectionJobReq& request,
                                          const CollectionJobResp& resp) const {
  TRY(const DapBatchSelector selector, SelectorOf(request, resp));
  if (resp.report_count < task_.min_batch_size()) {
    return InvalidArgument("the answer is of fewer reports than a batch of the task has");
  }
  const bool is_sound = task_.IsBatchInterval(resp.interval);
  const std::optional<std::uint64_t> begin = task_.UnixSeconds(resp.interval.start);
  const std::optional<std::uint64_t> end =
      is_sound ? task_.UnixSeconds(resp.interval.start + resp.interval.duration) : std::nullopt;
  if (!begin || !end) return InvalidArgument("the answer's interval is not one of the task's");

  const Bytes aad = AggregateShareAad(task_, request, selector);
  std::vector<SecretBytes> shares;
  Result<SecretBytes> of_leader =
      key_.Open(AggregateShareInfo(task_.version(), DapRole::kLeader), aad, resp.leader_share);
  if (!of_leader) return std::move(of_leader.error()).WithContext("the leader's share");
  shares.push_back(*std::move(of_leader));
  Result<SecretBytes> of_helper =
      key_.Open(AggregateShareInfo(task_.version(), DapRole::kHelper), aad, resp.helper_share);
  if (!of_helper) return std::move(of_helper.error()).WithContext("the helper's share");
  shares.push_back(*std::move(of_helper));

  TRY(const auto sums, prio3_->Unshard(shares, resp.report_count));
  CollectedBatch batch = {.report_count = resp.report_count,
                          .sums = {},
                          .interval = resp.interval,
                          .begin = AtSecond(*begin),
                          .end = AtSecond(*end),
                          .batch_id = resp.batch_id};
  const Wide modulus = prio3_->element_bytes() == 8 ? kModulus64 : kModulus128;
  for (const Wide sum : sums) {
    batch.sums.push_back(Signed(sum, modulus, task_.parameters().noise.has_value()));
  }
  return batch;
}

}  // namespace salus::aggregate
