#include "aggregate/aggregator_task.h"

#include <algorithm>
#include <string>
#include <utility>

#include "aggregate/dap_report.h"

namespace salus::aggregate {

namespace {

Result<std::unique_ptr<const Prio3>> CheckedPrio3(const AggregatorTask& config) {
  if (config.role != DapRole::kLeader && config.role != DapRole::kHelper) {
    return InvalidArgument("task: an aggregator is its leader or its helper");
  }
  if (config.task.vdaf().shares != 2) {
    return InvalidArgument("task: DAP has two aggregators, its VDAF must have 2 shares");
  }
  TRY(std::unique_ptr<const Prio3> prio3, Prio3::Create(config.task.vdaf()));
  if (config.verify_key.size() != prio3->verify_key_bytes()) {
    return InvalidArgument("task: the verify key must be " +
                           std::to_string(prio3->verify_key_bytes()) + " bytes");
  }
  return prio3;
}

}  // namespace

Result<std::unique_ptr<const OpenTask>> OpenTask::Create(std::int64_t number,
                                                         AggregatorTask config) {
  TRY(std::unique_ptr<const Prio3> prio3, CheckedPrio3(config));
  TRY(DapRecipient collector, DapRecipient::Create(config.collector_config));
  return std::unique_ptr<const OpenTask>(
      new OpenTask(number, std::move(config), std::move(prio3), std::move(collector)));
}

std::size_t OpenTask::MaxJobReports() const {
  constexpr std::size_t kShareBytes = 64u << 20;
  return std::clamp<std::size_t>(kShareBytes / prio3_->aggregate_share_bytes(), 1, kMaxDapReports);
}

std::optional<Timestamp> OpenTask::End() const {
  const auto& interval = task().interval();
  if (!interval) return std::nullopt;
  const auto second = task().UnixSeconds(interval->start + interval->duration);
  if (!second) return std::nullopt;
  return Timestamp(std::chrono::seconds(*second));
}

Result<void> OpenTask::Check(const AggregatorTask& config) {
  TRY_VOID(CheckedPrio3(config));
  TRY_VOID(DapRecipient::Create(config.collector_config));
  return {};
}

}  // namespace salus::aggregate
