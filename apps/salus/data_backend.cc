#include "apps/salus/data_backend.h"

#include <fmt/format.h>

#include <algorithm>

#include "codec/rfc3339.h"
#include "node/aggregation.h"
#include "node/node.h"
#include "tlog/policy.h"

namespace salus::cli {

namespace {

constexpr std::uint64_t kLowSpaceBytes = 1ull << 30;

class DataBackend final : public Backend {
 public:
  DataBackend(std::unique_ptr<node::Node> node, node::NodeAccess access)
      : node_(std::move(node)), access_(access) {}

  std::string where() const override { return "data directory " + node_->path(); }
  audit::PinnedLog Pinned() const override { return node_->pinned(); }
  std::string RootCertificatePem() const override { return node_->root_certificate_pem(); }
  Result<std::vector<HealthLine>> Status() override;

  Result<void> PutPatients(std::span<const audit::PatientRow> rows,
                           std::span<const std::string>) override {
    return node_->PutPatients(rows);
  }
  Result<std::vector<audit::PatientRow>> ListPatients() override {
    return node_->directory().patients();
  }
  Result<audit::PatientRow> FindPatient(const audit::Subject& patient) override;
  Result<void> PutAuditor(const audit::AuditorRow& row, const std::string&) override {
    return node_->PutAuditor(row);
  }
  Result<std::vector<audit::AuditorRow>> ListAuditors() override {
    return node_->directory().auditors();
  }
  Result<void> PutSource(std::string_view id, std::string_view name) override {
    return node_->PutSource(id, name);
  }
  Result<std::vector<audit::SourceRow>> ListSources() override {
    return node_->directory().sources();
  }
  Result<std::string> Certify(std::string_view request_pem, pki::Role role,
                              std::string_view id) override {
    return node_->Certify(request_pem, role, id);
  }
  Result<void> PutMandate(std::string_view auditor_id, std::vector<audit::Subject> patients,
                          std::string_view purpose, std::optional<Day> from,
                          std::optional<Day> until) override {
    return node_->PutMandate(auditor_id, std::move(patients), purpose, from, until);
  }
  Result<void> ConfirmClock() override {
    const Result<std::uint64_t> logged = node_->ConfirmClock("");
    return logged ? Result<void>() : logged.error();
  }
  Result<std::uint64_t> OpenTask(const audit::TaskNotice& notice) override {
    return node_->OpenTask(notice);
  }
  Result<std::uint64_t> ReleaseResult(const audit::ResultNotice& notice) override {
    return node_->ReleaseResult(notice);
  }
  Result<audit::MandateRow> GetMandate(std::string_view auditor_id) override {
    std::optional<audit::MandateRow> row = node_->directory().FindMandate(auditor_id);
    if (!row) return NotFound("this auditor has no mandate: `salus mandate set`");
    return *std::move(row);
  }
  std::string AggregatorUrl() const override {
    return fmt::format("https://localhost:{}/dap", node_->config().public_port);
  }
  Result<void> AddAggregateTask(const aggregate::TaskFile& file) override {
    TRY(node::Aggregation* const aggregation, AggregationOf());
    TRY_VOID(aggregation->AddTask(file));
    return {};
  }
  Result<std::vector<AggregateTaskLine>> AggregateTasks() override;
  Result<void> CloseAggregateTask(const aggregate::TaskId& task) override {
    TRY(node::Aggregation* const aggregation, AggregationOf());
    return aggregation->CloseTask(task);
  }
  Result<AggregateKeyLine> AggregateKey() override {
    TRY(node::Aggregation* const aggregation, AggregationOf());
    TRY(const node::KeyStatus key, aggregation->Key());
    return AggregateKeyLine{.age_days = key.age_days, .rotate_days = key.rotate_days};
  }
  Result<std::uint64_t> RotateAggregateKeys() override {
    TRY(node::Aggregation* const aggregation, AggregationOf());
    return aggregation->RotateKeys();
  }
  // It is this directory's own log.
  Result<std::vector<client::LoggedTask>> Notices() override;
  Result<AppendTotals> AppendEvents(const AppendCall& call) override {
    return AppendToNode(*node_, call);
  }
  Result<Bytes> History(const audit::Subject& asker,
                        const audit::HistoryQuestion& question) override;
  Result<std::vector<ReaderLine>> Readers(const audit::Subject& patient) override;
  Result<void> ShareDays(const audit::Subject& patient, std::string_view auditor_id, Day from,
                         Day to, std::string_view sealed_keys_jwe) override {
    return node_->ShareDays(patient, auditor_id, from, to, sealed_keys_jwe);
  }
  Result<CustodyView> Custody(const audit::Subject& patient) override;
  Result<void> ReleaseShare(const audit::Subject& patient, std::string_view custodian_id,
                            std::string_view released_share) override {
    return node_->ReleaseShare(patient, custodian_id, released_share);
  }

