// Grants: how an epoch key reaches those who may read, and nobody else.
//
// Source: protocol.md P3; docs/formats/grant.md with a worked example.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "audit/entry.h"
#include "audit/seal.h"
#include "audit/subject.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/p256.h"

namespace salus::audit {

// GrantType keeps an epoch key from ever serving as a day key, and the reverse. Stored.
enum class GrantType : std::uint8_t {
  kEpochKey = 0,  // a subject's key of one day and process
  kDayKey = 1,    // an auditor's, under which epoch keys are wrapped
};

// GrantReader is who a slot is for: the subject itself, or an auditor.
using GrantReader = Subject;

// GrantPlaintext is P: what every reader of a grant sees, and what `commit` commits to.
struct GrantPlaintext {
  GrantType type = GrantType::kEpochKey;
  SecretArray<32> key;
  SubjectTag tag;
  std::uint32_t day = 0;                            // days since 1970-01-01, UTC
  std::vector<std::optional<GrantReader>> readers;  // in slot order; nullopt is a dummy
  std::uint64_t policy_index = 0;                   // the subject's last policy entry; 0: none
};

// DayKeyReader is an auditor that shall read, with its day key of that day and process.
struct DayKeyReader {
  GrantReader reader;
  const SecretArray<32>* day_key;
};

// SealGrant makes the entry [2, [find, commit, jwe]]. jwe is a general JWE for 4 or 8 recipients
// (RFC 7516 section 7.2.1): slot 0 ECDH-ES+A256KW to the subject's key, then A256KW under each
// reader's day key, then dummies that whoever opens the grant can recompute.
//
// Shape:  at most 7 readers beside the subject; more need a second grant of the same key.
// Errors: InvalidArgument for more readers; Internal from the key agreement.
struct SealedGrant {
  Bytes entry;
  SecretArray<32> content_key;  // for OpenGrantContent; no slot is needed then
};
Result<SealedGrant> SealGrant(std::string_view origin, GrantType type, const SecretArray<32>& key,
                              const SubjectTag& tag, Day day, const GrantReader& subject,
                              const crypto::P256PublicKey& subject_key,
                              std::span<const DayKeyReader> readers, std::uint64_t policy_index,
                              RandomSource& random);

// OpenGrantAsSubject opens slot 0 with the subject's private key; OpenGrantWithDayKey tries the
// other slots. Both check find, commit, the dummies, the tag, and pin alg and enc.
//
// Errors: NotFound when no slot opens with this key: it is not for this reader, or it was changed;
//         the caller knows which (its own mandate says so). VerificationFailed when it opens, but
//         does not hold what it commits to.
Result<GrantPlaintext> OpenGrantAsSubject(std::string_view origin, const GrantBody& grant,
                                          const SubjectTag& tag, const crypto::P256PrivateKey& key);
Result<GrantPlaintext> OpenGrantWithDayKey(std::string_view origin, const GrantBody& grant,
                                           const SubjectTag& tag, const SecretArray<32>& day_key);

// OpenGrantContent makes the same checks with the content key itself, for whoever sealed the grant
// and reads it back. Errors: VerificationFailed.
Result<GrantPlaintext> OpenGrantContent(std::string_view origin, const GrantBody& grant,
                                        const SubjectTag& tag, const SecretArray<32>& content_key);

// EncodeGrantPlaintext is P, for whoever hands it on (audit/shared_days.h).
SecretBytes EncodeGrantPlaintext(const GrantPlaintext& grant);

// SharedGrant is P as a patient handed it to an auditor. It counts only for the grant whose commit
// it matches.
struct SharedGrant {
  crypto::Hash32 commit;
  SecretBytes plaintext;

  static SharedGrant Of(ByteSpan plaintext);
};
// OpenGrantShared makes the same checks as the others. Errors: as OpenGrantAsSubject; NotFound when
// it is not this grant's.
Result<GrantPlaintext> OpenGrantShared(std::string_view origin, const GrantBody& grant,
                                       const SubjectTag& tag, const SharedGrant& shared);

// FindOf is HMAC-SHA-256(tag, commit), first 16 bytes: only who knows the tag links a grant to it.
std::array<std::uint8_t, 16> FindOf(const SubjectTag& tag, const crypto::Hash32& commit);

}  // namespace salus::audit
