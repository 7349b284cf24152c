#include "aggregate/peer_party.h"

#include <algorithm>
#include <map>
#include <utility>

#include "aggregate/peer_body.h"
#include "aggregate/peer_message.h"
#include "aggregate/peer_share_box.h"
#include "aggregate/peer_transcript.h"
#include "aggregate/peer_view.h"
#include "aggregate/share_access.h"
#include "crypto/hpke_key.h"

namespace salus::aggregate {

struct PeerParty::State {
  State(SignedPeerRoster roster, const PeerSharingMaker& sharing, PeerOwner owner, PeerId number,
        std::vector<std::uint64_t> value, RandomSource& source, const Clock& time)
      : view(std::move(roster), sharing),
        own(std::move(owner)),
        id(number),
        measurement(std::move(value)),
        random(source),
        clock(time) {}
  ~State() { WipeMemory(measurement.data(), measurement.size() * sizeof measurement[0]); }

  void Begin(std::string_view signed_roster);
  Result<std::optional<Bytes>> Take(ByteSpan bytes);
  Result<void> CheckTurn(const PeerEnvelope& board);
  Result<std::optional<Bytes>> TakeBoard(const PeerParcel& parcel, const PeerEnvelope& board);
  Result<std::optional<Bytes>> Answer(PeerStep shown, const PeerParcel& parcel);
  Result<Bytes> SendReport();
  Result<Bytes> SendReceipt(const PeerParcel& parcel);
  Result<Bytes> SendCoin();
  Result<Bytes> SendAnswers();
  Result<Bytes> SendVerdict();
  Result<Bytes> SendSum();

  // Sealed are the shares that came, by their sender's number.
  using Sealed = std::multimap<PeerId, PeerEnvelope>;
  // TakeShare opens the share that came with a member's report: the share, or what to say of it.
  std::optional<SecretBytes> TakeShare(std::size_t sender, const Sealed& sealed,
                                       ReceiptBody& receipt);
  PeerEnvelope Sign(PeerStep step, Bytes body);
  Bytes SendBody(PeerStep step, Bytes body);
  ShareRoute Route(PeerId sender, PeerId recipient) const;
  void SetDeadline();
  // Before this party has sent its sum it can't say whether there is one.
  std::string WhatMayBeKnown() const {
    return view.step() == PeerStep::kSum ? view.WhatIsKnown() : "";
  }

  PeerView view;
  const PeerOwner own;
  const PeerId id;
  std::vector<std::uint64_t> measurement;
  RandomSource& random;
  const Clock& clock;