  Result<std::string> Checkpoint() override {
    TRY(const auto published, Published());
    return published->note;
  }
  Result<Bytes> Tile(const merkle::TileId& id) override { return node_->log().ReadTile(id); }
  Result<Bytes> Bundle(const merkle::TileId& id) override { return node_->log().ReadBundle(id); }
  Result<Bytes> Updates(std::uint64_t, std::uint64_t) override {
    return FailedPrecondition("a data directory is checked with its segments, not by its answers");
  }
  Result<client::ReconcileOptions> FilingSource(merkle::TreeSize size) override {
    client::ReconcileOptions options;
    options.chain_of = [this, size](const audit::SubjectTag& tag) {
      return node_->log().EntriesOf(tag, size);
    };
    return options;
  }

 private:
  Result<bool> HasChain(const audit::Subject& patient) const;
  Result<node::Aggregation*> AggregationOf();
  Result<std::shared_ptr<const tlog::PublishedCheckpoint>> Published() const {
    auto published = node_->log().published();
    if (!published) return Unavailable("no checkpoint is published yet");
    return published;
  }

  std::unique_ptr<node::Node> node_;
  const node::NodeAccess access_;
};

Result<node::Aggregation*> DataBackend::AggregationOf() {
  if (node_->aggregation() != nullptr) return node_->aggregation();
  return FailedPrecondition(
      "this data directory does not aggregate: set aggregate.role in its salus.toml to leader, "
      "helper or both");
}

Result<std::vector<AggregateTaskLine>> DataBackend::AggregateTasks() {
  TRY(node::Aggregation* const aggregation, AggregationOf());
  TRY(const std::vector<node::TaskStatus> all, aggregation->Tasks());
  std::vector<AggregateTaskLine> lines;
  for (const node::TaskStatus& one : all) {
    AggregateTaskLine line{.task = one.task->task(),
                           .role = one.task->is_leader() ? "leader" : "helper",
                           .study = one.record.study,
                           .is_closed = one.record.is_closed,
                           .has_ended = one.counts.has_ended,
                           .waiting = one.counts.waiting,
                           .aggregated = one.counts.aggregated};
    for (const auto& [error, count] : one.counts.refused) line.refused += count;
    lines.push_back(std::move(line));
  }
  return lines;
}

Result<std::vector<client::LoggedTask>> DataBackend::Notices() {
  std::vector<client::LoggedTask> tasks;
  for (const audit::NoticeRow& row : node_->directory().notices()) {
    if (!row.is_result) {
      TRY(audit::TaskNotice notice, audit::DecodeTaskNotice(row.content));
      tasks.push_back({.task = std::move(notice), .entry = row.origin.entry_index, .results = {}});
      continue;
    }
    TRY(audit::ResultNotice result, audit::DecodeResultNotice(row.content));
    for (client::LoggedTask& task : tasks) {
      if (task.task.task_id != result.task_id || task.task.publisher != result.publisher) continue;
      task.results.push_back({result, row.origin.entry_index});
    }
  }
  return tasks;
}

Result<std::vector<HealthLine>> DataBackend::Status() {
  using State = HealthLine::State;
  std::vector<HealthLine> lines;
  lines.push_back({"log", State::kGood, node_->origin(), ""});
  const auto published = node_->log().published();
  if (published) {
    lines.push_back(
        {"checkpoint", State::kGood,
         fmt::format("{} entries at {}, {} subjects", published->size.value,
                     codec::FormatRfc3339(published->map.time), published->map.subjects),
         ""});
  } else {
    lines.push_back({"checkpoint", State::kBad, "none published", "start salusd once"});
  }
  TRY(const tlog::Policy policy, tlog::Policy::Parse(node_->config().policy));
  const std::size_t witnesses = policy.witnesses().size();
  lines.push_back({"witnesses", witnesses == 0 ? State::kNotice : State::kGood,
                   fmt::format("{} witnesses", witnesses),
                   witnesses == 0 ? "nobody outside confirms what the log says: name witnesses in "
                                    "salus.toml"
                                  : ""});
  const audit::Directory& directory = node_->directory();
  const std::vector<audit::PatientRow> patients = directory.patients();
  const auto waiting = std::count_if(patients.begin(), patients.end(),
                                     [](const audit::PatientRow& row) { return !row.key; });
  lines.push_back({"patients", State::kGood,
                   fmt::format("{}, of them {} without a key of their own (in custody)",
                               patients.size(), waiting),
                   ""});
  lines.push_back({"auditors", State::kGood, fmt::format("{}", directory.auditors().size()), ""});
  const std::size_t sources = directory.sources().size();
  lines.push_back({"sources", sources == 0 ? State::kNotice : State::kGood,
                   fmt::format("{}", sources),
                   sources == 0 ? "register one: salus source add ID" : ""});
  storage::PosixFileSystem fs;
  TRY(const std::uint64_t free_bytes, fs.FreeBytes(node_->path()));
  const bool is_low = free_bytes < kLowSpaceBytes;
  lines.push_back({"disk", is_low ? State::kBad : State::kGood,
                   fmt::format("{} MiB free", free_bytes >> 20),
                   is_low ? "make room: appends are refused when it is full" : ""});
  TRY(const bool has_root, fs.Exists(storage::JoinPath(node_->path(), "root-offline")));
  if (has_root) {
    lines.push_back({"root key", State::kNotice, "still in " + node_->path() + "/root-offline",
                     "move the folder to a medium that stays offline"});
  }
  TRY(const bool has_custodians, fs.Exists(storage::JoinPath(node_->path(), "custodians-offline")));
  if (has_custodians) {
    lines.push_back({"custodians", State::kNotice,
                     "their keys are still in " + node_->path() + "/custodians-offline",
                     "hand each folder to a different person, and delete it here"});
  }
  return lines;
}

Result<Bytes> DataBackend::History(const audit::Subject& asker,
                                   const audit::HistoryQuestion& question) {
  if (access_ == node::NodeAccess::kReadOnly) {
    return FailedPrecondition("a question is recorded, which needs the directory to itself");
  }
  // What is answered is as of a checkpoint: a fresh one.
  TRY_VOID(node_->log().MakeCheckpoint());
  TRY(const audit::HistoryAnswer answer, node_->historian().Answer(asker, question));
  return audit::AssembleHistory(
      audit::EncodeHistory(answer), [&](std::string_view token) -> Result<Bytes> {
        TRY(const audit::HistoryPage page, node_->historian().Page(asker, token));
        return audit::EncodeHistoryPage(page);
      });
}

// Not the recorder's: it would note the tag in a database that is open for reading only.
Result<bool> DataBackend::HasChain(const audit::Subject& patient) const {
  const audit::Signer& signer = node_->signer();
  TRY(const audit::SubjectTag tag,
      audit::VerifyTag(signer.vrf_key(), node_->origin(), patient,
                       signer.ProveSubject(audit::VrfInput(node_->origin(), patient))));
  const tlog::SubjectTable& subjects = node_->log().subjects();
  const auto number = subjects.Find(tag);
  return number && (subjects.at(*number).is_introduced || subjects.at(*number).last_policy != 0);
}

// The directory hands out no row that is not the newest that the log recorded. That is not the same
// as a patient whom nobody registered.
Result<audit::PatientRow> DataBackend::FindPatient(const audit::Subject& patient) {
  if (auto row = node_->directory().FindPatient(patient)) return *std::move(row);
  TRY(const bool is_known, HasChain(patient));
  if (!is_known) return NotFound("no such patient is registered");
  return Corruption(
      "the patient is registered, but control.db does not hold the row that the log recorded: it "
      "was changed, put back or taken away; see `salus audit verify --data`, and restore it");
}

Result<std::vector<ReaderLine>> DataBackend::Readers(const audit::Subject& patient) {
  const audit::Directory& directory = node_->directory();
  TRY_VOID(FindPatient(patient));
  std::vector<ReaderLine> readers;
  const Day today = DayOf(node_->clock().Now());
  for (const audit::AuditorRow& auditor : directory.AuditorsOf(patient, today)) {
    const auto mandate = directory.FindMandate(auditor.subject.id);
    if (!mandate) continue;
    readers.push_back(
        {auditor.subject.id, auditor.name, mandate->purpose, mandate->from, mandate->until});
  }
  return readers;
}

Result<CustodyView> DataBackend::Custody(const audit::Subject& patient) {
  TRY(const audit::PatientRow row, FindPatient(patient));
  CustodyView view;
  view.shares = node_->directory().SharesOf(patient);
  if (!view.shares.empty()) view.threshold = view.shares.front().threshold;
  for (const audit::CustodyShareRow& share : view.shares) {
    if (!share.released_share.empty()) ++view.released_count;
  }
  view.custody_key = row.custody_key;
  view.patient_key = row.key;
  return view;
}

}  // namespace

Result<std::unique_ptr<Backend>> OpenDataDirectory(const std::string& directory,
                                                   node::NodeAccess access, const Clock& clock,
                                                   RandomSource& random) {
  TRY(std::unique_ptr<node::Node> node, node::Node::Open(directory, access, clock, random));
  return std::unique_ptr<Backend>(new DataBackend(std::move(node), access));
}

}  // namespace salus::cli
