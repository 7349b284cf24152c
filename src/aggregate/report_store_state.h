// What a ReportStore holds. Not a public header.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "aggregate/report_store.h"
#include "aggregate/row_cipher.h"
#include "storage/database.h"

namespace salus::aggregate {

// A task's reports stand at number << kPlaceBits and up: 2^40 of them.
inline constexpr int kPlaceBits = 40;
inline std::int64_t FirstPlaceOf(const OpenTask& task) { return task.number() << kPlaceBits; }
inline std::int64_t LastPlaceOf(const OpenTask& task) {
  return ((task.number() + 1) << kPlaceBits) - 1;
}

// HpkeKeyState: one key is current; a previous one is still opened with; of a retired one only the
// id is left, so that it is not given to another key while a client may still remember it. The
// numbers are stored.
enum class HpkeKeyState : std::uint8_t { kCurrent = 0, kPrevious = 1, kRetired = 2 };

struct ReportStore::State {
  State(storage::Database database, const SecretArray<32>& key, RandomSource& random_source,
        CommitProbe commit_probe)
      : db(std::move(database)),
        cipher(key, random_source),
        random(random_source),
        probe(std::move(commit_probe)) {}

  // InTransaction runs work and commits, or leaves everything as it was.
  template <typename T, typename Work>
  Result<T> InTransaction(Work&& work) {
    const std::lock_guard lock(mutex);
    return InLockedTransaction<T>(std::forward<Work>(work));
  }
  template <typename T, typename Work>
  Result<T> InLockedTransaction(Work&& work) {
    TRY(storage::Transaction transaction, db.Begin());
    Result<T> result = work();
    if (!result) return result;
    if (probe) TRY_VOID(probe(CommitMoment::kBefore));
    TRY_VOID(transaction.Commit());
    if (probe) TRY_VOID(probe(CommitMoment::kAfter));
    return result;
  }

  // The rest is to be called with the mutex held; changes in a transaction.
  Result<void> LoadTasks();
  Result<void> LoadKeys();
  Result<void> CheckKey(StoreAccess access);
  bool HelpsAfter(Timestamp time) const;  // takes tasks_mutex
  Result<std::unique_ptr<const OpenTask>> InsertTask(AggregatorTask config);
  Result<bool> HasEnded(const OpenTask& task);
  // TakeId is true when the task did not have the id.
  Result<bool> TakeId(const OpenTask& task, const ReportId& id);
  Result<bool> IsHeld(const OpenTask& task, const BucketRange& range);
  Result<bool> IsFixed(const OpenTask& task, const BucketKey& bucket);
  Result<BatchBucket> ReadBuckets(const OpenTask& task, const BucketRange& range);
  Result<void> AddToBuckets(const OpenTask& task,
                            const std::map<BucketKey, BatchBucket>& additions);
  Result<void> CountRefusals(const OpenTask& task,
                             const std::map<ReportError, std::uint64_t>& refused);

  std::mutex mutex;  // of db and cipher
  storage::Database db;
  RowCipher cipher;
  RandomSource& random;
  const CommitProbe probe;
  std::optional<storage::Statement> take_id;  // prepared once: run for every report
  std::optional<storage::Statement> insert_report;

  mutable std::shared_mutex tasks_mutex;
  std::map<TaskId, std::unique_ptr<const OpenTask>> tasks;

  mutable std::mutex keys_mutex;
  HpkeKeyRing keys;

  // Writers of reports wait here; the first writes for all that have come.
  struct Offer {
    const OpenTask* task = nullptr;
    std::span<const NewReport> reports;
    std::vector<Admission> admissions;
    Result<void> done;
    bool is_done = false;
  };
  Result<void> Admit(std::span<Offer* const> group);
  std::mutex offers_mutex;
  std::condition_variable offers_moved;
  std::deque<Offer*> offers;
};

}  // namespace salus::aggregate
