// PeerStep is a round of a session: each party sends one message, and the host's board shows all of
// them to all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace salus::aggregate {

enum class PeerStep : std::uint8_t {
  kJoin = 1,     // who I am, my commitment to a coin, the key to seal shares to
  kReport = 2,   // commitments to my shares; each share sealed to one other party
  kReceipt = 3,  // whose share opened and is what was committed to
  kCoin = 4,     // my coin, opened; together they are the verify key
  kVerify = 5,   // my part of the proof of each report
  kVerdict = 6,  // which reports hold, and evidence against who lied
  kSum = 7,      // the sum of my shares of the reports that hold
  kAbort = 15,   // why the session can't go on
};

inline constexpr PeerStep kLastPeerStep = PeerStep::kSum;

// PeerStepName is "join", "report", "receipt", "coin", "verify", "verdict", "sum" or "abort".
std::string_view PeerStepName(PeerStep step);

// PeerEvent tells a person what just happened; it never holds a value or a share.
struct PeerEvent {
  PeerStep step;
  std::string text;
};

}  // namespace salus::aggregate
