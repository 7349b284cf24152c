#include "aggregate/additive_sharing.h"

#include <algorithm>

#include "aggregate/field_integers.h"
#include "aggregate/share_access.h"

namespace salus::aggregate {

namespace {

using crypto::PedersenBlind;
using crypto::PedersenCommitment;

constexpr std::string_view kBaseLabel = "salus peer shares 1";
constexpr std::size_t kPoint = PedersenCommitment::kBytes;
constexpr std::size_t kBlind = 32;

Error BadShare() { return VerificationFailed("a share is not of its length"); }

ByteSpan ViewOf(const SecretBytes& bytes) { return bytes.view(ShareAccess::Token()); }
ByteSpan ViewOf(const PedersenBlind& blind) { return blind.scalar.view(ShareAccess::Token()); }

SecretBytes Join(std::initializer_list<ByteSpan> parts) {
  std::size_t size = 0;
  for (const ByteSpan part : parts) size += part.size();
  SecretBytes out(size);
  auto at = out.mutable_view(ShareAccess::Token()).begin();
  for (const ByteSpan part : parts) at = std::ranges::copy(part, at).out;
  return out;
}

}  // namespace

AdditiveSharing::AdditiveSharing(std::unique_ptr<const Prio3> prio3, Bytes context)
    : prio3_(std::move(prio3)),
      context_(std::move(context)),
      members_(std::size_t{prio3_->instance().shares} + 1),
      base_(kBaseLabel, prio3_->output_length()) {}

Result<std::unique_ptr<const PeerSharing>> AdditiveSharing::Create(const VdafInstance& instance,
                                                                   Bytes context) {
  TRY(auto prio3, Prio3::Create(instance));
  return std::unique_ptr<const PeerSharing>(
      new AdditiveSharing(std::move(prio3), std::move(context)));
}

std::uint8_t AdditiveSharing::Aggregator(std::size_t sender, std::size_t judge) {
  return static_cast<std::uint8_t>(judge < sender ? judge : judge - 1);
}

std::size_t AdditiveSharing::commitment_bytes() const {
  return (2 * members_ - 1) * kPoint + prio3_->output_length() + kBlind;
}

SecretBytes AdditiveSharing::Integers(ByteSpan elements) const {
  SecretBytes out(prio3_->output_length() * kIntegerBytes);
  AddToIntegers(out.mutable_view(ShareAccess::Token()), elements, prio3_->element_bytes());
  return out;
}

Result<AdditiveSharing::ShareView> AdditiveSharing::Cut(std::size_t sender, std::size_t judge,
                                                        const SecretBytes& share) const {
  const ByteSpan all = ViewOf(share);
  if (judge == sender) {
    if (all.size() != mask_bytes() + kBlind) return BadShare();
    return ShareView{{}, all.first(mask_bytes()), {}, all.last(kBlind)};
  }
  const std::size_t input = prio3_->input_share_bytes(Aggregator(sender, judge));
  if (all.size() != input + mask_bytes() + 2 * kBlind) return BadShare();
  return ShareView{all.first(input), all.subspan(input, mask_bytes()),
                   all.subspan(input + mask_bytes(), kBlind), all.last(kBlind)};
}

ByteSpan AdditiveSharing::JointRandPart(const PeerReportPublic& report, std::size_t sender,
                                        std::size_t judge) const {
  const std::size_t size = prio3_->public_share_bytes() / (members_ - 1);
  return ByteSpan(report.public_share).subspan(Aggregator(sender, judge) * size, size);
}

Result<PedersenCommitment> AdditiveSharing::OutputCommitment(const PeerReportPublic& report,
                                                             std::size_t sender,
                                                             std::size_t judge) const {
  const ByteSpan all = report.commitment;
  return PedersenCommitment::FromBytes(all.subspan(Aggregator(sender, judge) * kPoint, kPoint));
}

Result<PedersenCommitment> AdditiveSharing::MaskCommitment(const PeerReportPublic& report,
                                                           std::size_t member) const {
  const ByteSpan all = report.commitment;
  return PedersenCommitment::FromBytes(all.subspan((members_ - 1 + member) * kPoint, kPoint));
}

Result<Verification> AdditiveSharing::Verify(const SecretBytes& verify_key,
                                             const PeerReportPublic& report, std::size_t sender,
                                             std::size_t judge, const SecretBytes& share) const {
  TRY(const ShareView view, Cut(sender, judge, share));
  const SecretBytes input_share(view.input_share);
  auto out = prio3_->VerifyInit(verify_key, context_, Aggregator(sender, judge),
                                {report.nonce, report.public_share, &input_share});
  if (!out) return VerificationFailed("a share does not decode: " + out.error().message);
  return out;
}

// The output share does not depend on the verify key, so that any key serves before the coins are
// opened; what it would say of the proof is thrown away.
Result<SecretBytes> AdditiveSharing::OutputShare(const PeerReportPublic& report, std::size_t sender,
                                                 std::size_t judge, ByteSpan input_share) const {
  const SecretBytes share(input_share);
  const SecretBytes no_key(prio3_->verify_key_bytes());
  auto out = prio3_->VerifyInit(no_key, context_, Aggregator(sender, judge),
                                {report.nonce, report.public_share, &share});
  if (!out) return VerificationFailed("a share does not decode: " + out.error().message);
  return std::move(out->state.output_share);
}

Result<PeerShares> AdditiveSharing::Share(std::span<const std::uint64_t> measurement,
                                          std::size_t self, RandomSource& random) const {
  const auto nonce = random.Array<Prio3::kNonceBytes>();
  TRY(Shards shards, prio3_->Shard(context_, measurement, nonce, random));
  return Commit(std::move(shards), nonce, self, random);
}

Result<PeerShares> AdditiveSharing::Commit(Shards shards, std::span<const std::uint8_t, 16> nonce,
                                           std::size_t self, RandomSource& random) const {
  PeerShares out;
  std::ranges::copy(nonce, out.report.nonce.begin());
  out.report.public_share = std::move(shards.public_share);
  std::vector<SecretBytes> masks;
  std::vector<ByteSpan> others;
  for (std::size_t j = 0; j < members_; ++j) {
    masks.emplace_back(mask_bytes());
    if (j == self) continue;
    FillElements(masks.back().mutable_view(ShareAccess::Token()), prio3_->element_bytes(), random);
    others.push_back(ViewOf(masks.back()));
  }
  const std::vector<std::uint8_t> quotients =
      NegatedSum(others, prio3_->element_bytes(), masks[self].mutable_view(ShareAccess::Token()));

  Bytes mask_points;
  PedersenBlind blinds_sum;
  for (std::size_t j = 0; j < members_; ++j) {
    const PedersenBlind mask_blind = PedersenBlind::Generate(random);
    Append(mask_points, base_.Commit(Integers(ViewOf(masks[j])), mask_blind).bytes());
    blinds_sum.Add(mask_blind);
    if (j == self) {
      out.shares.push_back(Join({ViewOf(masks[j]), ViewOf(mask_blind)}));
      continue;
    }
    const SecretBytes& input = shards.input_shares[Aggregator(self, j)];
    TRY(const SecretBytes output, OutputShare(out.report, self, j, ViewOf(input)));
    const PedersenBlind output_blind = PedersenBlind::Generate(random);
    Append(out.report.commitment, base_.Commit(Integers(ViewOf(output)), output_blind).bytes());
    out.shares.push_back(
        Join({ViewOf(input), ViewOf(masks[j]), ViewOf(output_blind), ViewOf(mask_blind)}));
  }
  Append(out.report.commitment, mask_points);
  Append(out.report.commitment, quotients);
  Append(out.report.commitment, ViewOf(blinds_sum));
  return out;
}

Result<void> AdditiveSharing::CheckReport(PeerReportPublic& report, std::size_t sender) const {
  if (report.public_share.size() != prio3_->public_share_bytes() ||
      report.commitment.size() != commitment_bytes()) {
    return VerificationFailed("a report's public part is not of its length");
  }
  const Error no_point = VerificationFailed("a report's commitment is no point");
  PedersenCommitment sum;
  report.by_member.clear();
  for (std::size_t j = 0; j < members_; ++j) {
    const auto mask = MaskCommitment(report, j);
    if (!mask) return no_point;
    sum.Add(*mask);
    report.by_member.push_back(*mask);
    if (j == sender) continue;
    const auto output = OutputCommitment(report, sender, j);
    if (!output) return no_point;
    report.by_member.back().Add(*output);
  }
  const ByteSpan quotients =
      ByteSpan(report.commitment).subspan((2 * members_ - 1) * kPoint, prio3_->output_length());
  Bytes multiples;
  for (const std::uint8_t quotient : quotients) {
    Append(multiples, MultipleOfModulus(quotient, prio3_->element_bytes()));
  }
  if (!base_.VerifyOpening(sum, multiples, ByteSpan(report.commitment).last(kBlind))) {
    return VerificationFailed("a report's masks do not add up to zero");
  }
  return {};
}

Result<void> AdditiveSharing::CheckShare(const PeerReportPublic& report, std::size_t sender,
                                         std::size_t judge, const SecretBytes& share) const {
  TRY(const ShareView view, Cut(sender, judge, share));
  TRY(const PedersenCommitment mask, MaskCommitment(report, judge));
  for (std::size_t i = 0; i < view.mask.size(); i += prio3_->element_bytes()) {
    if (LoadElement(view.mask.subspan(i, prio3_->element_bytes())) >=
        FieldModulus(prio3_->element_bytes())) {
      return VerificationFailed("a mask is not below the modulus");
    }
  }
  TRY_VOID(base_.VerifyOpening(mask, ViewOf(Integers(view.mask)), view.mask_blind));
  if (judge == sender) return {};
  // Neither the output share nor the part of the joint randomness depends on the verify key.
  const SecretBytes no_key(prio3_->verify_key_bytes());
  TRY(const Verification checked, Verify(no_key, report, sender, judge, share));
  const ByteSpan part = JointRandPart(report, sender, judge);
  if (!Equal(ByteSpan(checked.verifier_share).last(part.size()), part)) {
    return VerificationFailed("a share is not that of the joint randomness in the public share");
  }
  TRY(const PedersenCommitment commitment, OutputCommitment(report, sender, judge));
  return base_.VerifyOpening(commitment, ViewOf(Integers(ViewOf(checked.state.output_share))),
                             view.output_blind);
}

Result<Bytes> AdditiveSharing::VerifierShare(const SecretBytes& verify_key,
                                             const PeerReportPublic& report, std::size_t sender,
                                             std::size_t judge, const SecretBytes& share) const {
  TRY(Verification verification, Verify(verify_key, report, sender, judge, share));
  return std::move(verification.verifier_share);
}

Result<PeerDecision> AdditiveSharing::Decide(const PeerReportPublic& report, std::size_t sender,
                                             Answers verifier_shares) const {
  PeerDecision out;
  std::vector<ByteSpan> shares;
  for (std::size_t j = 0; j < members_; ++j) {
    if (j == sender) continue;
    if (!verifier_shares[j]) return Unavailable("a part of a report's proof is missing");
    const Bytes& share = *verifier_shares[j];
    shares.push_back(share);
    // A part of the joint randomness that is not the public share's would make a message that every
    // other judge refuses, though the sums hold.
    const ByteSpan part = JointRandPart(report, sender, j);
    if (share.size() != prio3_->verifier_share_bytes() ||
        !Equal(ByteSpan(share).last(part.size()), part)) {
      out.wrong_judges.push_back(j);
    }
  }
  if (!out.wrong_judges.empty()) return out;
  auto message = prio3_->VerifierSharesToMessage(context_, shares);
  if (message) {
    out.message = *std::move(message);
    return out;
  }
  if (message.error().code == ErrorCode::kVerificationFailed) return out;
  // Whose share is malformed shows when it is put together with itself alone.
  for (std::size_t j = 0; j < members_; ++j) {
    if (j == sender) continue;
    const std::vector<ByteSpan> same(shares.size(), *verifier_shares[j]);
    const auto alone = prio3_->VerifierSharesToMessage(context_, same);
    if (!alone && alone.error().code == ErrorCode::kInvalidArgument) out.wrong_judges.push_back(j);
  }
  return out;
}

Result<Bytes> AdditiveSharing::PartialSum(std::span<const ReportShare> reports,
                                          std::size_t member) const {
  SecretBytes sum(prio3_->output_length() * kIntegerBytes);
  PedersenBlind blinds;
  const auto token = ShareAccess::Token();
  for (const ReportShare& report : reports) {
    TRY(const ShareView view, Cut(report.sender, member, *report.share));
    AddToIntegers(sum.mutable_view(token), view.mask, prio3_->element_bytes());
    TRY(const PedersenBlind mask_blind, PedersenBlind::FromBytes(view.mask_blind));
    blinds.Add(mask_blind);
    if (report.sender == member) continue;
    TRY(const SecretBytes output,
        OutputShare(*report.report, report.sender, member, view.input_share));
    AddToIntegers(sum.mutable_view(token), ViewOf(output), prio3_->element_bytes());
    TRY(const PedersenBlind output_blind, PedersenBlind::FromBytes(view.output_blind));
    blinds.Add(output_blind);
  }
  Bytes out = ToBytes(ViewOf(sum));
  Append(out, ViewOf(blinds));
  return out;
}

Result<void> AdditiveSharing::CheckPartialSum(std::span<const ReportShare> reports,
                                              std::size_t member, ByteSpan partial_sum) const {
  const std::size_t size = prio3_->output_length() * kIntegerBytes;
  if (partial_sum.size() != size + kBlind) {
    return VerificationFailed("a partial sum is not of its length");
  }
  for (std::size_t i = 0; i < size; i += kIntegerBytes) {
    if (!IsSmall(partial_sum.subspan(i, kIntegerBytes), prio3_->element_bytes())) {
      return VerificationFailed("a partial sum is larger than so many shares can be");
    }
  }
  PedersenCommitment sum;
  for (const ReportShare& report : reports) {
    if (report.report->by_member.size() != members_) {
      return VerificationFailed("a report in the sum was never checked");
    }
    sum.Add(report.report->by_member[member]);
  }
  return base_.VerifyOpening(sum, partial_sum.first(size), partial_sum.subspan(size));
}

Result<PeerSharing::Totals> AdditiveSharing::Unshard(Answers partial_sums, std::uint64_t) const {
  Totals out;
  for (std::size_t place = 0; place < prio3_->output_length(); ++place) {
    Bytes total(kIntegerBytes);
    for (const std::optional<Bytes>& partial : partial_sums) {
      if (!partial) return Unavailable("a partial sum is missing");
      const ByteSpan integer = ByteSpan(*partial).subspan(place * kIntegerBytes, kIntegerBytes);
      Bytes element(16);
      StoreElement(DivideByModulus(integer, prio3_->element_bytes()).remainder, element);
      AddToIntegers(total, element, 16);
    }
    out.totals.push_back(DivideByModulus(total, prio3_->element_bytes()).remainder);
  }
  return out;
}

}  // namespace salus::aggregate
