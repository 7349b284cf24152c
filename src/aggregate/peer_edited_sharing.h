// EditedSharing is an honest sharing with some of its steps done otherwise: for tests, and to show
// that whoever does so is found out.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "aggregate/peer_sharing.h"
#include "aggregate/share_access.h"

namespace salus::aggregate {

class EditedSharing final : public PeerSharing {
 public:
  struct Edits {
    std::function<void(const PeerSharing& honest, PeerShares& shares, std::size_t self,
                       RandomSource& random)>
        share = {};
    std::function<bool()> refuse_share = {};
    // What an answer is computed from, in place of the share that came.
    std::function<void(std::size_t sender, std::size_t judge, SecretBytes& share)> judged = {};
    std::function<void(std::size_t sender, Bytes& answer)> answer = {};
    std::function<void(Bytes& sum)> sum = {};
  };

  EditedSharing(std::unique_ptr<const PeerSharing> honest, Edits edits)
      : honest_(std::move(honest)), edits_(std::move(edits)) {}

  // Maker makes one over what the roster asks for.
  static PeerSharingMaker Maker(Edits edits) {
    return [edits](const PeerRoster& roster,
                   std::span<const PeerId> members) -> Result<std::unique_ptr<const PeerSharing>> {
      TRY(auto honest, MakeSharing(roster, members));
      return std::unique_ptr<const PeerSharing>(new EditedSharing(std::move(honest), edits));
    };
  }

  // Watching remembers the shares of one party's report, by position.
  static Edits Watching(std::vector<Bytes>& seen) {
    return {.share = [&seen](const PeerSharing&, PeerShares& shares, std::size_t, RandomSource&) {
      seen.clear();
      for (const SecretBytes& share : shares.shares) {
        seen.push_back(ToBytes(share.view(ShareAccess::Token())));
      }
    }};
  }

  std::size_t members() const override { return honest_->members(); }
  std::size_t answers_needed() const override { return honest_->answers_needed(); }
  std::size_t may_show() const override { return honest_->may_show(); }
  Result<PeerShares> Share(std::span<const std::uint64_t> measurement, std::size_t self,
                           RandomSource& random) const override {
    auto out = honest_->Share(measurement, self, random);
    if (out && edits_.share) edits_.share(*honest_, *out, self, random);
    return out;
  }
  Result<void> CheckReport(PeerReportPublic& report, std::size_t sender) const override {
    return honest_->CheckReport(report, sender);
  }
  Result<void> CheckShare(const PeerReportPublic& report, std::size_t sender, std::size_t judge,
                          const SecretBytes& share) const override {
    if (edits_.refuse_share && edits_.refuse_share()) return VerificationFailed("for no reason");
    return honest_->CheckShare(report, sender, judge, share);
  }
  Result<Bytes> VerifierShare(const SecretBytes& verify_key, const PeerReportPublic& report,
                              std::size_t sender, std::size_t judge,
                              const SecretBytes& share) const override {
    SecretBytes judged(share.view(ShareAccess::Token()));
    if (edits_.judged) edits_.judged(sender, judge, judged);
    auto out = honest_->VerifierShare(verify_key, report, sender, judge, judged);
    if (out && edits_.answer) edits_.answer(sender, *out);
    return out;
  }
  Result<PeerDecision> Decide(const PeerReportPublic& report, std::size_t sender,
                              Answers answers) const override {
    return honest_->Decide(report, sender, answers);
  }
  Result<Bytes> PartialSum(std::span<const ReportShare> reports,
                           std::size_t member) const override {
    auto out = honest_->PartialSum(reports, member);
    if (out && edits_.sum) edits_.sum(*out);
    return out;
  }
  Result<void> CheckPartialSum(std::span<const ReportShare> reports, std::size_t member,
                               ByteSpan sum) const override {
    return honest_->CheckPartialSum(reports, member, sum);
  }
  Result<Totals> Unshard(Answers sums, std::uint64_t count) const override {
    return honest_->Unshard(sums, count);
  }

 private:
  std::unique_ptr<const PeerSharing> honest_;
  Edits edits_;
};

}  // namespace salus::aggregate
