#include "aggregate/peer_view.h"

#include <algorithm>
#include <utility>

#include "aggregate/peer_share_box.h"
#include "aggregate/share_access.h"
#include "base/check.h"
#include "base/endian.h"
#include "pki/pinned_key.h"

namespace salus::aggregate {

namespace {

using Id = std::array<std::uint8_t, 2>;

Id IdBytes(PeerId party) {
  Id out;
  StoreBe(out.data(), party);
  return out;
}

PeerStep Next(PeerStep step) { return static_cast<PeerStep>(static_cast<std::uint8_t>(step) + 1); }

}  // namespace

crypto::Hash32 CoinCommitment(const PeerSessionId& session, PeerId party, ByteSpan coin,
                              ByteSpan blind) {
  return crypto::Sha256({AsBytes("coin"), session, IdBytes(party), coin, blind});
}

crypto::Hash32 ShareHash(const PeerSessionId& session, PeerId sender, PeerId recipient,
                         ByteSpan nonce, const SecretBytes& share) {
  return crypto::Sha256({AsBytes("share"), session, IdBytes(sender), IdBytes(recipient), nonce,
                         share.view(ShareAccess::Token())});
}

PeerView::PeerView(SignedPeerRoster roster, PeerSharingMaker sharing)
    : roster_(std::move(roster)), make_sharing_(std::move(sharing)) {}

Result<PeerView::Joined> PeerView::ReadJoin(const PeerMessage& message, const PeerRoster& roster) {
  TRY(JoinBody body, JoinBody::Parse(message.body));
  if (crypto::Sha256(body.certificate) != roster.parties()[message.sender].fingerprint) {
    return VerificationFailed("the certificate is not the one in the roster");
  }
  TRY_VOID(CheckShareKey(body.share_key));
  TRY(crypto::P256PublicKey key, pki::PinnedP256Key(body.certificate));
  return Joined{std::move(body), std::move(key)};
}

std::string PeerView::NameAt(std::size_t position) const {
  return roster_.roster.Name(members_[position].id);
}

std::optional<std::size_t> PeerView::PositionOf(PeerId id) const {
  const auto found = std::ranges::lower_bound(members_, id, {}, &Member::id);
  if (found == members_.end() || found->id != id) return std::nullopt;
  return static_cast<std::size_t>(found - members_.begin());
}

std::vector<PeerId> PeerView::IdsOf(const std::vector<std::size_t>& positions) const {
  std::vector<PeerId> out;
  for (const std::size_t position : positions) out.push_back(members_[position].id);
  return out;
}

Result<void> PeerView::CheckOrigin(const PeerEnvelope& envelope) const {
  const PeerMessage& message = envelope.message;
  if (message.session != roster_.roster.fields().session) {
    return VerificationFailed("the message belongs to another session");
  }
  if (message.roster != roster_.roster.hash()) {
    return VerificationFailed(
        "the message names another roster: the host shows different ones, keep this transcript");
  }
  if (message.step != step_) {
    return FailedPrecondition("the message is for the step " +
                              std::string(PeerStepName(message.step)) + ", and " +
                              std::string(PeerStepName(step_)) + " is open");
  }
  if (message.recipient) return VerificationFailed("the message is not for all");
  return {};
}

Result<void> PeerView::CheckMessage(const PeerEnvelope& envelope) {
  const PeerMessage& message = envelope.message;
  if (message.sender >= roster_.roster.size()) {
    return PermissionDenied("the sender is not in the roster");
  }
  const std::string name = roster_.roster.Name(message.sender);
  if (auto origin = CheckOrigin(envelope); !origin) {
    return std::move(origin).error().WithContext(name);
  }
  crypto::Hash32 previous{};
  std::optional<crypto::P256PublicKey> key;
  std::optional<Joined> join;
  if (step_ == PeerStep::kJoin) {
    auto read = ReadJoin(message, roster_.roster);
    if (!read) return std::move(read).error().WithContext(name);
    join = *std::move(read);
    key = join->key;
  } else {
    const auto position = PositionOf(message.sender);
    if (!position || !members_[*position].active) {
      return PermissionDenied(name + " has no part in the session any more");
    }
    previous = members_[*position].last;
    key = members_[*position].key;
  }
  // All messages of a step have to find room on one board.
  if (message.body.size() > kMaxPeerMessageBytes / (roster_.roster.size() + 1) - 1024) {
    return VerificationFailed(name + ": the message is too large");
  }
  if (!envelope.Verify(*key)) {
    return VerificationFailed(name + ": the message is not signed with the key in the roster");
  }
  if (message.previous != previous) {
    return VerificationFailed(name + ": the message does not follow the one before it");
  }
  if (message.seen != last_board_) {
    return VerificationFailed(
        name + ": was shown another board before the step " + std::string(PeerStepName(step_)) +
        ": the host shows different ones, or " + name + " lies; compare the transcripts");
  }
  if (join) joined_.insert_or_assign(message.sender, *std::move(join));
  return {};
}

Result<void> PeerView::CheckShare(const PeerEnvelope& share, PeerId sender,
                                  const crypto::Hash32& report, const crypto::Hash32& seen) const {
  const auto position = PositionOf(sender);
  if (!position) return VerificationFailed("a share is from nobody who joined");
  const auto bad = [&](const char* what) {
    return VerificationFailed(NameAt(*position) + ": " + what);
  };
  const PeerMessage& message = share.message;
  const auto recipient = message.recipient.and_then([&](PeerId id) { return PositionOf(id); });
  if (message.sender != sender || message.step != PeerStep::kReport ||
      message.session != roster_.roster.fields().session ||
      message.roster != roster_.roster.hash() || message.seen != seen ||
      message.previous != report || !recipient || *recipient == *position) {
    return bad("a share does not belong to the report that it came with");
  }
  if (!share.Verify(members_[*position].key)) return bad("a share is wrongly signed");
  return {};
}

// A host that keeps the last sums to itself knows more than it shows.
std::string PeerView::WhatIsKnown() const {
  if (step_ != PeerStep::kSum) return ": no sum was made";
  return ": the host may know the sum, and a new session with one party less would tell it that "
         "party's value";
}

Result<void> PeerView::Expel(std::size_t member, const std::string& what) {
  const std::string text = NameAt(member) + " " + what;
  if (!tolerant()) return VerificationFailed(text + WhatIsKnown());
  Note(text + ", and is left out");
  members_[member].active = false;
  return {};
}

Result<void> PeerView::RequireEnough(std::size_t values) const {
  if (values >= roster_.roster.fields().minimum_parties) return {};
  return Unavailable("only " + std::to_string(values) + " values are left, and fewer than " +
                     std::to_string(roster_.roster.fields().minimum_parties) + " are not added up");
}

// Every active member has a message on the board; who has none is lost, which only some sharings
// can bear.
Result<void> PeerView::TakeAttendance(const std::vector<PeerEnvelope>& messages) {
  std::vector<bool> is_there(members_.size(), false);
  for (const PeerEnvelope& message : messages) is_there[*PositionOf(message.message.sender)] = true;
  std::size_t left = 0;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (is_there[i]) {
      ++left;
      continue;
    }
    if (!members_[i].active) continue;
    const std::string lost =
        NameAt(i) + " sent nothing in the step " + std::string(PeerStepName(step_));
    if (!tolerant()) {
      return Unavailable(lost + ", and this step needs all" + WhatIsKnown());
    }
    Note(lost + ", and is left out");
    members_[i].active = false;
  }
  if (left < sharing_->answers_needed()) {
    return Unavailable("only " + std::to_string(left) + " parties are left in the step " +
                       std::string(PeerStepName(step_)) + ", and the sum needs " +
                       std::to_string(sharing_->answers_needed()) + WhatIsKnown());
  }
  return {};
}

