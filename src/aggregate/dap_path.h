// DapPath is where a resource of DAP is, below its aggregator's URL.
//
// Source: DAP-18 section 3 and Appendix A; DAP-09 section 4.2.1.
#pragma once

#include <string>

#include "aggregate/dap_id.h"

namespace salus::aggregate {

inline std::string TaskPath(const TaskId& task, std::string_view resource) {
  return "tasks/" + task.ToText() + "/" + std::string(resource);
}
inline std::string AggregationJobsPath(const TaskId& task) {
  return TaskPath(task, "aggregation_jobs");
}
inline std::string AggregationJobPath(const TaskId& task, const AggregationJobId& job) {
  return AggregationJobsPath(task) + "/" + job.ToText();
}
inline std::string CollectionJobPath(const TaskId& task, const CollectionJobId& job) {
  return TaskPath(task, "collection_jobs/") + job.ToText();
}
inline std::string AggregateSharesPath(const TaskId& task) {
  return TaskPath(task, "aggregate_shares");
}
inline std::string AggregateSharePath(const TaskId& task, const CollectionJobId& share) {
  return AggregateSharesPath(task) + "/" + share.ToText();
}

}  // namespace salus::aggregate
