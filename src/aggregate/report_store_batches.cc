#include <utility>

#include "aggregate/report_store_state.h"
#include "base/check.h"
#include "base/endian.h"

namespace salus::aggregate {
namespace {

// The states of HoldsBatch, and those whose share is fixed.
constexpr std::string_view kHeld =
    "SELECT 1 FROM collections WHERE task = ? AND last_bucket >= ? AND first_bucket <= ? "
    "AND state IN (1, 2, 3, 5) LIMIT 1";
constexpr std::string_view kFixed =
    "SELECT 1 FROM collections WHERE task = ? AND last_bucket >= ? AND first_bucket <= ? "
    "AND state IN (2, 3, 5) LIMIT 1";

constexpr std::string_view kShareColumn = "buckets.share";

Bytes RowOf(const OpenTask& task, const BucketKey& key) {
  Bytes row(task.config().task.id().span().begin(), task.config().task.id().span().end());
  Append(row, key.bytes);
  return row;
}

Result<BatchChecksum> ChecksumOf(ByteSpan stored) {
  BatchChecksum checksum;
  if (stored.size() != checksum.size()) {
    return Corruption("aggregate.db: a checksum has the wrong length; restore it from a backup");
  }
  std::memcpy(checksum.data(), stored.data(), checksum.size());
  return checksum;
}

Result<bool> AnyRow(storage::Database& db, std::string_view sql, const OpenTask& task,
                    const BucketRange& range) {
  TRY(storage::Statement read, db.Prepare(sql));
  TRY_VOID(read.BindAll(task.number(), ByteSpan(range.first.bytes), ByteSpan(range.last.bytes)));
  return read.Step();
}

}  // namespace

Result<bool> ReportStore::State::IsHeld(const OpenTask& task, const BucketRange& range) {
  return AnyRow(db, kHeld, task, range);
}

Result<bool> ReportStore::State::IsFixed(const OpenTask& task, const BucketKey& bucket) {
  return AnyRow(db, kFixed, task, BucketRange::Of(bucket));
}

Result<BatchBucket> ReportStore::State::ReadBuckets(const OpenTask& task,
                                                    const BucketRange& range) {
  TRY(storage::Statement read,
      db.Prepare("SELECT bucket, reports, checksum, first_time, last_time, share FROM buckets "
                 "WHERE task = ? AND bucket BETWEEN ? AND ? ORDER BY bucket"));
  TRY_VOID(read.BindAll(task.number(), ByteSpan(range.first.bytes), ByteSpan(range.last.bytes)));
  BatchBucket sum;
  for (;;) {
    TRY(const bool more, read.Step());
    if (!more) break;
    BatchBucket bucket;
    bucket.count = static_cast<std::uint64_t>(read.Int(1));
    TRY(bucket.checksum, ChecksumOf(read.Blob(2)));
    bucket.first_time = static_cast<std::uint64_t>(read.Int(3));
    bucket.last_time = static_cast<std::uint64_t>(read.Int(4));
    TRY(bucket.share,
        cipher.Open(kShareColumn, RowOf(task, BucketKey{ToBytes(read.Blob(0))}), read.Blob(5)));
    TRY_VOID(sum.Merge(task.prio3(), bucket));
  }
  if (sum.share.empty()) sum.share = task.prio3().EmptyAggregate();
  return sum;
}

Result<void> ReportStore::State::AddToBuckets(const OpenTask& task,
                                              const std::map<BucketKey, BatchBucket>& additions) {
  TRY(storage::Statement write,
      db.Prepare(
          "INSERT INTO buckets (task, bucket, reports, checksum, first_time, last_time, share) "
          "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (task, bucket) DO UPDATE SET "
          "reports = excluded.reports, checksum = excluded.checksum, "
          "first_time = excluded.first_time, last_time = excluded.last_time, "
          "share = excluded.share"));
  std::uint64_t added = 0;
  for (const auto& [key, addition] : additions) {
    TRY(const bool is_fixed, IsFixed(task, key));
    if (is_fixed) return Internal("aggregate: reports came to a batch whose share was fixed");
    TRY(BatchBucket bucket, ReadBuckets(task, BucketRange::Of(key)));
    TRY_VOID(bucket.Merge(task.prio3(), addition));
    const Bytes sealed = cipher.Seal(kShareColumn, RowOf(task, key), bucket.share);
    TRY_VOID(write.BindAll(task.number(), ByteSpan(key.bytes),
                           static_cast<std::int64_t>(bucket.count), ByteSpan(bucket.checksum),
                           static_cast<std::int64_t>(bucket.first_time),
                           static_cast<std::int64_t>(bucket.last_time), ByteSpan(sealed)));
    TRY_VOID(write.Run());
    added += addition.count;
  }
  TRY(storage::Statement count,
      db.Prepare("UPDATE progress SET aggregated = aggregated + ? WHERE task = ?"));
  TRY_VOID(count.BindAll(static_cast<std::int64_t>(added), task.number()));
  return count.Run();
}

Result<void> ReportStore::State::CountRefusals(
    const OpenTask& task, const std::map<ReportError, std::uint64_t>& refused) {
  TRY(storage::Statement count,
      db.Prepare("INSERT INTO refusals (task, error, reports) VALUES (?, ?, ?) "
                 "ON CONFLICT (task, error) DO UPDATE SET reports = reports + excluded.reports"));
  for (const auto& [error, reports] : refused) {
    TRY_VOID(count.BindAll(task.number(), static_cast<std::int64_t>(error),
                           static_cast<std::int64_t>(reports)));
    TRY_VOID(count.Run());
  }
  return {};
}

Result<bool> ReportStore::IsHeld(const OpenTask& task, const BucketRange& range) {
  const std::lock_guard lock(state_->mutex);
  return state_->IsHeld(task, range);
}

Result<BatchBucket> ReportStore::ReadBatch(const OpenTask& task, const BucketRange& range) {
  const std::lock_guard lock(state_->mutex);
  return state_->ReadBuckets(task, range);
}

namespace {

Result<std::optional<BatchId>> FindBatch(storage::Database& db, std::string_view sql,
                                         const OpenTask& task, std::uint64_t count) {
  CHECK(!task.by_time());
  TRY(storage::Statement read, db.Prepare(sql));
  TRY_VOID(read.BindAll(task.number(), static_cast<std::int64_t>(count)));
  TRY(const bool found, read.Step());
  if (!found) return std::optional<BatchId>();
  TRY(const BatchId id, BatchId::FromBytes(read.Blob(0)));
  return std::optional(id);
}

}  // namespace

// The oldest batch first: rowids grow.
Result<std::optional<BatchId>> ReportStore::BatchWithAtLeast(const OpenTask& task,
                                                             std::uint64_t count) {
  const std::lock_guard lock(state_->mutex);
  return FindBatch(
      state_->db,
      "SELECT bucket FROM buckets b WHERE task = ?1 AND reports >= ?2 AND NOT EXISTS "
      "(SELECT 1 FROM collections c WHERE c.task = b.task AND c.last_bucket = b.bucket "
      "AND c.state IN (1, 2, 3, 5)) ORDER BY rowid LIMIT 1",
      task, count);
}

Result<std::optional<BatchId>> ReportStore::BatchWithLess(const OpenTask& task,
                                                          std::uint64_t count) {
  const std::lock_guard lock(state_->mutex);
  return FindBatch(
      state_->db,
      "SELECT bucket FROM buckets b WHERE task = ?1 AND reports < ?2 AND NOT EXISTS "
      "(SELECT 1 FROM collections c WHERE c.task = b.task AND c.last_bucket = b.bucket "
      "AND c.state IN (1, 2, 3, 5)) ORDER BY reports DESC, rowid LIMIT 1",
      task, count);
}

Result<std::optional<HelperJob>> ReportStore::FindHelperJob(const OpenTask& task,
                                                            const AggregationJobId& id) {
  const std::lock_guard lock(state_->mutex);
  TRY(storage::Statement read, state_->db.Prepare("SELECT request_sha256, answer FROM helper_jobs "
                                                  "WHERE task = ? AND job_id = ?"));
  TRY_VOID(read.BindAll(task.number(), id.span()));
  TRY(const bool found, read.Step());
  if (!found) return std::optional<HelperJob>();
  HelperJob job{.id = id, .request_sha256 = {}, .answer = {}};
  TRY(job.request_sha256, ChecksumOf(read.Blob(0)));
  job.is_forgotten = read.IsNull(1);
  job.answer = ToBytes(read.Blob(1));
  return std::optional(std::move(job));
}

Result<HelperJob> ReportStore::CommitHelperJob(
    const OpenTask& task, const AggregationJobId& id, const crypto::Hash32& request_sha256,
    std::span<const VerifiedReport> reports,
    const std::function<Bytes(std::span<const Admission>)>& answer) {
  State& s = *state_;
  return s.InTransaction<HelperJob>([&]() -> Result<HelperJob> {
    TRY(const bool has_ended, s.HasEnded(task));
    std::map<BucketKey, bool> held;
    std::map<BucketKey, BatchBucket> additions;
    std::vector<Admission> admissions;
    for (const VerifiedReport& report : reports) {
      if (has_ended) {
        admissions.push_back(Admission::kEnded);
        continue;
      }
      auto known = held.find(report.bucket);
      if (known == held.end()) {
        TRY(const bool is_held, s.IsHeld(task, BucketRange::Of(report.bucket)));
        known = held.emplace(report.bucket, is_held).first;
      }
      if (known->second) {
        admissions.push_back(Admission::kCollected);
        continue;
      }
      TRY(const bool is_new, s.TakeId(task, report.id));
      admissions.push_back(is_new ? Admission::kTaken : Admission::kReplayed);
      if (!is_new) continue;
      TRY_VOID(additions[report.bucket].AddReport(task.prio3(), report.id, report.time,
                                                  report.output_share));
    }
    TRY_VOID(s.AddToBuckets(task, additions));
    HelperJob job{.id = id, .request_sha256 = request_sha256, .answer = answer(admissions)};
    TRY(storage::Statement insert,
        s.db.Prepare("INSERT INTO helper_jobs (task, job_id, request_sha256, answer) "
                     "VALUES (?, ?, ?, ?)"));
    TRY_VOID(
        insert.BindAll(task.number(), id.span(), ByteSpan(request_sha256), ByteSpan(job.answer)));
    TRY_VOID(insert.Run());
    return job;
  });
}

Result<bool> ReportStore::ForgetHelperJob(const OpenTask& task, const AggregationJobId& id) {
  State& s = *state_;
  return s.InTransaction<bool>([&]() -> Result<bool> {
    TRY(storage::Statement forget,
        s.db.Prepare("UPDATE helper_jobs SET answer = NULL WHERE task = ? AND job_id = ?"));
    TRY_VOID(forget.BindAll(task.number(), id.span()));
    TRY_VOID(forget.Run());
    return s.db.changed_rows() == 1;
  });
}

}  // namespace salus::aggregate