Result<Bytes> PeerView::Conclude(const std::vector<PeerEnvelope>& messages) {
  if (finished()) return FailedPrecondition("the session is over");
  if (step_ != PeerStep::kJoin) TRY_VOID(TakeAttendance(messages));
  Result<Bytes> out = Bytes();
  switch (step_) {
    case PeerStep::kJoin:
      out = ConcludeJoins(messages);
      break;
    case PeerStep::kReport:
      out = ConcludeReports(messages);
      break;
    case PeerStep::kReceipt:
      out = ConcludeReceipts(messages);
      break;
    case PeerStep::kCoin:
      out = ConcludeCoins(messages);
      break;
    case PeerStep::kVerify:
      out = ConcludeAnswers(messages);
      break;
    case PeerStep::kVerdict:
      out = ConcludeVerdicts(messages);
      break;
    case PeerStep::kSum:
      out = ConcludeSums(messages);
      break;
    case PeerStep::kAbort:
      return FailedPrecondition("the session was stopped");
  }
  if (!out) return out;
  for (const PeerEnvelope& message : messages) {
    members_[*PositionOf(message.message.sender)].last = message.hash;
  }
  if (step_ != kLastPeerStep) step_ = Next(step_);
  return out;
}

Result<void> PeerView::VerifyHost(const PeerEnvelope& message) const {
  TRY(const crypto::P256PublicKey key, roster_.host.p256_public_key());
  return message.Verify(key);
}

