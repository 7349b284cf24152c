#include "aggregate/dap_collector.h"

#include <algorithm>

#include "aggregate/dap_binding.h"
#include "aggregate/noise.h"

namespace salus::aggregate {
namespace {

// The greatest number that `count` honest reports can add up to in one output; all ones where 128
// bits do not hold it.
Uint128 GreatestSum(const VdafInstance& vdaf, std::uint64_t count) {
  Uint128 each = 1;
  switch (vdaf.circuit) {
    case Circuit::kCount:
    case Circuit::kHistogram:
    case Circuit::kMultihotCountVec:
      break;
    case Circuit::kSum:
    case Circuit::kSumVec:
      each = vdaf.max_measurement;
      break;
    case Circuit::kMeanVar:
    case Circuit::kLinReg:
      each = static_cast<Uint128>(vdaf.max_measurement) * vdaf.max_measurement;
      break;
  }
  Uint128 greatest = 0;
  return __builtin_mul_overflow(each, static_cast<Uint128>(count), &greatest) ? ~Uint128{0}
                                                                              : greatest;
}

// An aggregator that alters its share shows as a sum that no reports add up to: nearly always,
// because it does not know the other share.
Result<std::vector<Int128>> PlausibleSums(const VdafInstance& vdaf, std::uint64_t count,
                                          const std::vector<Uint128>& sums) {
  constexpr Uint128 kMax = ~Uint128{0} >> 1;
  const Uint128 greatest = std::min(GreatestSum(vdaf, count), kMax);
  std::vector<Int128> out;
  Uint128 total = 0;
  for (const Uint128 sum : sums) {
    if (sum > greatest) {
      return VerificationFailed(
          "no such reports add up to this result: an aggregator altered its share");
    }
    out.push_back(static_cast<Int128>(sum));
    total += sum;
  }
  if (vdaf.circuit == Circuit::kHistogram && total != count) {
    return VerificationFailed(
        "the buckets do not add up to the number of reports: an aggregator altered its share");
  }
  return out;
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
  if (task_.parameters().noise) {
    TRY(const ShareField field, ShareField::OfElementBytes(prio3_->element_bytes()));
    batch.sums = SignedValues(sums, field);
  } else {
    TRY(batch.sums, PlausibleSums(task_.vdaf(), resp.report_count, sums));
  }
  return batch;
}

}  // namespace salus::aggregate
