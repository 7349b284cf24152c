// The encodings of the directory's rows: what an entry's row digest is over.

#include "audit/directory_rows.h"
#include "audit/directory.h"
#include "audit/task_notice.h"
#include "codec/cbor.h"

namespace salus::audit {

namespace {

using codec::CborReader;
using codec::CborType;
using codec::CborWriter;

void WriteKey(CborWriter& writer, const std::optional<crypto::P256PublicKey>& key) {
  if (!key) return writer.Null();
  writer.ByteString(key->sec1());
}

Result<std::optional<crypto::P256PublicKey>> ReadKey(CborReader& reader) {
  TRY(const CborType type, reader.PeekType());
  if (type == CborType::kNull) {
    TRY_VOID(reader.Null());
    return std::optional<crypto::P256PublicKey>();
  }
  TRY(const ByteSpan bytes, reader.ByteString());
  TRY(crypto::P256PublicKey key, crypto::P256PublicKey::FromSec1(bytes));
  return std::optional(std::move(key));
}

Result<std::string> ReadString(CborReader& reader) {
  TRY(const std::string_view text, reader.Text());
  return std::string(text);
}

Result<crypto::P256PublicKey> ReadRequiredKey(CborReader& reader) {
  TRY(auto key, ReadKey(reader));
  if (!key) return Corruption("a row of the directory has no key");
  return *std::move(key);
}

Bytes Encode(const PatientRow& row) {
  Bytes out;
  CborWriter writer(out);
  writer.Map(6);
  writer.Uint(1);
  WriteSubject(writer, row.subject);
  writer.Uint(2);
  writer.Text(row.name);
  writer.Uint(3);
  WriteKey(writer, row.key);
  writer.Uint(4);
  WriteKey(writer, row.custody_key);
  writer.Uint(5);
  writer.Text(row.certificate_fingerprint);
  writer.Uint(6);
  writer.Uint(row.enrolled_at_index);
  return out;
}

Bytes Encode(const AuditorRow& row) {
  Bytes out;
  CborWriter writer(out);
  writer.Map(4);
  writer.Uint(1);
  WriteSubject(writer, row.subject);
  writer.Uint(2);
  writer.Text(row.name);
  writer.Uint(3);
  WriteKey(writer, row.key);
  writer.Uint(4);
  writer.Text(row.certificate_fingerprint);
  return out;
}

Bytes Encode(const SourceRow& row) {
  Bytes out;
  CborWriter writer(out);
  writer.Map(3);
  writer.Uint(1);
  writer.Text(row.id);
  writer.Uint(2);
  writer.Text(row.name);
  writer.Uint(3);
  writer.Uint(row.number);
  return out;
}

Bytes Encode(const CustodianRow& row) {
  Bytes out;
  CborWriter writer(out);
  writer.Map(3);
  writer.Uint(1);
  writer.Text(row.id);
  writer.Uint(2);
  writer.Text(row.name);
  writer.Uint(3);
  WriteKey(writer, row.key);
  return out;
}

void WriteSubjects(CborWriter& writer, std::span<const Subject> subjects) {
  writer.Array(subjects.size());
  for (const Subject& subject : subjects) WriteSubject(writer, subject);
}

void WriteUntil(CborWriter& writer, const std::optional<Day>& until) {
  if (until) {
    writer.Uint(ToUnixDay(*until));
  } else {
    writer.Null();
  }
}

Bytes Encode(const MandateRow& row) {
  Bytes out;
  CborWriter writer(out);
  writer.Map(row.next ? 7 : 6);
  writer.Uint(1);
  WriteSubject(writer, row.auditor);
  writer.Uint(2);
  WriteSubject(writer, row.mandate);
  writer.Uint(3);
  WriteSubjects(writer, row.patients);
  writer.Uint(4);
  writer.Text(row.purpose);
  writer.Uint(5);
  writer.Uint(ToUnixDay(row.from));
  writer.Uint(6);
  WriteUntil(writer, row.until);
  if (!row.next) return out;
  writer.Uint(7);
  writer.Array(5);
  WriteSubjects(writer, row.next->patients);
  WriteSubjects(writer, row.next->removed);
  writer.Text(row.next->purpose);
  writer.Uint(ToUnixDay(row.next->from));
  WriteUntil(writer, row.next->until);
  return out;
}

Bytes Encode(const CustodyShareRow& row) {
  Bytes out;
  CborWriter writer(out);
  writer.Map(5);
  writer.Uint(1);
  WriteSubject(writer, row.patient);
  writer.Uint(2);
  writer.Text(row.custodian_id);
  writer.Uint(3);
  writer.Uint(row.share_number);
  writer.Uint(4);
  writer.Uint(row.threshold);
  writer.Uint(5);
  writer.Text(row.sealed_share);
  return out;
}

Bytes Encode(const CustodyReleaseRow& row) {
  Bytes out;
  CborWriter writer(out);
  writer.Map(3);
  writer.Uint(1);
  WriteSubject(writer, row.patient);
  writer.Uint(2);
  writer.Text(row.custodian_id);
  writer.Uint(3);
  writer.Text(row.released_share);
  return out;
}

Bytes Encode(const NoticeRow& row) {
  Bytes out;
  CborWriter writer(out);
  writer.Map(4);
  writer.Uint(1);
  writer.Text(row.task_id);
  writer.Uint(2);
  writer.Bool(row.is_result);
  writer.Uint(3);
  writer.Text(row.batch);
  writer.Uint(4);
  writer.ByteString(row.content);
  return out;
}

}  // namespace

Bytes EncodeRow(const Row& row) {
  return std::visit([](const auto& one) { return Encode(one); }, row);
}

RowOrigin& OriginOf(Row& row) {
  return std::visit([](auto& one) -> RowOrigin& { return one.origin; }, row);
}

const RowOrigin& OriginOf(const Row& row) {
  return std::visit([](const auto& one) -> const RowOrigin& { return one.origin; }, row);
}

crypto::Hash32 RowDigest(ByteSpan salt, ByteSpan encoded_row) {
  return crypto::Sha256({AsBytes("salus/row"), salt, encoded_row});
}

namespace {

Result<void> Label(CborReader& reader, std::uint64_t label) {
  TRY(const std::uint64_t got, reader.Uint());
  if (got != label) return Corruption("a row of the directory is malformed");
  return {};
}

Result<Day> ReadDay(CborReader& reader) {
  TRY(const std::uint64_t day, reader.Uint());
  if (day > 10'000'000) return Corruption("a day in a mandate's row is out of range");
  return FromUnixDay(static_cast<std::uint32_t>(day));
}

Result<std::uint8_t> ReadSmall(CborReader& reader) {
  TRY(const std::uint64_t number, reader.Uint());
  if (number > 255) return Corruption("a custody share's number is out of range");
  return static_cast<std::uint8_t>(number);
}

}  // namespace

Result<PatientRow> DecodePatientRow(ByteSpan bytes) {
  PatientRow row;
  CborReader reader(bytes);
  TRY_VOID(reader.MapOf(6));
  TRY_VOID(Label(reader, 1));
  TRY(row.subject, ReadSubject(reader));
  TRY_VOID(Label(reader, 2));
  TRY(row.name, ReadString(reader));
  TRY_VOID(Label(reader, 3));
  TRY(row.key, ReadKey(reader));
  TRY_VOID(Label(reader, 4));
  TRY(row.custody_key, ReadKey(reader));
  TRY_VOID(Label(reader, 5));
  TRY(row.certificate_fingerprint, ReadString(reader));
  TRY_VOID(Label(reader, 6));
  TRY(row.enrolled_at_index, reader.Uint());
  TRY_VOID(reader.Finish());
  return row;
}

Result<AuditorRow> DecodeAuditorRow(ByteSpan bytes) {
  CborReader reader(bytes);
  TRY_VOID(reader.MapOf(4));
  TRY_VOID(Label(reader, 1));
  TRY(Subject subject, ReadSubject(reader));
  TRY_VOID(Label(reader, 2));
  TRY(std::string name, ReadString(reader));
  TRY_VOID(Label(reader, 3));
  TRY(crypto::P256PublicKey key, ReadRequiredKey(reader));
  TRY_VOID(Label(reader, 4));
  TRY(std::string fingerprint, ReadString(reader));
  TRY_VOID(reader.Finish());
  return AuditorRow{
      std::move(subject), std::move(name), std::move(key), {}, std::move(fingerprint)};
}

Result<SourceRow> DecodeSourceRow(ByteSpan bytes) {
  SourceRow row;
  CborReader reader(bytes);
  TRY_VOID(reader.MapOf(3));
  TRY_VOID(Label(reader, 1));
  TRY(row.id, ReadString(reader));
  TRY_VOID(Label(reader, 2));
  TRY(row.name, ReadString(reader));
  TRY_VOID(Label(reader, 3));
  TRY(const std::uint64_t number, reader.Uint());
  if (number == 0 || number > 0xffff) return Corruption("a source's number is out of range");
  row.number = static_cast<std::uint16_t>(number);
  TRY_VOID(reader.Finish());
  return row;
}

Result<CustodianRow> DecodeCustodianRow(ByteSpan bytes) {
  CborReader reader(bytes);
  TRY_VOID(reader.MapOf(3));
  TRY_VOID(Label(reader, 1));
  TRY(std::string id, ReadString(reader));
  TRY_VOID(Label(reader, 2));
  TRY(std::string name, ReadString(reader));
  TRY_VOID(Label(reader, 3));
  TRY(crypto::P256PublicKey key, ReadRequiredKey(reader));
  TRY_VOID(reader.Finish());
  return CustodianRow{std::move(id), std::move(name), std::move(key), {}};
}

namespace {

Result<std::vector<Subject>> ReadSubjects(CborReader& reader) {
  TRY(const std::size_t count, reader.Array());
  std::vector<Subject> subjects;
  for (std::size_t i = 0; i < count; ++i) {
    TRY(Subject subject, ReadSubject(reader));
    subjects.push_back(std::move(subject));
  }
  return subjects;
}

Result<std::optional<Day>> ReadUntil(CborReader& reader) {
  TRY(const CborType type, reader.PeekType());
  if (type == CborType::kNull) {
    TRY_VOID(reader.Null());
    return std::optional<Day>();
  }
  TRY(const Day day, ReadDay(reader));
  return std::optional<Day>(day);
}

Result<MandateChange> ReadChange(CborReader& reader) {
  MandateChange change;
  TRY_VOID(reader.ArrayOf(5));
  TRY(change.patients, ReadSubjects(reader));
  TRY(change.removed, ReadSubjects(reader));
  TRY(change.purpose, ReadString(reader));
  TRY(change.from, ReadDay(reader));
  TRY(change.until, ReadUntil(reader));
  return change;
}

}  // namespace

Result<MandateRow> DecodeMandateRow(ByteSpan bytes) {
  MandateRow row;
  CborReader reader(bytes);
  TRY(const std::size_t members, reader.Map());
  if (members != 6 && members != 7) return Corruption("a row of the directory is malformed");
  TRY_VOID(Label(reader, 1));
  TRY(row.auditor, ReadSubject(reader));
  TRY_VOID(Label(reader, 2));
  TRY(row.mandate, ReadSubject(reader));
  TRY_VOID(Label(reader, 3));
  TRY(row.patients, ReadSubjects(reader));
  TRY_VOID(Label(reader, 4));
  TRY(row.purpose, ReadString(reader));
  TRY_VOID(Label(reader, 5));
  TRY(row.from, ReadDay(reader));
  TRY_VOID(Label(reader, 6));
  TRY(row.until, ReadUntil(reader));
  if (members == 7) {
    TRY_VOID(Label(reader, 7));
    TRY(row.next, ReadChange(reader));
  }
  TRY_VOID(reader.Finish());
  return row;
}

namespace {

Result<CustodyShareRow> DecodeCustodyShareRow(ByteSpan bytes) {
  CustodyShareRow row;
  CborReader reader(bytes);
  TRY_VOID(reader.MapOf(5));
  TRY_VOID(Label(reader, 1));
  TRY(row.patient, ReadSubject(reader));
  TRY_VOID(Label(reader, 2));
  TRY(row.custodian_id, ReadString(reader));
  TRY_VOID(Label(reader, 3));
  TRY(row.share_number, ReadSmall(reader));
  TRY_VOID(Label(reader, 4));
  TRY(row.threshold, ReadSmall(reader));
  TRY_VOID(Label(reader, 5));
  TRY(row.sealed_share, ReadString(reader));
  TRY_VOID(reader.Finish());
  return row;
}

Result<CustodyReleaseRow> DecodeCustodyReleaseRow(ByteSpan bytes) {
  CustodyReleaseRow row;
  CborReader reader(bytes);
  TRY_VOID(reader.MapOf(3));
  TRY_VOID(Label(reader, 1));
  TRY(row.patient, ReadSubject(reader));
  TRY_VOID(Label(reader, 2));
  TRY(row.custodian_id, ReadString(reader));
  TRY_VOID(Label(reader, 3));
  TRY(row.released_share, ReadString(reader));
  TRY_VOID(reader.Finish());
  return row;
}

Result<NoticeRow> DecodeNoticeRow(ByteSpan bytes) {
  NoticeRow row;
  CborReader reader(bytes);
  TRY_VOID(reader.MapOf(4));
  TRY_VOID(Label(reader, 1));
  TRY(row.task_id, ReadString(reader));
  TRY_VOID(Label(reader, 2));
  TRY(row.is_result, reader.Bool());
  TRY_VOID(Label(reader, 3));
  TRY(row.batch, ReadString(reader));
  TRY_VOID(Label(reader, 4));
  TRY(const ByteSpan content, reader.ByteString());
  row.content = ToBytes(content);
  TRY_VOID(reader.Finish());
  if (row.is_result) {
    TRY(ResultNotice notice, DecodeResultNotice(content));
    row.publisher = std::move(notice.publisher);
  } else {
    TRY(TaskNotice notice, DecodeTaskNotice(content));
    row.publisher = std::move(notice.publisher);
  }
  return row;
}

template <typename T>
Result<Row> AsRow(Result<T> decoded, const RowOrigin& origin) {
  if (!decoded) return std::move(decoded.error());
  decoded->origin = origin;
  return Row(*std::move(decoded));
}

Result<Row> Decode(const StoredRow& stored) {
  const RowOrigin& origin = stored.origin;
  switch (stored.kind) {
    case StoredRow::kPatient:
      return AsRow(DecodePatientRow(stored.content), origin);
    case StoredRow::kAuditor:
      return AsRow(DecodeAuditorRow(stored.content), origin);
    case StoredRow::kSource:
      return AsRow(DecodeSourceRow(stored.content), origin);
    case StoredRow::kCustodian:
      return AsRow(DecodeCustodianRow(stored.content), origin);
    case StoredRow::kMandate:
      return AsRow(DecodeMandateRow(stored.content), origin);
    case StoredRow::kCustodyShare:
      return AsRow(DecodeCustodyShareRow(stored.content), origin);
    case StoredRow::kCustodyRelease:
      return AsRow(DecodeCustodyReleaseRow(stored.content), origin);
    case StoredRow::kNotice:
      return AsRow(DecodeNoticeRow(stored.content), origin);
  }
  return Corruption("control.db holds a row of an unknown kind");
}

std::string KeyWithoutPublisher(const NoticeRow& row) {
  return row.task_id + (row.is_result ? "\x1fresult\x1f" : "\x1ftask\x1f") + row.batch;
}

// Ids hold no control characters. The system subject is kept beside the patients, and no patient
// can be called so that it is mistaken for one.
struct KeyVisitor {
  std::string operator()(const PatientRow& row) const { return KeyOf(row.subject); }
  std::string operator()(const AuditorRow& row) const { return row.subject.id; }
  std::string operator()(const SourceRow& row) const { return row.id; }
  std::string operator()(const CustodianRow& row) const { return row.id; }
  std::string operator()(const MandateRow& row) const { return row.auditor.id; }
  std::string operator()(const CustodyShareRow& row) const {
    return KeyOf(row.patient) + '\x1f' + row.custodian_id;
  }
  std::string operator()(const CustodyReleaseRow& row) const {
    return KeyOf(row.patient) + '\x1f' + row.custodian_id;
  }
  std::string operator()(const NoticeRow& row) const {
    return KeyWithoutPublisher(row) + '\x1f' + row.publisher;
  }
};

// Earlier builds filed notices so.
bool IsOldKey(const Row& row, std::string_view key) {
  const auto* const notice = std::get_if<NoticeRow>(&row);
  return notice != nullptr && key == KeyWithoutPublisher(*notice);
}

}  // namespace

std::string KeyOf(const Subject& subject) {
  const std::string key = subject.system + '\x1f' + subject.id;
  return subject.kind == SubjectKind::kSystem ? '\x1e' + key : key;
}

std::string KeyOf(const Row& row) { return std::visit(KeyVisitor(), row); }

StoredRow::Kind KindOf(const Row& row) { return static_cast<StoredRow::Kind>(row.index() + 1); }

Result<Row> DecodeRow(const StoredRow& stored) {
  TRY(Row row, Decode(stored));
  if (KeyOf(row) != stored.key && !IsOldKey(row, stored.key)) {
    return Corruption("a row of control.db is filed under another key");
  }
  return row;
}

}  // namespace salus::audit
