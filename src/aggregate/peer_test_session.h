// TestSession runs a host and its parties in one process, and lets a test come between them. Test
// code only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aggregate/peer_body.h"
#include "aggregate/peer_host.h"
#include "aggregate/peer_message.h"
#include "aggregate/peer_party.h"
#include "base/clock.h"
#include "base/random.h"

namespace salus::aggregate {

// NewOwner is a self-signed certificate with its key.
PeerOwner NewOwner(RandomSource& random);
PeerOwner CloneOf(const PeerOwner& owner);

class TestSession {
 public:
  struct Options {
    std::function<void(PeerRosterFields&)> edit = [](PeerRosterFields&) {};
    // What the party at that place of `values` does instead of the protocol.
    std::function<PeerSharingMaker(std::size_t)> sharing = [](std::size_t) { return MakeSharing; };
  };

  // Each party gives one list of values; roster order is another.
  explicit TestSession(const std::vector<std::vector<std::int64_t>>& values)
      : TestSession(values, Options()) {}
  TestSession(const std::vector<std::vector<std::int64_t>>& values, const Options& options);

  // Run goes on until nobody has anything to say. Parties in `silent` say nothing from then on.
  void Run();
  // RunUntil stops when the board of that step is there.
  void RunUntil(PeerStep step);
  // Deliver brings a party the board that it waits for, and the host the answer.
  bool Deliver(std::size_t party);
  // PassDeadline turns the clock, and lets host and parties know.
  void PassDeadline();

  PeerHost& host() { return *host_; }
  PeerParty& party(std::size_t index) { return *parties_[index]; }
  std::size_t size() const { return parties_.size(); }
  const PeerOwner& host_owner() const { return host_owner_; }
  const PeerOwner& owner(std::size_t index) const { return owners_[index]; }
  // Index is the place in `values` of a number in the roster.
  std::size_t Index(PeerId id) const;
  std::string Name(std::size_t index) const { return "party-" + std::to_string(index); }
  FakeClock& clock() { return clock_; }

  std::vector<bool> silent;
  // Tampers with a parcel before the host has it; returns what it gets instead.
  std::function<Bytes(std::size_t party, PeerStep step, const Bytes& parcel)> on_sent;
  // Tampers with a parcel before the party has it.
  std::function<Bytes(std::size_t party, PeerStep step, const Bytes& parcel)> on_received;
  std::vector<std::optional<Error>> host_answers;  // to the last parcel of each party
  std::size_t parcels = 0;                         // that parties sent
  std::size_t shares = 0;                          // that were in them

 private:
  void Send(std::size_t party, PeerStep step, const Bytes& parcel);
  bool Round(std::optional<PeerStep> until);

  FakeClock clock_{Timestamp(std::chrono::sys_days(std::chrono::year(2026) / 11 / 30))};
  std::vector<std::unique_ptr<SeededRandom>> randoms_;
  PeerOwner host_owner_;
  std::vector<PeerOwner> owners_;
  std::unique_ptr<PeerHost> host_;
  std::vector<std::unique_ptr<PeerParty>> parties_;
  std::vector<bool> has_joined_;
  std::vector<bool> is_done_;
};

// Resigned is a message with other contents, signed again by somebody.
Bytes Resigned(ByteSpan message, const PeerOwner& owner,
               const std::function<void(PeerMessage&)>& edit);

// Puts another body into what a party sends, signed by that party.
template <typename Body>
auto EditBody(TestSession& session, std::size_t who, PeerStep at, std::function<void(Body&)> edit) {
  return [&session, who, at, edit](std::size_t party, PeerStep step, const Bytes& bytes) {
    if (party != who || step != at) return bytes;
    PeerParcel parcel = *PeerParcel::Parse(bytes);
    parcel.message = Resigned(parcel.message, session.owner(who), [&](PeerMessage& message) {
      Body body = *Body::Parse(message.body);
      edit(body);
      message.body = body.Encode();
    });
    return parcel.Encode();
  };
}

}  // namespace salus::aggregate
