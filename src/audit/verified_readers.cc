#include "audit/verified_readers.h"

#include <fmt/format.h>

#include <map>

#include "audit/directory_rows.h"
#include "codec/rfc3339.h"

namespace salus::audit {

namespace {

class ReaderTable {
 public:
  Result<void> Add(const VerifiedEntry& entry) {
    if (entry.grant) return AddGrant(entry);
    if (entry.kind != tlog::EntryKind::kPolicy) return {};
    if (entry.type == EventType::kCustodyShare) custody_.emplace().entry = entry.index;
    if (entry.type == EventType::kPatientRegistered) EndCustody(entry);
    if (entry.type == EventType::kMandateSet) return AddMandate(entry);
    if (entry.type == EventType::kDaysShared) return AddShared(entry);
    return {};
  }

  std::vector<VerifiedReader> Take() && {
    std::vector<VerifiedReader> readers;
    if (custody_) readers.push_back(*std::move(custody_));
    for (auto& [id, reader] : readers_) readers.push_back(std::move(reader));
    return readers;
  }

 private:
  static Error NotWhatItMustBe(const VerifiedEntry& entry) {
    return VerificationFailed(fmt::format(
        "entry {}: it is about a reader, and is not what it must be", entry.index.value));
  }

  VerifiedReader& Of(const std::string& auditor) {
    VerifiedReader& reader = readers_[auditor];
    reader.auditor = auditor;
    return reader;
  }

  Result<void> AddMandate(const VerifiedEntry& entry) {
    if (entry.plaintext.empty()) {  // from before the patient had a key
      has_closed_mandate_ = true;
      return {};
    }
    const Result<MandateNotice> notice = DecodeMandateNotice(entry.plaintext);
    if (!notice) return NotWhatItMustBe(entry);
    VerifiedReader& reader = Of(notice->auditor);
    reader.name = notice->auditor_name;
    if (notice->is_removed) {  // its other members are those of the mandate without this patient
      const bool was_over = reader.until && *reader.until < notice->from;
      if (!was_over) reader.until = notice->from;
    } else {
      reader.purpose = notice->purpose;
      reader.from = notice->from;
      reader.until = notice->until;
    }
    reader.has_mandate = !notice->is_removed;
    reader.key = notice->key;
    reader.entry = entry.index;
    return {};
  }

  Result<void> AddShared(const VerifiedEntry& entry) {
    if (entry.plaintext.empty()) return {};
    Result<SharedDaysNotice> notice = DecodeSharedDaysNotice(entry.plaintext);
    if (!notice) return NotWhatItMustBe(entry);
    Of(notice->auditor).shared.push_back(*std::move(notice));
    return {};
  }

  // The patient's own key came, behind the first grant to it.
  void EndCustody(const VerifiedEntry& entry) {
    if (!custody_ || custody_->until || !last_granted_) return;
    const Result<PatientRow> row = DecodePatientRow(entry.plaintext);
    if (row && row->key) custody_->until = last_granted_;
  }

  Result<void> AddGrant(const VerifiedEntry& entry) {
    const Day day = FromUnixDay(entry.grant->day);
    last_granted_ = day;
    for (const auto& granted : entry.grant->readers) {
      if (!granted || granted->kind != SubjectKind::kAuditor) continue;
      VerifiedReader& reader = Of(granted->id);
      reader.keys = reader.keys ? std::pair(reader.keys->first, day) : std::pair(day, day);
      const bool is_covered = reader.has_mandate && reader.from && *reader.from <= day &&
                              (!reader.until || day <= *reader.until);
      if (is_covered) continue;
      if (!has_closed_mandate_) {
        return VerificationFailed(fmt::format(
            "entry {}: the key of {} was given to {}, which no mandate in your history covers",
            entry.index.value, codec::FormatDay(day), granted->id));
      }
      if (!reader.key) {
        if (!reader.has_mandate) reader.from = day;
        reader.has_mandate = true;
        reader.entry = entry.index;
      }
    }
    return {};
  }

  std::map<std::string, VerifiedReader> readers_;
  bool has_closed_mandate_ = false;
  std::optional<Day> last_granted_;
  std::optional<VerifiedReader> custody_;
};

}  // namespace

Result<std::vector<VerifiedReader>> VerifiedReaders(const VerifiedHistory& history) {
  ReaderTable table;
  for (const VerifiedEntry& entry : history.others) TRY_VOID(table.Add(entry));
  return std::move(table).Take();
}

std::optional<merkle::LeafIndex> OtherKeyTold(const VerifiedHistory& history,
                                              const ReaderKeys& keys) {
  std::optional<merkle::LeafIndex> other;
  if (keys.reader.kind != SubjectKind::kAuditor || keys.own_key == nullptr) return other;
  for (const VerifiedEntry& entry : history.others) {
    const bool is_mandate = entry.kind == tlog::EntryKind::kPolicy &&
                            entry.type == EventType::kMandateSet && !entry.plaintext.empty();
    if (!is_mandate) continue;
    const Result<MandateNotice> notice = DecodeMandateNotice(entry.plaintext);
    if (!notice || notice->auditor != keys.reader.id) continue;
    const bool is_own = notice->key == keys.own_key->public_key();
    other = is_own ? std::nullopt : std::optional(entry.index);
  }
  return other;
}

}  // namespace salus::audit
