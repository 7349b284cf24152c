#include "audit/directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <mutex>
#include <unordered_map>

#include "audit/directory_rows.h"
#include "audit/directory_tables.h"
#include "audit/holder_index.h"
#include "base/log.h"

namespace salus::audit {

namespace {

using TagKey = std::array<std::uint8_t, 16>;
struct TagKeyHash {
  std::size_t operator()(const TagKey& key) const {
    std::size_t hash;
    std::memcpy(&hash, key.data(), sizeof hash);
    return hash;
  }
};

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

struct Directory::State {
  explicit State(storage::Database database) : db(std::move(database)) {}

  // A row is believed once its entry in the log has its digest.
  Result<void> Check(const StoredRow& row) const {
    if (row.is_checked || !logged.digest_at) return {};
    TRY(const auto digest, logged.digest_at(row.origin.entry_index));
    if (!digest || *digest != RowDigest(row.origin.salt, row.content)) {
      return Corruption(
          fmt::format("a row of {} is not the one that entry {} recorded: control.db was changed",
                      NameOf(row.kind), row.origin.entry_index));
    }
    return {};
  }

  // What entitles somebody must be the newest that the log knows: an old file entitles nobody until
  // the same act is done again.
  Result<bool> CheckNewest(const StoredRow& row) const {
    Result<void> ok = Check(row);
    if (ok) return true;
    if (ok.error().code != ErrorCode::kFailedPrecondition) return ok.error();
    Log(LogLevel::kError, "a row is older than the log and is not used: do its act again",
        {{"table", NameOf(row.kind)},
         {"entry", static_cast<std::int64_t>(row.origin.entry_index)}});
    return false;
  }

  Result<void> Load(bool read_only);
  Result<void> LoadTags();
  Result<void> LoadRow(StoredRow row);
  // ConfirmIntents turns those whose entry is in the log into rows.
  Result<std::vector<StoredRow>> ConfirmIntents(std::vector<StoredRow> intents) const;
  void Apply(const Row& row);
  void Distrust(const Row& row);
  std::optional<StoredRow> FindStored(const std::string& key) const;
  // Believed are the rows of one kind and patient that are what their entries recorded.
  template <typename T>
  std::vector<T> Believed(const std::vector<StoredRow>& stored) const;
  void IndexMandate(const MandateRow& row);
  template <typename Find>
  std::optional<Subject> AskHolders(Find&& find);
  std::optional<Subject> OfCertificate(std::string_view fingerprint);
  std::optional<Subject> OfKey(const std::optional<crypto::P256PublicKey>& key);

  std::mutex write_mutex;  // db
  storage::Database db;
  LoggedRows logged;

