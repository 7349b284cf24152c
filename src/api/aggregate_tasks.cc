// The tasks of an aggregator, for those who run studies.

#include "aggregate/task_file.h"
#include "api/aggregators.h"
#include "api/handlers.h"
#include "api/json_body.h"
#include "api/paging.h"
#include "api/service.h"
#include "codec/rfc3339.h"
#include "node/aggregation.h"

namespace salus::api {

namespace {

Result<node::Aggregation*> AggregationOf(const Call& call) {
  Aggregators* const aggregators = call.service.aggregators();
  if (aggregators == nullptr) {
    return NotFound("this server does not aggregate: salus.toml, aggregate.role");
  }
  return &aggregators->aggregation();
}

codec::JsonObject StatusJson(const node::TaskStatus& status) {
  codec::JsonObject json;
  json["task"] = *codec::ParseJson(status.task->task().ToJson());
  json["role"] = status.task->is_leader() ? "leader" : "helper";
  json["study"] = status.record.study;
  json["closed"] = status.record.is_closed;
  json["ended"] = status.counts.has_ended;
  json["waiting"] = status.counts.waiting;
  json["aggregated"] = status.counts.aggregated;
  std::uint64_t refused = 0;
  for (const auto& [error, count] : status.counts.refused) refused += count;
  json["refused"] = refused;
  return json;
}

Response TaskResponse(const aggregate::TaskId& task) {
  codec::JsonObject json;
  json["id"] = task.ToText();
  return JsonResponse(json);
}

}  // namespace

Result<Response> ListAggregateTasks(const Call& call) {
  TRY(const Page page, ReadPage(call.query));
  TRY(node::Aggregation* const aggregation, AggregationOf(call));
  TRY(const std::vector<node::TaskStatus> tasks, aggregation->Tasks());
  return ListResponse("tasks", tasks, page, StatusJson);
}

Result<Response> PostAggregateTask(const Call& call) {
  TRY(node::Aggregation* const aggregation, AggregationOf(call));
  TRY(const aggregate::TaskFile file, aggregate::TaskFile::Parse(SecretBytes(call.body)));
  TRY_VOID(aggregation->AddTask(file));
  return TaskResponse(file.task.id());
}

Result<Response> PostTaskClose(const Call& call) {
  TRY(node::Aggregation* const aggregation, AggregationOf(call));
  TRY(const aggregate::TaskId task, aggregate::TaskId::Parse(call.request.Parameter("task")));
  TRY_VOID(aggregation->CloseTask(task));
  return TaskResponse(task);
}

Result<Response> GetHpkeKey(const Call& call) {
  TRY(node::Aggregation* const aggregation, AggregationOf(call));
  TRY(const node::KeyStatus key, aggregation->Key());
  codec::JsonObject json;
  json["made"] = codec::FormatRfc3339(key.made);
  json["age_days"] = key.age_days;
  json["rotate_days"] = key.rotate_days;
  return JsonResponse(json);
}

Result<Response> PostHpkeKey(const Call& call) {
  TRY(node::Aggregation* const aggregation, AggregationOf(call));
  TRY(const std::size_t forgotten, aggregation->RotateKeys());
  codec::JsonObject json;
  json["forgotten"] = forgotten;
  return JsonResponse(json);
}

}  // namespace salus::api
