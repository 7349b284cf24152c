// ThresholdSharing: a report is shared with Shamir's polynomials instead of additively, so that a
// sum goes on when parties are lost, and wrong parts of it show against the others'. Not a public
// header: MakeSharing makes it.
//
// Source: Shamir (1979) over Field128; the proof of VDAF draft-20 section 7.3 on Shamir's shares,
//         which works because queries are linear; errors after Welch and Berlekamp (US 4,633,470).
// Shape:  member at position i has the value at i + 1 of polynomials of degree t = (N - 1) / 2
//         rounded down, N those in the roster; a share is the encoded measurement and the proof, 16
//         bytes an element, and 32 random bytes, so that its hash tells nothing of it.
//         Public share and commitment are empty. t members together learn nothing; t + 2 must
//         answer.
#pragma once

#include "aggregate/circuit_sum.h"
#include "aggregate/element_vector.h"
#include "aggregate/field128.h"
#include "aggregate/flp.h"
#include "aggregate/peer_sharing.h"
#include "base/bytes.h"

namespace salus::aggregate {

// Without extra answers a judge that lies looks like a sender that shared badly: the sender, who
// knows all its shares, has to show it (PeerView's verdicts).
class ThresholdSharing final : public PeerSharing {
 public:
  // Precondition: degree + 2 <= members <= 64, 0 < maximum < 2^63.
  ThresholdSharing(std::uint64_t maximum, std::size_t members, std::size_t degree, Bytes context);

  std::size_t members() const override { return members_; }
  // Any two sets of so many share more than t members, so one who is honest, and who answers one
  // board a step: a host and t members can't run two sums of different values side by side.
  std::size_t answers_needed() const override { return (members_ + degree_) / 2 + 1; }
  std::size_t may_show() const override { return degree_ - 1; }

  Result<PeerShares> Share(std::span<const std::uint64_t> measurement, std::size_t self,
                           RandomSource& random) const override;
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
  std::size_t share_length() const {
    return flp_.circuit().measurement_length() + flp_.proof_length();
  }
  Result<ElementVector<Field128>> Decode(const SecretBytes& share) const;

  const Flp<SumCircuit<Field128>> flp_;
  const std::size_t members_;
  const std::size_t degree_;
  const Bytes context_;
};

}  // namespace salus::aggregate
