// Prio3Engine is Prio3 over one kind of circuit; internal to the module: others see prio3.h.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "aggregate/derivation.h"
#include "aggregate/element_vector.h"
#include "aggregate/flp.h"
#include "aggregate/prio3.h"
#include "aggregate/prio3_layout.h"
#include "aggregate/public_fact.h"
#include "aggregate/share_access.h"

namespace salus::aggregate {

// Prio3Engine is the transformation of an Flp into a VDAF.
//
// Source: VDAF draft-20 section 7.2; draft-08 section 7.2.
// Shape:  as Prio3Layout.
template <class C, class Proofs = Flp<C>>
class Prio3Engine final : public Prio3 {
 public:
  using F = typename C::Field;

  Prio3Engine(const VdafInstance& instance, std::uint32_t algorithm, C circuit,
              std::uint8_t proofs = 1)
      : instance_(instance),
        algorithm_(algorithm),
        flp_(std::move(circuit)),
        proofs_(proofs),
        shares_inverse_(F::FromUint64(instance.shares).Inverse()),
        layout_{.shares = instance.shares,
                .element_bytes = F::kEncodedBytes,
                .measurement_length = flp_.circuit().measurement_length(),
                .share_length = flp_.circuit().measurement_length() + flp_.proof_length() * proofs,
                .verifiers_length = flp_.verifier_length() * proofs,
                .output_length = flp_.circuit().output_length(),
                .has_joint_rand = flp_.joint_rand_length() > 0,
                .is_draft_08 = instance.profile == VdafProfile::kDraft08} {}

  const VdafInstance& instance() const override { return instance_; }
  std::size_t verify_key_bytes() const override { return layout_.seed_bytes(); }
  std::size_t randomness_bytes() const override { return layout_.randomness_bytes(); }
  std::size_t public_share_bytes() const override { return layout_.blind_bytes() * layout_.shares; }
  std::size_t input_share_bytes(std::uint8_t aggregator) const override {
    return layout_.input_share_bytes(aggregator);
  }
  std::size_t verifier_share_bytes() const override { return layout_.verifier_share_bytes(); }
  std::size_t verifier_message_bytes() const override { return layout_.blind_bytes(); }
  std::size_t element_bytes() const override { return layout_.element_bytes; }
  std::size_t output_length() const override { return layout_.output_length; }

  Result<Shards> Shard(ByteSpan context, std::span<const std::uint64_t> measurement,
                       std::span<const std::uint8_t, kNonceBytes> nonce,
                       const SecretBytes& randomness) const override;
  Result<Verification> VerifyInit(const SecretBytes& verify_key, ByteSpan context,
                                  std::uint8_t aggregator,
                                  const ReportShare& report) const override;
  Result<Bytes> VerifierSharesToMessage(ByteSpan context,
                                        std::span<const ByteSpan> shares) const override;
  Result<SecretBytes> VerifyNext(VerifyState state, ByteSpan message) const override;
  Result<void> Add(SecretBytes& aggregate, const SecretBytes& share) const override;
  Result<std::vector<unsigned __int128>> Unshard(std::span<const SecretBytes> shares,
                                                 std::uint64_t report_count) const override;

 private:
  static constexpr SecretAccess kAccess = ShareAccess::Token();

  Derivation Deriving(ByteSpan context) const { return {instance_.profile, algorithm_, context}; }

  // HelperShare expands a helper's seeds into its measurement share and proof shares.
  void HelperShare(const Derivation& derivation, std::uint8_t aggregator, ByteSpan input_share,
                   std::span<F> out) const {
    derivation.Expand(input_share.first(layout_.seed_bytes()), Usage::kMeasurementShare,
                      {{&aggregator, 1}}, out.first(layout_.measurement_length));
    derivation.Expand(input_share.subspan(layout_.proof_seed_offset(), layout_.seed_bytes()),
                      Usage::kProofShare, {{&proofs_, 1}, {&aggregator, 1}},
                      out.subspan(layout_.measurement_length));
  }

  void JointRandPart(const Derivation& derivation, std::uint8_t aggregator, ByteSpan blind,
                     ByteSpan nonce, std::span<const F> measurement_share,
                     MutableByteSpan out) const {
    SecretBytes encoded(measurement_share.size() * element_bytes());
    EncodeElements(measurement_share, encoded.mutable_view(kAccess));
    derivation.DeriveSeed(blind, Usage::kJointRandPart,
                          {{&aggregator, 1}, nonce, encoded.view(kAccess)}, out);
  }

  // JointRands are those of all proofs: the longest list that is derived for one report.
  std::vector<F> JointRands(const Derivation& derivation, ByteSpan seed) const {
    std::vector<F> out(flp_.joint_rand_length() * proofs_);
    if (!out.empty()) {
      derivation.Expand<F>(seed, Usage::kJointRandomness, {{&proofs_, 1}}, std::span<F>(out));
    }
    return out;
  }

