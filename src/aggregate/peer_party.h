// PeerParty is one patient's part of a session, as a state machine: it joins, and answers each of
// the host's boards, until it has a result that it checked itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "aggregate/peer_result.h"
#include "aggregate/peer_roster.h"
#include "aggregate/peer_sharing.h"
#include "aggregate/peer_step.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "crypto/p256.h"
#include "pki/certificate.h"

namespace salus::aggregate {

// PeerOwner is the certificate and the key of whoever takes part, the same as for TLS.
struct PeerOwner {
  pki::Certificate certificate;
  crypto::P256PrivateKey key;
};

// PeerParty never shows its values, its shares or its keys, and believes of the host only what it
// can check: the host can stop a session, and that is all.
//
// Shape:     parcels as in peer_message.h. They go to the host only, which passes sealed shares on.
// Ownership: random and clock outlive it.
// Threads:   one at a time.
class PeerParty {
 public:
  // Create reads the roster that the host with this fingerprint signed. Values as
  // PeerRoster::Measure takes them.
  //
  // Errors: as SignedPeerRoster::Verify; PermissionDenied when the own certificate is not in the
  // roster; FailedPrecondition when key and certificate do not belong together; InvalidArgument for
  // values.
  static Result<std::unique_ptr<PeerParty>> Create(std::string_view signed_roster,
                                                   const crypto::Hash32& host_fingerprint,
                                                   PeerOwner own,
                                                   const std::vector<std::int64_t>& values,
                                                   RandomSource& random, const Clock& clock,
                                                   const PeerSharingMaker& sharing = MakeSharing);
  ~PeerParty();
  PeerParty(const PeerParty&) = delete;
  PeerParty& operator=(const PeerParty&) = delete;

  // Join is the first parcel; again and again the same.
  const Bytes& Join() const;

  // Handle takes a parcel from the host, and returns the answer, or nothing after the last. A
  // parcel that was handled before is answered as before.
  //
  // Errors: VerificationFailed names who deviated, and how; FailedPrecondition for a parcel out of
  // turn, which changes nothing; Unavailable when somebody stopped the session or is missing. After
  // any other error than FailedPrecondition and InvalidArgument the session is over for this party.
  Result<std::optional<Bytes>> Handle(ByteSpan parcel);

  // Tick asks whether the host's next board is overdue.
  //
  // Errors: Unavailable, and the session is over.
  Result<void> Tick();

  // farewell is a parcel that tells the host why this party stopped; nothing while it has not.
  const std::optional<Bytes>& farewell() const;

  const PeerRoster& roster() const;
  PeerId id() const;
  // waits_for is the step of the board that comes next.
  PeerStep waits_for() const;
  const std::optional<PeerResult>& result() const;
  const std::optional<Error>& failure() const;

  // TakeEvents returns what happened since the last call.
  std::vector<PeerEvent> TakeEvents();
  // transcript grows with each call of Join and Handle (peer_transcript.h); append what is new.
  const Bytes& transcript() const;

 private:
  struct State;
  explicit PeerParty(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace salus::aggregate
