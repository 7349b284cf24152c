// UpdateProof shows that a map root entry states one chain step: that the entry at an index was
// filed under the subject of a tag.
//
// Source: protocol.md P4.1, P5.3, P5.6.
// Shape:  the path is one of an RFC 6962 tree over the `updates` of one map root entry.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "merkle/proof.h"
#include "merkle/types.h"
#include "tlog/map_root_entry.h"

namespace salus::tlog {

struct UpdateProof {
  merkle::LeafIndex map_root;  // index of the first map root entry behind the step
  Bytes map_entry;             // that entry
  std::uint64_t position = 0;  // of the step, among those that the map root entry states
  merkle::TreeSize steps;      // how many it states
  merkle::InclusionProof path;

  // Verify checks that map_entry states the step (index, tag). That map_entry is in the log at
  // map_root is the caller's to check. The tag must be the caller's own, never one that came with
  // the proof.
  //
  // position and steps are the prover's word, and need no proof: whatever they are, the path shows
  // that the step's leaf hash is a node under `updates`, and by RFC 6962's prefixes (0x00 for
  // leaves, 0x01 for inner nodes) only a leaf can be one. A map root entry that states steps of
  // before the one before it, or another tag beside this one, is a lie that every map verifier
  // sees; nothing in this proof shows it.
  //
  // Errors: VerificationFailed.
  Result<void> Verify(merkle::LeafIndex index, const merkle::SubjectTag& tag) const;
};

}  // namespace salus::tlog
