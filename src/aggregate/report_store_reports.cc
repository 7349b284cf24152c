#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "aggregate/report_store_state.h"
#include "base/check.h"

namespace salus::aggregate {
namespace {

// One transaction holds the reports of one writer, and more of others up to this, so that none
// waits long for others.
constexpr std::size_t kGroupReports = kMaxDapReports;
constexpr std::size_t kGroupBytes = kMaxDapMessageBytes;

std::size_t BytesOf(std::span<const NewReport> reports) {
  std::size_t bytes = 0;
  for (const NewReport& report : reports) bytes += report.body.size();
  return bytes;
}

// Held buckets are looked up once a transaction: reports of a request are of few buckets.
class HeldBuckets {
 public:
  explicit HeldBuckets(ReportStore::State& state) : state_(state) {}

  Result<bool> Has(const OpenTask& task, const BucketKey& bucket) {
    const auto place = std::make_pair(task.number(), bucket);
    if (const auto known = known_.find(place); known != known_.end()) return known->second;
    TRY(const bool held, state_.IsHeld(task, BucketRange::Of(bucket)));
    known_.emplace(place, held);
    return held;
  }

 private:
  ReportStore::State& state_;
  std::map<std::pair<std::int64_t, BucketKey>, bool> known_;
};

Result<std::int64_t> NextPlace(storage::Database& db, const OpenTask& task) {
  TRY(storage::Statement read, db.Prepare("SELECT next_place FROM progress WHERE task = ?"));
  TRY_VOID(read.BindAll(task.number()));
  TRY(const bool found, read.Step());
  if (!found) return Corruption("aggregate.db: a task has no progress; restore it from a backup");
  return read.Int(0);
}

// CountWaiting moves the counts of reports that wait, by task and by HPKE key.
Result<void> CountWaiting(storage::Database& db, const OpenTask& task,
                          const std::array<std::int64_t, 256>& by_key) {
  TRY(storage::Statement key,
      db.Prepare("UPDATE hpke_keys SET waiting = waiting + ? WHERE config_id = ?"));
  std::int64_t sum = 0;
  for (std::size_t id = 0; id < by_key.size(); ++id) {
    if (by_key[id] == 0) continue;
    sum += by_key[id];
    TRY_VOID(key.BindAll(by_key[id], static_cast<std::int64_t>(id)));
    TRY_VOID(key.Run());
  }
  TRY(storage::Statement all,
      db.Prepare("UPDATE progress SET waiting = waiting + ? WHERE task = ?"));
  TRY_VOID(all.BindAll(sum, task.number()));
  return all.Run();
}

Result<std::vector<WaitingReport>> ReadReports(storage::Database& db, std::int64_t first,
                                               std::int64_t last, std::size_t limit,
                                               std::size_t max_bytes) {
  TRY(storage::Statement read,
      db.Prepare("SELECT place, body FROM reports WHERE place BETWEEN ? AND ? "
                 "ORDER BY place LIMIT ?"));
  TRY_VOID(read.BindAll(first, last, static_cast<std::int64_t>(limit)));
  std::vector<WaitingReport> reports;
  std::size_t bytes = 0;
  for (;;) {
    TRY(const bool more, read.Step());
    if (!more) return reports;
    const std::size_t size = read.Blob(1).size();
    if (!reports.empty() && size > max_bytes - bytes) return reports;
    bytes += std::min(size, max_bytes);
    reports.push_back({.place = read.Int(0), .body = ToBytes(read.Blob(1))});
  }
}

// OpenedKeys is the keys that there are, by id: read in the transaction that admits reports for
// them, because one may be retired after a writer looked at the ring.
Result<std::array<bool, 256>> OpenedKeys(storage::Database& db) {
  TRY(storage::Statement read, db.Prepare("SELECT config_id FROM hpke_keys WHERE state != ?"));
  TRY_VOID(read.BindAll(static_cast<std::int64_t>(HpkeKeyState::kRetired)));
  std::array<bool, 256> opened{};
  for (;;) {
    TRY(const bool more, read.Step());
    if (!more) return opened;
    opened[static_cast<std::uint8_t>(read.Int(0))] = true;
  }
}

Result<void> RemoveJob(storage::Database& db, const OpenTask& task, const AggregationJobId& id) {
  TRY(storage::Statement remove,
      db.Prepare("DELETE FROM leader_jobs WHERE task = ? AND job_id = ?"));
  TRY_VOID(remove.BindAll(task.number(), id.span()));
  return remove.Run();
}

// CountOf is how many reports an outcome is done with.
std::uint64_t CountOf(const JobOutcome& outcome) {
  std::uint64_t count = 0;
  for (const auto& [key, bucket] : outcome.buckets) count += bucket.count;
  for (const auto& [error, reports] : outcome.refused) count += reports;
  return count;
}

}  // namespace

Result<bool> ReportStore::State::TakeId(const OpenTask& task, const ReportId& id) {
  TRY_VOID(take_id->BindAll(task.number(), id.span()));
  TRY_VOID(take_id->Run());
  return db.changed_rows() == 1;
}

// Admits the reports of one writer after another; ids are taken in their order, because the pages
// of a large table are then touched once a transaction.
Result<void> ReportStore::State::Admit(std::span<Offer* const> group) {
  HeldBuckets held(*this);
  TRY(const auto opened, OpenedKeys(db));
  for (Offer* const offer : group) {
    const OpenTask& task = *offer->task;
    TRY(const std::int64_t first, NextPlace(db, task));
    TRY(const bool has_ended, HasEnded(task));
    std::vector<std::size_t> order(offer->reports.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(
        order, {}, [&](std::size_t i) -> const ReportId& { return offer->reports[i].id; });
    offer->admissions.assign(offer->reports.size(), Admission::kTaken);
    for (const std::size_t i : order) {
      const NewReport& report = offer->reports[i];
      if (has_ended) {
        offer->admissions[i] = Admission::kEnded;
        continue;
      }
      if (!opened[report.config_id]) {
        offer->admissions[i] = Admission::kOutdated;
        continue;
      }
      bool is_held = false;
      if (report.bucket) {
        TRY(is_held, held.Has(task, *report.bucket));
      }
      if (is_held) {
        offer->admissions[i] = Admission::kCollected;
        continue;
      }
      TRY(const bool is_new, TakeId(task, report.id));
      if (!is_new) offer->admissions[i] = Admission::kReplayed;
    }
    std::int64_t place = first;
    std::array<std::int64_t, 256> by_key{};
    for (std::size_t i = 0; i < offer->reports.size(); ++i) {
      if (offer->admissions[i] != Admission::kTaken) continue;
      const NewReport& report = offer->reports[i];
      if (place > LastPlaceOf(task)) return ResourceExhausted("task: it has had 2^40 reports");
      TRY_VOID(insert_report->BindAll(place++, std::int64_t{report.config_id}, report.body));
      TRY_VOID(insert_report->Run());
      ++by_key[report.config_id];
    }
    TRY(storage::Statement move, db.Prepare("UPDATE progress SET next_place = ? WHERE task = ?"));
    TRY_VOID(move.BindAll(place, task.number()));
    TRY_VOID(move.Run());
    TRY_VOID(CountWaiting(db, task, by_key));
  }
  return {};
}

Result<std::vector<Admission>> ReportStore::AddReports(const OpenTask& task,
                                                       std::span<const NewReport> reports) {
  CHECK(reports.size() <= kMaxDapReports);
  State& s = *state_;
  State::Offer mine{.task = &task, .reports = reports, .admissions = {}, .done = {}};
  std::unique_lock waiting(s.offers_mutex);
  s.offers.push_back(&mine);
  s.offers_moved.wait(waiting, [&] { return mine.is_done || s.offers.front() == &mine; });
  if (!mine.is_done) {
    std::vector<State::Offer*> group;
    std::size_t count = 0;
    std::size_t bytes = 0;
    for (State::Offer* const offer : s.offers) {
      count += offer->reports.size();
      bytes += BytesOf(offer->reports);
      if (!group.empty() && (count > kGroupReports || bytes > kGroupBytes)) break;
      group.push_back(offer);
    }
    waiting.unlock();
    const Result<void> done = s.InTransaction<void>([&] { return s.Admit(group); });
    waiting.lock();
    for (State::Offer* const offer : group) {
      CHECK(s.offers.front() == offer);
      s.offers.pop_front();
      offer->done = done;
      offer->is_done = true;
    }
    s.offers_moved.notify_all();
  }
  TRY_VOID(std::move(mine.done));
  return std::move(mine.admissions);
}

Result<std::vector<WaitingReport>> ReportStore::ReadWaiting(const OpenTask& task, std::size_t limit,
                                                            std::size_t max_bytes) {
  const std::lock_guard lock(state_->mutex);
  return ReadReports(state_->db, FirstPlaceOf(task), LastPlaceOf(task), limit, max_bytes);
}

Result<std::vector<WaitingReport>> ReportStore::ReadWaiting(const OpenTask& task,
                                                            std::int64_t first_place,
                                                            std::int64_t last_place) {
  CHECK(first_place >= FirstPlaceOf(task) && last_place <= LastPlaceOf(task));
  const std::lock_guard lock(state_->mutex);
  return ReadReports(state_->db, first_place, last_place,
                     static_cast<std::size_t>(last_place - first_place + 1), SIZE_MAX);
}

Result<std::optional<LeaderJob>> ReportStore::UnfinishedJob(const OpenTask& task) {
  const std::lock_guard lock(state_->mutex);
  TRY(storage::Statement read,
      state_->db.Prepare("SELECT job_id, first_place, last_place, batch_id, request "
                         "FROM leader_jobs WHERE task = ?"));
  TRY_VOID(read.BindAll(task.number()));
  TRY(const bool found, read.Step());
  if (!found) return std::optional<LeaderJob>();
  LeaderJob job;
  TRY(job.id, AggregationJobId::FromBytes(read.Blob(0)));
  job.first_place = read.Int(1);
  job.last_place = read.Int(2);
  if (!read.IsNull(3)) {
    TRY(job.batch_id, BatchId::FromBytes(read.Blob(3)));
  }
  job.request = ToBytes(read.Blob(4));
  return std::optional(std::move(job));
}

Result<void> ReportStore::BeginJob(const OpenTask& task, const LeaderJob& job) {
  return state_->InTransaction<void>([&]() -> Result<void> {
    TRY(storage::Statement insert,
        state_->db.Prepare("INSERT INTO leader_jobs (task, job_id, first_place, last_place, "
                           "batch_id, request) VALUES (?, ?, ?, ?, ?, ?)"));
    TRY_VOID(insert.Bind(1, task.number()));
    TRY_VOID(insert.Bind(2, job.id.span()));
    TRY_VOID(insert.Bind(3, job.first_place));
    TRY_VOID(insert.Bind(4, job.last_place));
    if (job.batch_id) TRY_VOID(insert.Bind(5, job.batch_id->span()));
    TRY_VOID(insert.Bind(6, ByteSpan(job.request)));
    return insert.Run();
  });
}

Result<void> ReportStore::AbandonJob(const OpenTask& task, const AggregationJobId& id) {
  return state_->InTransaction<void>(
      [&]() -> Result<void> { return RemoveJob(state_->db, task, id); });
}

Result<void> ReportStore::FinishJob(const OpenTask& task, const LeaderJob& job,
                                    const JobOutcome& outcome) {
  State& s = *state_;
  return s.InTransaction<void>([&]() -> Result<void> {
    // Another thread, or another process, may have had the same job: only one of them counts it.
    if (!job.request.empty()) {
      TRY_VOID(RemoveJob(s.db, task, job.id));
      if (s.db.changed_rows() != 1) {
        return Conflict("aggregation job: it was finished or abandoned meanwhile");
      }
    }
    TRY_VOID(s.AddToBuckets(task, outcome.buckets));
    TRY_VOID(s.CountRefusals(task, outcome.refused));
    TRY(storage::Statement count,
        s.db.Prepare("SELECT place, config_id FROM reports WHERE place BETWEEN ? AND ?"));
    TRY_VOID(count.BindAll(job.first_place, job.last_place));
    TRY(storage::Statement remove, s.db.Prepare("DELETE FROM reports WHERE place = ?"));
    std::array<std::int64_t, 256> by_key{};
    std::vector<std::int64_t> done;
    for (;;) {
      TRY(const bool more, count.Step());
      if (!more) break;
      if (std::ranges::find(outcome.again, count.Int(0)) != outcome.again.end()) continue;
      done.push_back(count.Int(0));
      --by_key[static_cast<std::uint8_t>(count.Int(1))];
    }
    count.Reset();
    if (done.size() != CountOf(outcome)) {
      return Conflict("aggregation job: its reports were counted by another meanwhile");
    }
    for (const std::int64_t place : done) {
      TRY_VOID(remove.BindAll(place));
      TRY_VOID(remove.Run());
    }
    return CountWaiting(s.db, task, by_key);
  });
}

}  // namespace salus::aggregate
