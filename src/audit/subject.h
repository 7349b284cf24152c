// Subject is whatever has a chain of entries of its own: a patient, an auditor, a mandate, or the
// system itself. Its tag stands for it in the log.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/cbor.h"
#include "crypto/vrf.h"
#include "merkle/map.h"

namespace salus::audit {

using merkle::SubjectTag;

// SubjectKind is the role that enters the VRF's input; the names are part of the format.
enum class SubjectKind { kPatient, kAuditor, kMandate, kSystem };

std::string_view SubjectKindName(SubjectKind kind);
// Errors: InvalidArgument when text is not exactly one of the names.
Result<SubjectKind> ParseSubjectKind(std::string_view text);

// Subject names one of them. system is the naming system of the id (for example a FHIR identifier
// system), empty where the source has only one; system and id are kept byte for byte.
//
// Source: protocol.md P1.1.
// Shape:  id of 1 to 128 bytes, system of 0 to 128, valid UTF-8 without control characters.
struct Subject {
  SubjectKind kind = SubjectKind::kPatient;
  std::string system;
  std::string id;

  // Errors: InvalidArgument with the part that is malformed.
  static Result<Subject> Create(SubjectKind kind, std::string_view system, std::string_view id);
  // The subject of events that concern no patient, and of the log's own acts.
  static Subject System() { return {SubjectKind::kSystem, "", "system"}; }

  friend bool operator==(const Subject&, const Subject&) = default;
  friend auto operator<=>(const Subject&, const Subject&) = default;
};

// A subject as CBOR [role, system, id], as rows and tokens hold it.
void WriteSubject(codec::CborWriter& writer, const Subject& subject);
// Errors: InvalidArgument when what comes next is not exactly a subject.
Result<Subject> ReadSubject(codec::CborReader& reader);

// VrfInput is the alpha of the subject's VRF: CBOR ["salus/subject", origin, role, system, id].
Bytes VrfInput(std::string_view origin, const Subject& subject);

// TagFromOutput is the tag: the first 32 bytes of the VRF's output.
SubjectTag TagFromOutput(const crypto::VrfOutput& output);

// ProvenTag is a tag with what lets others check it.
struct ProvenTag {
  SubjectTag tag;
  crypto::VrfProof proof;
};

ProvenTag ProveTag(const crypto::VrfPrivateKey& key, std::string_view origin,
                   const Subject& subject);

// VerifyTag recomputes the tag from its proof. Nobody takes a tag on anybody's word.
//
// Errors: VerificationFailed.
Result<SubjectTag> VerifyTag(const crypto::VrfPublicKey& key, std::string_view origin,
                             const Subject& subject, const crypto::VrfProof& proof);

}  // namespace salus::audit
