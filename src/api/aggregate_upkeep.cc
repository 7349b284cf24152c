// What an aggregator does by itself while it runs for months: a little at a time, so that those who
// report and collect hardly wait for it.

#include <chrono>

#include "api/aggregators.h"
#include "base/log.h"
#include "node/aggregation_upkeep.h"

namespace salus::api {

namespace {

constexpr std::chrono::minutes kBetweenLooks{10};
constexpr std::chrono::milliseconds kBetweenSteps{20};

}  // namespace

// Not at once: what a leader kept while this helper was away has its turn before keys are forgotten
// and tasks end.
void Aggregators::KeepUp(std::stop_token stop) {
  node::AggregationUpkeep upkeep(node_);
  std::chrono::milliseconds pause = kBetweenLooks;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      woken_.wait_for(lock, stop, pause, [] { return false; });
    }
    if (stop.stop_requested()) return;
    const Result<bool> more = upkeep.Step();
    if (!more) {
      Log(LogLevel::kWarning, "the upkeep of aggregation does not go on: it is tried again",
          {{"reason", CodeName(more.error().code)}, {"detail", more.error().message}});
    }
    pause = more && *more ? kBetweenSteps : std::chrono::milliseconds(kBetweenLooks);
  }
}

}  // namespace salus::api
