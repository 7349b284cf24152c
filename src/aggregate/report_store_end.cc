#include <algorithm>

#include "aggregate/report_store_state.h"

namespace salus::aggregate {
namespace {

// An answer has a part for each report of its job: few of them are as many bytes as all these ids.
constexpr std::size_t kIdsAnAnswer = 64;

}  // namespace

Result<bool> ReportStore::State::HasEnded(const OpenTask& task) {
  TRY(storage::Statement read,
      db.Prepare("SELECT 1 FROM progress WHERE task = ? AND ended_ms IS NOT NULL"));
  TRY_VOID(read.BindAll(task.number()));
  return read.Step();
}

// The time of a report is the client's word: one of the task's interval may come at any time after
// it, and a repeat is known by its id only. That is why an end is written down, and why it is
// looked at in the transactions that admit reports (State::Admit, CommitHelperJob): from this one
// on none is admitted, whatever its time or the clock, and so no id has to be known any more.
Result<bool> ReportStore::EndTask(const OpenTask& task, Timestamp now) {
  State& s = *state_;
  return s.InTransaction<bool>([&]() -> Result<bool> {
    TRY(const bool has_ended, s.HasEnded(task));
    if (has_ended) return true;
    TRY(storage::Statement read,
        s.db.Prepare("SELECT 1 FROM reports WHERE place BETWEEN ?2 AND ?3 UNION ALL "
                     "SELECT 1 FROM leader_jobs WHERE task = ?1 UNION ALL "
                     "SELECT 1 FROM collections WHERE task = ?1 AND state < 3 LIMIT 1"));
    TRY_VOID(read.BindAll(task.number(), FirstPlaceOf(task), LastPlaceOf(task)));
    TRY(const bool waits, read.Step());
    if (waits) return false;
    read.Reset();
    TRY(storage::Statement end, s.db.Prepare("UPDATE progress SET ended_ms = ? WHERE task = ?"));
    TRY_VOID(end.BindAll(ToUnixMillis(now), task.number()));
    TRY_VOID(end.Run());
    return true;
  });
}

// The jobs themselves stay: a leader that asks again for one whose answer is gone is told that, and
// not, as for a new job, that all of its reports came too late: this side has counted them.
Result<std::size_t> ReportStore::PruneTask(const OpenTask& task, std::size_t max_ids) {
  State& s = *state_;
  return s.InTransaction<std::size_t>([&]() -> Result<std::size_t> {
    TRY(const bool has_ended, s.HasEnded(task));
    if (!has_ended) return std::size_t{0};
    const auto run = [&](std::string_view sql, std::size_t limit) -> Result<std::size_t> {
      TRY(storage::Statement drop, s.db.Prepare(sql));
      TRY_VOID(drop.BindAll(task.number(), static_cast<std::int64_t>(limit)));
      TRY_VOID(drop.Run());
      return static_cast<std::size_t>(s.db.changed_rows());
    };
    TRY(const std::size_t ids, run("DELETE FROM report_ids WHERE task = ?1 AND id IN "
                                   "(SELECT id FROM report_ids WHERE task = ?1 LIMIT ?2)",
                                   max_ids));
    if (ids > 0) return ids;
    return run(
        "UPDATE helper_jobs SET answer = NULL WHERE number IN "
        "(SELECT number FROM helper_jobs WHERE task = ?1 AND answer IS NOT NULL LIMIT ?2)",
        std::max<std::size_t>(max_ids / kIdsAnAnswer, 1));
  });
}

}  // namespace salus::aggregate
