// TaskPlan is the task that the flags of `salus aggregate task new` describe.
#pragma once

#include <optional>

#include "aggregate/dap_task.h"
#include "aggregate/task_file.h"
#include "apps/salus/session.h"

namespace salus::cli {

struct TaskPlan {
  aggregate::DapTaskParameters task;
  std::optional<aggregate::TaskStudy> study;
};

// PlanTask reads the flags that say what is measured, when, and under which promise. URLs and id
// are the caller's to set.
//
// Errors: usage.
Result<TaskPlan> PlanTask(Session& session);

}  // namespace salus::cli
