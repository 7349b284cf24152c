// AggregatorParts is what an aggregator is wired to.
#pragma once

#include "aggregate/aggregator_task.h"
#include "aggregate/batch_noise.h"
#include "aggregate/dap_answer.h"
#include "aggregate/report_store.h"
#include "aggregate/task_log.h"
#include "base/clock.h"
#include "base/random.h"

namespace salus::aggregate {

// Ownership: all of it outlives the aggregator. A leader and a helper may share one store.
struct AggregatorParts {
  ReportStore& store;
  TaskLog& log;
  BatchNoise& noise;
  const Clock& clock;
  RandomSource& random;
};

// CreateTask logs a task, and then takes it.
//
// Errors: the log's, those of ReportStore::AddTask and of BatchNoise::Check.
Result<const OpenTask*> CreateTask(const AggregatorParts& parts, AggregatorTask task);

// HpkeConfigAnswer is what clients seal to: GET {aggregator}/hpke_config. The current key only: a
// previous one is opened with, and not offered.
DapAnswer HpkeConfigAnswer(const ReportStore& store, DapVersion version);

}  // namespace salus::aggregate
