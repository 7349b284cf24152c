#include "audit/subject.h"

#include <algorithm>

#include "base/check.h"
#include "base/id.h"
#include "codec/cbor.h"

namespace salus::audit {

std::string_view SubjectKindName(SubjectKind kind) {
  switch (kind) {
    case SubjectKind::kPatient:
      return "patient";
    case SubjectKind::kAuditor:
      return "auditor";
    case SubjectKind::kMandate:
      return "mandate";
    case SubjectKind::kSystem:
      return "system";
  }
  CHECK(false);
}

Result<SubjectKind> ParseSubjectKind(std::string_view text) {
  for (const SubjectKind kind : {SubjectKind::kPatient, SubjectKind::kAuditor,
                                 SubjectKind::kMandate, SubjectKind::kSystem}) {
    if (text == SubjectKindName(kind)) return kind;
  }
  return InvalidArgument("a subject is a patient, an auditor, a mandate or the system");
}

Result<Subject> Subject::Create(SubjectKind kind, std::string_view system, std::string_view id) {
  if (Result<void> ok = ValidateIdText(id); !ok) return std::move(ok.error()).WithContext("id");
  if (!system.empty()) {
    if (Result<void> ok = ValidateIdText(system); !ok) {
      return std::move(ok.error()).WithContext("system");
    }
  }
  return Subject{kind, std::string(system), std::string(id)};
}

void WriteSubject(codec::CborWriter& writer, const Subject& subject) {
  writer.Array(3);
  writer.Text(SubjectKindName(subject.kind));
  writer.Text(subject.system);
  writer.Text(subject.id);
}

Result<Subject> ReadSubject(codec::CborReader& reader) {
  TRY_VOID(reader.ArrayOf(3));
  TRY(const std::string_view kind_name, reader.Text());
  TRY(const std::string_view system, reader.Text());
  TRY(const std::string_view id, reader.Text());
  TRY(const SubjectKind kind, ParseSubjectKind(kind_name));
  return Subject::Create(kind, system, id);
}

Bytes VrfInput(std::string_view origin, const Subject& subject) {
  Bytes alpha;
  codec::CborWriter writer(alpha);
  writer.Array(5);
  writer.Text("salus/subject");
  writer.Text(origin);
  writer.Text(SubjectKindName(subject.kind));
  writer.Text(subject.system);
  writer.Text(subject.id);
  return alpha;
}

SubjectTag TagFromOutput(const crypto::VrfOutput& output) {
  SubjectTag tag;
  std::copy_n(output.begin(), SubjectTag::kSize, tag.data());
  return tag;
}

ProvenTag ProveTag(const crypto::VrfPrivateKey& key, std::string_view origin,
                   const Subject& subject) {
  const crypto::VrfProof proof = key.Prove(VrfInput(origin, subject));
  const Result<crypto::VrfOutput> output = crypto::ProofToHash(proof);
  CHECK(output.has_value());
  return {TagFromOutput(*output), proof};
}

Result<SubjectTag> VerifyTag(const crypto::VrfPublicKey& key, std::string_view origin,
                             const Subject& subject, const crypto::VrfProof& proof) {
  TRY(const crypto::VrfOutput output, key.Verify(VrfInput(origin, subject), proof));
  return TagFromOutput(output);
}

}  // namespace salus::audit