  SecretArray<32> coin;
  SecretArray<32> coin_blind;
  std::optional<crypto::HpkePrivateKey> share_key;  // gone once the shares are open
  std::size_t position = 0;
  std::vector<std::optional<SecretBytes>> shares;  // of each member's report, for this party
  std::vector<SecretBytes> own_shares;             // of the own report, for each member
  crypto::Hash32 previous{};
  std::vector<crypto::Hash32> boards;
  crypto::Hash32 last_parcel{};
  std::optional<Bytes> last_answer;
  Bytes join;
  Timestamp deadline;
  std::optional<PeerResult> result;
  std::optional<Error> failure;
  std::optional<Bytes> farewell;
  std::vector<PeerEvent> events;
  Bytes transcript;
};

PeerEnvelope PeerParty::State::Sign(PeerStep step, Bytes body) {
  const SignedPeerRoster& signed_roster = view.roster();
  PeerEnvelope out = PeerEnvelope::Sign({.session = signed_roster.roster.fields().session,
                                         .roster = signed_roster.roster.hash(),
                                         .step = step,
                                         .sender = id,
                                         .previous = previous,
                                         .seen = view.last_board(),
                                         .body = std::move(body)},
                                        own.key);
  previous = out.hash;
  AppendToTranscript(out.bytes, transcript);
  return out;
}

Bytes PeerParty::State::SendBody(PeerStep step, Bytes body) {
  return PeerParcel{.message = Sign(step, std::move(body)).bytes, .shares = {}}.Encode();
}

ShareRoute PeerParty::State::Route(PeerId sender, PeerId recipient) const {
  return {view.roster().roster.fields().session, view.roster().roster.hash(), boards.front(),
          sender, recipient};
}

void PeerParty::State::SetDeadline() {
  const PeerRosterFields& fields = view.roster().roster.fields();
  // The host's own deadline begins later, and its board takes its time to come.
  const auto wait = view.step() == PeerStep::kJoin ? fields.join_time : fields.step_time;
  deadline = clock.Now() + wait + fields.step_time;
}

void PeerParty::State::Begin(std::string_view signed_roster) {
  AppendToTranscript(AsBytes(signed_roster), transcript);
  const auto token = ShareAccess::Token();
  random.Fill(coin.mutable_view(token));
  random.Fill(coin_blind.mutable_view(token));
  share_key = crypto::HpkePrivateKey::Generate(crypto::HpkeKem::kX25519HkdfSha256, random);
  JoinBody body;
  body.certificate = ToBytes(own.certificate.der());
  body.coin_commitment = CoinCommitment(view.roster().roster.fields().session, id, coin.view(token),
                                        coin_blind.view(token));
  std::ranges::copy(share_key->public_key().Encode(), body.share_key.begin());
  join = SendBody(PeerStep::kJoin, body.Encode());
  SetDeadline();
}

// A board of the past is an echo, or shows that the host signed two.
Result<void> PeerParty::State::CheckTurn(const PeerEnvelope& board) {
  const PeerStep step = board.message.step;
  if (step > view.step()) {
    return FailedPrecondition("a board of the step " + std::string(PeerStepName(step)) +
                              " came before that of " + std::string(PeerStepName(view.step())));
  }
  if (step == view.step() && !view.finished()) return {};
  if (std::ranges::find(boards, board.hash) != boards.end()) {
    return FailedPrecondition("this board was answered before");
  }
  AppendToTranscript(board.bytes, transcript);
  return VerificationFailed(
      "the host signed two boards of the step " + std::string(PeerStepName(step)) +
      ": it shows different parties different ones; this transcript proves it");
}

Result<std::optional<Bytes>> PeerParty::State::Take(ByteSpan bytes) {
  TRY(const PeerParcel parcel, PeerParcel::Parse(bytes));
  TRY(const PeerEnvelope board, PeerEnvelope::Parse(parcel.message));
  if (board.message.sender != kPeerHost || !view.VerifyHost(board)) {
    return InvalidArgument("a parcel is not signed by the host, and is ignored");
  }
  if (board.message.session != view.roster().roster.fields().session) {
    return InvalidArgument("a board of another session is ignored");
  }
  if (board.message.step == PeerStep::kAbort) {
    TRY(const AbortBody body, AbortBody::Parse(board.message.body));
    AppendToTranscript(board.bytes, transcript);
    return Unavailable("the host stopped the session: " + body.reason + WhatMayBeKnown());
  }
  TRY_VOID(CheckTurn(board));
  AppendToTranscript(board.bytes, transcript);
  auto answer = TakeBoard(parcel, board);
  if (answer) return answer;
  // The host signed it: what is malformed or out of place in it is the host's fault.
  Error error = answer.error();
  if (error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kFailedPrecondition) {
    error.code = ErrorCode::kVerificationFailed;
  }
  return error;
}

Result<std::optional<Bytes>> PeerParty::State::TakeBoard(const PeerParcel& parcel,
                                                         const PeerEnvelope& board) {
  const PeerStep shown = view.step();
  auto accepted = view.AcceptVerified(board);
  for (PeerEvent& event : view.TakeEvents()) events.push_back(std::move(event));
  TRY_VOID(std::move(accepted));
  boards.push_back(board.hash);
  const auto found = view.PositionOf(id);
  if (!found || !view.members()[*found].active) {
    return Unavailable("the host left this party out at the step " +
                       std::string(PeerStepName(shown)));
  }
  position = *found;
  TRY(std::optional<Bytes> answer, Answer(shown, parcel));
  SetDeadline();
  result = view.result();
  return answer;
}

Result<std::optional<Bytes>> PeerParty::State::Answer(PeerStep shown, const PeerParcel& parcel) {
  switch (shown) {
    case PeerStep::kJoin:
      return SendReport();
    case PeerStep::kReport:
      return SendReceipt(parcel);
    case PeerStep::kReceipt:
      return SendCoin();
    case PeerStep::kCoin:
      return SendAnswers();
    case PeerStep::kVerify:
      return SendVerdict();
    case PeerStep::kVerdict:
      return SendSum();
    case PeerStep::kSum:
    case PeerStep::kAbort:
      break;
  }
  return std::optional<Bytes>();
}

Result<Bytes> PeerParty::State::SendReport() {
  TRY(PeerShares made, view.sharing().Share(measurement, position, random));
  WipeMemory(measurement.data(), measurement.size() * sizeof measurement[0]);
  ReportBody body{.report = std::move(made.report), .share_hashes = {}};
  const auto& members = view.members();
  for (std::size_t j = 0; j < members.size(); ++j) {
    if (j == position) continue;
    body.share_hashes.push_back(ShareHash(view.roster().roster.fields().session, id, members[j].id,
                                          body.report.nonce, made.shares[j]));
  }
  const PeerEnvelope report = Sign(PeerStep::kReport, body.Encode());
  PeerParcel parcel{.message = report.bytes, .shares = {}};
  for (std::size_t j = 0; j < members.size(); ++j) {
    if (j == position) continue;
    auto sealed =
        SealPeerShare(made.shares[j], members[j].join.share_key, Route(id, members[j].id), random);
    if (!sealed) {
      return std::move(sealed).error().WithContext(view.roster().roster.Name(members[j].id));
    }
    PeerMessage message = report.message;
    message.recipient = members[j].id;
    message.previous = report.hash;
    message.body = *std::move(sealed);
    const PeerEnvelope share = PeerEnvelope::Sign(std::move(message), own.key);
    AppendToTranscript(share.bytes, transcript);
    parcel.shares.push_back(share.bytes);
  }
  own_shares = std::move(made.shares);
  return parcel.Encode();
}

std::optional<SecretBytes> PeerParty::State::TakeShare(std::size_t sender, const Sealed& sealed,
                                                       ReceiptBody& receipt) {
  const PeerView::Member& member = view.members()[sender];
  const ReportBody& report = *member.report;
  const auto [first, last] = sealed.equal_range(member.id);
  for (auto one = first; one != last; ++one) {
    const PeerEnvelope& share = one->second;
    if (share.message.recipient != id ||
        !view.CheckShare(share, member.id, member.last, boards.front())) {
      continue;
    }
    auto opened = OpenPeerShare(share.message.body, *share_key, Route(member.id, id));
    if (!opened) break;
    const std::size_t index = position < sender ? position : position - 1;
    if (ShareHash(share.message.session, member.id, id, report.report.nonce, *opened) !=
        report.share_hashes[index]) {
      break;
    }
    if (view.sharing().CheckShare(report.report, sender, position, *opened)) {
      receipt.accepted.push_back(member.id);
      return *std::move(opened);
    }
    // To show the share is the only way to show that its sender cheated.
    receipt.refused.push_back({member.id, ToBytes(opened->view(ShareAccess::Token()))});
    return std::nullopt;
  }
  receipt.refused.push_back({member.id, std::nullopt});
  return std::nullopt;
}

Result<Bytes> PeerParty::State::SendReceipt(const PeerParcel& parcel) {
  Sealed sealed;
  for (const Bytes& bytes : parcel.shares) {
    AppendToTranscript(bytes, transcript);
    auto share = PeerEnvelope::Parse(bytes);
    if (share) sealed.emplace(share->message.sender, *std::move(share));
  }
  shares.resize(view.members().size());
  ReceiptBody receipt;
  for (std::size_t sender = 0; sender < shares.size(); ++sender) {
    if (sender == position || !view.members()[sender].report) continue;
    shares[sender] = TakeShare(sender, sealed, receipt);
  }
  shares[position] = std::move(own_shares[position]);
  share_key.reset();
  return SendBody(PeerStep::kReceipt, receipt.Encode());
}

Result<Bytes> PeerParty::State::SendCoin() {
  CoinBody body;
  body.coin = ToArray(coin.view(ShareAccess::Token()));
  body.blind = ToArray(coin_blind.view(ShareAccess::Token()));
  body.senders = view.IdsOf(view.senders());
  return SendBody(PeerStep::kCoin, body.Encode());
}

Result<Bytes> PeerParty::State::SendAnswers() {
  VerifyBody body;
  for (const std::size_t sender : view.senders()) {
    if (sender == position) continue;
    TRY(Bytes answer,
        view.sharing().VerifierShare(view.verify_key(), view.members()[sender].report->report,
                                     sender, position, *shares[sender]));
    body.verifier_shares.push_back(std::move(answer));
  }
  return SendBody(PeerStep::kVerify, body.Encode());
}

Result<Bytes> PeerParty::State::SendVerdict() {
  VerdictBody body;
  body.accepted = view.IdsOf(view.accepted());
  const auto is_mine = [&](std::size_t sender) { return sender == position; };
  // Of whoever answered wrongly for the own report the share is shown, which they have anyway.
  if (std::ranges::any_of(view.senders(), is_mine) && !view.decision(position)) {
    const PeerReportPublic& report = view.members()[position].report->report;
    std::size_t shown = 0;
    for (std::size_t judge = 0; judge < view.members().size(); ++judge) {
      const PeerView::Member& member = view.members()[judge];
      if (judge == position || !member.active || !member.answers[position]) continue;
      const auto right = view.sharing().VerifierShare(view.verify_key(), report, position, judge,
                                                      own_shares[judge]);
      if (!right || *right == *member.answers[position]) continue;
      VerdictBody::Opened opened{id, member.id, std::nullopt};
      if (shown < view.sharing().may_show()) {
        opened.share = ToBytes(own_shares[judge].view(ShareAccess::Token()));
        ++shown;
      }
      body.evidence.push_back(std::move(opened));
    }
  }
  return SendBody(PeerStep::kVerdict, body.Encode());
}

Result<Bytes> PeerParty::State::SendSum() {
  auto reports = view.ReportShares();
  for (PeerSharing::ReportShare& report : reports) report.share = &*shares[report.sender];
  TRY(Bytes sum, view.sharing().PartialSum(reports, position));
  shares.clear();
  own_shares.clear();
  return SendBody(PeerStep::kSum, std::move(sum));
}

PeerParty::PeerParty(std::unique_ptr<State> state) : state_(std::move(state)) {}
PeerParty::~PeerParty() = default;

Result<std::unique_ptr<PeerParty>> PeerParty::Create(std::string_view signed_roster,
                                                     const crypto::Hash32& host_fingerprint,
                                                     PeerOwner own,
                                                     const std::vector<std::int64_t>& values,
                                                     RandomSource& random, const Clock& clock,
                                                     const PeerSharingMaker& sharing) {
  TRY(SignedPeerRoster roster, SignedPeerRoster::Verify(signed_roster, host_fingerprint));
  const auto id = roster.roster.Find(own.certificate.fingerprint());
  if (!id) {
    return PermissionDenied("the roster does not name this certificate: ask the host to add it");
  }
  TRY(const crypto::P256PublicKey key, own.certificate.p256_public_key());
  if (key != own.key.public_key()) {
    return FailedPrecondition("the key is not the one of the certificate");
  }
  TRY(std::vector<std::uint64_t> measurement, roster.roster.Measure(values));
  auto state = std::make_unique<State>(std::move(roster), sharing, std::move(own), *id,
                                       std::move(measurement), random, clock);
  state->Begin(signed_roster);
  return std::unique_ptr<PeerParty>(new PeerParty(std::move(state)));
}

const Bytes& PeerParty::Join() const { return state_->join; }

Result<std::optional<Bytes>> PeerParty::Handle(ByteSpan parcel) {
  State& state = *state_;
  if (state.failure) return *state.failure;
  const crypto::Hash32 hash = crypto::Sha256(parcel);
  if (hash == state.last_parcel) return state.last_answer;
  auto answer = state.Take(parcel);
  if (answer) {
    state.last_parcel = hash;
    state.last_answer = *answer;
    return answer;
  }
  if (answer.error().code == ErrorCode::kFailedPrecondition ||
      answer.error().code == ErrorCode::kInvalidArgument) {
    return answer;
  }
  state.failure = answer.error();
  state.farewell = state.SendBody(PeerStep::kAbort, AbortBody::Of(state.failure->message).Encode());
  return answer;
}

Result<void> PeerParty::Tick() {
  State& state = *state_;
  if (state.failure) return *state.failure;
  if (state.view.finished() || state.clock.Now() <= state.deadline) return {};
  state.failure = Unavailable("the host showed no board of the step " +
                              std::string(PeerStepName(state.view.step())) + " in time" +
                              state.WhatMayBeKnown());
  return *state.failure;
}

const std::optional<Bytes>& PeerParty::farewell() const { return state_->farewell; }
const PeerRoster& PeerParty::roster() const { return state_->view.roster().roster; }
PeerId PeerParty::id() const { return state_->id; }
PeerStep PeerParty::waits_for() const { return state_->view.step(); }
const std::optional<PeerResult>& PeerParty::result() const { return state_->result; }
const std::optional<Error>& PeerParty::failure() const { return state_->failure; }
std::vector<PeerEvent> PeerParty::TakeEvents() { return std::exchange(state_->events, {}); }
const Bytes& PeerParty::transcript() const { return state_->transcript; }

}  // namespace salus::aggregate
