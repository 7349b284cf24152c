// Directory is the control plane: who the patients, auditors, sources and custodians are, which
// keys they hold, and who is entitled to read whom.
//
// Each row is the image of a log entry: it carries the entry's index and a salt, and the entry
// carries SHA-256("salus/row" || salt || row as CBOR). Neither SQLite nor the file system is
// trusted: a row that does not match its entry, or is not the newest for its subject, fails closed
// (docs/formats/directory.md). A row is noted as an intent before its entry is made, so that a
// crash in between loses nothing (decision 0023).
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
#include <variant>
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
  std::string certificate_fingerprint = {};  // as PatientRow's
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

// MandateChange is what a mandate is becoming while its patients are told, a commit after the
// other.
struct MandateChange {
  std::vector<Subject> patients;
  std::vector<Subject> removed;  // are told that they are in it no more
  std::string purpose;
  Day from;
  std::optional<Day> until;
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
  // Set while a change is under way: what it takes away is gone from the members above already,
  // what it gives is not there yet (decision 0023).
  std::optional<MandateChange> next = {};
};

// CustodyShareRow is one custodian's share of a patient's custody key, as a compact JWE to that
// custodian. Its entry is in the patient's chain.
struct CustodyShareRow {
  Subject patient;
  std::string custodian_id;
  std::uint8_t share_number = 0;  // x of the share
  std::uint8_t threshold = 0;
  std::string sealed_share;  // JWE to the custodian
  RowOrigin origin;
  // JWE to the patient, or empty: SharesOf takes it from the release's own row.
  std::string released_share = {};
};

// CustodyReleaseRow is that share once more, re-sealed to the patient's own key.
struct CustodyReleaseRow {
  Subject patient;
  std::string custodian_id;
  std::string released_share;
  RowOrigin origin;
};

// NoticeRow says where in the log a notice stands that everybody may read (kind 7). The entry holds
// the same content in clear.
struct NoticeRow {
  std::string task_id;     // hex
  std::string publisher;   // as content says it; nobody's notice stands in the way of another's
  bool is_result = false;  // kResultReleased; else kTaskOpened
  std::string batch = {};  // of a result: which of the task's
  Bytes content = {};      // audit/task_notice.h
  RowOrigin origin = {};
};

using Row = std::variant<PatientRow, AuditorRow, SourceRow, CustodianRow, MandateRow,
                         CustodyShareRow, CustodyReleaseRow, NoticeRow>;
RowOrigin& OriginOf(Row& row);
const RowOrigin& OriginOf(const Row& row);

// EncodeRow is the deterministic CBOR of a row without its origin; RowDigest is what its entry
// holds.
Bytes EncodeRow(const Row& row);
crypto::Hash32 RowDigest(ByteSpan salt, ByteSpan encoded_row);

// StoredRow is a row as control.db holds it: not checked against anything.
struct StoredRow {
  // The values are stored; the order is Row's.
  enum Kind {
    kPatient = 1,
    kAuditor,
    kSource,
    kCustodian,
    kMandate,
    kCustodyShare,
    kCustodyRelease,
    kNotice
  };
  Kind kind = kPatient;
  std::string key;
  Bytes content;
  RowOrigin origin;        // of an intent, entry_index is where the log ended before its entry
  bool is_intent = false;  // written before its entry, which may never have come to be
  bool is_checked = false;
};
// ReadStoredRows reads all rows and intents of a control.db as they stood at one time.
// Errors: Corruption when it is not one.
Result<std::vector<StoredRow>> ReadStoredRows(const std::string& path);
// DecodeRow is the row that content says, its origin and key included.
// Errors: Corruption or InvalidArgument when it is no row of the kind, or filed under another key.
Result<Row> DecodeRow(const StoredRow& stored);

// BrokenRegistration is the error about a subject that the log knows and the directory does not.
Error BrokenRegistration();

// Threads: safe to share; one writer connection inside, reads come from memory.
class Directory {
 public:
  // LoggedRows is what the directory asks of the log.
  struct LoggedRows {
    // digest_at returns the row digest that the entry at index carries. Errors: FailedPrecondition
    // when the same subject has a newer policy entry: the row is out of date.
    std::function<Result<std::optional<crypto::Hash32>>(std::uint64_t index)> digest_at;
    // scan visits every entry from `since` on that carries a row digest.
    using Visit = std::function<void(std::uint64_t index, const crypto::Hash32& digest)>;
    std::function<Result<void>(std::uint64_t since, const Visit& visit)> scan;
  };

  // Create makes the database file (DIR/control.db).
  static Result<std::unique_ptr<Directory>> Create(const std::string& path);
  // Open loads every row into memory, checking each against its entry; a patient's and its shares
  // are checked when they are first used. Intents whose entry is in the log become rows, the others
  // are dropped.
  //
  // A mandate's or an auditor's row that is out of date is passed over: it entitles nobody.
  //
  // Errors: Corruption, with the table and the entry's index, when a row is not its entry's image.
  static Result<std::unique_ptr<Directory>> Open(const std::string& path, bool read_only,
                                                 LoggedRows logged);

  // FindPatient is nullopt, too, where a row is not the newest that the log knows: such a row is
  // never used. Who would register the patient then asks the log whether it knows the subject.
  std::optional<PatientRow> FindPatient(const Subject& subject) const;
  // FindHolder is the patient who is registered with this certificate, or, where a key was
  // registered without one, with that key. An older certificate of the same patient finds nobody.
  std::optional<PatientRow> FindHolder(std::string_view certificate_fingerprint,
                                       const std::optional<crypto::P256PublicKey>& key) const;
  // FindOtherHolder is another patient whose row has this row's certificate or key.
  std::optional<Subject> FindOtherHolder(const PatientRow& row) const;
  std::optional<AuditorRow> FindAuditor(std::string_view id) const;
  std::optional<SourceRow> FindSource(std::string_view id) const;
  std::optional<SourceRow> FindSourceByNumber(std::uint16_t number) const;
  std::vector<PatientRow> patients() const;  // without the system subject
  std::vector<AuditorRow> auditors() const;
  std::vector<SourceRow> sources() const;
  std::vector<CustodianRow> custodians() const;
  std::vector<MandateRow> mandates() const;
  std::vector<NoticeRow> notices() const;  // in the order of their entries
  // FindNotice finds a publisher's notice of a task, or of one of its results.
  std::optional<NoticeRow> FindNotice(const NoticeRow& like) const;
  std::vector<MandateRow> begun_mandates() const;  // with a change under way
  std::optional<MandateRow> FindMandate(std::string_view auditor_id) const;
  // AuditorsOf are those entitled to read the patient on that day, in the order of their ids.
  std::vector<AuditorRow> AuditorsOf(const Subject& patient, Day day) const;
  bool IsEntitled(std::string_view auditor_id, const Subject& patient, Day day) const;
  std::vector<CustodyShareRow> SharesOf(const Subject& patient) const;
  // Errors: ResourceExhausted when 65,535 was given to a source.
  Result<std::uint16_t> NextSourceNumber() const;

  // Intend notes rows whose entries are about to be made behind the first log_size entries. Durable
  // on return.
  Result<void> Intend(std::span<const Row> rows, std::uint64_t log_size);
  // Store stores rows whose entries are durable, replacing those of the same subjects, in one
  // transaction, and ends their intents. When it fails, rows in memory that the log has replaced
  // are not used any more; the next Open finds the intents.
  Result<void> Store(std::span<const Row> rows);
  Result<void> Put(const Row& row) { return Store({&row, 1}); }

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
