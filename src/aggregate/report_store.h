// ReportStore is aggregate.db: what an aggregator must not forget, lose, or count twice.
//
// Source:     DAP-18 sections 4.4 to 4.6; DAP-09 sections 4.3 to 4.5.
// Shape:      SQLite; tables and their meaning in report_tables.cc. HPKE private keys, verify keys,
//             tokens and aggregate shares are sealed under the data directory's key (RowCipher);
//             reports and requests stand there as they came, sealed to an aggregator by the client.
//             Who has the file and not the key learns who reported when, as ids, and counts.
// Durability: each call is one transaction: it is done whole or not at all, whenever the power
//             fails, and durable when it returns.
// Threads:    safe to share. Writers of reports that wait for each other share one transaction.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "aggregate/aggregator_task.h"
#include "aggregate/batch_bucket.h"
#include "aggregate/collection.h"
#include "aggregate/dap_report.h"
#include "aggregate/hpke_key_ring.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/sha256.h"

namespace salus::aggregate {

enum class StoreAccess : std::uint8_t { kCreate, kOpen };

// CommitMoment is where a test may let the power fail: before a transaction is durable, and after.
enum class CommitMoment : std::uint8_t { kBefore, kAfter };
using CommitProbe = std::function<Result<void>(CommitMoment)>;

// NewReport is a report that passed every check that needs no store.
struct NewReport {
  ReportId id;
  std::optional<BucketKey> bucket;  // none in the leader-selected mode
  std::uint8_t config_id = 0;
  ByteSpan body;  // DapReport, encoded
};

// Admission is what became of a report that was offered.
// kOutdated is a report for a key that was retired meanwhile, kEnded one of a task that has ended.
enum class Admission : std::uint8_t { kTaken, kReplayed, kCollected, kOutdated, kEnded };

// WaitingReport is a report that no finished job has had. Places grow in the order of arrival.
struct WaitingReport {
  std::int64_t place = 0;
  Bytes body;
};

// LeaderJob is an aggregation job on its way: the reports of some places, and the request that must
// go out byte for byte the same however often it is sent.
struct LeaderJob {
  AggregationJobId id;  // DAP-09 only
  std::int64_t first_place = 0;
  std::int64_t last_place = 0;
  std::optional<BatchId> batch_id;
  Bytes request;
};

// JobOutcome is what a job of the leader's comes to.
struct JobOutcome {
  std::map<BucketKey, BatchBucket> buckets;
  std::vector<std::int64_t> again;  // places of reports for a later job
  std::map<ReportError, std::uint64_t> refused;
};

// VerifiedReport is one that the helper may commit.
struct VerifiedReport {
  ReportId id;
  std::uint64_t time = 0;
  BucketKey bucket;
  SecretBytes output_share;
};

// HelperJob is an aggregation job that was answered.
struct HelperJob {
  AggregationJobId id;
  crypto::Hash32 request_sha256{};
  Bytes answer;
  bool is_forgotten = false;  // the answer is not there any more
};

// CollectionName is what a collection is known by: DAP-09's collector names it, in DAP-18 the same
// request is the same collection.
enum class CollectionName : std::uint8_t { kId, kRequest };

// TaskCounts is how many reports there were of a task.
struct TaskCounts {
  std::uint64_t waiting = 0;
  std::uint64_t aggregated = 0;
  std::map<ReportError, std::uint64_t> refused;
  bool has_ended = false;
};

class ReportStore {
 public:
  struct State;
  // Open makes or opens the file. Errors: those of storage::Database; Corruption where the key is
  // not the one that it was made with.
  static Result<std::unique_ptr<ReportStore>> Open(const std::string& path, StoreAccess access,
                                                   const SecretArray<32>& key, RandomSource& random,
                                                   CommitProbe probe = {});
  ~ReportStore();

  // AddTask takes a task once; the same again is no error. Tasks stay where they are: pointers are
  // good as long as the store.
  //
  // Errors: Conflict when the id is taken by another task; those of OpenTask::Create.
  Result<const OpenTask*> AddTask(AggregatorTask config);
  const OpenTask* FindTask(const TaskId& id) const;  // nullptr: unknown
  std::vector<const OpenTask*> tasks() const;
  Result<TaskCounts> Count(const OpenTask& task);

  // EndTask has a task take no more reports, for good and whatever a clock says later, if nothing
  // of it waits: no report, no job that is on its way, no collection that is not finished. True: it
  // has ended, now or before. What it has added up can still be collected.
  Result<bool> EndTask(const OpenTask& task, Timestamp now);
  // PruneTask drops what a task that has ended kept only for what may be sent twice: the ids of its
  // reports, and a helper's answers to jobs. A part of it, max_ids at most, so that nobody waits
  // long; says how many were dropped, 0 when nothing is left.
  Result<std::size_t> PruneTask(const OpenTask& task, std::size_t max_ids = 2000);

  // RotateHpkeKey makes a new key the one to seal to; the one before is still opened with.
  // RetireHpkeKeys forgets the keys that were replaced before a time, and says how many. A key that
  // a report needs which waits here stays. A helper does not know what waits at the leader: where
  // the store has a helper's task that was not over by then, a key stays for helper_span more, and
  // a report that the leader holds for longer is lost. What is forgotten can't be opened with any
  // more; its sealed bytes may stand in free pages of the file until they are written over.
  static constexpr std::chrono::weeks kHelperSpan{4};
  Result<void> RotateHpkeKey(Timestamp now);
  Result<std::size_t> RetireHpkeKeys(Timestamp replaced_before,
                                     std::chrono::milliseconds helper_span = kHelperSpan);
  // HasHpkeKeysToRetire says whether RetireHpkeKeys would forget any.
  Result<bool> HasHpkeKeysToRetire(Timestamp replaced_before,
                                   std::chrono::milliseconds helper_span = kHelperSpan);
  // HpkeKeyMade is when the key to seal to was made; nullopt: there is none.
  Result<std::optional<Timestamp>> HpkeKeyMade();
  // HpkeKeyRing is all that can be opened with, the current one first.
  HpkeKeyRing hpke_keys() const;

