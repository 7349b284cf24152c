#include "node/aggregation.h"

#include <chrono>
#include <map>
#include <shared_mutex>
#include <utility>

#include "aggregate/privacy_ledger.h"
#include "node/config.h"
#include "node/node.h"
#include "node/notice_log.h"
#include "node/secret_access.h"
#include "pki/key_file.h"

namespace salus::node {

namespace {

using aggregate::OpenTask;
using aggregate::TaskFile;
using aggregate::TaskId;
using storage::JoinPath;

constexpr std::chrono::hours kKeyOverlap{24};
constexpr std::size_t kMaxRecordBytes = 64 * 1024;

Result<SecretArray<32>> ReadRowKey(const std::string& path) {
  TRY(const SecretBytes bytes, pki::ReadKeyFile(path));
  if (bytes.size() != 32) return Corruption(path + " does not hold a key of 32 bytes");
  return SecretArray<32>(bytes.view(NodeSecrets::Token()).first<32>());
}

// All of it in a folder beside, which gets its name when it is whole.
Result<void> MakeFolder(storage::FileSystem& fs, const std::string& folder, RandomSource& random) {
  const std::string fresh = folder + ".new";
  TRY(const bool was_begun, fs.Exists(fresh));
  if (was_begun) {
    TRY(const std::vector<std::string> names, fs.List(fresh));
    for (const std::string& name : names) TRY_VOID(fs.Remove(JoinPath(fresh, name)));
  } else {
    TRY_VOID(fs.MakeDirectory(fresh));
  }
  const std::string tasks = JoinPath(fresh, "tasks");
  TRY(const bool has_tasks, fs.Exists(tasks));
  if (!has_tasks) TRY_VOID(fs.MakeDirectory(tasks));
  SecretBytes key(32);
  random.Fill(key.mutable_view(NodeSecrets::Token()));
  TRY_VOID(pki::WriteKeyFile(JoinPath(fresh, "rows.key"), key));
  TRY_VOID(aggregate::PrivacyLedger::Create(JoinPath(fresh, "budget.db")));
  TRY(const SecretArray<32> row_key, ReadRowKey(JoinPath(fresh, "rows.key")));
  TRY_VOID(aggregate::ReportStore::Open(JoinPath(fresh, "aggregate.db"),
                                        aggregate::StoreAccess::kCreate, row_key, random));
  TRY_VOID(fs.SyncDirectory(fresh));
  TRY_VOID(fs.Rename(fresh, folder));
  return fs.SyncDirectory(storage::DirectoryOf(folder));
}

Result<std::string> ReadSmall(storage::FileSystem& fs, const std::string& path) {
  TRY(const auto file, fs.OpenExisting(path, storage::FileAccess::kReadOnly));
  TRY(const std::uint64_t size, file->Size());
  if (size > kMaxRecordBytes) return Corruption(path + " is too long");
  std::string text(size, '\0');
  TRY_VOID(file->ReadExactAt(0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()}));
  return text;
}

Result<void> WriteSmall(storage::FileSystem& fs, const std::string& path, std::string_view text) {
  const std::string fresh = path + ".new";
  TRY(const bool was_begun, fs.Exists(fresh));
  if (was_begun) TRY_VOID(fs.Remove(fresh));
  TRY(const auto file, fs.Create(fresh));
  TRY_VOID(file->WriteAt(0, AsBytes(text)));
  TRY_VOID(file->SyncData());
  TRY_VOID(fs.Rename(fresh, path));
  return fs.SyncDirectory(storage::DirectoryOf(path));
}

TaskRecord RecordIn(const TaskFile& file) {
  TaskRecord record;
  if (file.study) record.study = file.study->name;
  if (file.party == aggregate::TaskParty::kLeader) {
    record.helper_root = file.helper_root;
    record.helper_machine_url = file.helper_machine_url;
  }
  return record;
}

}  // namespace

