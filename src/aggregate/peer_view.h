// PeerView is what everybody in a session can see and check: the boards so far, and what follows
// from them. Host, parties and the transcript's reader share it; it holds no secret. Not a public
// header.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aggregate/peer_body.h"
#include "aggregate/peer_message.h"
#include "aggregate/peer_result.h"
#include "aggregate/peer_roster.h"
#include "aggregate/peer_sharing.h"
#include "aggregate/peer_step.h"
#include "base/result.h"
#include "base/secret.h"

namespace salus::aggregate {

// CoinCommitment is what a party commits with to its coin, in the first step.
crypto::Hash32 CoinCommitment(const PeerSessionId& session, PeerId party, ByteSpan coin,
                              ByteSpan blind);

// ShareHash binds a report to each share of it.
crypto::Hash32 ShareHash(const PeerSessionId& session, PeerId sender, PeerId recipient,
                         ByteSpan nonce, const SecretBytes& share);

// PeerView goes from board to board. The same messages lead every honest eye to the same state,
// the same conclusion, or the same error.
class PeerView {
 public:
  // Member is a party that joined.
  struct Member {
    PeerId id;
    crypto::P256PublicKey key;
    JoinBody join;
    bool active = true;     // false: lost, or caught, where the sharing can do without
    crypto::Hash32 last{};  // of its last message
    std::optional<ReportBody> report = {};
    std::vector<std::optional<Bytes>> answers =
        {};  // its verifier shares, by the sender's position
  };

  PeerView(SignedPeerRoster roster, PeerSharingMaker sharing);

  // CheckMessage says whether a party's message may stand on the board of the open step.
  //
  // Errors: PermissionDenied when its sender is no member; FailedPrecondition for another step;
  // VerificationFailed and InvalidArgument for what is wrong with it; all name the sender.
  Result<void> CheckMessage(const PeerEnvelope& message);
  // CheckShare says whether a share was sent with that report of that sender, who had seen that
  // board; whether it opens only its recipient knows.
  Result<void> CheckShare(const PeerEnvelope& share, PeerId sender, const crypto::Hash32& report,
                          const crypto::Hash32& seen) const;

  // Conclude ends the open step with checked messages, in the order of senders, and says what
  // follows from them.
  //
  // Errors: VerificationFailed names who lied; Unavailable when too few are left.
  Result<Bytes> Conclude(const std::vector<PeerEnvelope>& messages);

  // VerifyHost says whether the host signed a message.
  //
  // Errors: VerificationFailed.
  Result<void> VerifyHost(const PeerEnvelope& message) const;
  // Accept takes a board from the host, and checks all of it.
  //
  // Errors: FailedPrecondition for another step's board; VerificationFailed, InvalidArgument,
  // Unavailable as above.
  Result<void> Accept(const PeerEnvelope& board);
  // AcceptVerified is Accept of what VerifyHost was asked about before.
  Result<void> AcceptVerified(const PeerEnvelope& board);
  // set_board remembers the board that the host itself signed.
  void set_board(const crypto::Hash32& hash) { last_board_ = hash; }

  const SignedPeerRoster& roster() const { return roster_; }
  PeerStep step() const { return step_; }  // the open one
  bool finished() const { return result_.has_value(); }
  const crypto::Hash32& last_board() const { return last_board_; }

  // WhatIsKnown is what an error adds: whether the host may know a sum that it does not show.
  std::string WhatIsKnown() const;