  // The leader's reports.
  //
  // AddReports admits each report that is new, whose batch is open and whose key is there. At most
  // kMaxDapReports: CHECK.
  Result<std::vector<Admission>> AddReports(const OpenTask& task,
                                            std::span<const NewReport> reports);
  // ReadWaiting reads the oldest reports, at least one and otherwise not over max_bytes; or those
  // of a job.
  Result<std::vector<WaitingReport>> ReadWaiting(const OpenTask& task, std::size_t limit,
                                                 std::size_t max_bytes = SIZE_MAX);
  Result<std::vector<WaitingReport>> ReadWaiting(const OpenTask& task, std::int64_t first_place,
                                                 std::int64_t last_place);

  // The leader's jobs: one at a time for each task.
  Result<std::optional<LeaderJob>> UnfinishedJob(const OpenTask& task);
  Result<void> BeginJob(const OpenTask& task, const LeaderJob& job);
  // FinishJob commits what a job, or a look at its reports (a job without a request), came to, and
  // forgets its reports. The outcome tells of each of them.
  //
  // Errors: Conflict when the job, or one of its reports, was finished or abandoned before.
  Result<void> FinishJob(const OpenTask& task, const LeaderJob& job, const JobOutcome& outcome);
  // AbandonJob lets the reports wait again; it is no error when the job is not there any more.
  Result<void> AbandonJob(const OpenTask& task, const AggregationJobId& id);

  // The helper's jobs.
  Result<std::optional<HelperJob>> FindHelperJob(const OpenTask& task, const AggregationJobId& id);
  // CommitHelperJob commits each report that is new and whose batch is open, lets the caller make
  // the answer of what became of each, and keeps it.
  //
  // Errors: AlreadyExists when the job was committed meanwhile.
  Result<HelperJob> CommitHelperJob(const OpenTask& task, const AggregationJobId& id,
                                    const crypto::Hash32& request_sha256,
                                    std::span<const VerifiedReport> reports,
                                    const std::function<Bytes(std::span<const Admission>)>& answer);
  // ForgetHelperJob forgets an answer, and nothing that replays are known by. True: there was one.
  Result<bool> ForgetHelperJob(const OpenTask& task, const AggregationJobId& id);

  // Collections, of both roles: collection.h. A batch is closed by the ones that hold it.
  Result<std::optional<Collection>> FindCollection(const OpenTask& task, const CollectionJobId& id);
  Result<std::optional<Collection>> FindCollectionByRequest(const OpenTask& task,
                                                            const crypto::Hash32& request_sha256);
  // Unfinished is those that wait, close or collect, oldest first.
  Result<std::vector<Collection>> UnfinishedCollections(const OpenTask& task);
  // BeginCollection takes a new collection, or finds the one that there is with its id or with its
  // request: in one transaction, however many begin it at once.
  //
  // Errors: Conflict when its buckets are held by another.
  struct Begun {
    Collection collection;
    bool is_new = false;
  };
  Result<Begun> BeginCollection(const OpenTask& task, const Collection& collection,
                                CollectionName name);
  // MoveCollection writes a collection that comes from a state.
  //
  // Errors: Conflict when it would hold buckets that another holds; FailedPrecondition when it is
  // not in that state: another was faster, or it was deleted.
  Result<void> MoveCollection(const OpenTask& task, CollectionState from,
                              const Collection& collection);
  // FixCollection lets the caller make the share of a batch, with nothing coming to the batch
  // meanwhile, and writes what it made of the collection. Without a success of the caller's nothing
  // is written. A collection that is kWaiting is new, unless there is one with its request: then it
  // is that one.
  //
  // Errors: the caller's; those of MoveCollection, from the state that it came with.
  using FixShare = std::function<Result<void>(BatchBucket batch, Collection& collection)>;
  Result<Collection> FixCollection(const OpenTask& task, Collection collection,
                                   const FixShare& fix);

  // DeleteCollection forgets the answer; true: there was such a collection. FindFinishedBatch finds
  // the answer of exactly these buckets.
  Result<bool> DeleteCollection(const OpenTask& task, const CollectionJobId& id);
  Result<std::optional<Collection>> FindFinishedBatch(const OpenTask& task,
                                                      const BucketRange& range);

  // IsHeld says that a collection holds a bucket of the range.
  Result<bool> IsHeld(const OpenTask& task, const BucketRange& range);
  // IsDrained says that no report waits, or is in a job, that was taken before the collection
  // closed its batch.
  Result<bool> IsDrained(const OpenTask& task, const CollectionJobId& id);
  // ReadBatch adds up the buckets of a range.
  Result<BatchBucket> ReadBatch(const OpenTask& task, const BucketRange& range);
  // BatchWithAtLeast and BatchWithLess find a batch of the leader-selected mode that no collection
  // holds, by its count of reports.
  Result<std::optional<BatchId>> BatchWithAtLeast(const OpenTask& task, std::uint64_t count);
  Result<std::optional<BatchId>> BatchWithLess(const OpenTask& task, std::uint64_t count);

 private:
  explicit ReportStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace salus::aggregate