struct Aggregation::State {
  State(Node& n, storage::FileSystem& f)
      : node(n),
        fs(f),
        folder(JoinPath(n.path(), "aggregate")),
        log(n),
        transcripts(n, f, JoinPath(folder, "transcripts")) {}

  Result<void> ReadRecords() {
    TRY(const std::vector<std::string> names, fs.List(JoinPath(folder, "tasks")));
    for (const std::string& name : names) {
      constexpr std::string_view kEnd = ".json";
      if (!name.ends_with(kEnd)) continue;  // one that was being written
      const std::string path = JoinPath(JoinPath(folder, "tasks"), name);
      TRY(const TaskId id, TaskId::Parse(name.substr(0, name.size() - kEnd.size())));
      TRY(const std::string text, ReadSmall(fs, path));
      Result<TaskRecord> record = TaskRecord::Parse(text);
      if (!record) return Corruption(path + ": " + record.error().message);
      records.insert_or_assign(id, *std::move(record));
    }
    return {};
  }

  Node& node;
  storage::FileSystem& fs;
  const std::string folder;
  NoticeLog log;
  TaskTranscripts transcripts;
  std::unique_ptr<aggregate::PrivacyLedger> ledger;
  std::unique_ptr<aggregate::ReportStore> store;
  std::unique_ptr<aggregate::BatchNoise> noise;

  std::mutex acts_mutex;  // one task is added or closed at a time
  mutable std::shared_mutex records_mutex;
  std::map<TaskId, TaskRecord> records;  // guarded by records_mutex
};

Aggregation::Aggregation(std::unique_ptr<State> state)
    : state_(std::move(state)),
      parts_(new aggregate::AggregatorParts{.store = *state_->store,
                                            .log = state_->log,
                                            .noise = *state_->noise,
                                            .clock = state_->node.clock(),
                                            .random = state_->node.random()}) {}

Aggregation::~Aggregation() = default;

TaskTranscripts& Aggregation::transcripts() { return state_->transcripts; }

Result<std::unique_ptr<Aggregation>> Aggregation::Open(Node& node, storage::FileSystem& fs) {
  auto state = std::make_unique<State>(node, fs);
  const std::string& folder = state->folder;
  TRY(const bool exists, fs.Exists(folder));
  if (!exists) TRY_VOID(MakeFolder(fs, folder, node.random()));
  TRY(const SecretArray<32> key, ReadRowKey(JoinPath(folder, "rows.key")));
  TRY(state->ledger, aggregate::PrivacyLedger::Open(JoinPath(folder, "budget.db")));
  TRY(state->store,
      aggregate::ReportStore::Open(JoinPath(folder, "aggregate.db"), aggregate::StoreAccess::kOpen,
                                   key, node.random()));
  TRY_VOID(state->ReadRecords());
  if (state->store->hpke_keys().Configs().configs.empty()) {
    TRY_VOID(state->store->RotateHpkeKey(node.clock().Now()));
  }
  state->noise = std::make_unique<aggregate::BatchNoise>(
      *state->ledger,
      [s = state.get()](const aggregate::DapTask& task) {
        const std::shared_lock lock(s->records_mutex);
        const auto found = s->records.find(task.id());
        return found == s->records.end() ? std::string() : found->second.study;
      },
      node.random());
  return std::unique_ptr<Aggregation>(new Aggregation(std::move(state)));
}

Result<void> Aggregation::PutRecord(const TaskId& task, const TaskRecord& record) {
  const std::string path = JoinPath(JoinPath(state_->folder, "tasks"), task.ToText() + ".json");
  TRY_VOID(WriteSmall(state_->fs, path, record.ToText()));
  const std::unique_lock lock(state_->records_mutex);
  state_->records.insert_or_assign(task, record);
  return {};
}

std::optional<TaskRecord> Aggregation::RecordOf(const TaskId& task) const {
  const std::shared_lock lock(state_->records_mutex);
  const auto found = state_->records.find(task);
  if (found == state_->records.end()) return std::nullopt;
  return found->second;
}

