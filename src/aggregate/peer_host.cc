#include "aggregate/peer_host.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "aggregate/peer_body.h"
#include "aggregate/peer_message.h"
#include "aggregate/peer_transcript.h"
#include "aggregate/peer_view.h"

namespace salus::aggregate {

struct PeerHost::State {
  // Arrived is what a party sent in the open step.
  struct Arrived {
    PeerEnvelope message;
    std::vector<PeerEnvelope> shares;
  };

  State(SignedPeerRoster roster, std::string token, PeerOwner owner, const Clock& time)
      : view(std::move(roster), MakeSharing),
        signed_roster(std::move(token)),
        own(std::move(owner)),
        clock(time) {}

  Result<void> Take(PeerId id, ByteSpan bytes);
  Result<void> TakeAbort(const PeerEnvelope& message);
  Result<void> CheckShares(const Arrived& arrived) const;
  std::vector<PeerId> Missing() const;
  bool finished() const { return failure || view.finished(); }
  void Close();
  void StopWith(Error error);
  PeerEnvelope Sign(PeerStep step, Bytes body);

  PeerView view;
  const std::string signed_roster;
  const PeerOwner own;
  const Clock& clock;
  std::map<PeerId, Arrived> arrived;
  std::map<PeerStep, Bytes> boards;
  std::map<PeerId, std::vector<Bytes>> shares;  // of the step kReport, by recipient
  std::set<PeerId> gone;                        // who said that they stop
  std::optional<Bytes> last_word;               // why the session stopped, where no board says it
  Timestamp deadline;
  std::optional<Error> failure;
  std::vector<PeerEvent> events;
  Bytes transcript;
};

PeerEnvelope PeerHost::State::Sign(PeerStep step, Bytes body) {
  const PeerRoster& roster = view.roster().roster;
  return PeerEnvelope::Sign({.session = roster.fields().session,
                             .roster = roster.hash(),
                             .step = step,
                             .sender = kPeerHost,
                             .previous = view.last_board(),
                             .body = std::move(body)},
                            own.key);
}

std::vector<PeerId> PeerHost::State::Missing() const {
  std::vector<PeerId> out;
  if (view.step() == PeerStep::kJoin) {
    for (PeerId id = 0; id < view.roster().roster.size(); ++id) {
      if (!arrived.contains(id)) out.push_back(id);
    }
    return out;
  }
  for (const PeerView::Member& member : view.members()) {
    if (!member.active || gone.contains(member.id)) continue;
    if (!arrived.contains(member.id)) out.push_back(member.id);
  }
  return out;
}

// A report comes with one share for each other member, in their order.
Result<void> PeerHost::State::CheckShares(const Arrived& one) const {
  std::vector<PeerId> expected;
  if (one.message.message.step == PeerStep::kReport) {
    for (const PeerView::Member& member : view.members()) {
      if (member.id != one.message.message.sender) expected.push_back(member.id);
    }
  }
  std::vector<PeerId> recipients;
  for (const PeerEnvelope& share : one.shares) {
    const PeerEnvelope& report = one.message;
    TRY_VOID(view.CheckShare(share, report.message.sender, report.hash, report.message.seen));
    recipients.push_back(*share.message.recipient);
  }
  if (recipients != expected) {
    return InvalidArgument("a report comes with one share for each other party, in their order");
  }
  return {};
}

Result<void> PeerHost::State::TakeAbort(const PeerEnvelope& envelope) {
  const auto position = view.PositionOf(envelope.message.sender);
  if (!position || !envelope.Verify(view.members()[*position].key) ||
      envelope.message.roster != view.roster().roster.hash()) {
    return PermissionDenied("only a party that joined can stop the session");
  }
  TRY(const AbortBody body, AbortBody::Parse(envelope.message.body));
  if (gone.contains(envelope.message.sender)) return {};
  AppendToTranscript(envelope.bytes, transcript);
  const std::string name = view.roster().roster.Name(envelope.message.sender);
  const std::string text = name + " stopped: " + body.reason;
  if (view.sharing().answers_needed() == view.members().size()) {
    StopWith(Unavailable(text));
    return {};
  }
  // The others can do without, and it is not for one party to stop them.
  events.push_back({view.step(), text});
  gone.insert(envelope.message.sender);
  if (!finished() && Missing().empty()) Close();
  return {};
}

void PeerHost::State::StopWith(Error error) {
  const PeerEnvelope word = Sign(PeerStep::kAbort, AbortBody::Of(error.message).Encode());
  AppendToTranscript(word.bytes, transcript);
  last_word = word.bytes;
  events.push_back({PeerStep::kAbort, error.message});
  failure = std::move(error);
}

Result<void> PeerHost::State::Take(PeerId id, ByteSpan bytes) {
  TRY(const PeerParcel parcel, PeerParcel::Parse(bytes));
  TRY(PeerEnvelope message, PeerEnvelope::Parse(parcel.message));
  if (message.message.sender != id) {
    return PermissionDenied("the message is another party's than the connection");
  }
  if (failure) return FailedPrecondition("the session has stopped: " + failure->message);
  if (message.message.step == PeerStep::kAbort) return TakeAbort(message);
  const auto before = arrived.find(id);
  if (before != arrived.end() && message.message.step == view.step()) {
    if (before->second.message.hash == message.hash) return {};
    return VerificationFailed(view.roster().roster.Name(id) +
                              " sent two different messages in one step; the first one counts");
  }
  const auto position = view.PositionOf(id);
  if (position && view.members()[*position].last == message.hash) return {};
  if (view.finished()) return FailedPrecondition("the session is over");
  TRY_VOID(view.CheckMessage(message));
  Arrived one{.message = std::move(message), .shares = {}};
  for (const Bytes& share : parcel.shares) {
    TRY(PeerEnvelope envelope, PeerEnvelope::Parse(share));
    one.shares.push_back(std::move(envelope));
  }
  TRY_VOID(CheckShares(one));
  AppendToTranscript(one.message.bytes, transcript);
  for (const PeerEnvelope& share : one.shares) {
    AppendToTranscript(share.bytes, transcript);
    shares[*share.message.recipient].push_back(share.bytes);
  }
  arrived.emplace(id, std::move(one));
  if (Missing().empty()) Close();
  return {};
}

// The board stands whatever follows from it: where it leads to an error, each party comes to the
// same one by itself.
void PeerHost::State::Close() {
  const PeerStep step = view.step();
  std::vector<PeerEnvelope> messages;
  BoardBody body;
  for (auto& [id, one] : arrived) {
    body.messages.push_back(one.message.bytes);
    messages.push_back(std::move(one.message));
  }
  arrived.clear();
  auto conclusion = view.Conclude(messages);
  for (PeerEvent& event : view.TakeEvents()) events.push_back(std::move(event));
  if (conclusion) body.conclusion = *std::move(conclusion);
  const PeerEnvelope board = Sign(step, body.Encode());
  AppendToTranscript(board.bytes, transcript);
  view.set_board(board.hash);
  boards[step] = board.bytes;
  deadline = clock.Now() + view.roster().roster.fields().step_time;
  if (conclusion) return;
  events.push_back({PeerStep::kAbort, conclusion.error().message});
  failure = std::move(conclusion).error();
}

PeerHost::PeerHost(std::unique_ptr<State> state) : state_(std::move(state)) {}
PeerHost::~PeerHost() = default;

Result<std::unique_ptr<PeerHost>> PeerHost::Create(const PeerRoster& roster, PeerOwner own,
                                                   const Clock& clock) {
  TRY(std::string token, SignPeerRoster(roster, own.key, own.certificate));
  SignedPeerRoster signed_roster{roster, own.certificate};
  auto state =
      std::make_unique<State>(std::move(signed_roster), std::move(token), std::move(own), clock);
  AppendToTranscript(AsBytes(state->signed_roster), state->transcript);
  state->deadline = clock.Now() + roster.fields().join_time;
  return std::unique_ptr<PeerHost>(new PeerHost(std::move(state)));
}

Result<void> PeerHost::Handle(const crypto::Hash32& fingerprint, ByteSpan parcel) {
  const auto id = roster().Find(fingerprint);
  if (!id) return PermissionDenied("the roster does not name the certificate of this connection");
  return state_->Take(*id, parcel);
}

void PeerHost::Tick() {
  if (!finished() && state_->clock.Now() > state_->deadline) state_->Close();
}

std::optional<Bytes> PeerHost::ParcelFor(PeerId party, PeerStep step) const {
  PeerParcel parcel;
  if (const auto board = state_->boards.find(step); board != state_->boards.end()) {
    parcel.message = board->second;
    const auto own = state_->shares.find(party);
    if (step == PeerStep::kReport && own != state_->shares.end()) parcel.shares = own->second;
  } else if (state_->last_word) {
    parcel.message = *state_->last_word;
  } else {
    return std::nullopt;
  }
  return parcel.Encode();
}

PeerStep PeerHost::step() const { return state_->failure ? PeerStep::kAbort : state_->view.step(); }
std::vector<PeerId> PeerHost::waiting_for() const {
  return finished() ? std::vector<PeerId>() : state_->Missing();
}
bool PeerHost::finished() const { return state_->finished(); }
const std::string& PeerHost::signed_roster() const { return state_->signed_roster; }
const PeerRoster& PeerHost::roster() const { return state_->view.roster().roster; }
Timestamp PeerHost::deadline() const { return state_->deadline; }
const std::optional<PeerResult>& PeerHost::result() const { return state_->view.result(); }
const std::optional<Error>& PeerHost::failure() const { return state_->failure; }
std::vector<PeerEvent> PeerHost::TakeEvents() { return std::exchange(state_->events, {}); }
const Bytes& PeerHost::transcript() const { return state_->transcript; }

}  // namespace salus::aggregate
