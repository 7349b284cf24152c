// What a directory is asked.

#include <algorithm>
#include <mutex>

#include "audit/directory_rows.h"
#include "audit/directory_state.h"
#include "base/log.h"

namespace salus::audit {

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

std::vector<NoticeRow> Directory::notices() const {
  std::vector<NoticeRow> found;
  {
    std::shared_lock lock(state_->mutex);
    found = ValuesOf(state_->notices);
  }
  std::sort(found.begin(), found.end(), [](const NoticeRow& a, const NoticeRow& b) {
    return a.origin.entry_index < b.origin.entry_index;
  });
  return found;
}

std::optional<NoticeRow> Directory::FindNotice(const NoticeRow& like) const {
  std::shared_lock lock(state_->mutex);
  const auto found = state_->notices.find(KeyOf(Row(like)));
  if (found == state_->notices.end()) return std::nullopt;
  return found->second;
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

}  // namespace salus::audit
