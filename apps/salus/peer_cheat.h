// PeerCheat is a party that breaks the protocol on purpose, so that demonstrations and tests can
// show that the others notice, and name it. It harms nobody but the session that it is in.
#pragma once

#include <optional>

#include "aggregate/peer_sharing.h"
#include "aggregate/peer_step.h"
#include "apps/salus/session.h"

namespace salus::cli {

class PeerCheat {
 public:
  // Parse reads --cheat: "value" shares 1,000,000,000 more than the value, whatever the roster
  // allows; "sum" sends another sum than that of the shares; "crash=STEP" kills this process in
  // place of the message of that step. Without the flag the party is honest.
  //
  // Errors: usage.
  static Result<PeerCheat> Parse(Session& session);

  // Sharing is what the party shares and sums with.
  aggregate::PeerSharingMaker Sharing() const;
  // CrashBefore does not return where the party is to crash in that step.
  void CrashBefore(aggregate::PeerStep step) const;

 private:
  enum class Kind { kNone, kValue, kSum, kCrash };
  Kind kind_ = Kind::kNone;
  aggregate::PeerStep step_ = aggregate::PeerStep::kAbort;
};

}  // namespace salus::cli
