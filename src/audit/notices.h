// Notices: what a subject reads in its own chain about the acts of others, and of its own.
//
// Source: protocol.md P2.2, P3.4, P6.1; docs/formats/entry.md.
// Shape:  the content of a sealed entry: a CBOR map {1: ..., 2: ..., ...} of exactly the members in
//         the order below.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "audit/subject.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/p256.h"
#include "crypto/vrf.h"

namespace salus::audit {

// MandateNotice is what a patient reads about a mandate (kMandateSet): who may read from when on,
// and under which key, so that the patient need not ask the operator for it when it shares days.
struct MandateNotice {
  std::string auditor;
  std::string auditor_name;
  Day from;
  std::optional<Day> until;
  std::string purpose;
  SubjectTag mandate_tag;
  crypto::VrfProof mandate_proof;
  bool is_removed = false;    // the mandate no longer names this patient
  crypto::P256PublicKey key;  // the auditor's, as registered then
};
Bytes EncodeMandateNotice(const MandateNotice& notice);
// Errors: InvalidArgument when content is not exactly such an encoding.
Result<MandateNotice> DecodeMandateNotice(ByteSpan content);

// MandateCount is kMandateSet in clear, in the mandate's own chain, and in the auditor's where the
// patients are too many to be named.
struct MandateCount {
  Day from;
  std::uint64_t patients = 0;
};
Bytes EncodeMandateCount(const MandateCount& count);
// Errors: as DecodeMandateNotice.
Result<MandateCount> DecodeMandateCount(ByteSpan content);

// SharedDaysNotice is kDaysShared: sealed is SealSharedGrants'.
struct SharedDaysNotice {
  std::string auditor;
  Day from;
  Day to;
  std::string sealed;
};
Bytes EncodeSharedDaysNotice(const SharedDaysNotice& notice);
// Errors: as DecodeMandateNotice.
Result<SharedDaysNotice> DecodeSharedDaysNotice(ByteSpan content);

// QuestionNotice is kHistoryQueried (kind 6): who asked about the subject, for which time.
struct QuestionNotice {
  std::string asker_role;  // SubjectKindName, or another role's name
  std::string asker;
  std::string purpose;
  Timestamp from;
  Timestamp to;
  Timestamp asked;
};
Bytes EncodeQuestionNotice(const QuestionNotice& notice);
// Errors: as DecodeMandateNotice.
Result<QuestionNotice> DecodeQuestionNotice(ByteSpan content);

}  // namespace salus::audit