  // After kJoin.
  const std::vector<Member>& members() const { return members_; }
  std::optional<std::size_t> PositionOf(PeerId id) const;
  const PeerSharing& sharing() const { return *sharing_; }
  // After kReceipt: positions of those whose report all others have.
  const std::vector<std::size_t>& senders() const { return senders_; }
  std::vector<PeerId> IdsOf(const std::vector<std::size_t>& positions) const;
  // After kCoin.
  const SecretBytes& verify_key() const { return verify_key_; }
  // After kVerify: the verifier message of a report, by position; nothing when it does not hold.
  const std::optional<Bytes>& decision(std::size_t sender) const { return decisions_[sender]; }
  // After kVerify: those whose reports hold.
  const std::vector<std::size_t>& accepted() const { return accepted_; }
  // ReportShares are the reports in the sum, without anybody's shares.
  std::vector<PeerSharing::ReportShare> ReportShares() const;
  const std::optional<PeerResult>& result() const { return result_; }

  std::vector<PeerEvent> TakeEvents() { return std::exchange(events_, {}); }

 private:
  // Joined is a join that was checked: reading its key is the most work about it.
  struct Joined {
    JoinBody body;
    crypto::P256PublicKey key;
  };
  static Result<Joined> ReadJoin(const PeerMessage& message, const PeerRoster& roster);

  Result<void> CheckOrigin(const PeerEnvelope& message) const;
  Result<void> CheckBoard(const PeerEnvelope& board) const;
  Result<void> TakeAttendance(const std::vector<PeerEnvelope>& messages);
  Result<Bytes> ConcludeJoins(const std::vector<PeerEnvelope>& messages);
  Result<Bytes> ConcludeReports(const std::vector<PeerEnvelope>& messages);
  Result<Bytes> ConcludeReceipts(const std::vector<PeerEnvelope>& messages);
  Result<Bytes> ConcludeCoins(const std::vector<PeerEnvelope>& messages);
  Result<Bytes> ConcludeAnswers(const std::vector<PeerEnvelope>& messages);
  Result<Bytes> ConcludeVerdicts(const std::vector<PeerEnvelope>& messages);
  Result<Bytes> ConcludeSums(const std::vector<PeerEnvelope>& messages);

  // CheckRefusal decides between a sender and a judge that refuses its share.
  Result<void> CheckRefusal(const ReceiptBody::Refusal& refusal, std::size_t judge,
                            std::vector<bool>& refused);
  // Findings is what evidence says, by position, and how many shares its witness has shown.
  struct Findings {
    std::vector<bool> excused;
    std::vector<bool> liars;
    std::size_t shown = 0;
  };
  // CheckEvidence decides between a report's sender and one of its judges.
  Result<void> CheckEvidence(const VerdictBody::Opened& opened, std::size_t witness,
                             Findings& findings);
  Result<void> Decide();
  Result<void> RequireEnough(std::size_t values) const;
  // Opens says whether share is the one that a report committed to for that judge.
  bool Opens(std::size_t sender, std::size_t judge, const SecretBytes& share) const;
  // Expel leaves out a member that was caught, where the sharing can do without.
  //
  // Errors: VerificationFailed where it can't.
  Result<void> Expel(std::size_t member, const std::string& what);

  // tolerant says whether the open step can do without somebody. The coins never can: who left one
  // out could make two verify keys of the same commitments, and test a proof twice.
  bool tolerant() const {
    return step_ != PeerStep::kCoin && sharing_->answers_needed() < members_.size();
  }
  Error WithWhatIsKnown(Error error) const {
    error.message += WhatIsKnown();
    return error;
  }
  std::string NameAt(std::size_t position) const;
  void Note(std::string text) { events_.push_back({step_, std::move(text)}); }

  SignedPeerRoster roster_;
  PeerSharingMaker make_sharing_;
  PeerStep step_ = PeerStep::kJoin;
  crypto::Hash32 last_board_{};
  std::map<PeerId, Joined> joined_;  // until kJoin is over
  std::vector<Member> members_;
  std::unique_ptr<const PeerSharing> sharing_;
  std::vector<std::size_t> senders_;
  SecretBytes verify_key_;
  std::vector<std::optional<Bytes>> decisions_;
  std::vector<std::size_t> accepted_;
  std::optional<PeerResult> result_;
  std::vector<PeerEvent> events_;
};

}  // namespace salus::aggregate
