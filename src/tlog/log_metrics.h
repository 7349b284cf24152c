#pragma once

#include "base/metrics.h"
#include "tlog/log.h"

namespace salus::tlog {

// Log::Metrics are the numbers that the sequencer keeps.
struct Log::Metrics {
  explicit Metrics(MetricRegistry& r)
      : entries(r.NewCounter("salus_log_entries_total", "Entries made durable.")),
        commits(r.NewCounter("salus_log_commits_total", "Group commits.")),
        repeats(r.NewCounter("salus_log_repeats_total", "Events that were in the log already.")),
        checkpoints(r.NewCounter("salus_log_checkpoints_total", "Checkpoints published.")),
        size(r.NewGauge("salus_log_size", "Size of the published tree.")),
        commit_seconds(r.NewHistogram("salus_log_commit_seconds", "Time of a group commit.")) {}

  Counter& entries;
  Counter& commits;
  Counter& repeats;
  Counter& checkpoints;
  Gauge& size;
  Histogram& commit_seconds;
};

}  // namespace salus::tlog
