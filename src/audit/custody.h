// Custody: a patient without a key must never be a reason to refuse an event. Custodians hold a key
// in shares until the patient enrols.
//
// Source: protocol.md P3.5; docs/formats/custody.md.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "audit/directory.h"
#include "audit/subject.h"
#include "base/random.h"
#include "base/result.h"
#include "crypto/p256.h"

namespace salus::audit {

// MakeCustody makes a P-256 custody key for a patient, splits its private scalar k of n among the
// custodians (k = 2, or 1 when there is a single custodian: said aloud by `salus init`), seals each
// share to one of them and forgets the key.
struct Custody {
  crypto::P256PublicKey public_key;
  std::vector<CustodyShareRow> shares;
};
Result<Custody> MakeCustody(const Subject& patient, std::span<const CustodianRow> custodians,
                            std::size_t threshold, RandomSource& random);

// ReleaseShare opens a share as its custodian and re-seals it to the enrolled patient's key.
// Errors: VerificationFailed when it is not for this custodian.
Result<std::string> ReleaseShare(const CustodyShareRow& share,
                                 const crypto::P256PrivateKey& custodian_key,
                                 const crypto::P256PublicKey& patient_key, RandomSource& random);

// CheckReleasedShare says whether this can be what ReleaseShare makes. Whether it opens, only the
// patient can tell.
// Errors: InvalidArgument.
Result<void> CheckReleasedShare(std::string_view released_share);

// JoinCustody is the patient's device: it opens released shares and joins them. The result is
// checked against the custody public key.
//
// Errors: FailedPrecondition when too few open, with the custodians whose do not;
// VerificationFailed when those that open join to another key.
Result<crypto::P256PrivateKey> JoinCustody(const Subject& patient,
                                           std::span<const CustodyShareRow> shares,
                                           std::size_t threshold,
                                           const crypto::P256PrivateKey& patient_key,
                                           const crypto::P256PublicKey& custody_public_key);

}  // namespace salus::audit
