// Answers, verdicts and sums: whose report holds, who lied, and what it all adds up to.
#include <algorithm>

#include "aggregate/peer_view.h"
#include "codec/cbor.h"

namespace salus::aggregate {

namespace {

bool Holds(const std::vector<std::size_t>& positions, std::size_t position) {
  return std::ranges::binary_search(positions, position);
}

Bytes EncodeResult(std::uint64_t count, std::span<const unsigned __int128> totals) {
  Bytes out;
  codec::CborWriter writer(out);
  writer.Array(2);
  writer.Uint(count);
  writer.Array(totals.size());
  for (const unsigned __int128 total : totals) {
    std::array<std::uint8_t, 16> bytes;
    for (std::size_t i = 0; i < 16; ++i) {
      bytes[i] = static_cast<std::uint8_t>(total >> (8 * (15 - i)));
    }
    writer.ByteString(bytes);
  }
  return out;
}

}  // namespace

// Decides each report by the answers that are there, until no judge is found to be wrong.
Result<void> PeerView::Decide() {
  for (bool is_settled = false; !is_settled;) {
    is_settled = true;
    decisions_.assign(members_.size(), std::nullopt);
    accepted_.clear();
    for (const std::size_t sender : senders_) {
      std::vector<std::optional<Bytes>> answers(members_.size());
      for (std::size_t judge = 0; judge < members_.size(); ++judge) {
        if (judge != sender && members_[judge].active) {
          answers[judge] = members_[judge].answers[sender];
        }
      }
      auto decided = sharing_->Decide(members_[sender].report->report, sender, answers);
      if (!decided) return std::move(decided).error();
      PeerDecision& decision = *decided;
      for (const std::size_t judge : decision.wrong_judges) {
        TRY_VOID(Expel(judge, "gave a wrong part of the proof of " + NameAt(sender) + "'s value"));
        is_settled = false;
      }
      if (!is_settled) break;
      decisions_[sender] = std::move(decision.message);
      if (decisions_[sender]) accepted_.push_back(sender);
    }
  }
  return {};
}

Result<Bytes> PeerView::ConcludeAnswers(const std::vector<PeerEnvelope>& messages) {
  for (const PeerEnvelope& message : messages) {
    const std::size_t judge = *PositionOf(message.message.sender);
    auto body = VerifyBody::Parse(message.message.body);
    const std::size_t expected = senders_.size() - (Holds(senders_, judge) ? 1 : 0);
    if (!body || body->verifier_shares.size() != expected) {
      TRY_VOID(Expel(judge, "did not answer for each report once"));
      continue;
    }
    members_[judge].answers.assign(members_.size(), std::nullopt);
    auto next = body->verifier_shares.begin();
    for (const std::size_t sender : senders_) {
      if (sender != judge) members_[judge].answers[sender] = std::move(*next++);
    }
  }
  for (Member& member : members_) member.answers.resize(members_.size());
  TRY_VOID(Decide());

  Bytes out;
  codec::CborWriter writer(out);
  writer.Array(senders_.size());
  for (const std::size_t sender : senders_) {
    writer.Array(2);
    writer.Uint(members_[sender].id);
    if (decisions_[sender]) {
      writer.ByteString(*decisions_[sender]);
    } else {
      writer.Null();
    }
  }
  Note("the proofs of " + std::to_string(accepted_.size()) + " of " +
       std::to_string(senders_.size()) + " values hold");
  return out;
}

Result<void> PeerView::CheckEvidence(const VerdictBody::Opened& opened, std::size_t witness,
                                     Findings& findings) {
  const auto sender = PositionOf(opened.sender);
  const auto judge = PositionOf(opened.judge);
  // Of an honest report only the sender may show a share, and only once its proof was spoiled.
  const bool is_own = sender && judge && witness == *sender && *sender != *judge &&
                      Holds(senders_, *sender) && !decisions_[*sender];
  if (!is_own) return Expel(witness, "showed evidence that is not about its own report");
  const std::optional<Bytes>& answer = members_[*judge].answers[*sender];
  if (!answer) return Expel(witness, "accused " + NameAt(*judge) + ", who did not answer");
  if (!opened.share) {
    // A bare word is for where nothing more may be shown.
    if (findings.shown < sharing_->may_show()) {
      return Expel(witness, "accused " + NameAt(*judge) + " and did not show the share");
    }
    findings.excused[*sender] = true;
    Note(NameAt(*sender) + " says that " + NameAt(*judge) + " answered wrongly about " +
         NameAt(*sender) + "'s value, and with so few parties may not show it: one of them lies");
    return {};
  }
  const SecretBytes share(*opened.share);
  if (!Opens(*sender, *judge, share)) {
    return Expel(witness, "showed a share that was never committed to");
  }
  const auto right = sharing_->VerifierShare(verify_key_, members_[*sender].report->report, *sender,
                                             *judge, share);
  // An honest judge answers what its share says; a share that says nothing was refused before.
  if (!right || *answer == *right) {
    return Expel(witness, "accused " + NameAt(*judge) + " of a wrong answer that was right");
  }
  findings.excused[*sender] = true;
  findings.liars[*judge] = true;
  ++findings.shown;
  return {};
}

// Verdicts countersign the set; they never change it, so that no two boards of this step can lead
// to sums over two sets.
Result<Bytes> PeerView::ConcludeVerdicts(const std::vector<PeerEnvelope>& messages) {
  Findings findings{.excused = std::vector<bool>(members_.size(), false),
                    .liars = std::vector<bool>(members_.size(), false)};
  std::vector<bool> is_there(members_.size(), false);
  for (const PeerEnvelope& message : messages) {
    const std::size_t witness = *PositionOf(message.message.sender);
    is_there[witness] = true;
    const auto body = VerdictBody::Parse(message.message.body);
    if (!body || body->accepted != IdsOf(accepted_)) {
      TRY_VOID(Expel(witness, "countersigned another set of values than the proofs say"));
      continue;
    }
    findings.shown = 0;
    for (const VerdictBody::Opened& opened : body->evidence) {
      TRY_VOID(CheckEvidence(opened, witness, findings));
    }
  }
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (!findings.liars[i]) continue;
    TRY_VOID(Expel(i, "gave a wrong part of a proof, as the report's sender could show"));
  }
  for (const std::size_t sender : senders_) {
    if (Holds(accepted_, sender)) continue;
    // Who is not there can't show who spoiled the proof.
    Note(NameAt(sender) + (findings.excused[sender] || !is_there[sender]
                               ? "'s value is left out: its proof was spoiled, or fails"
                               : "'s value is not what the roster allows, and is left out: its "
                                 "proof fails"));
  }
  TRY_VOID(RequireEnough(accepted_.size()));
  return EncodeParties(IdsOf(accepted_));
}

