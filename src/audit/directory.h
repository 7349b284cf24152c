// Directory is the control plane: who the patients, auditors, sources and custodians are, which
// keys they hold, and who is entitled to read whom.
//
// Each row that decides access is the image of a log entry: it carries the entry's index and a
// salt, and the entry carries SHA-256("salus/row" || salt || row as CBOR). Neither SQLite nor the
// file system is trusted: a row that does not match its entry, or is not the newest for its
// subject, fails closed (docs/formats/directory.md).
//
// Source: design.md section 9; docs/formats/directory.md.
// Shape:  DIR/control.db: SQLite; each row's content is deterministic CBOR (EncodeRow).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "audit/subject.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/p256.h"
#include "crypto/sha256.h"
#include "storage/database.h"

namespace salus::audit {

// RowOrigin ties a row to the log entry it is the image of.
struct RowOrigin {
  std::uint64_t entry_index = 0;
  std::array<std::uint8_t, 16> salt{};
};

// PatientRow is a registered patient. Without an encryption key, custodians hold the custody key in
// shares until the patient enrols (protocol.md P3.5). The system subject has a row of the same
// form: custodians hold its key, until an officer's key is put there.
struct PatientRow {
  Subject subject;
  std::string name;                                  // to show; may be empty
  std::optional<crypto::P256PublicKey> key;          // the patient's own encryption key
  std::optional<crypto::P256PublicKey> custody_key;  // until there is one
  std::string certificate_fingerprint;  // hex SHA-256 of the identity's certificate, or ""
  std::uint64_t enrolled_at_index = 0;  // entry that brought the patient's own key
  RowOrigin origin;
};

struct AuditorRow {
  Subject subject;
  std::string name;
  crypto::P256PublicKey key;
  RowOrigin origin;
};

// SourceRow is a system that may send events. number is what segment records carry (1 to 65,535).
struct SourceRow {
  std::string id;  // as in its certificate
  std::string name;
  std::uint16_t number = 0;
  RowOrigin origin;
};

struct CustodianRow {
  std::string id;
  std::string name;
  crypto::P256PublicKey key;
  RowOrigin origin;
};

// MandateRow says which patients an auditor may read, from a day on. It works forward only.
struct MandateRow {
  Subject auditor;
  Subject mandate;  // kind kMandate: a chain of its own
  std::vector<Subject> patients;
  std::string purpose;
  Day from;
  std::optional<Day> until;  // the last day, inclusive
  RowOrigin origin;
};

// CustodyShareRow is one custodian's share of a patient's custody key, as a compact JWE to that
// custodian, and, once released, re-sealed to the patient's own key.
struct CustodyShareRow {
  Subject patient;
  std::string custodian_id;
  std::uint8_t share_number = 0;  // x of the share
  std::uint8_t threshold = 0;
  std::string sealed_share;    // JWE to the custodian
  std::string released_share;  // JWE to the patient, or empty
  std::uint64_t share_entry = 0;
  std::uint64_t release_entry = 0;
};

// EncodeRow is the deterministic CBOR of a row without its origin; RowDigest is what its entry
// holds.
Bytes EncodeRow(const PatientRow& row);
Bytes EncodeRow(const AuditorRow& row);
Bytes EncodeRow(const SourceRow& row);
Bytes EncodeRow(const CustodianRow& row);
Bytes EncodeRow(const MandateRow& row);
crypto::Hash32 RowDigest(ByteSpan salt, ByteSpan encoded_row);

// Threads: safe to share; one writer connection inside, reads come from memory.
class Directory {
 public:
  // EntryDigest returns the row digest that the log entry at index carries. Errors:
  // FailedPrecondition when the same subject has a newer entry of the kind: the row is out of date.
  using EntryDigest = std::function<Result<std::optional<crypto::Hash32>>(std::uint64_t index)>;

  // Create makes the database file (DIR/control.db).
  static Result<std::unique_ptr<Directory>> Create(const std::string& path);
  // Open loads every row into memory, checking each against its entry.
  //
  // A mandate's or an auditor's row that is out of date is passed over: it entitles nobody.
  //
  // Errors: Corruption, with the table and the entry's index, when a row is not its entry's image.
  static Result<std::unique_ptr<Directory>> Open(const std::string& path, bool read_only,
                                                 const EntryDigest& entry_digest);

  std::optional<PatientRow> FindPatient(const Subject& subject) const;
  std::optional<AuditorRow> FindAuditor(std::string_view id) const;
  std::optional<SourceRow> FindSource(std::string_view id) const;
  std::optional<SourceRow> FindSourceByNumber(std::uint16_t number) const;
  std::vector<PatientRow> patients() const;  // without the system subject
  std::vector<AuditorRow> auditors() const;
  std::vector<SourceRow> sources() const;
  std::vector<CustodianRow> custodians() const;
  std::vector<MandateRow> mandates() const;
  std::optional<MandateRow> FindMandate(std::string_view auditor_id) const;
  // AuditorsOf are those entitled to read the patient on that day, in the order of their ids.
  std::vector<AuditorRow> AuditorsOf(const Subject& patient, Day day) const;
  bool IsEntitled(std::string_view auditor_id, const Subject& patient, Day day) const;
  std::vector<CustodyShareRow> SharesOf(const Subject& patient) const;
  // Errors: ResourceExhausted when 65,535 was given to a source.
  Result<std::uint16_t> NextSourceNumber() const;

  // The Put functions store a row whose entry is durable, replacing the row of the same subject.
  Result<void> Put(const PatientRow& row);
  Result<void> Put(const AuditorRow& row);
  Result<void> Put(const SourceRow& row);
  Result<void> Put(const CustodianRow& row);
  Result<void> Put(const MandateRow& row);
  Result<void> Put(const CustodyShareRow& row);
  // PutMany stores many patients in one transaction (imports).
  Result<void> PutMany(std::span<const PatientRow> rows);

  // Tag cache: VRF proofs cost 0.15 ms each, so they are kept; key is an HMAC of the subject under
  // the index key. Not trusted: whoever hands a tag out has the proof checked by the receiver.
  std::optional<ProvenTag> FindTag(const std::array<std::uint8_t, 16>& key) const;
  Result<void> PutTags(std::span<const std::pair<std::array<std::uint8_t, 16>, ProvenTag>> tags);

 private:
  struct State;
  explicit Directory(std::unique_ptr<State> state);

 public:
  ~Directory();

 private:
  std::unique_ptr<State> state_;
};

}  // namespace salus::audit
