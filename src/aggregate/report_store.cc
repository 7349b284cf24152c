#include "aggregate/report_store.h"

#include <utility>

#include "aggregate/report_store_state.h"
#include "aggregate/report_tables.h"
#include "aggregate/share_access.h"
#include "base/check.h"
#include "base/endian.h"

namespace salus::aggregate {
namespace {

// SQLite's cache: the ids of a million reports are in 30 MB of random pages.
constexpr auto kCacheSize = "PRAGMA cache_size=-65536";

constexpr std::string_view kKeyCheck = "aggregate.db";

Result<SecretBytes> Secret(RowCipher& cipher, std::string_view column, const TaskId& id,
                           ByteSpan sealed) {
  return cipher.Open(column, id.span(), sealed);
}

bool SameSecret(const SecretBytes& a, const SecretBytes& b) {
  return ConstantTimeEqual(a.view(ShareAccess::Token()), b.view(ShareAccess::Token()));
}

bool SameTask(const AggregatorTask& a, const AggregatorTask& b) {
  return a.task.parameters() == b.task.parameters() && a.role == b.role &&
         a.collector_config == b.collector_config && SameSecret(a.verify_key, b.verify_key) &&
         SameSecret(a.aggregator_token, b.aggregator_token) &&
         SameSecret(a.collector_token, b.collector_token);
}

}  // namespace

ReportStore::ReportStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
ReportStore::~ReportStore() = default;

Result<std::unique_ptr<ReportStore>> ReportStore::Open(const std::string& path, StoreAccess access,
                                                       const SecretArray<32>& key,
                                                       RandomSource& random, CommitProbe probe) {
  TRY(storage::Database db,
      storage::Database::Open(path, access == StoreAccess::kCreate
                                        ? storage::DatabaseAccess::kCreate
                                        : storage::DatabaseAccess::kReadWrite));
  TRY_VOID(db.Execute(kCacheSize));
  TRY_VOID(db.Migrate(ReportTables()));
  auto state = std::make_unique<State>(std::move(db), key, random, std::move(probe));
  TRY_VOID(state->CheckKey(access));
  TRY_VOID(state->LoadTasks());
  TRY_VOID(state->LoadKeys());
  TRY(state->take_id,
      state->db.Prepare("INSERT OR IGNORE INTO report_ids (task, id) VALUES (?, ?)"));
  TRY(state->insert_report,
      state->db.Prepare("INSERT INTO reports (place, config_id, body) VALUES (?, ?, ?)"));
  return std::unique_ptr<ReportStore>(new ReportStore(std::move(state)));
}

Result<void> ReportStore::State::CheckKey(StoreAccess access) {
  if (access == StoreAccess::kCreate) {
    TRY(storage::Statement insert, db.Prepare("INSERT INTO key_check (id, sealed) VALUES (1, ?)"));
    const Bytes sealed = cipher.Seal("key_check", {}, SecretBytes(AsBytes(kKeyCheck)));
    TRY_VOID(insert.BindAll(ByteSpan(sealed)));
    return insert.Run();
  }
  TRY(storage::Statement read, db.Prepare("SELECT sealed FROM key_check WHERE id = 1"));
  TRY(const bool found, read.Step());
  if (!found) return Corruption("aggregate.db: it was not made whole; restore it from a backup");
  TRY_VOID(cipher.Open("key_check", {}, read.Blob(0)));
  return {};
}

Result<void> ReportStore::State::LoadTasks() {
  TRY(storage::Statement read,
      db.Prepare("SELECT number, task_id, role, config, collector, verify_key, aggregator_token, "
                 "collector_token FROM tasks ORDER BY number"));
  for (;;) {
    TRY(const bool more, read.Step());
    if (!more) return {};
    TRY(const TaskId id, TaskId::FromBytes(read.Blob(1)));
    TRY(DapTask task, DapTask::FromJson(read.Text(3)));
    TRY(DapHpkeConfig collector, DapHpkeConfig::Parse(read.Blob(4)));
    AggregatorTask config{.task = std::move(task),
                          .role = static_cast<DapRole>(read.Int(2)),
                          .verify_key = {},
                          .collector_config = std::move(collector),
                          .aggregator_token = {},
                          .collector_token = {}};
    TRY(config.verify_key, Secret(cipher, "tasks.verify_key", id, read.Blob(5)));
    TRY(config.aggregator_token, Secret(cipher, "tasks.aggregator_token", id, read.Blob(6)));
    TRY(config.collector_token, Secret(cipher, "tasks.collector_token", id, read.Blob(7)));
    TRY(auto opened, OpenTask::Create(read.Int(0), std::move(config)));
    tasks.emplace(id, std::move(opened));
  }
}

// What can't be opened must not be in the file: the task is made before it is written.
Result<std::unique_ptr<const OpenTask>> ReportStore::State::InsertTask(AggregatorTask added) {
  TRY(storage::Statement last, db.Prepare("SELECT COALESCE(MAX(number), 0) FROM tasks"));
  TRY(const bool found, last.Step());
  CHECK(found);
  const std::int64_t number = last.Int(0) + 1;
  TRY(std::unique_ptr<const OpenTask> opened, OpenTask::Create(number, std::move(added)));
  const AggregatorTask& config = opened->config();
  TRY(storage::Statement insert,
      db.Prepare("INSERT INTO tasks (number, task_id, role, config, collector, verify_key, "
                 "aggregator_token, collector_token) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"));
  const ByteSpan id = config.task.id().span();
  const std::string json = config.task.ToJson();
  const Bytes collector = config.collector_config.Encode();
  const Bytes verify_key = cipher.Seal("tasks.verify_key", id, config.verify_key);
  const Bytes aggregator = cipher.Seal("tasks.aggregator_token", id, config.aggregator_token);
  const Bytes collector_token = cipher.Seal("tasks.collector_token", id, config.collector_token);
  TRY_VOID(insert.BindAll(number, id, static_cast<std::int64_t>(config.role),
                          std::string_view(json), ByteSpan(collector), ByteSpan(verify_key),
                          ByteSpan(aggregator), ByteSpan(collector_token)));
  TRY_VOID(insert.Run());
  TRY(storage::Statement begin,
      db.Prepare("INSERT INTO progress (task, next_place, waiting, aggregated) "
                 "VALUES (?, ?, 0, 0)"));
  TRY_VOID(begin.BindAll(number, FirstPlaceOf(*opened)));
  TRY_VOID(begin.Run());
  return opened;
}

Result<const OpenTask*> ReportStore::AddTask(AggregatorTask config) {
  const TaskId id = config.task.id();
  const std::unique_lock lock(state_->tasks_mutex);
  if (const auto known = state_->tasks.find(id); known != state_->tasks.end()) {
    if (SameTask(known->second->config(), config)) return known->second.get();
    return Conflict("task: there is another one with this id, and tasks never change");
  }
  TRY(std::unique_ptr<const OpenTask> opened,
      state_->InTransaction<std::unique_ptr<const OpenTask>>(
          [&] { return state_->InsertTask(std::move(config)); }));
  return state_->tasks.emplace(id, std::move(opened)).first->second.get();
}

const OpenTask* ReportStore::FindTask(const TaskId& id) const {
  const std::shared_lock lock(state_->tasks_mutex);
  const auto found = state_->tasks.find(id);
  return found == state_->tasks.end() ? nullptr : found->second.get();
}

std::vector<const OpenTask*> ReportStore::tasks() const {
  const std::shared_lock lock(state_->tasks_mutex);
  std::vector<const OpenTask*> all;
  for (const auto& [id, task] : state_->tasks) all.push_back(task.get());
  return all;
}

Result<TaskCounts> ReportStore::Count(const OpenTask& task) {
  const std::lock_guard lock(state_->mutex);
  TaskCounts counts;
  TRY(storage::Statement read,
      state_->db.Prepare("SELECT waiting, aggregated, ended_ms FROM progress WHERE task = ?"));
  TRY_VOID(read.BindAll(task.number()));
  TRY(const bool found, read.Step());
  if (!found) return Corruption("aggregate.db: a task has no progress; restore it from a backup");
  counts.waiting = static_cast<std::uint64_t>(read.Int(0));
  counts.aggregated = static_cast<std::uint64_t>(read.Int(1));
  counts.has_ended = !read.IsNull(2);
  TRY(storage::Statement refusals,
      state_->db.Prepare("SELECT error, reports FROM refusals WHERE task = ?"));
  TRY_VOID(refusals.BindAll(task.number()));
  for (;;) {
    TRY(const bool more, refusals.Step());
    if (!more) return counts;
    counts.refused[static_cast<ReportError>(refusals.Int(0))] =
        static_cast<std::uint64_t>(refusals.Int(1));
  }
}

}  // namespace salus::aggregate
