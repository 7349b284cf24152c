// PeerHost is the hospital's part of a session, as a state machine: it shows every party's message
// to all, passes on shares that it can't open, and learns the result.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aggregate/peer_party.h"
#include "aggregate/peer_result.h"
#include "aggregate/peer_roster.h"
#include "aggregate/peer_step.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace salus::aggregate {

// PeerHost waits for one parcel of each party a step, or the deadline, and then has a board for
// that step. Parties fetch it: the host calls nobody.
//
// Shape:     parcels as in peer_message.h.
// Ownership: clock outlives it.
// Threads:   one at a time.
class PeerHost {
 public:
  // Create starts the time to join.
  //
  // Errors: FailedPrecondition when own is not the roster's host.
  static Result<std::unique_ptr<PeerHost>> Create(const PeerRoster& roster, PeerOwner own,
                                                  const Clock& clock);
  ~PeerHost();
  PeerHost(const PeerHost&) = delete;
  PeerHost& operator=(const PeerHost&) = delete;

  // signed_roster is what each party gets first.
  const std::string& signed_roster() const;
  const PeerRoster& roster() const;

  // Handle takes a parcel that came over the connection of the certificate with this fingerprint. A
  // parcel that was handled before is taken again without effect.
  //
  // Errors: PermissionDenied when the certificate is not in the roster or not the sender's, or the
  // party was left out; FailedPrecondition for a step that is not open; InvalidArgument and
  // VerificationFailed for a parcel that is malformed, wrongly signed, or not what the sender said
  // before. The session goes on without the parcel, until the deadline.
  Result<void> Handle(const crypto::Hash32& fingerprint, ByteSpan parcel);

  // Tick closes a step whose time is over: with whoever is there where that is enough, else the
  // session stops. Call it when deadline() has passed; Handle closes a step that is complete.
  void Tick();
  Timestamp deadline() const;

  // ParcelFor is the board of a step for one party, or why the session stopped; nothing while the
  // step is open.
  std::optional<Bytes> ParcelFor(PeerId party, PeerStep step) const;

  // step is the one that is open; kAbort when the session stopped.
  PeerStep step() const;
  // waiting_for are the parties whose parcel of this step is missing.
  std::vector<PeerId> waiting_for() const;
  // finished says that there is a result, or a failure.
  bool finished() const;
  const std::optional<PeerResult>& result() const;
  const std::optional<Error>& failure() const;

  std::vector<PeerEvent> TakeEvents();
  // transcript grows with each call of Handle and Tick (peer_transcript.h); append what is new.
  const Bytes& transcript() const;

 private:
  struct State;
  explicit PeerHost(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace salus::aggregate
