#include "audit/directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <mutex>

#include "audit/directory_rows.h"
#include "audit/directory_state.h"
#include "audit/directory_tables.h"
#include "base/log.h"

namespace salus::audit {

namespace {

std::string_view NameOf(StoredRow::Kind kind) {
  switch (kind) {
    case StoredRow::kPatient:
      return "patients";
    case StoredRow::kAuditor:
      return "auditors";
    case StoredRow::kSource:
      return "sources";
    case StoredRow::kCustodian:
      return "custodians";
    case StoredRow::kMandate:
      return "mandates";
    case StoredRow::kCustodyShare:
      return "custody shares";
    case StoredRow::kCustodyRelease:
      return "custody releases";
    case StoredRow::kNotice:
      return "notices";
  }
  return "an unknown kind";
}

StoredRow ToStored(const Row& row) {
  return {.kind = KindOf(row),
          .key = KeyOf(row),
          .content = EncodeRow(row),
          .origin = OriginOf(row),
          .is_checked = true};
}

void Replace(std::vector<StoredRow>& rows, StoredRow row) {
  std::erase_if(rows, [&](const StoredRow& old) { return old.key == row.key; });
  rows.push_back(std::move(row));
}

}  // namespace

Error BrokenRegistration() {
  return FailedPrecondition(
      "the registration row of a patient is missing or altered: salus audit verify --data; restore "
      "control.db");
}

Result<void> Directory::State::Check(const StoredRow& row) const {
  if (row.is_checked || !logged.digest_at) return {};
  TRY(const auto digest, logged.digest_at(row.origin.entry_index));
  if (!digest || *digest != RowDigest(row.origin.salt, row.content)) {
    return Corruption(
        fmt::format("a row of {} is not the one that entry {} recorded: control.db was changed",
                    NameOf(row.kind), row.origin.entry_index));
  }
  return {};
}

Result<bool> Directory::State::CheckNewest(const StoredRow& row) const {
  Result<void> ok = Check(row);
  if (ok) return true;
  if (ok.error().code != ErrorCode::kFailedPrecondition) return ok.error();
  Log(LogLevel::kError, "a row is older than the log and is not used: do its act again",
      {{"table", NameOf(row.kind)}, {"entry", static_cast<std::int64_t>(row.origin.entry_index)}});
  return false;
}

Directory::Directory(std::unique_ptr<State> state) : state_(std::move(state)) {}
Directory::~Directory() = default;

Result<std::unique_ptr<Directory>> Directory::Create(const std::string& path) {
  TRY(storage::Database db, storage::Database::Open(path, storage::DatabaseAccess::kCreate));
  TRY_VOID(db.Migrate(DirectoryMigrations()));
  return std::unique_ptr<Directory>(new Directory(std::make_unique<State>(std::move(db))));
}

Result<std::unique_ptr<Directory>> Directory::Open(const std::string& path, bool read_only,
                                                   LoggedRows logged) {
  TRY(storage::Database db,
      storage::Database::Open(path, read_only ? storage::DatabaseAccess::kReadOnly
                                              : storage::DatabaseAccess::kReadWrite));
  if (!read_only) TRY_VOID(db.Migrate(DirectoryMigrations()));
  auto state = std::make_unique<State>(std::move(db));
  state->logged = std::move(logged);
  if (Result<void> loaded = state->Load(read_only); !loaded) {
    return SchemaOr(std::move(loaded.error()));
  }
  return std::unique_ptr<Directory>(new Directory(std::move(state)));
}

void Directory::State::IndexMandate(const MandateRow& row) {
  const std::string& auditor = row.auditor.id;
  if (const auto old = mandates.find(auditor); old != mandates.end()) {
    for (const Subject& patient : old->second.patients) {
      std::erase(auditors_of[KeyOf(patient)], auditor);
    }
  }
  for (const Subject& patient : row.patients) {
    std::vector<std::string>& list = auditors_of[KeyOf(patient)];
    list.insert(std::upper_bound(list.begin(), list.end(), auditor), auditor);
  }
  mandates.insert_or_assign(auditor, row);
}

Result<void> Directory::State::LoadRow(StoredRow row) {
  switch (row.kind) {
    case StoredRow::kPatient:  // these three are checked on use
      patients.insert_or_assign(row.key, std::move(row));
      return {};
    case StoredRow::kCustodyShare:
    case StoredRow::kCustodyRelease: {
      const std::string patient = row.key.substr(0, row.key.rfind('\x1f'));
      auto& all = row.kind == StoredRow::kCustodyShare ? shares : releases;
      Replace(all[patient], std::move(row));
      return {};
    }
    case StoredRow::kSource:
    case StoredRow::kCustodian:
    case StoredRow::kNotice:
      TRY_VOID(Check(row));
      break;
    case StoredRow::kAuditor:
    case StoredRow::kMandate: {
      TRY(const bool is_newest, CheckNewest(row));
      if (!is_newest) return {};
      break;
    }
  }
  TRY(const Row decoded, DecodeRow(row));
  Apply(decoded);
  return {};
}

void Directory::State::Apply(const Row& row) {
  if (const auto* auditor = std::get_if<AuditorRow>(&row)) {
    auditors.insert_or_assign(auditor->subject.id, *auditor);
  } else if (const auto* source = std::get_if<SourceRow>(&row)) {
    sources.insert_or_assign(source->id, *source);
  } else if (const auto* custodian = std::get_if<CustodianRow>(&row)) {
    custodians.insert_or_assign(custodian->id, *custodian);
  } else if (const auto* mandate = std::get_if<MandateRow>(&row)) {
    IndexMandate(*mandate);
  } else if (const auto* patient = std::get_if<PatientRow>(&row)) {
    patients.insert_or_assign(KeyOf(patient->subject), ToStored(row));
    if (holders) holders->Add(*patient);
  } else if (const auto* share = std::get_if<CustodyShareRow>(&row)) {
    Replace(shares[KeyOf(share->patient)], ToStored(row));
  } else if (const auto* release = std::get_if<CustodyReleaseRow>(&row)) {
    Replace(releases[KeyOf(release->patient)], ToStored(row));
  } else if (const auto* notice = std::get_if<NoticeRow>(&row)) {
    notices.insert_or_assign(KeyOf(row), *notice);
  }
}

// The log holds a newer row than the one in memory, which may serve nobody any more.
void Directory::State::Distrust(const Row& row) {
  if (const auto* patient = std::get_if<PatientRow>(&row)) {
    const auto at = patients.find(KeyOf(patient->subject));
    if (at != patients.end()) at->second.is_checked = false;
  } else if (const auto* auditor = std::get_if<AuditorRow>(&row)) {
    auditors.erase(auditor->subject.id);
  } else if (const auto* mandate = std::get_if<MandateRow>(&row)) {
    MandateRow nobody = *mandate;
    nobody.patients.clear();
    IndexMandate(nobody);
    mandates.erase(mandate->auditor.id);
  } else if (const auto* custodian = std::get_if<CustodianRow>(&row)) {
    custodians.erase(custodian->id);
  }
}

Result<std::vector<StoredRow>> Directory::State::ConfirmIntents(
    std::vector<StoredRow> intents) const {
  if (intents.empty() || !logged.scan) return std::vector<StoredRow>();
  std::uint64_t since = std::numeric_limits<std::uint64_t>::max();
  std::map<crypto::Hash32, StoredRow*> by_digest;
  for (StoredRow& intent : intents) {
    since = std::min(since, intent.origin.entry_index);
    by_digest[RowDigest(intent.origin.salt, intent.content)] = &intent;
  }
  std::vector<StoredRow> confirmed;
  TRY_VOID(logged.scan(since, [&](std::uint64_t index, const crypto::Hash32& digest) {
    const auto found = by_digest.find(digest);
    if (found == by_digest.end()) return;
    // Found already, or the entry was there before the intent: not what was intended.
    if (!found->second->is_intent || index < found->second->origin.entry_index) return;
    found->second->origin.entry_index = index;
    found->second->is_intent = false;
    confirmed.push_back(*found->second);
  }));
  return confirmed;
}

Result<void> Directory::State::Load(bool read_only) {
  TRY(std::vector<StoredRow> rows, ReadRows(db));
  std::vector<StoredRow> intents;
  for (StoredRow& row : rows) {
    if (row.is_intent) intents.push_back(std::move(row));
  }
  std::erase_if(rows, [](const StoredRow& row) { return row.is_intent; });
  const bool has_intents = !intents.empty();
  TRY(std::vector<StoredRow> confirmed, ConfirmIntents(std::move(intents)));
  if (has_intents && !read_only) {
    TRY(storage::Transaction transaction, db.Begin());
    TRY_VOID(WriteRows(db, confirmed));
    TRY_VOID(db.Execute("DELETE FROM intents"));
    TRY_VOID(transaction.Commit());
  }
  std::map<std::pair<int, std::string>, bool> replaced;
  for (const StoredRow& row : confirmed) replaced[{row.kind, row.key}] = true;
  for (StoredRow& row : rows) {
    if (!replaced.contains({row.kind, row.key})) TRY_VOID(LoadRow(std::move(row)));
  }
  for (StoredRow& row : confirmed) TRY_VOID(LoadRow(std::move(row)));
  return LoadTags();
}

Result<void> Directory::State::LoadTags() {
  TRY(storage::Statement cached, db.Prepare("SELECT key, tag, proof FROM tags"));
  for (;;) {
    TRY(const bool more, cached.Step());
    if (!more) return {};
    TagKey key;
    const auto tag = SubjectTag::FromBytes(cached.Blob(1));
    const auto proof = crypto::VrfProof::FromBytes(cached.Blob(2));
    if (cached.Blob(0).size() != key.size() || !tag || !proof) continue;  // a cache: proven anew
    std::copy_n(cached.Blob(0).begin(), key.size(), key.begin());
    tags.emplace(key, ProvenTag{*tag, *proof});
  }
}

Result<void> Directory::Intend(std::span<const Row> rows, std::uint64_t log_size) {
  if (rows.empty()) return {};
  std::vector<StoredRow> intents;
  for (const Row& row : rows) {
    intents.push_back(ToStored(row));
    intents.back().origin.entry_index = log_size;
  }
  std::lock_guard write_lock(state_->write_mutex);
  TRY(storage::Transaction transaction, state_->db.Begin());
  TRY_VOID(WriteIntents(state_->db, intents));
  return transaction.Commit();
}

Result<void> Directory::Store(std::span<const Row> rows) {
  if (rows.empty()) return {};
  std::vector<StoredRow> stored;
  for (const Row& row : rows) stored.push_back(ToStored(row));
  std::lock_guard write_lock(state_->write_mutex);
  Result<void> written = [&]() -> Result<void> {
    TRY(storage::Transaction transaction, state_->db.Begin());
    TRY_VOID(WriteRows(state_->db, stored));
    return transaction.Commit();
  }();
  std::unique_lock lock(state_->mutex);
  for (const Row& row : rows) {
    if (written) {
      state_->Apply(row);
    } else {
      state_->Distrust(row);
    }
  }
  return written;
}

std::optional<ProvenTag> Directory::FindTag(const std::array<std::uint8_t, 16>& key) const {
  std::shared_lock lock(state_->mutex);
  const auto at = state_->tags.find(key);
  return at == state_->tags.end() ? std::nullopt : std::optional(at->second);
}

Result<void> Directory::PutTags(std::span<const std::pair<TagKey, ProvenTag>> tags) {
  std::lock_guard write_lock(state_->write_mutex);
  TRY(storage::Transaction transaction, state_->db.Begin());
  TRY(storage::Statement insert,
      state_->db.Prepare("INSERT OR REPLACE INTO tags VALUES (?, ?, ?)"));
  for (const auto& [key, tag] : tags) {
    TRY_VOID(insert.BindAll(ByteSpan(key), tag.tag.span(), ByteSpan(tag.proof.bytes)));
    TRY_VOID(insert.Run());
  }
  TRY_VOID(transaction.Commit());
  std::unique_lock lock(state_->mutex);
  for (const auto& [key, tag] : tags) state_->tags.insert_or_assign(key, tag);
  return {};
}

}  // namespace salus::audit
