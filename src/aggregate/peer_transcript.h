// The transcript of a session: every signed message, for anybody to check again.
//
// Source: a CBOR sequence (RFC 8742) of byte strings: the signed roster first, then the messages in
//         the order in which they were sent or came. docs/formats/peer-session.md.
// Shape:  at most 1 GiB; each item at most 64 MiB.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aggregate/peer_result.h"
#include "aggregate/peer_roster.h"
#include "aggregate/peer_step.h"
#include "base/bytes.h"
#include "base/result.h"

namespace salus::aggregate {

// AppendToTranscript puts one item at the end; ReadTranscript cuts a transcript into its items.
//
// Errors: InvalidArgument with the number of the item that is malformed.
void AppendToTranscript(ByteSpan item, Bytes& transcript);
Result<std::vector<ByteSpan>> ReadTranscript(ByteSpan transcript);

// PeerTranscriptReport is what a transcript proves.
struct PeerTranscriptReport {
  PeerRoster roster;
  std::size_t messages = 0;               // signed ones
  std::vector<PeerId> members = {};       // who joined
  std::vector<PeerId> in_sum = {};        // whose value is in the result
  std::vector<PeerEvent> events = {};     // the session as it went, with the names of who lied
  std::optional<PeerResult> result = {};  // recomputed from the signed partial sums
  PeerStep last_step = PeerStep::kJoin;
};

// CheckTranscript runs every check again that needs no secret: signatures, order, commitments,
// coins, proofs, and the result.
//
// Errors: VerificationFailed names who deviated, and how; InvalidArgument when it is no transcript.
Result<PeerTranscriptReport> CheckTranscript(ByteSpan transcript,
                                             const crypto::Hash32& host_fingerprint);

// CompareTranscripts says whether the host showed the keepers of two transcripts of one session the
// same boards.
//
// Errors: VerificationFailed names the step of which the host signed two boards; InvalidArgument
// when one is no transcript, or they are of two rosters.
Result<void> CompareTranscripts(ByteSpan one, ByteSpan other,
                                const crypto::Hash32& host_fingerprint);

}  // namespace salus::aggregate
