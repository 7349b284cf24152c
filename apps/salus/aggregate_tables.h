// What a collected batch says, in figures.
#pragma once

#include "aggregate/dap_collector.h"
#include "aggregate/task_file.h"
#include "apps/salus/session.h"

namespace salus::cli {

// WriteBatch prints the result of a batch: rows of figure, value and unit, a histogram with bars;
// as JSON one object.
//
// Errors: FailedPrecondition where the sums are those of no values, as noise may make them.
Result<void> WriteBatch(Session& session, OutputFormat format, const aggregate::DapTask& task,
                        const aggregate::CollectedBatch& batch);

}  // namespace salus::cli
