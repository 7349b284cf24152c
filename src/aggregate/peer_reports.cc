// Reports, receipts and coins: from shares that nobody else can open to a key that nobody chose.
#include <algorithm>

#include "aggregate/peer_view.h"
#include "aggregate/share_access.h"
#include "crypto/hkdf.h"

namespace salus::aggregate {

bool PeerView::Opens(std::size_t sender, std::size_t judge, const SecretBytes& share) const {
  const Member& member = members_[sender];
  if (!member.report || sender == judge) return false;
  const std::size_t index = judge < sender ? judge : judge - 1;
  return ShareHash(roster_.roster.fields().session, member.id, members_[judge].id,
                   member.report->report.nonce, share) == member.report->share_hashes[index];
}

Result<Bytes> PeerView::ConcludeReports(const std::vector<PeerEnvelope>& messages) {
  for (const PeerEnvelope& message : messages) {
    const std::size_t position = *PositionOf(message.message.sender);
    auto body = ReportBody::Parse(message.message.body);
    if (body && body->share_hashes.size() + 1 != members_.size()) {
      body = InvalidArgument("the report has not one hash for each other member");
    }
    if (body) {
      if (const auto good = sharing_->CheckReport(body->report, position); !good) {
        body = good.error();
      }
    }
    // Who sends nonsense still has to judge the others' reports.
    if (!body) {
      Note(NameAt(position) + "'s report is refused: " + body.error().message);
      continue;
    }
    members_[position].report = *std::move(body);
  }
  std::vector<std::size_t> reported;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (members_[i].report) reported.push_back(i);
  }
  TRY_VOID(RequireEnough(reported.size()));
  Note(std::to_string(reported.size()) +
       " reports are committed to; each share went sealed to one party only");
  return EncodeParties(IdsOf(reported));
}

Result<void> PeerView::CheckRefusal(const ReceiptBody::Refusal& refusal, std::size_t judge,
                                    std::vector<bool>& refused) {
  const std::size_t sender = *PositionOf(refusal.sender);
  if (!refusal.opened) {
    Note(NameAt(judge) + " has no share from " + NameAt(sender) +
         " that opens: one of the two is wrong, and " + NameAt(sender) + "'s value is left out");
    refused[sender] = true;
    return {};
  }
  const SecretBytes share(*refusal.opened);
  if (!Opens(sender, judge, share) ||
      sharing_->CheckShare(members_[sender].report->report, sender, judge, share)) {
    return Expel(judge, "refused a good share from " + NameAt(sender));
  }
  Note(NameAt(sender) + " sent " + NameAt(judge) +
       " a share that is not what it committed to, and is left out of the sum");
  refused[sender] = true;
  return {};
}

Result<Bytes> PeerView::ConcludeReceipts(const std::vector<PeerEnvelope>& messages) {
  std::vector<bool> refused(members_.size(), false);
  for (const PeerEnvelope& message : messages) {
    const std::size_t judge = *PositionOf(message.message.sender);
    const auto body = ReceiptBody::Parse(message.message.body);
    std::vector<PeerId> answered;
    if (body) {
      answered = body->accepted;
      for (const auto& refusal : body->refused) answered.push_back(refusal.sender);
      std::ranges::sort(answered);
    }
    std::vector<PeerId> expected;
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (i != judge && members_[i].report) expected.push_back(members_[i].id);
    }
    if (answered != expected) {
      TRY_VOID(Expel(judge, "did not say of each report once whether its share came"));
      continue;
    }
    for (const auto& refusal : body->refused) {
      TRY_VOID(CheckRefusal(refusal, judge, refused));
      if (!members_[judge].active) break;
    }
  }
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (members_[i].report && !refused[i]) senders_.push_back(i);
  }
  TRY_VOID(RequireEnough(senders_.size()));
  Note("all have their shares of " + std::to_string(senders_.size()) +
       " values: from here on the set is fixed");
  return EncodeParties(IdsOf(senders_));
}

Result<Bytes> PeerView::ConcludeCoins(const std::vector<PeerEnvelope>& messages) {
  Bytes coins;
  const std::vector<PeerId> senders = IdsOf(senders_);
  for (const PeerEnvelope& message : messages) {
    const std::size_t position = *PositionOf(message.message.sender);
    const auto body = CoinBody::Parse(message.message.body);
    if (!body || body->senders != senders) {
      TRY_VOID(Expel(position, "did not countersign the set of values"));
      continue;
    }
    if (CoinCommitment(roster_.roster.fields().session, members_[position].id, body->coin,
                       body->blind) != members_[position].join.coin_commitment) {
      TRY_VOID(Expel(position, "showed another coin than the one that it had sealed"));
      continue;
    }
    Append(coins, body->coin);
  }
  verify_key_ = SecretBytes(32);
  TRY_VOID(crypto::HkdfSha256(coins, roster_.roster.fields().session, AsBytes("verify_key"),
                              verify_key_.mutable_view(ShareAccess::Token())));
  Note("the coins are open: no party alone chose the key that the proofs are tested with");
  return Bytes();
}

}  // namespace salus::aggregate