std::vector<PeerSharing::ReportShare> PeerView::ReportShares() const {
  std::vector<PeerSharing::ReportShare> out;
  for (const std::size_t sender : accepted_) {
    out.push_back({sender, &members_[sender].report->report, nullptr});
  }
  return out;
}

Result<Bytes> PeerView::ConcludeSums(const std::vector<PeerEnvelope>& messages) {
  const auto reports = ReportShares();
  std::vector<std::optional<Bytes>> sums(members_.size());
  for (const PeerEnvelope& message : messages) {
    const std::size_t member = *PositionOf(message.message.sender);
    if (!sharing_->CheckPartialSum(reports, member, message.message.body)) {
      TRY_VOID(Expel(member, "sent a sum that is not that of the shares which it was given"));
      continue;
    }
    sums[member] = message.message.body;
  }
  const auto totals = sharing_->Unshard(sums, accepted_.size());
  if (!totals) return WithWhatIsKnown(totals.error());
  for (const std::size_t member : totals->wrong_members) {
    TRY_VOID(Expel(member, "sent a wrong sum, which the others' sums show"));
  }
  auto result = PeerResult::Conclude(roster_.roster, accepted_.size(), totals->totals);
  if (!result) return WithWhatIsKnown(std::move(result).error());
  result_ = *std::move(result);
  Note("the sums of " + std::to_string(messages.size()) + " parties give the result over " +
       std::to_string(accepted_.size()) + " values, and nothing else");
  return EncodeResult(accepted_.size(), totals->totals);
}

}  // namespace salus::aggregate