// The record stands before the task is taken, so that no task is without; one without its task
// means nothing.
Result<const OpenTask*> Aggregation::AddTask(const TaskFile& file) {
  TRY(aggregate::AggregatorTask task, file.ToAggregatorTask());
  const Config::Aggregate& config = state_->node.config().aggregate;
  const bool is_leader = task.role == aggregate::DapRole::kLeader;
  if (is_leader ? !config.is_leader : !config.is_helper) {
    return FailedPrecondition(is_leader
                                  ? "this server leads no tasks: salus.toml, aggregate.role"
                                  : "this server helps with no tasks: salus.toml, aggregate.role");
  }
  const std::lock_guard one_at_a_time(state_->acts_mutex);
  const TaskId id = task.task.id();
  const TaskRecord record = RecordIn(file);
  if (const auto before = RecordOf(id); before && state_->store->FindTask(id) != nullptr) {
    TaskRecord open = *before;
    open.is_closed = false;
    if (open != record) return Conflict("the task is here with another study or helper");
    return aggregate::CreateTask(*parts_, std::move(task));
  }
  TRY_VOID(OpenTask::Check(task));
  if (file.study) {
    TRY_VOID(state_->ledger->OpenStudy(file.study->name, file.study->measure, file.study->budget));
  }
  TRY_VOID(PutRecord(id, record));
  return aggregate::CreateTask(*parts_, std::move(task));
}

Result<void> Aggregation::CloseTask(const TaskId& task) {
  const std::lock_guard one_at_a_time(state_->acts_mutex);
  std::optional<TaskRecord> record = RecordOf(task);
  if (!record || state_->store->FindTask(task) == nullptr) {
    return NotFound("there is no such task here");
  }
  if (record->is_closed) return {};
  record->is_closed = true;
  return PutRecord(task, *record);
}

Result<std::vector<TaskStatus>> Aggregation::Tasks() {
  std::vector<TaskStatus> all;
  for (const OpenTask* task : state_->store->tasks()) {
    TaskStatus status{.task = task, .record = {}, .counts = {}};
    if (auto record = RecordOf(task->task().id())) status.record = *std::move(record);
    TRY(status.counts, state_->store->Count(*task));
    all.push_back(std::move(status));
  }
  return all;
}

// What is forgotten can't be had again, and a key that was replaced by a clock that is late is
// forgotten once it is right. Where the clock has jumped a moment ago, a checkpoint is how it is
// noticed; the time is taken before, so that it is one that was checked.
Result<std::size_t> Aggregation::RotateKeys() {
  const Timestamp now = state_->node.clock().Now();
  TRY_VOID(state_->node.log().MakeCheckpoint());
  TRY_VOID(state_->store->RotateHpkeKey(now));
  return state_->store->RetireHpkeKeys(now - kKeyOverlap);
}

Result<std::size_t> Aggregation::RetireKeys() {
  const Timestamp replaced_before = state_->node.clock().Now() - kKeyOverlap;
  TRY(const bool is_due, state_->store->HasHpkeKeysToRetire(replaced_before));
  if (!is_due) return std::size_t{0};
  TRY_VOID(state_->node.log().MakeCheckpoint());  // as in RotateKeys
  return state_->store->RetireHpkeKeys(replaced_before);
}

Result<KeyStatus> Aggregation::Key() {
  TRY(const std::optional<Timestamp> made, state_->store->HpkeKeyMade());
  if (!made) return Corruption("aggregate.db: it has no current key; restore it from a backup");
  const auto age = std::chrono::floor<std::chrono::days>(state_->node.clock().Now() - *made);
  return KeyStatus{.made = *made,
                   .age_days = age.count(),
                   .rotate_days = state_->node.config().aggregate.key_days};
}

}  // namespace salus::node
