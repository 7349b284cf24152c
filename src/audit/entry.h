// Entry is what stands in the log: CBOR [kind, body]. Here are the bodies and their exact bytes.
//
// Source: protocol.md P2; docs/formats/entry.md with a worked example of each.
// Shape:  deterministic CBOR, at most 65,535 bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/hmac.h"
#include "crypto/sha256.h"
#include "merkle/map.h"
#include "tlog/entry_kind.h"

namespace salus::audit {

using merkle::SubjectTag;
using tlog::EntryKind;

inline constexpr std::size_t kKeyIdSize = 16;
inline constexpr std::size_t kIvSize = 12;
using EntryKeyId = std::array<std::uint8_t, kKeyIdSize>;
using EntryIv = std::array<std::uint8_t, kIvSize>;

// SealedBody is a COSE_Encrypt0, untagged, A256GCM: protected {1: 3}, unprotected {4: kid, 5: IV}.
//
// Source:    RFC 9052 section 5.2.
// Ownership: ciphertext is a view of the entry.
struct SealedBody {
  EntryKeyId key_id;
  EntryIv iv;
  ByteSpan ciphertext;  // with the 16 byte tag
};

// EventType says what a kind 4, 5, 6 or 7 entry is about; it is public. The values are stored.
enum class EventType : std::uint16_t {
  kPatientRegistered = 1,  // a patient, with or without a key; also a new key
  kAuditorRegistered = 2,
  kSourceRegistered = 3,
  kCustodianRegistered = 4,
  kMandateSet = 5,
  kCustodyShare = 6,     // one custodian's share of a custody key
  kCustodyReleased = 7,  // the same share, re-sealed to the patient's own key
  kDaysShared = 8,       // a patient opened past days to an auditor
  kSubjectsJoined = 9,
  kSubjectsParted = 10,
  kClockConfirmed = 11,
  kCertificateIssued = 20,
  kHistoryQueried = 30,  // one patient's history, sealed in the patient's chain
  kMandateQueried = 31,  // a whole mandate, in clear in the mandate's chain
  kTaskOpened = 40,      // an aggregation over people: what of, what for (audit/task_notice.h)
  kResultReleased = 41,  // what came of it
};

// EndsEpoch says whether a kind 4 entry of this type is a policy entry: it changes who may read, or
// may do so, and grants older than it are spent. The others only record an act.
//
// Source: protocol.md P2.2, P3.1 and P3.4.
bool EndsEpoch(EventType type);

// OtherBody is the body of kinds 4, 5, 6 and 7: [type, about_subject, digest, content].
// about_subject says whether the entry steps a chain; content is a COSE_Encrypt0 where sealed is
// set, else CBOR in clear. digest is SHA-256 over the control plane's row that this entry is the
// origin of, salted (audit/row_digest.h), or empty.
struct OtherBody {
  EventType type;
  bool about_subject;
  std::optional<crypto::Hash32> row_digest;
  std::optional<SealedBody> sealed;
  ByteSpan clear;  // one CBOR item, where sealed is empty
};

// GrantBody is [find, commit, jwe] of a kind 2 entry; see audit/grant.h.
struct GrantBody {
  std::array<std::uint8_t, 16> find;
  crypto::Hash32 commit;
  std::string_view jwe;
};

// EntryView is a parsed entry; exactly the member of its kind is set.
struct EntryView {
  EntryKind kind;
  std::optional<SealedBody> sealed;  // kind 1
  std::optional<GrantBody> grant;    // kind 2
  std::optional<OtherBody> other;    // kinds 4 to 7
  ByteSpan body;                     // the body's bytes, every kind
};

// Errors: VerificationFailed when entry is not exactly one deterministic encoding of an entry: the
//         log holds nothing else, so whoever served it changed it. Kinds 0 and 3 are parsed by
//         tlog.
Result<EntryView> ParseEntry(ByteSpan entry);

// StepsAChain says whether an entry belongs to the chain of exactly one subject, or to none.
//
// Source: protocol.md P4.1.
bool StepsAChain(const EntryView& entry);

// SealedEntrySize is the exact size of a kind 1 entry with a plaintext of that size.
std::size_t SealedEntrySize(std::size_t plaintext_size);

// AppendSealedHead appends everything of a kind 1 entry that stands before the ciphertext.
void AppendSealedHead(const EntryKeyId& key_id, const EntryIv& iv, std::size_t ciphertext_size,
                      Bytes& out);

// AppendCose appends a COSE_Encrypt0 alone, for kinds 4 and 6.
void AppendCose(const SealedBody& body, Bytes& out);

// EncodeOther makes an entry of kind 4, 5, 6 or 7.
Bytes EncodeOther(EntryKind kind, const OtherBody& body);

// EncodeGrant makes a kind 2 entry.
Bytes EncodeGrant(const GrantBody& body);

// Genesis is entry 0: who this log is. Clients check it once against what they pinned.
struct Genesis {
  std::string_view origin;
  std::string_view log_key;      // vkey
  std::string_view receipt_key;  // vkey
  std::array<std::uint8_t, 32> vrf_key;
  std::string_view predecessor;             // origin of the log before this one, or empty
  std::string_view predecessor_checkpoint;  // its final checkpoint, or empty
  crypto::Hash32 index_check;               // by which the index key is recognised
};
// IndexCheck is HMAC-SHA-256(index key, "salus/index-check").
crypto::Hash32 IndexCheck(const crypto::HmacSha256Key& index_key);
Bytes EncodeGenesis(const Genesis& genesis);
// Errors: VerificationFailed.
Result<Genesis> ParseGenesis(ByteSpan entry);

}  // namespace salus::audit
