#include "audit/notices.h"

#include "audit/member_map.h"
#include "codec/cbor.h"

namespace salus::audit {

namespace {

using codec::CborReader;
using codec::CborWriter;

}  // namespace

Bytes EncodeMandateNotice(const MandateNotice& notice) {
  Bytes content;
  CborWriter writer(content);
  writer.Map(9);
  writer.Uint(1);
  writer.Text(notice.auditor);
  writer.Uint(2);
  writer.Text(notice.auditor_name);
  writer.Uint(3);
  writer.Uint(ToUnixDay(notice.from));
  writer.Uint(4);
  if (notice.until) {
    writer.Uint(ToUnixDay(*notice.until));
  } else {
    writer.Null();
  }
  writer.Uint(5);
  writer.Text(notice.purpose);
  writer.Uint(6);
  writer.ByteString(notice.mandate_tag.span());
  writer.Uint(7);
  writer.ByteString(notice.mandate_proof.bytes);
  writer.Uint(8);
  writer.Bool(notice.is_removed);
  writer.Uint(9);
  writer.ByteString(notice.key.sec1());
  return content;
}

Result<MandateNotice> DecodeMandateNotice(ByteSpan content) {
  MemberReader members(content, 9);
  std::string auditor;
  std::string name;
  std::string purpose;
  Day from{};
  std::optional<Day> until;
  TRY_VOID(members.Text(auditor));
  TRY_VOID(members.Text(name));
  TRY_VOID(members.OneDay(from));
  TRY_VOID(members.OptionalDay(until));
  TRY_VOID(members.Text(purpose));
  TRY(CborReader* const tag_at, members.Next());
  TRY(const ByteSpan tag_bytes, tag_at->ByteString());
  TRY(const SubjectTag tag, SubjectTag::FromBytes(tag_bytes));
  TRY(CborReader* const proof_at, members.Next());
  TRY(const ByteSpan proof_bytes, proof_at->ByteString());
  TRY(const crypto::VrfProof proof, crypto::VrfProof::FromBytes(proof_bytes));
  TRY(CborReader* const removed_at, members.Next());
  TRY(const bool is_removed, removed_at->Bool());
  TRY(CborReader* const key_at, members.Next());
  TRY(const ByteSpan sec1, key_at->ByteString());
  if (sec1.size() != 65) return InvalidArgument("a key is not in its one form");
  TRY(crypto::P256PublicKey key, crypto::P256PublicKey::FromSec1(sec1));
  TRY_VOID(members.Finish());
  return MandateNotice{
      std::move(auditor), std::move(name), from, until, std::move(purpose), tag, proof,
      is_removed,         std::move(key)};
}

Bytes EncodeMandateCount(const MandateCount& count) {
  Bytes content;
  CborWriter writer(content);
  writer.Map(2);
  writer.Uint(1);
  writer.Uint(ToUnixDay(count.from));
  writer.Uint(2);
  writer.Uint(count.patients);
  return content;
}

Result<MandateCount> DecodeMandateCount(ByteSpan content) {
  MemberReader members(content, 2);
  MandateCount count;
  TRY_VOID(members.OneDay(count.from));
  TRY(CborReader* const at, members.Next());
  TRY(count.patients, at->Uint());
  TRY_VOID(members.Finish());
  return count;
}

Bytes EncodeSharedDaysNotice(const SharedDaysNotice& notice) {
  Bytes content;
  CborWriter writer(content);
  writer.Map(4);
  writer.Uint(1);
  writer.Text(notice.auditor);
  writer.Uint(2);
  writer.Uint(ToUnixDay(notice.from));
  writer.Uint(3);
  writer.Uint(ToUnixDay(notice.to));
  writer.Uint(4);
  writer.Text(notice.sealed);
  return content;
}

Result<SharedDaysNotice> DecodeSharedDaysNotice(ByteSpan content) {
  MemberReader members(content, 4);
  SharedDaysNotice notice;
  TRY_VOID(members.Text(notice.auditor));
  TRY_VOID(members.OneDay(notice.from));
  TRY_VOID(members.OneDay(notice.to));
  TRY_VOID(members.Text(notice.sealed));
  TRY_VOID(members.Finish());
  return notice;
}

Bytes EncodeQuestionNotice(const QuestionNotice& notice) {
  Bytes content;
  CborWriter writer(content);
  writer.Map(6);
  writer.Uint(1);
  writer.Text(notice.asker_role);
  writer.Uint(2);
  writer.Text(notice.asker);
  writer.Uint(3);
  writer.Text(notice.purpose);
  writer.Uint(4);
  writer.Int(ToUnixMillis(notice.from));
  writer.Uint(5);
  writer.Int(ToUnixMillis(notice.to));
  writer.Uint(6);
  writer.Int(ToUnixMillis(notice.asked));
  return content;
}

Result<QuestionNotice> DecodeQuestionNotice(ByteSpan content) {
  MemberReader members(content, 6);
  QuestionNotice notice;
  TRY_VOID(members.Text(notice.asker_role));
  TRY_VOID(members.Text(notice.asker));
  TRY_VOID(members.Text(notice.purpose));
  TRY_VOID(members.Time(notice.from));
  TRY_VOID(members.Time(notice.to));
  TRY_VOID(members.Time(notice.asked));
  TRY_VOID(members.Finish());
  return notice;
}

}  // namespace salus::audit
