#include "aggregate/aggregator_parts.h"

#include "aggregate/dap_media_type.h"

namespace salus::aggregate {

Result<const OpenTask*> CreateTask(const AggregatorParts& parts, AggregatorTask task) {
  // What can't be opened, or never be released, is refused before it is logged.
  TRY_VOID(OpenTask::Check(task));
  TRY_VOID(parts.noise.Check(task.task));
  TRY_VOID(parts.log.TaskCreated(task));
  return parts.store.AddTask(std::move(task));
}

DapAnswer HpkeConfigAnswer(const ReportStore& store, DapVersion version) {
  const HpkeConfigList list = store.hpke_keys().Configs();
  if (list.configs.empty()) return FailureAnswer(Unavailable("there is no HPKE key yet"));
  return {.media_type = std::string(MediaType(version, DapMessageType::kHpkeConfigList)),
          .body = list.Encode()};
}

}  // namespace salus::aggregate
