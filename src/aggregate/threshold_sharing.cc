#include "aggregate/threshold_sharing.h"

#include <algorithm>

#include "aggregate/derivation.h"
#include "aggregate/share_access.h"
#include "aggregate/share_decoder.h"
#include "base/check.h"

namespace salus::aggregate {

namespace {

using F = Field128;

// Private use (VDAF draft-20 section 10): Sum over Field128, on Shamir's shares.
constexpr std::uint32_t kAlgorithm = 0xFFFF1003;

constexpr std::size_t kBlind = 32;

}  // namespace

ThresholdSharing::ThresholdSharing(std::uint64_t maximum, std::size_t members, std::size_t degree,
                                   Bytes context)
    : flp_(SumCircuit<F>(maximum)),
      members_(members),
      degree_(degree),
      context_(std::move(context)) {
  CHECK(degree >= 1 && degree + 2 <= members && members <= 64);
}

Result<ElementVector<Field128>> ThresholdSharing::Decode(const SecretBytes& share) const {
  ElementVector<F> out(share_length());
  if (share.size() != share_length() * F::kEncodedBytes + kBlind) {
    return VerificationFailed("a share is not of its length");
  }
  if (!DecodeElements<F>(share.view(ShareAccess::Token()), out.all())) {
    return VerificationFailed("an element of a share is not below the modulus");
  }
  return out;
}

Result<PeerShares> ThresholdSharing::Share(std::span<const std::uint64_t> measurement, std::size_t,
                                           RandomSource& random) const {
  if (measurement.size() != 1) return InvalidArgument("a measurement has one number here");
  const std::size_t encoded = flp_.circuit().measurement_length();
  // Row 0 holds the secret; the others are the coefficients of x, x^2, ...
  ElementVector<F> rows((degree_ + 1) * share_length());
  const auto secret = rows.part(0, share_length());
  if (!flp_.circuit().Encode(measurement, secret.first(encoded))) {
    return InvalidArgument(flp_.circuit().limits());
  }
  PeerShares out;
  out.report.nonce = random.Array<16>();
  SecretBytes seed(32);
  random.Fill(seed.mutable_view(ShareAccess::Token()));
  const Derivation derivation(VdafProfile::kDraft20, kAlgorithm, context_);
  ElementVector<F> prove_rand(flp_.prove_rand_length());
  derivation.Expand<F>(seed.view(ShareAccess::Token()), Usage::kProveRandomness, {},
                       prove_rand.all());
  flp_.Prove(secret.first(encoded), prove_rand.all(), {}, secret.subspan(encoded));
  random.Fill(seed.mutable_view(ShareAccess::Token()));
  derivation.Expand<F>(seed.view(ShareAccess::Token()), Usage::kMeasurementShare, {},
                       rows.part(share_length(), degree_ * share_length()));
  ElementVector<F> share(share_length());
  for (std::size_t j = 0; j < members_; ++j) {
    const F x = F::FromUint64(j + 1);
    for (std::size_t place = 0; place < share_length(); ++place) {
      F value = F::Zero();
      for (std::size_t row = degree_ + 1; row-- > 0;) {
        value = value * x + rows.all()[row * share_length() + place];
      }
      share.all()[place] = value;
    }
    out.shares.emplace_back(share_length() * F::kEncodedBytes + kBlind);
    const auto bytes = out.shares.back().mutable_view(ShareAccess::Token());
    EncodeElements<F>(share.all(), bytes.first(bytes.size() - kBlind));
    random.Fill(bytes.last(kBlind));
  }
  return out;
}

Result<void> ThresholdSharing::CheckReport(PeerReportPublic& report, std::size_t) const {
  if (report.public_share.empty() && report.commitment.empty()) return {};
  return VerificationFailed("a report's public part is not of its length");
}

Result<void> ThresholdSharing::CheckShare(const PeerReportPublic&, std::size_t, std::size_t,
                                          const SecretBytes& share) const {
  TRY_VOID(Decode(share));
  return {};
}

Result<Bytes> ThresholdSharing::VerifierShare(const SecretBytes& verify_key,
                                              const PeerReportPublic& report, std::size_t,
                                              std::size_t, const SecretBytes& share) const {
  TRY(const ElementVector<F> elements, Decode(share));
  std::vector<F> query_rand(flp_.query_rand_length());
  Derivation(VdafProfile::kDraft20, kAlgorithm, context_)
      .Expand<F>(verify_key.view(ShareAccess::Token()), Usage::kQueryRandomness, {report.nonce},
                 query_rand);
  std::vector<F> verifier(flp_.verifier_length());
  const std::size_t encoded = flp_.circuit().measurement_length();
  if (!flp_.Query(elements.part(0, encoded), elements.part(encoded, flp_.proof_length()),
                  query_rand, {}, F::One(), verifier)) {
    return VerificationFailed("the verify key makes a test point that would tell the share");
  }
  Bytes out(verifier.size() * F::kEncodedBytes);
  EncodeElements<F>(std::span<const F>(verifier), out);
  return out;
}

Result<PeerDecision> ThresholdSharing::Decide(const PeerReportPublic&, std::size_t sender,
                                              Answers verifier_shares) const {
  PeerDecision out;
  std::vector<std::size_t> judges;
  std::vector<std::vector<F>> values(flp_.verifier_length());  // by place, then by judge
  for (std::size_t judge = 0; judge < members_; ++judge) {
    if (judge == sender || !verifier_shares[judge]) continue;
    const Bytes& bytes = *verifier_shares[judge];
    std::vector<F> elements(flp_.verifier_length());
    if (bytes.size() != elements.size() * F::kEncodedBytes || !DecodeElements<F>(bytes, elements)) {
      out.wrong_judges.push_back(judge);
      continue;
    }
    judges.push_back(judge);
    for (std::size_t place = 0; place < values.size(); ++place) {
      values[place].push_back(elements[place]);
    }
  }
  if (!out.wrong_judges.empty()) return out;
  if (judges.size() < degree_ + 1) return Unavailable("too few parts of a report's proof are left");
  const ShareDecoder decoder(degree_, std::move(judges));
  std::vector<F> verifier;
  for (const std::vector<F>& of_place : values) {
    const auto value = decoder.AtZero(of_place);
    if (!value) return out;
    verifier.push_back(*value);
  }
  if (flp_.Decide(verifier)) out.message = Bytes();
  return out;
}

Result<Bytes> ThresholdSharing::PartialSum(std::span<const ReportShare> reports,
                                           std::size_t) const {
  F sum = F::Zero();
  for (const ReportShare& report : reports) {
    TRY(const ElementVector<F> elements, Decode(*report.share));
    F output;
    flp_.circuit().Truncate(elements.part(0, flp_.circuit().measurement_length()), {&output, 1});
    sum += output;
  }
  Bytes out(F::kEncodedBytes);
  sum.Encode(out.data());
  return out;
}

Result<void> ThresholdSharing::CheckPartialSum(std::span<const ReportShare>, std::size_t,
                                               ByteSpan partial_sum) const {
  F sum;
  if (partial_sum.size() == F::kEncodedBytes && F::Decode(partial_sum.data(), sum)) return {};
  return VerificationFailed("a partial sum is no element of the field");
}

Result<PeerSharing::Totals> ThresholdSharing::Unshard(Answers partial_sums, std::uint64_t) const {
  std::vector<std::size_t> members;
  std::vector<F> values;
  for (std::size_t member = 0; member < members_; ++member) {
    if (!partial_sums[member]) continue;
    members.push_back(member);
    values.emplace_back();
    CHECK(F::Decode(partial_sums[member]->data(), values.back()));
  }
  if (members.size() < answers_needed()) return Unavailable("too few partial sums are left");
  const auto decoded = ShareDecoder(degree_, std::move(members)).Decode(values);
  if (!decoded) {
    return VerificationFailed(
        "the partial sums contradict each other, and are too few to tell whose is wrong: there is "
        "no result");
  }
  return Totals{{decoded->at_zero.ToInteger()}, decoded->wrong};
}

}  // namespace salus::aggregate
