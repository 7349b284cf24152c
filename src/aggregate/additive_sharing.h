// AdditiveSharing: all members but the sender are a report's Prio3 aggregators; masks that add up
// to zero hide what one member's sum would tell; commitments make a wrong sum and its maker known.
// Not a public header: MakeSharing makes it.
//
// Source: VDAF draft-20 section 7 with n - 1 aggregators; the commitments are Pedersen's
//         (crypto/pedersen.h). docs/decisions/0037-peers-in-a-star.md says why it is built so.
// Shape:  a share is the input share, the mask, and two blinds of 32 bytes; what the sender keeps
//         is its own mask and that blind. A commitment is, 64 bytes each (a point and its root),
//         n - 1 to output shares and n to masks, then one byte a place of the output (how often the
//         modulus is in the sum of all masks) and the sum of the masks' blinds.
#pragma once

#include "aggregate/peer_sharing.h"
#include "aggregate/prio3.h"
#include "crypto/pedersen.h"

namespace salus::aggregate {

class AdditiveSharing final : public PeerSharing {
 public:
  // Errors: InvalidArgument as Prio3::Create.
  static Result<std::unique_ptr<const PeerSharing>> Create(const VdafInstance& instance,
                                                           Bytes context);

  std::size_t members() const override { return members_; }
  std::size_t answers_needed() const override { return members_; }
  std::size_t may_show() const override { return members_ - 3; }

  Result<PeerShares> Share(std::span<const std::uint64_t> measurement, std::size_t self,
                           RandomSource& random) const override;
  // Commit makes the commitments and shares of input shares that are given; Share is that over
  // Prio3's.
  Result<PeerShares> Commit(Shards shards, std::span<const std::uint8_t, 16> nonce,
                            std::size_t self, RandomSource& random) const;
  Result<void> CheckReport(PeerReportPublic& report, std::size_t sender) const override;
  Result<void> CheckShare(const PeerReportPublic& report, std::size_t sender, std::size_t judge,
                          const SecretBytes& share) const override;
  Result<Bytes> VerifierShare(const SecretBytes& verify_key, const PeerReportPublic& report,
                              std::size_t sender, std::size_t judge,
                              const SecretBytes& share) const override;
  Result<PeerDecision> Decide(const PeerReportPublic& report, std::size_t sender,
                              Answers verifier_shares) const override;
  Result<Bytes> PartialSum(std::span<const ReportShare> reports, std::size_t member) const override;
  Result<void> CheckPartialSum(std::span<const ReportShare> reports, std::size_t member,
                               ByteSpan partial_sum) const override;
  Result<Totals> Unshard(Answers partial_sums, std::uint64_t count) const override;

 private:
  // Parts of a share, as views.
  struct ShareView {
    ByteSpan input_share;  // empty in what the sender keeps
    ByteSpan mask;
    ByteSpan output_blind;  // empty in what the sender keeps
    ByteSpan mask_blind;
  };

  AdditiveSharing(std::unique_ptr<const Prio3> prio3, Bytes context);
  // Aggregator is the judge's number among a report's aggregators.
  static std::uint8_t Aggregator(std::size_t sender, std::size_t judge);
  std::size_t mask_bytes() const { return prio3_->aggregate_share_bytes(); }
  std::size_t commitment_bytes() const;
  Result<ShareView> Cut(std::size_t sender, std::size_t judge, const SecretBytes& share) const;
  Result<Verification> Verify(const SecretBytes& verify_key, const PeerReportPublic& report,
                              std::size_t sender, std::size_t judge,
                              const SecretBytes& share) const;
  Result<SecretBytes> OutputShare(const PeerReportPublic& report, std::size_t sender,
                                  std::size_t judge, ByteSpan input_share) const;
  // JointRandPart is a judge's slice of the public share; empty without joint randomness.
  ByteSpan JointRandPart(const PeerReportPublic& report, std::size_t sender,
                         std::size_t judge) const;
  SecretBytes Integers(ByteSpan elements) const;
  // OutputCommitment and MaskCommitment cut one out of a report's commitment.
  Result<crypto::PedersenCommitment> OutputCommitment(const PeerReportPublic& report,
                                                      std::size_t sender, std::size_t judge) const;
  Result<crypto::PedersenCommitment> MaskCommitment(const PeerReportPublic& report,
                                                    std::size_t member) const;

  const std::unique_ptr<const Prio3> prio3_;
  const Bytes context_;
  const std::size_t members_;
  const crypto::PedersenBase base_;
};

}  // namespace salus::aggregate
