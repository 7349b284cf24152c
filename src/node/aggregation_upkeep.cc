#include "node/aggregation_upkeep.h"

#include <chrono>

#include "aggregate/input_share.h"
#include "base/log.h"
#include "node/config.h"

namespace salus::node {

// What is done here can't be taken back: it waits for a clock that is believed.
Result<bool> AggregationUpkeep::Step() {
  if (!node_.log().is_clock_trusted()) return false;
  Result<void> turned = TurnKeys();
  std::optional<Error> first_error;
  if (!turned) first_error = std::move(turned.error());
  bool is_more = false;
  for (const aggregate::OpenTask* task : aggregation_.parts().store.tasks()) {
    const Result<bool> pruned = Prune(*task);
    if (!pruned) {
      if (!first_error) first_error = pruned.error();
    } else if (*pruned) {
      is_more = true;
      break;
    }
  }
  if (first_error) return *std::move(first_error);
  return is_more;
}

// A key that was made more than a day from now is one of a clock that was wrong: its age is
// unknown.
Result<void> AggregationUpkeep::TurnKeys() {
  TRY(const KeyStatus key, aggregation_.Key());
  const bool is_due =
      key.rotate_days > 0 && (key.age_days >= std::int64_t{key.rotate_days} || key.age_days < -1);
  TRY(const std::size_t forgotten, is_due ? aggregation_.RotateKeys() : aggregation_.RetireKeys());
  if (is_due) {
    Log(LogLevel::kInfo, "clients are given a new HPKE key, the one before was old enough",
        {{"age_days", key.age_days}, {"key_days", std::int64_t{key.rotate_days}}});
  }
  if (forgotten > 0) {
    Log(LogLevel::kInfo, "HPKE keys were forgotten for good",
        {{"keys", static_cast<std::int64_t>(forgotten)}});
  }
  return {};
}

Result<bool> AggregationUpkeep::Prune(const aggregate::OpenTask& task) {
  const std::optional<Timestamp> end = task.End();
  if (!end) return false;
  const Timestamp now = node_.clock().Now();
  const std::chrono::days keep(node_.config().aggregate.keep_days);
  if (now < *end + aggregate::kClockSkew + keep) return false;
  aggregate::ReportStore& store = aggregation_.parts().store;
  TRY(const aggregate::TaskCounts counts, store.Count(task));
  if (!counts.has_ended) {
    TRY_VOID(node_.log().MakeCheckpoint());  // notices a clock that has just jumped
    TRY(const bool has_ended, store.EndTask(task, now));
    if (!has_ended) return false;
    Log(LogLevel::kInfo, "a study is over: its task takes no more reports",
        {{"task", std::int64_t{task.number()}}});
  }
  TRY(const std::size_t dropped, store.PruneTask(task));
  if (dropped == 0) return false;
  return true;
}

}  // namespace salus::node