  mutable std::shared_mutex mutex;  // everything below
  std::unordered_map<std::string, StoredRow> patients;
  std::optional<HolderIndex> holders;  // made when somebody first asks
  std::map<std::string, AuditorRow, std::less<>> auditors;
  std::map<std::string, SourceRow, std::less<>> sources;
  std::map<std::string, CustodianRow, std::less<>> custodians;
  std::map<std::string, MandateRow, std::less<>> mandates;                // by auditor
  std::unordered_map<std::string, std::vector<std::string>> auditors_of;  // by patient
  std::unordered_map<std::string, std::vector<StoredRow>> shares;         // by patient
  std::unordered_map<std::string, std::vector<StoredRow>> releases;       // by patient
  std::unordered_map<TagKey, ProvenTag, TagKeyHash> tags;
};

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

std::optional<StoredRow> Directory::State::FindStored(const std::string& key) const {
  std::shared_lock lock(mutex);
  const auto at = patients.find(key);
  return at == patients.end() ? std::nullopt : std::optional(at->second);
}

std::optional<PatientRow> Directory::FindPatient(const Subject& subject) const {
  const std::string key = KeyOf(subject);
  const std::optional<StoredRow> stored = state_->FindStored(key);
  if (!stored) return std::nullopt;
  if (Result<void> ok = state_->Check(*stored); !ok) {
    // Fail closed: a row that can't be believed is no row.
    Log(LogLevel::kError, "a patient row is not the newest that the log recorded: not used",
        {{"entry", static_cast<std::int64_t>(stored->origin.entry_index)}});
    return std::nullopt;
  }
  if (!stored->is_checked) {
    std::unique_lock lock(state_->mutex);
    const auto at = state_->patients.find(key);
    if (at != state_->patients.end() &&
        at->second.origin.entry_index == stored->origin.entry_index) {
      at->second.is_checked = true;
    }
  }
  Result<Row> row = DecodeRow(*stored);
  const auto* patient = row ? std::get_if<PatientRow>(&*row) : nullptr;
  if (patient == nullptr || patient->subject != subject) return std::nullopt;
  return *patient;
}

template <typename Find>
std::optional<Subject> Directory::State::AskHolders(Find&& find) {
  {
    std::shared_lock lock(mutex);
    if (holders) return find(*holders);
  }
  std::unique_lock lock(mutex);
  if (!holders) {
    holders.emplace();
    for (const auto& [key, stored] : patients) {
      if (const auto row = DecodePatientRow(stored.content)) holders->Add(*row);
    }
  }
  return find(*holders);
}

std::optional<Subject> Directory::State::OfCertificate(std::string_view fingerprint) {
  if (fingerprint.empty()) return std::nullopt;
  return AskHolders([&](const HolderIndex& index) { return index.OfCertificate(fingerprint); });
}

std::optional<Subject> Directory::State::OfKey(const std::optional<crypto::P256PublicKey>& key) {
  if (!key) return std::nullopt;
  return AskHolders([&](const HolderIndex& index) { return index.OfKey(*key); });
}

std::optional<PatientRow> Directory::FindHolder(
    std::string_view certificate_fingerprint,
    const std::optional<crypto::P256PublicKey>& key) const {
  if (const auto subject = state_->OfCertificate(certificate_fingerprint)) {
    auto row = FindPatient(*subject);
    if (row && row->certificate_fingerprint == certificate_fingerprint) return row;
  }
  if (const auto subject = state_->OfKey(key)) {
    auto row = FindPatient(*subject);
    // A patient with a certificate is known by that alone.
    if (row && row->certificate_fingerprint.empty() && row->key == key) return row;
  }
  return std::nullopt;
}

std::optional<Subject> Directory::FindOtherHolder(const PatientRow& row) const {
  for (const auto& subject :
       {state_->OfCertificate(row.certificate_fingerprint), state_->OfKey(row.key)}) {
    if (!subject || *subject == row.subject) continue;
    const auto other = FindPatient(*subject);
    if (!other) continue;
    const std::string& fingerprint = row.certificate_fingerprint;
    const bool has_certificate =
        !fingerprint.empty() && other->certificate_fingerprint == fingerprint;
    if (has_certificate || (row.key && other->key == row.key)) return subject;
  }
  return std::nullopt;
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
      const auto row = DecodePatientRow(stored.content);
      if (row && row->subject.kind == SubjectKind::kPatient) subjects.push_back(row->subject);
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

std::vector<MandateRow> Directory::begun_mandates() const {
  std::shared_lock lock(state_->mutex);
  std::vector<MandateRow> begun;
  for (const auto& [auditor, row] : state_->mandates) {
    if (row.next) begun.push_back(row);
  }
  return begun;
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

template <typename T>
std::vector<T> Directory::State::Believed(const std::vector<StoredRow>& stored) const {
  std::vector<T> rows;
  for (const StoredRow& one : stored) {
    if (!Check(one)) {
      Log(LogLevel::kError, "a custody row is not what its entry recorded: not used",
          {{"entry", static_cast<std::int64_t>(one.origin.entry_index)}});
      continue;
    }
    Result<Row> row = DecodeRow(one);
    if (auto* decoded = row ? std::get_if<T>(&*row) : nullptr) rows.push_back(std::move(*decoded));
  }
  return rows;
}

std::vector<CustodyShareRow> Directory::SharesOf(const Subject& patient) const {
  const std::string key = KeyOf(patient);
  std::vector<StoredRow> sealed;
  std::vector<StoredRow> released;
  {
    std::shared_lock lock(state_->mutex);
    if (const auto at = state_->shares.find(key); at != state_->shares.end()) sealed = at->second;
    if (const auto at = state_->releases.find(key); at != state_->releases.end()) {
      released = at->second;
    }
  }
  auto shares = state_->Believed<CustodyShareRow>(sealed);
  const auto releases = state_->Believed<CustodyReleaseRow>(released);
  for (CustodyShareRow& share : shares) {
    const auto own = std::find_if(releases.begin(), releases.end(), [&](const auto& release) {
      return release.custodian_id == share.custodian_id;
    });
    if (own != releases.end()) share.released_share = own->released_share;
  }
  std::sort(shares.begin(), shares.end(),
            [](const auto& a, const auto& b) { return a.share_number < b.share_number; });
  return shares;
}

Result<std::uint16_t> Directory::NextSourceNumber() const {
  std::shared_lock lock(state_->mutex);
  std::uint16_t last = 0;
  for (const auto& [id, row] : state_->sources) last = std::max(last, row.number);
  if (last == 0xffff) return ResourceExhausted("all 65,535 numbers of sources are given away");
  return static_cast<std::uint16_t>(last + 1);
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
