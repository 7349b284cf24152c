#include <utility>

#include "aggregate/report_store_state.h"
#include "base/check.h"

namespace salus::aggregate {
namespace {

constexpr std::string_view kColumns =
    "id, state, request, first_bucket, last_bucket, share_request, leader_share, report_count, "
    "interval, checksum, answer, failure";

std::string Select(std::string_view where) {
  return "SELECT " + std::string(kColumns) + " FROM collections WHERE task = ? AND " +
         std::string(where);
}

Result<Collection> ReadRow(storage::Statement& row) {
  Collection c;
  TRY(c.id, CollectionJobId::FromBytes(row.Blob(0)));
  c.state = static_cast<CollectionState>(row.Int(1));
  c.request = ToBytes(row.Blob(2));
  if (!row.IsNull(3)) {
    c.range = BucketRange{.first = {ToBytes(row.Blob(3))}, .last = {ToBytes(row.Blob(4))}};
  }
  c.share_request = ToBytes(row.Blob(5));
  c.leader_share = ToBytes(row.Blob(6));
  c.report_count = static_cast<std::uint64_t>(row.Int(7));
  TRY(c.interval, DapInterval::Parse(row.Blob(8)));
  if (row.Blob(9).size() != c.checksum.size()) {
    return Corruption("aggregate.db: a checksum has the wrong length; restore it from a backup");
  }
  std::memcpy(c.checksum.data(), row.Blob(9).data(), c.checksum.size());
  c.answer = ToBytes(row.Blob(10));
  c.failure = std::string(row.Text(11));
  return c;
}

Result<std::optional<Collection>> ReadOne(storage::Statement& read) {
  TRY(const bool found, read.Step());
  if (!found) return std::optional<Collection>();
  TRY(Collection c, ReadRow(read));
  return std::optional(std::move(c));
}

// Whether another collection holds some of what this one wants.
Result<bool> IsTaken(storage::Database& db, const OpenTask& task, const Collection& c) {
  TRY(storage::Statement read,
      db.Prepare("SELECT 1 FROM collections WHERE task = ? AND last_bucket >= ? AND "
                 "first_bucket <= ? AND state IN (1, 2, 3, 5) AND id != ? LIMIT 1"));
  TRY_VOID(read.BindAll(task.number(), ByteSpan(c.range->first.bytes),
                        ByteSpan(c.range->last.bytes), c.id.span()));
  return read.Step();
}

Result<void> Insert(storage::Database& db, const OpenTask& task, const Collection& c) {
  TRY(storage::Statement insert,
      db.Prepare("INSERT OR IGNORE INTO collections (task, id, state, request, request_sha256, "
                 "share_request, leader_share, report_count, interval, checksum, answer, failure) "
                 "VALUES (?, ?, 0, ?, ?, x'', x'', 0, x'', x'', x'', '')"));
  TRY_VOID(insert.BindAll(task.number(), c.id.span(), ByteSpan(c.request),
                          ByteSpan(crypto::Sha256(c.request))));
  return insert.Run();
}

Result<void> Update(storage::Database& db, const OpenTask& task, CollectionState from,
                    const Collection& c) {
  TRY(storage::Statement update,
      db.Prepare("UPDATE collections SET state = ?1, first_bucket = ?2, last_bucket = ?3, "
                 "share_request = ?4, leader_share = ?5, report_count = ?6, interval = ?7, "
                 "checksum = ?8, answer = ?9, failure = ?10 "
                 "WHERE task = ?11 AND id = ?12 AND state = ?13"));
  TRY_VOID(update.Bind(1, static_cast<std::int64_t>(c.state)));
  if (c.range) {
    TRY_VOID(update.Bind(2, ByteSpan(c.range->first.bytes)));
    TRY_VOID(update.Bind(3, ByteSpan(c.range->last.bytes)));
  }
  const Bytes interval = c.interval.Encode();
  TRY_VOID(update.Bind(4, ByteSpan(c.share_request)));
  TRY_VOID(update.Bind(5, ByteSpan(c.leader_share)));
  TRY_VOID(update.Bind(6, static_cast<std::int64_t>(c.report_count)));
  TRY_VOID(update.Bind(7, ByteSpan(interval)));
  TRY_VOID(update.Bind(8, ByteSpan(c.checksum)));
  TRY_VOID(update.Bind(9, ByteSpan(c.answer)));
  TRY_VOID(update.Bind(10, std::string_view(c.failure)));
  TRY_VOID(update.Bind(11, task.number()));
  TRY_VOID(update.Bind(12, c.id.span()));
  TRY_VOID(update.Bind(13, static_cast<std::int64_t>(from)));
  TRY_VOID(update.Run());
  if (db.changed_rows() == 1) return {};
  return FailedPrecondition("collection: it was moved on or deleted meanwhile");
}

Result<std::optional<Collection>> FindById(storage::Database& db, const OpenTask& task,
                                           const CollectionJobId& id) {
  TRY(storage::Statement read, db.Prepare(Select("id = ?")));
  TRY_VOID(read.BindAll(task.number(), id.span()));
  return ReadOne(read);
}

// Deleted ones are not there any more, and failed ones may be tried again.
Result<std::optional<Collection>> FindByRequest(storage::Database& db, const OpenTask& task,
                                                const crypto::Hash32& request_sha256) {
  TRY(storage::Statement read,
      db.Prepare(Select("request_sha256 = ? AND state < 4 ORDER BY number DESC LIMIT 1")));
  TRY_VOID(read.BindAll(task.number(), ByteSpan(request_sha256)));
  return ReadOne(read);
}

// The batch is closed for what comes from now on: what came before is below next_place.
Result<void> NoteClosingPlace(storage::Database& db, const OpenTask& task, const Collection& c) {
  TRY(storage::Statement note,
      db.Prepare("UPDATE collections SET closing_place = "
                 "(SELECT next_place - 1 FROM progress WHERE progress.task = ?1) "
                 "WHERE task = ?1 AND id = ?2"));
  TRY_VOID(note.BindAll(task.number(), c.id.span()));
  return note.Run();
}

}  // namespace

Result<std::optional<Collection>> ReportStore::FindCollection(const OpenTask& task,
                                                              const CollectionJobId& id) {
  const std::lock_guard lock(state_->mutex);
  return FindById(state_->db, task, id);
}

Result<std::optional<Collection>> ReportStore::FindCollectionByRequest(
    const OpenTask& task, const crypto::Hash32& request_sha256) {
  const std::lock_guard lock(state_->mutex);
  return FindByRequest(state_->db, task, request_sha256);
}

Result<std::vector<Collection>> ReportStore::UnfinishedCollections(const OpenTask& task) {
  const std::lock_guard lock(state_->mutex);
  TRY(storage::Statement read, state_->db.Prepare(Select("state < 3 ORDER BY number")));
  TRY_VOID(read.BindAll(task.number()));
  std::vector<Collection> all;
  for (;;) {
    TRY(const bool more, read.Step());
    if (!more) return all;
    TRY(Collection c, ReadRow(read));
    all.push_back(std::move(c));
  }
}

Result<ReportStore::Begun> ReportStore::BeginCollection(const OpenTask& task,
                                                        const Collection& collection,
                                                        CollectionName name) {
  State& s = *state_;
  return s.InTransaction<Begun>([&]() -> Result<Begun> {
    TRY(std::optional<Collection> known,
        name == CollectionName::kId
            ? FindById(s.db, task, collection.id)
            : FindByRequest(s.db, task, crypto::Sha256(collection.request)));
    if (known) return Begun{.collection = *std::move(known)};
    if (collection.range) {
      TRY(const bool is_taken, IsTaken(s.db, task, collection));
      if (is_taken) return Conflict("collection: another one has reports of this batch");
    }
    TRY_VOID(Insert(s.db, task, collection));
    TRY_VOID(Update(s.db, task, CollectionState::kWaiting, collection));
    return Begun{.collection = collection, .is_new = true};
  });
}

Result<void> ReportStore::MoveCollection(const OpenTask& task, CollectionState from,
                                         const Collection& collection) {
  State& s = *state_;
  return s.InTransaction<void>([&]() -> Result<void> {
    if (collection.range && HoldsBatch(collection.state)) {
      TRY(const bool is_taken, IsTaken(s.db, task, collection));
      if (is_taken) return Conflict("collection: another one has reports of this batch");
    }
    TRY_VOID(Update(s.db, task, from, collection));
    if (collection.state != CollectionState::kClosing) return {};
    return NoteClosingPlace(s.db, task, collection);
  });
}

Result<Collection> ReportStore::FixCollection(const OpenTask& task, Collection collection,
                                              const FixShare& fix) {
  State& s = *state_;
  return s.InTransaction<Collection>([&]() -> Result<Collection> {
    CHECK(collection.range.has_value());
    const CollectionState from = collection.state;
    if (from == CollectionState::kWaiting) {
      TRY(std::optional<Collection> known,
          FindByRequest(s.db, task, crypto::Sha256(collection.request)));
      if (known) return *std::move(known);
    }
    TRY(const bool is_taken, IsTaken(s.db, task, collection));
    if (is_taken) return Conflict("collection: another one has reports of this batch");
    TRY(BatchBucket batch, s.ReadBuckets(task, *collection.range));
    TRY_VOID(fix(std::move(batch), collection));
    if (from == CollectionState::kWaiting) TRY_VOID(Insert(s.db, task, collection));
    TRY_VOID(Update(s.db, task, from, collection));
    return collection;
  });
}

// What holds its batch goes on to do so, and so does what the helper may hold.
Result<bool> ReportStore::DeleteCollection(const OpenTask& task, const CollectionJobId& id) {
  State& s = *state_;
  return s.InTransaction<bool>([&]() -> Result<bool> {
    TRY(storage::Statement remove,
        s.db.Prepare(
            "UPDATE collections SET state = CASE WHEN state IN (2, 3, 5) THEN 5 ELSE 6 END, "
            "answer = x'', leader_share = x'', share_request = x'' "
            "WHERE task = ? AND id = ?"));
    TRY_VOID(remove.BindAll(task.number(), id.span()));
    TRY_VOID(remove.Run());
    return s.db.changed_rows() == 1;
  });
}

Result<std::optional<Collection>> ReportStore::FindFinishedBatch(const OpenTask& task,
                                                                 const BucketRange& range) {
  const std::lock_guard lock(state_->mutex);
  TRY(storage::Statement read,
      state_->db.Prepare(Select("first_bucket = ? AND last_bucket = ? AND state = 3")));
  TRY_VOID(read.BindAll(task.number(), ByteSpan(range.first.bytes), ByteSpan(range.last.bytes)));
  return ReadOne(read);
}

Result<bool> ReportStore::IsDrained(const OpenTask& task, const CollectionJobId& id) {
  const std::lock_guard lock(state_->mutex);
  TRY(storage::Statement read,
      state_->db.Prepare("SELECT 1 FROM reports WHERE place BETWEEN ?1 AND "
                         "(SELECT closing_place FROM collections WHERE task = ?2 AND id = ?3) "
                         "LIMIT 1"));
  TRY_VOID(read.BindAll(FirstPlaceOf(task), task.number(), id.span()));
  TRY(const bool waits, read.Step());
  return !waits;
}

}  // namespace salus::aggregate