Result<void> PeerView::CheckBoard(const PeerEnvelope& board) const {
  if (board.message.sender != kPeerHost) {
    return VerificationFailed("a board is not from the host");
  }
  if (auto origin = CheckOrigin(board); !origin) {
    return std::move(origin).error().WithContext("the host");
  }
  if (board.message.previous != last_board_ || board.message.seen != crypto::Hash32{}) {
    return VerificationFailed("the host's board does not follow the one before it");
  }
  return {};
}

Result<void> PeerView::Accept(const PeerEnvelope& board) {
  if (!VerifyHost(board)) return VerificationFailed("a board is not signed by the host");
  return AcceptVerified(board);
}

Result<void> PeerView::AcceptVerified(const PeerEnvelope& board) {
  TRY_VOID(CheckBoard(board));
  TRY(const BoardBody body, BoardBody::Parse(board.message.body));
  std::vector<PeerEnvelope> messages;
  for (const Bytes& bytes : body.messages) {
    auto message = PeerEnvelope::Parse(bytes);
    if (!message) return std::move(message).error().WithContext("the host's board");
    if (!messages.empty() && message->message.sender <= messages.back().message.sender) {
      return VerificationFailed("the host's board does not show the messages in their order");
    }
    auto checked = CheckMessage(*message);
    if (!checked) {
      // The host checked it too, and should never have shown it.
      return VerificationFailed("the host's board: " + checked.error().message);
    }
    messages.push_back(*std::move(message));
  }
  TRY(const Bytes conclusion, Conclude(messages));
  if (conclusion != body.conclusion) {
    return VerificationFailed("the host's conclusion of the step " +
                              std::string(PeerStepName(board.message.step)) +
                              " is not what the messages on its board say");
  }
  last_board_ = board.hash;
  return {};
}

Result<Bytes> PeerView::ConcludeJoins(const std::vector<PeerEnvelope>& messages) {
  if (messages.size() < roster_.roster.fields().minimum_parties) {
    return Unavailable("only " + std::to_string(messages.size()) + " of " +
                       std::to_string(roster_.roster.size()) + " parties joined, and " +
                       std::to_string(roster_.roster.fields().minimum_parties) + " are needed");
  }
  std::vector<PeerId> ids;
  for (const PeerEnvelope& message : messages) {
    const auto joined = joined_.find(message.message.sender);
    CHECK(joined != joined_.end());
    ids.push_back(message.message.sender);
    members_.push_back({.id = message.message.sender,
                        .key = std::move(joined->second.key),
                        .join = std::move(joined->second.body)});
  }
  joined_.clear();
  TRY(sharing_, make_sharing_(roster_.roster, ids));
  Note(std::to_string(members_.size()) + " of " + std::to_string(roster_.roster.size()) +
       " parties joined, each with a sealed coin and a key of this session");
  return EncodeParties(ids);
}

}  // namespace salus::aggregate
