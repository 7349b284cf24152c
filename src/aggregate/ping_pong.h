// PingPongMessage is what two aggregators send each other of one report's verification; with Prio3
// one goes there and one comes back.
#pragma once

#include <cstdint>

#include "aggregate/prio3.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace salus::aggregate {

// PingPongType is the step; the values are on the wire.
enum class PingPongType : std::uint8_t { kInitialize = 0, kContinue = 1, kFinish = 2 };

// Source: VDAF draft-20 section 5.7.1; draft-08 section 5.8, the same bytes.
// Shape:  type uint8; then initialize: verifier_share; continue: verifier_message, verifier_share;
//         finish: verifier_message; each 0 to 2^32-1 bytes after a length of 4 bytes.
// Errors: Parse gives InvalidArgument with the field and the offset.
struct PingPongMessage {
  PingPongType type = PingPongType::kInitialize;
  Bytes verifier_message;  // kContinue, kFinish
  Bytes verifier_share;    // kInitialize, kContinue

  static Result<PingPongMessage> Parse(ByteSpan bytes);
  Bytes Encode() const;

  friend bool operator==(const PingPongMessage&, const PingPongMessage&) = default;
};

// LeaderVerification is the leader's first step: what it keeps, and what the helper gets.
struct LeaderVerification {
  VerifyState state;
  Bytes outbound;
};

// HelperVerification is the helper's only step: it has its output share, the leader gets the rest.
struct HelperVerification {
  SecretBytes output_share;
  Bytes outbound;
};

// PingPongLeaderInit, PingPongHelperInit and PingPongLeaderContinued are the draft's procedures of
// these names, for a VDAF of one round and two aggregators. A draft's state "rejected" is an error
// here: whatever its code, the report is refused with vdaf_verify_error.
//
// Errors: InvalidArgument for malformed shares and messages and for a message of the wrong type;
// VerificationFailed when the proof does not hold, or when the public share tells the leader
// another joint randomness part than the helper has.
Result<LeaderVerification> PingPongLeaderInit(const Prio3& prio3, const SecretBytes& verify_key,
                                              ByteSpan context, const ReportShare& report);
Result<HelperVerification> PingPongHelperInit(const Prio3& prio3, const SecretBytes& verify_key,
                                              ByteSpan context, const ReportShare& report,
                                              ByteSpan inbound);
Result<SecretBytes> PingPongLeaderContinued(const Prio3& prio3, VerifyState state,
                                            ByteSpan inbound);

}  // namespace salus::aggregate
