#include "audit/directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>

#include "audit/directory_rows.h"
#include "base/log.h"

namespace salus::audit {

namespace {

constexpr storage::Migration kMigrations[] = {{R"sql(
CREATE TABLE rows (
  kind INTEGER NOT NULL, key TEXT NOT NULL, content BLOB NOT NULL,
  entry_index INTEGER NOT NULL, salt BLOB NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE shares (
  patient TEXT NOT NULL, custodian TEXT NOT NULL, number INTEGER NOT NULL,
  threshold INTEGER NOT NULL, sealed TEXT NOT NULL, released TEXT NOT NULL,
  share_entry INTEGER NOT NULL, release_entry INTEGER NOT NULL,
  PRIMARY KEY (patient, custodian)) WITHOUT ROWID;
CREATE TABLE tags (
  key BLOB PRIMARY KEY, tag BLOB NOT NULL, proof BLOB NOT NULL) WITHOUT ROWID;
)sql"}};

// The values are stored.
enum RowKind { kPatient = 1, kAuditor = 2, kSource = 3, kCustodian = 4, kMandate = 5 };

// Keys are for SQLite and the maps here only; ids hold no control characters. The system subject is
// kept beside the patients, and no patient can be called so that it is mistaken for one.
std::string KeyOf(const Subject& subject) {
  const std::string key = subject.system + "\x1f" + subject.id;
  return subject.kind == SubjectKind::kSystem ? "\x1e" + key : key;
}

struct StoredRow {
  Bytes content;
  RowOrigin origin;
  bool is_checked = false;
};

using TagKey = std::array<std::uint8_t, 16>;
struct TagKeyHash {
  std::size_t operator()(const TagKey& key) const {
    std::size_t hash;
    std::memcpy(&hash, key.data(), sizeof hash);
    return hash;
  }
};

}  // namespace

struct Directory::State {
  explicit State(storage::Database database) : db(std::move(database)) {}

  // A row is believed once its entry in the log has its digest.
  Result<void> Check(StoredRow& row, std::string_view table) {
    if (row.is_checked || !entry_digest) return {};
    TRY(const auto digest, entry_digest(row.origin.entry_index));
    if (!digest || *digest != RowDigest(row.origin.salt, row.content)) {
      return Corruption(
          fmt::format("a row of {} is not the one that entry {} recorded: control.db was changed",
                      table, row.origin.entry_index));
    }
    row.is_checked = true;
    return {};
  }

  // What entitles somebody must be the newest that the log knows: an old file, or a row whose
  // entry was logged right before a crash, entitles nobody until the same act is done again.
  Result<bool> CheckNewest(StoredRow& row, std::string_view table) {
    Result<void> ok = Check(row, table);
    if (ok) return true;
    if (ok.error().code != ErrorCode::kFailedPrecondition) return ok.error();
    Log(LogLevel::kError, "a row is older than the log and is not used: do its act again",
        {{"table", table}, {"entry", static_cast<std::int64_t>(row.origin.entry_index)}});
    return false;
  }

  Result<void> Store(RowKind kind, const std::string& key, ByteSpan content,
                     const RowOrigin& origin) {
    TRY(storage::Statement insert,
        db.Prepare("INSERT OR REPLACE INTO rows (kind, key, content, entry_index, salt) "
                   "VALUES (?, ?, ?, ?, ?)"));
    TRY_VOID(insert.BindAll(std::int64_t{kind}, std::string_view(key), content,
                            static_cast<std::int64_t>(origin.entry_index), ByteSpan(origin.salt)));
    return insert.Run();
  }

  Result<void> Load();
  Result<void> LoadRow(RowKind kind, std::string key, StoredRow row);
  void IndexMandate(const MandateRow& row);

  std::mutex write_mutex;  // db
  storage::Database db;
  EntryDigest entry_digest;

  mutable std::shared_mutex mutex;  // everything below
  std::unordered_map<std::string, StoredRow> patients;
  std::map<std::string, AuditorRow, std::less<>> auditors;
  std::map<std::string, SourceRow, std::less<>> sources;
  std::map<std::string, CustodianRow, std::less<>> custodians;
  std::map<std::string, MandateRow, std::less<>> mandates;                // by auditor
  std::unordered_map<std::string, std::vector<std::string>> auditors_of;  // by patient
  std::unordered_map<std::string, std::vector<CustodyShareRow>> shares;
  std::unordered_map<TagKey, ProvenTag, TagKeyHash> tags;
};

Directory::Directory(std::unique_ptr<State> state) : state_(std::move(state)) {}
Directory::~Directory() = default;

Result<std::unique_ptr<Directory>> Directory::Create(const std::string& path) {
  TRY(storage::Database db, storage::Database::Open(path, storage::DatabaseAccess::kCreate));
  TRY_VOID(db.Migrate(kMigrations));
  return std::unique_ptr<Directory>(new Directory(std::make_unique<State>(std::move(db))));
}

Result<std::unique_ptr<Directory>> Directory::Open(const std::string& path, bool read_only,
                                                   const EntryDigest& entry_digest) {
  TRY(storage::Database db,
      storage::Database::Open(path, read_only ? storage::DatabaseAccess::kReadOnly
                                              : storage::DatabaseAccess::kReadWrite));
  if (!read_only) TRY_VOID(db.Migrate(kMigrations));
  auto state = std::make_unique<State>(std::move(db));
  state->entry_digest = entry_digest;
  Result<void> loaded = state->Load();
  if (!loaded && loaded.error().code == ErrorCode::kInternal) {
    // The statements are constant: they fail when the file's schema is another one.
    return Corruption("control.db: its schema was changed: restore it from a backup");
  }
  TRY_VOID(std::move(loaded));
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

Result<void> Directory::State::LoadRow(RowKind kind, std::string key, StoredRow row) {
  switch (kind) {
    case kPatient:
      patients.emplace(std::move(key), std::move(row));
      return {};  // checked on use
    case kAuditor: {
      TRY(const bool is_newest, CheckNewest(row, "auditors"));
      if (!is_newest) return {};
      TRY(AuditorRow decoded, DecodeAuditorRow(row.content));
      decoded.origin = row.origin;
      auditors.insert_or_assign(decoded.subject.id, std::move(decoded));
      return {};
    }
    case kSource: {
      TRY_VOID(Check(row, "sources"));
      TRY(SourceRow decoded, DecodeSourceRow(row.content));
      decoded.origin = row.origin;
      sources.insert_or_assign(decoded.id, std::move(decoded));
      return {};
    }
    case kCustodian: {
      TRY_VOID(Check(row, "custodians"));
      TRY(CustodianRow decoded, DecodeCustodianRow(row.content));
      decoded.origin = row.origin;
      custodians.insert_or_assign(decoded.id, std::move(decoded));
      return {};
    }
    case kMandate: {
      TRY(const bool is_newest, CheckNewest(row, "mandates"));
      if (!is_newest) return {};
      TRY(MandateRow decoded, DecodeMandateRow(row.content));
      decoded.origin = row.origin;
      IndexMandate(decoded);
      return {};
    }
  }
  return Corruption("control.db holds a row of an unknown kind");
}

Result<void> Directory::State::Load() {
  TRY(storage::Statement rows,
      db.Prepare("SELECT kind, key, content, entry_index, salt FROM rows"));
  for (;;) {
    TRY(const bool more, rows.Step());
    if (!more) break;
    StoredRow row;
    row.content = ToBytes(rows.Blob(2));
    row.origin.entry_index = static_cast<std::uint64_t>(rows.Int(3));
    if (rows.Blob(4).size() != row.origin.salt.size()) {
      return Corruption("control.db holds a row with a malformed salt");
    }
    std::copy_n(rows.Blob(4).begin(), row.origin.salt.size(), row.origin.salt.begin());
    TRY_VOID(LoadRow(static_cast<RowKind>(rows.Int(0)), std::string(rows.Text(1)), std::move(row)));
  }
  TRY(storage::Statement held,
      db.Prepare("SELECT patient, custodian, number, threshold, sealed, released, share_entry, "
                 "release_entry FROM shares ORDER BY patient, number"));
  for (;;) {
    TRY(const bool more, held.Step());
    if (!more) break;
    const std::string patient(held.Text(0));
    const std::size_t split = patient.find('\x1f');
    if (split == patient.npos) return Corruption("control.db holds a malformed custody share");
    CustodyShareRow share;
    share.patient = {SubjectKind::kPatient, patient.substr(0, split), patient.substr(split + 1)};
    share.custodian_id = held.Text(1);
    share.share_number = static_cast<std::uint8_t>(held.Int(2));
    share.threshold = static_cast<std::uint8_t>(held.Int(3));
    share.sealed_share = held.Text(4);
    share.released_share = held.Text(5);
    share.share_entry = static_cast<std::uint64_t>(held.Int(6));
    share.release_entry = static_cast<std::uint64_t>(held.Int(7));
    shares[patient].push_back(std::move(share));
  }
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

std::optional<PatientRow> Directory::FindPatient(const Subject& subject) const {
  std::unique_lock lock(state_->mutex);
  const auto at = state_->patients.find(KeyOf(subject));
  if (at == state_->patients.end()) return std::nullopt;
  if (Result<void> ok = state_->Check(at->second, "patients"); !ok) {
    // Fail closed: a row that can't be believed is no row.
    Log(LogLevel::kError, "a patient row does not match its entry: control.db was changed",
        {{"entry", static_cast<std::int64_t>(at->second.origin.entry_index)}});
    return std::nullopt;
  }
  Result<PatientRow> row = DecodePatientRow(at->second.content);
  if (!row || row->subject != subject) return std::nullopt;
  row->origin = at->second.origin;
  return *std::move(row);
}

std::optional<AuditorRow> Directory::FindAuditor(std::string_view id) const {
  std::shared_lock lock(state_->mutex);
  const auto at = state_->auditors.find(id);
  return at == state_->auditors.end() ? std::nullopt : std::optional(at->second);
}

std::optional<SourceRow> Directory::FindSource(std::string_view id) const {
  std::shared_lock lock(state_->mutex);
  const auto at = state_->sources.find(id);
  return at == state_->sources.end() ? std::nullopt : std::optional(at->second);
}

std::optional<SourceRow> Directory::FindSourceByNumber(std::uint16_t number) const {
  std::shared_lock lock(state_->mutex);
  for (const auto& [id, row] : state_->sources) {
    if (row.number == number) return row;
  }
  return std::nullopt;
}

std::vector<PatientRow> Directory::patients() const {
  std::vector<Subject> subjects;
  {
    std::shared_lock lock(state_->mutex);
    for (const auto& [key, stored] : state_->patients) {
      auto row = DecodePatientRow(stored.content);
      if (row && row->subject.kind == SubjectKind::kPatient) {
        subjects.push_back(std::move(row->subject));
      }
    }
  }
  std::sort(subjects.begin(), subjects.end());
  std::vector<PatientRow> rows;
  for (const Subject& subject : subjects) {
    if (auto row = FindPatient(subject)) rows.push_back(*std::move(row));
  }
  return rows;
}

namespace {

template <typename Map>
auto ValuesOf(const Map& map) {
  std::vector<typename Map::mapped_type> values;
  for (const auto& [key, value] : map) values.push_back(value);
  return values;
}

}  // namespace

std::vector<AuditorRow> Directory::auditors() const {
  std::shared_lock lock(state_->mutex);
  return ValuesOf(state_->auditors);
}

std::vector<SourceRow> Directory::sources() const {
  std::shared_lock lock(state_->mutex);
  return ValuesOf(state_->sources);
}

std::vector<CustodianRow> Directory::custodians() const {
  std::shared_lock lock(state_->mutex);
  return ValuesOf(state_->custodians);
}

std::vector<MandateRow> Directory::mandates() const {
  std::shared_lock lock(state_->mutex);
  return ValuesOf(state_->mandates);
}

std::optional<MandateRow> Directory::FindMandate(std::string_view auditor_id) const {
  std::shared_lock lock(state_->mutex);
  const auto at = state_->mandates.find(auditor_id);
  return at == state_->mandates.end() ? std::nullopt : std::optional(at->second);
}

std::vector<AuditorRow> Directory::AuditorsOf(const Subject& patient, Day day) const {
  std::shared_lock lock(state_->mutex);
  std::vector<AuditorRow> rows;
  const auto list = state_->auditors_of.find(KeyOf(patient));
  if (list == state_->auditors_of.end()) return rows;
  for (const std::string& id : list->second) {
    const MandateRow& mandate = state_->mandates.at(id);
    const bool is_running = mandate.from <= day && (!mandate.until || day <= *mandate.until);
    const auto auditor = state_->auditors.find(id);
    if (is_running && auditor != state_->auditors.end()) rows.push_back(auditor->second);
  }
  return rows;
}

bool Directory::IsEntitled(std::string_view auditor_id, const Subject& patient, Day day) const {
  const std::vector<AuditorRow> rows = AuditorsOf(patient, day);
  return std::any_of(rows.begin(), rows.end(),
                     [&](const AuditorRow& row) { return row.subject.id == auditor_id; });
}

std::vector<CustodyShareRow> Directory::SharesOf(const Subject& patient) const {
  std::shared_lock lock(state_->mutex);
  const auto at = state_->shares.find(KeyOf(patient));
  return at == state_->shares.end() ? std::vector<CustodyShareRow>() : at->second;
}

Result<std::uint16_t> Directory::NextSourceNumber() const {
  std::shared_lock lock(state_->mutex);
  std::uint16_t last = 0;
  for (const auto& [id, row] : state_->sources) last = std::max(last, row.number);
  if (last == 0xffff) return ResourceExhausted("all 65,535 numbers of sources are given away");
  return static_cast<std::uint16_t>(last + 1);
}

Result<void> Directory::Put(const PatientRow& row) { return PutMany({&row, 1}); }

Result<void> Directory::PutMany(std::span<const PatientRow> rows) {
  std::lock_guard write_lock(state_->write_mutex);
  TRY(storage::Transaction transaction, state_->db.Begin());
  for (const PatientRow& row : rows) {
    TRY_VOID(state_->Store(kPatient, KeyOf(row.subject), EncodeRow(row), row.origin));
  }
  TRY_VOID(transaction.Commit());
  std::unique_lock lock(state_->mutex);
  for (const PatientRow& row : rows) {
    state_->patients[KeyOf(row.subject)] = {EncodeRow(row), row.origin, true};
  }
  return {};
}

Result<void> Directory::Put(const AuditorRow& row) {
  std::lock_guard write_lock(state_->write_mutex);
  TRY_VOID(state_->Store(kAuditor, row.subject.id, EncodeRow(row), row.origin));
  std::unique_lock lock(state_->mutex);
  state_->auditors.insert_or_assign(row.subject.id, row);
  return {};
}

Result<void> Directory::Put(const SourceRow& row) {
  std::lock_guard write_lock(state_->write_mutex);
  TRY_VOID(state_->Store(kSource, row.id, EncodeRow(row), row.origin));
  std::unique_lock lock(state_->mutex);
  state_->sources.insert_or_assign(row.id, row);
  return {};
}

Result<void> Directory::Put(const CustodianRow& row) {
  std::lock_guard write_lock(state_->write_mutex);
  TRY_VOID(state_->Store(kCustodian, row.id, EncodeRow(row), row.origin));
  std::unique_lock lock(state_->mutex);
  state_->custodians.insert_or_assign(row.id, row);
  return {};
}

Result<void> Directory::Put(const MandateRow& row) {
  std::lock_guard write_lock(state_->write_mutex);
  TRY_VOID(state_->Store(kMandate, row.auditor.id, EncodeRow(row), row.origin));
  std::unique_lock lock(state_->mutex);
  state_->IndexMandate(row);
  return {};
}

Result<void> Directory::Put(const CustodyShareRow& row) {
  std::lock_guard write_lock(state_->write_mutex);
  const std::string patient = KeyOf(row.patient);
  TRY(storage::Statement insert,
      state_->db.Prepare("INSERT OR REPLACE INTO shares VALUES (?, ?, ?, ?, ?, ?, ?, ?)"));
  TRY_VOID(insert.BindAll(std::string_view(patient), std::string_view(row.custodian_id),
                          std::int64_t{row.share_number}, std::int64_t{row.threshold},
                          std::string_view(row.sealed_share), std::string_view(row.released_share),
                          static_cast<std::int64_t>(row.share_entry),
                          static_cast<std::int64_t>(row.release_entry)));
  TRY_VOID(insert.Run());
  std::unique_lock lock(state_->mutex);
  std::vector<CustodyShareRow>& held = state_->shares[patient];
  std::erase_if(held, [&](const auto& s) { return s.custodian_id == row.custodian_id; });
  held.push_back(row);
  std::sort(held.begin(), held.end(),
            [](const auto& a, const auto& b) { return a.share_number < b.share_number; });
  return {};
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
