#include "aggregate/peer_transcript.h"

#include <map>

#include "aggregate/peer_body.h"
#include "aggregate/peer_message.h"
#include "aggregate/peer_view.h"
#include "aggregate/transcript_item.h"
#include "codec/cbor.h"

namespace salus::aggregate {

namespace {

constexpr std::size_t kMaxTranscript = std::size_t{1} << 30;

Result<ByteSpan> FirstItem(ByteSpan rest) {
  TRY(const ItemHead head, ReadItemHead(rest));
  if (head.size > kMaxPeerMessageBytes) return InvalidArgument("is over 64 MiB");
  if (rest.size() - head.head_bytes < head.size) return InvalidArgument("is cut off");
  return rest.subspan(head.head_bytes, head.size);
}

// Reader goes through the messages after the roster. Boards carry everything; the messages beside
// them only have to be signed by whom they say.
class Reader {
 public:
  explicit Reader(SignedPeerRoster roster) : view_(std::move(roster), MakeSharing) {}

  Result<void> Take(ByteSpan item) {
    TRY(const PeerEnvelope envelope, PeerEnvelope::Parse(item));
    const PeerMessage& message = envelope.message;
    const PeerRoster& roster = view_.roster().roster;
    if (message.roster != roster.hash()) {
      return VerificationFailed(roster.Name(message.sender) + " signed another roster");
    }
    if (message.sender == kPeerHost) return TakeBoard(envelope);
    return TakeOther(envelope);
  }

  PeerView& view() { return view_; }

 private:
  Result<void> TakeBoard(const PeerEnvelope& board) {
    if (board.message.step == PeerStep::kAbort) {
      TRY(const crypto::P256PublicKey key, view_.roster().host.p256_public_key());
      if (!board.Verify(key)) return VerificationFailed("the host's last word is wrongly signed");
      TRY(const AbortBody body, AbortBody::Parse(board.message.body));
      return Unavailable(body.reason);
    }
    for (const crypto::Hash32& hash : boards_) {
      if (hash == board.hash) return {};
    }
    if (board.message.step < view_.step() || view_.finished()) {
      TRY(const crypto::P256PublicKey key, view_.roster().host.p256_public_key());
      if (!board.Verify(key)) return VerificationFailed("a board is not signed by the host");
      return VerificationFailed("the host signed two boards of the step " +
                                std::string(PeerStepName(board.message.step)));
    }
    boards_.push_back(board.hash);
    return view_.Accept(board);
  }

  // A join names its own key and a board will show it; what comes later is checked at once.
  Result<void> TakeOther(const PeerEnvelope& envelope) {
    const PeerMessage& message = envelope.message;
    if (view_.members().empty()) {
      return message.step == PeerStep::kJoin ? view_.CheckMessage(envelope) : Result<void>();
    }
    const auto position = view_.PositionOf(message.sender);
    if (!position) return {};
    if (!envelope.Verify(view_.members()[*position].key)) {
      return VerificationFailed(view_.roster().roster.Name(message.sender) +
                                ": a message is wrongly signed");
    }
    return {};
  }

  PeerView view_;
  std::vector<crypto::Hash32> boards_;
};

// Boards are what the host signed, by step, in a transcript whose rest need not be sound.
struct Boards {
  crypto::Hash32 roster;
  std::map<PeerStep, crypto::Hash32> hashes;
};

Result<Boards> ReadBoards(ByteSpan transcript, const crypto::Hash32& host_fingerprint) {
  TRY(const std::vector<ByteSpan> items, ReadTranscript(transcript));
  TRY(const SignedPeerRoster roster, SignedPeerRoster::Verify(AsText(items[0]), host_fingerprint));
  TRY(const crypto::P256PublicKey key, roster.host.p256_public_key());
  Boards out{roster.roster.hash(), {}};
  for (const ByteSpan item : std::span(items).subspan(1)) {
    TRY(const PeerEnvelope envelope, PeerEnvelope::Parse(item));
    const PeerMessage& message = envelope.message;
    if (message.sender != kPeerHost || message.session != roster.roster.fields().session ||
        message.step == PeerStep::kAbort || !envelope.Verify(key)) {
      continue;
    }
    out.hashes.emplace(message.step, envelope.hash);
  }
  return out;
}

}  // namespace

void AppendToTranscript(ByteSpan item, Bytes& transcript) {
  codec::CborWriter writer(transcript);
  writer.ByteString(item);
}

Result<std::vector<ByteSpan>> ReadTranscript(ByteSpan transcript) {
  if (transcript.size() > kMaxTranscript) return InvalidArgument("transcript: over 1 GiB");
  std::vector<ByteSpan> out;
  while (!transcript.empty()) {
    const auto item = FirstItem(transcript);
    if (!item) {
      return Error(item.error()).WithContext("transcript: item " + std::to_string(out.size()));
    }
    out.push_back(*item);
    transcript = transcript.subspan(static_cast<std::size_t>(item->data() - transcript.data()) +
                                    item->size());
  }
  if (out.empty()) return InvalidArgument("transcript: is empty");
  return out;
}

Result<PeerTranscriptReport> CheckTranscript(ByteSpan transcript,
                                             const crypto::Hash32& host_fingerprint) {
  TRY(const std::vector<ByteSpan> items, ReadTranscript(transcript));
  TRY(SignedPeerRoster roster, SignedPeerRoster::Verify(AsText(items[0]), host_fingerprint));
  PeerTranscriptReport out{.roster = roster.roster};
  Reader reader(std::move(roster));
  for (std::size_t i = 1; i < items.size(); ++i) {
    const auto taken = reader.Take(items[i]);
    for (PeerEvent& event : reader.view().TakeEvents()) out.events.push_back(std::move(event));
    if (!taken) {
      // Why a session stopped is part of what a sound transcript says.
      if (taken.error().code != ErrorCode::kUnavailable) {
        return Error(taken.error()).WithContext("item " + std::to_string(i));
      }
      out.events.push_back({PeerStep::kAbort, taken.error().message});
      break;
    }
    ++out.messages;
  }
  const PeerView& view = reader.view();
  for (const PeerView::Member& member : view.members()) out.members.push_back(member.id);
  out.in_sum = view.IdsOf(view.accepted());
  out.result = view.result();
  out.last_step = view.step();
  return out;
}

Result<void> CompareTranscripts(ByteSpan one, ByteSpan other,
                                const crypto::Hash32& host_fingerprint) {
  TRY(const Boards mine, ReadBoards(one, host_fingerprint));
  TRY(const Boards theirs, ReadBoards(other, host_fingerprint));
  if (mine.roster != theirs.roster) {
    return InvalidArgument("the transcripts are of two sessions: their rosters differ");
  }
  for (const auto& [step, hash] : mine.hashes) {
    const auto found = theirs.hashes.find(step);
    if (found != theirs.hashes.end() && found->second != hash) {
      return VerificationFailed("the host signed two boards of the step " +
                                std::string(PeerStepName(step)) +
                                ": it showed one to each of the two who kept these transcripts");
    }
  }
  return {};
}

}  // namespace salus::aggregate