  void Prove(const Derivation& derivation, ByteSpan prove_seed, ByteSpan joint_rand_seed,
             std::span<const F> measurement, std::span<F> out) const {
    ElementVector<F> prove_rands(flp_.prove_rand_length() * proofs_);
    derivation.Expand(prove_seed, Usage::kProveRandomness, {{&proofs_, 1}}, prove_rands.all());
    const std::vector<F> joint_rands = JointRands(derivation, joint_rand_seed);
    for (std::size_t i = 0; i < proofs_; ++i) {
      flp_.Prove(measurement, PartOf(prove_rands.all(), i), PartOf(std::span(joint_rands), i),
                 PartOf(out, i));
    }
  }

  // PartOf is what belongs to proof i in a list for all proofs.
  template <class T>
  std::span<T> PartOf(std::span<T> all, std::size_t i) const {
    const std::size_t length = all.size() / proofs_;
    return all.subspan(i * length, length);
  }

  VdafInstance instance_;
  std::uint32_t algorithm_;
  Proofs flp_;
  std::uint8_t proofs_;
  F shares_inverse_;
  Prio3Layout layout_;
};

template <class C, class P>
Result<Shards> Prio3Engine<C, P>::Shard(ByteSpan context,
                                        std::span<const std::uint64_t> measurement,
                                        std::span<const std::uint8_t, kNonceBytes> nonce,
                                        const SecretBytes& randomness) const {
  TRY_VOID(CheckSize("the randomness", randomness.size(), randomness_bytes()));
  if (measurement.size() != flp_.circuit().numbers()) {
    return InvalidArgument("a measurement has " + std::to_string(flp_.circuit().numbers()) +
                           " numbers here, not " + std::to_string(measurement.size()));
  }
  ElementVector<F> encoded(layout_.measurement_length);
  if (!PublicFact(flp_.circuit().Encode(measurement, encoded.all()))) {
    return InvalidArgument(flp_.circuit().limits());
  }

  const Derivation derivation = Deriving(context);
  const ByteSpan seeds = randomness.view(kAccess);
  const std::size_t helpers = instance_.shares - 1u;
  const ByteSpan leader_blind =
      seeds.subspan(helpers * layout_.helper_share_bytes(), layout_.blind_bytes());
  Shards shards;
  shards.public_share.resize(public_share_bytes());
  const auto joint_rand_part = [&](std::size_t j) {
    return MutableByteSpan(shards.public_share)
        .subspan(j * layout_.blind_bytes(), layout_.blind_bytes());
  };
  shards.input_shares.emplace_back(input_share_bytes(0));

  // The leader's share is what remains after all helpers' shares. The proof needs the joint
  // randomness, so that its place first takes the helpers' proof shares with the sign turned.
  ElementVector<F> leader(layout_.share_length), helper(layout_.share_length);
  std::ranges::copy(encoded.all(), leader.all().begin());
  for (std::size_t j = 1; j <= helpers; ++j) {
    const ByteSpan share =
        seeds.subspan((j - 1) * layout_.helper_share_bytes(), layout_.helper_share_bytes());
    const auto aggregator = static_cast<std::uint8_t>(j);
    HelperShare(derivation, aggregator, share, helper.all());
    SubtractElements<F>(leader.all(), helper.all());
    if (layout_.has_joint_rand) {
      JointRandPart(derivation, aggregator, share.last(layout_.blind_bytes()), nonce,
                    helper.part(0, layout_.measurement_length), joint_rand_part(j));
    }
    shards.input_shares.emplace_back(share);
  }
  SecretBytes joint_rand_seed(layout_.blind_bytes());
  if (layout_.has_joint_rand) {
    JointRandPart(derivation, 0, leader_blind, nonce, leader.part(0, layout_.measurement_length),
                  joint_rand_part(0));
    derivation.JointRandSeed(shards.public_share, joint_rand_seed.mutable_view(kAccess));
  }
  const std::size_t proofs_length = layout_.share_length - layout_.measurement_length;
  Prove(derivation, seeds.last(layout_.seed_bytes()), joint_rand_seed.view(kAccess), encoded.all(),
        helper.part(0, proofs_length));
  AddElements<F>(leader.part(layout_.measurement_length, proofs_length),
                 helper.part(0, proofs_length));

  const MutableByteSpan out = shards.input_shares[0].mutable_view(kAccess);
  EncodeElements<F>(leader.all(), out.first(out.size() - layout_.blind_bytes()));
  std::ranges::copy(leader_blind, out.last(layout_.blind_bytes()).begin());
  return shards;
}

template <class C, class P>
Result<Verification> Prio3Engine<C, P>::VerifyInit(const SecretBytes& verify_key, ByteSpan context,
                                                   std::uint8_t aggregator,
                                                   const ReportShare& report) const {
  TRY_VOID(layout_.CheckReport(verify_key, aggregator, report));
  const Derivation derivation = Deriving(context);
  const ByteSpan input = report.input_share->view(kAccess);
  ElementVector<F> share(layout_.share_length);
  if (aggregator > 0) {
    HelperShare(derivation, aggregator, input, share.all());
  } else if (!DecodeElements<F>(input, share.all())) {
    return InvalidArgument("an element of the leader's share is not below the modulus");
  }
  const std::span<const F> measurement = share.part(0, layout_.measurement_length);

  Verification out;
  out.verifier_share.resize(verifier_share_bytes());
  const MutableByteSpan part = MutableByteSpan(out.verifier_share).last(layout_.blind_bytes());
  if (layout_.has_joint_rand) {
    JointRandPart(derivation, aggregator, input.last(layout_.blind_bytes()), report.nonce,
                  measurement, part);
    Bytes parts = ToBytes(report.public_share);
    std::ranges::copy(part, parts.begin() + static_cast<std::ptrdiff_t>(aggregator * part.size()));
    out.state.joint_rand_seed = SecretBytes(layout_.seed_bytes());
    derivation.JointRandSeed(parts, out.state.joint_rand_seed.mutable_view(kAccess));
  }
  const std::vector<F> joint_rands =
      JointRands(derivation, out.state.joint_rand_seed.view(kAccess));
  ElementVector<F> query_rands(flp_.query_rand_length() * proofs_);
  derivation.Expand(verify_key.view(kAccess), Usage::kQueryRandomness,
                    {{&proofs_, 1}, report.nonce}, query_rands.all());

  std::vector<F> verifiers(layout_.verifiers_length);
  const std::span<const F> proofs = std::as_const(share).all().subspan(layout_.measurement_length);
  for (std::size_t i = 0; i < proofs_; ++i) {
    if (!flp_.Query(measurement, PartOf(proofs, i), PartOf(std::as_const(query_rands).all(), i),
                    PartOf(std::span(joint_rands), i), shares_inverse_,
                    PartOf(std::span<F>(verifiers), i))) {
      return VerificationFailed("the verify key makes a test point that would tell the share");
    }
  }
  EncodeElements<F>(verifiers, out.verifier_share);

  ElementVector<F> output(output_length());
  flp_.circuit().Truncate(measurement, output.all());
  out.state.output_share = SecretBytes(aggregate_share_bytes());
  EncodeElements<F>(output.all(), out.state.output_share.mutable_view(kAccess));
  return out;
}

template <class C, class P>
Result<Bytes> Prio3Engine<C, P>::VerifierSharesToMessage(ByteSpan context,
                                                         std::span<const ByteSpan> shares) const {
  TRY_VOID(layout_.CheckCount("verifier shares", shares.size()));
  std::vector<F> verifiers(layout_.verifiers_length), share(layout_.verifiers_length);
  Bytes parts;
  for (const ByteSpan bytes : shares) {
    TRY_VOID(CheckSize("a verifier share", bytes.size(), verifier_share_bytes()));
    if (!DecodeElements<F>(bytes, share)) {
      return InvalidArgument("an element of a verifier share is not below the modulus");
    }
    AddElements<F>(verifiers, share);
    Append(parts, bytes.last(layout_.blind_bytes()));
  }
  for (std::size_t i = 0; i < proofs_; ++i) {
    if (!flp_.Decide(PartOf(std::span<const F>(verifiers), i))) {
      return VerificationFailed("the proof does not hold: the report is not valid, leave it out");
    }
  }
  Bytes message(verifier_message_bytes());
  if (layout_.has_joint_rand) Deriving(context).JointRandSeed(parts, message);
  return message;
}

template <class C, class P>
Result<SecretBytes> Prio3Engine<C, P>::VerifyNext(VerifyState state, ByteSpan message) const {
  TRY_VOID(CheckSize("the verifier message", message.size(), verifier_message_bytes()));
  if (state.output_share.size() != aggregate_share_bytes() ||
      state.joint_rand_seed.size() != layout_.blind_bytes()) {
    return InvalidArgument("the state is not one of this instance");
  }
  if (!ConstantTimeEqual(message, state.joint_rand_seed.view(kAccess))) {
    return VerificationFailed("the report was made with other joint randomness: leave it out");
  }
  return std::move(state.output_share);
}

template <class C, class P>
Result<void> Prio3Engine<C, P>::Add(SecretBytes& aggregate, const SecretBytes& share) const {
  TRY_VOID(CheckSize("the aggregate", aggregate.size(), aggregate_share_bytes()));
  TRY_VOID(CheckSize("the share to add", share.size(), aggregate_share_bytes()));
  return AddEncoded<F>(aggregate.mutable_view(kAccess), share.view(kAccess));
}

template <class C, class P>
Result<std::vector<unsigned __int128>> Prio3Engine<C, P>::Unshard(
    std::span<const SecretBytes> shares, std::uint64_t report_count) const {
  TRY_VOID(layout_.CheckCount("aggregate shares", shares.size()));
  if (report_count > (F::kModulus - 1) / flp_.circuit().largest_output()) {
    return InvalidArgument("so many reports may add up to more than the field can hold");
  }
  SecretBytes sum = EmptyAggregate();
  for (const SecretBytes& share : shares) TRY_VOID(Add(sum, share));
  ElementVector<F> elements(output_length());
  CHECK(DecodeElements<F>(sum.view(kAccess), elements.all()));
  std::vector<unsigned __int128> out;
  for (const F& element : elements.all()) out.push_back(element.ToInteger());
  return out;
}

}  // namespace salus::aggregate
