// Who may read a patient, by the patient's own verified chain and nobody's word.
//
// Source: protocol.md P3.4, P6.1.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "audit/notices.h"
#include "audit/verify.h"

namespace salus::audit {

// VerifiedReader is an auditor in a patient's verified chain: by the mandates that stand in it and
// whom the grants were sealed to, not by anybody's word.
struct VerifiedReader {
  std::string auditor;
  std::string name;
  std::string purpose;
  Day from;
  std::optional<Day> until;
  bool has_mandate = false;                  // from from to until
  std::optional<crypto::P256PublicKey> key;  // none: the mandate could not be read
  merkle::LeafIndex entry;                   // where the mandate stands
  std::vector<SharedDaysNotice> shared;      // can't be taken back, whatever the mandate
};

// VerifiedReaders reads them out of a whole history, in the order of their ids.
//
// Errors: VerificationFailed when a grant was sealed to a reader that no mandate covers, or an
//         entry is not what it must be.
Result<std::vector<VerifiedReader>> VerifiedReaders(const VerifiedHistory& history);

// OtherKeyTold is the mandate, if there is one, that tells the patient another key of this auditor
// than its own. What the patient then shares with the auditor is sealed to that key.
std::optional<merkle::LeafIndex> OtherKeyTold(const VerifiedHistory& history,
                                              const ReaderKeys& keys);

}  // namespace salus::audit
