// Who may read a patient, by the patient's own verified chain and nobody's word.
//
// Source: protocol.md P3.4, P6.1.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "audit/notices.h"
#include "audit/verify.h"

namespace salus::audit {

// VerifiedReader is an auditor in a patient's verified chain, now or once: by the mandates that
// stand in it and whom the grants were sealed to, not by anybody's word. Or it is the custodians
// together, who held the patient's key before the patient had one; the chain does not name them.
struct VerifiedReader {
  std::string auditor;  // empty: the custodians
  std::string name;
  std::string purpose;
  std::optional<Day> from;  // of the newest mandate; none: not known, or there was none
  std::optional<Day> until;
  bool has_mandate = false;                  // from from to until; else it was taken back on until
  std::optional<std::pair<Day, Day>> keys;   // first and last day whose key it was given
  std::optional<crypto::P256PublicKey> key;  // none: the mandate could not be read
  merkle::LeafIndex entry;                   // where the mandate stands
  std::vector<SharedDaysNotice> shared;      // can't be taken back, whatever the mandate
};

// VerifiedReaders reads them out of a whole history, in the order of their ids: also those whose
// right has ended, since nobody gives a key back.
//
// Errors: VerificationFailed when a grant was sealed to a reader that no mandate covers, or an
//         entry is not what it must be.
Result<std::vector<VerifiedReader>> VerifiedReaders(const VerifiedHistory& history);

// OtherKeyTold is the mandate, if there is one, that tells the patient another key of this auditor
// than its own. What the patient then shares with the auditor is sealed to that key.
std::optional<merkle::LeafIndex> OtherKeyTold(const VerifiedHistory& history,
                                              const ReaderKeys& keys);

}  // namespace salus::audit
