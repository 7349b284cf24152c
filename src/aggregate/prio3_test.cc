#include "aggregate/prio3.h"

#include <gtest/gtest.h>

#include "aggregate/share_access.h"

namespace salus::aggregate {
namespace {

constexpr SecretAccess kAccess = ShareAccess::Token();
const ByteSpan kContext = AsBytes("a study");

using Numbers = std::vector<std::uint64_t>;
using Sums = std::vector<unsigned __int128>;

std::unique_ptr<const Prio3> Create(const VdafInstance& instance) {
  auto prio3 = Prio3::Create(instance);
  EXPECT_TRUE(prio3.has_value()) << prio3.error().message;
  return std::move(*prio3);
}

// Study is all parties of one aggregation in one place.
class Study {
 public:
  explicit Study(const VdafInstance& instance)
      : prio3_(Create(instance)), verify_key_(prio3_->verify_key_bytes()) {
    random_.Fill(verify_key_.mutable_view(kAccess));
    for (int i = 0; i < instance.shares; ++i) aggregates_.push_back(prio3_->EmptyAggregate());
  }

  const Prio3& prio3() const { return *prio3_; }

  Shards Shard(const Numbers& measurement) {
    random_.Fill(nonce_);
    auto shards = prio3_->Shard(kContext, measurement, nonce_, random_);
    EXPECT_TRUE(shards.has_value()) << shards.error().message;
    return std::move(*shards);
  }

  // Aggregate is the report's whole life at all aggregators.
  Result<void> Aggregate(const Shards& shards) {
    std::vector<VerifyState> states;
    std::vector<Bytes> verifier_shares;
    for (std::size_t j = 0; j < aggregates_.size(); ++j) {
      TRY(auto verification,
          prio3_->VerifyInit(verify_key_, kContext, static_cast<std::uint8_t>(j),
                             {nonce_, shards.public_share, &shards.input_shares[j]}));
      states.push_back(std::move(verification.state));
      verifier_shares.push_back(std::move(verification.verifier_share));
    }
    const std::vector<ByteSpan> views(verifier_shares.begin(), verifier_shares.end());
    TRY(const Bytes message, prio3_->VerifierSharesToMessage(kContext, views));
    for (std::size_t j = 0; j < aggregates_.size(); ++j) {
      TRY(const SecretBytes output, prio3_->VerifyNext(std::move(states[j]), message));
      TRY_VOID(prio3_->Add(aggregates_[j], output));
    }
    ++reports_;
    return {};
  }

  void Add(const Numbers& measurement) {
    const auto done = Aggregate(Shard(measurement));
    EXPECT_TRUE(done.has_value()) << done.error().message;
  }

  Sums Unshard() {
    auto sums = prio3_->Unshard(aggregates_, reports_);
    EXPECT_TRUE(sums.has_value()) << sums.error().message;
    return std::move(*sums);
  }

 private:
  SeededRandom random_{7};
  std::unique_ptr<const Prio3> prio3_;
  SecretBytes verify_key_;
  std::array<std::uint8_t, Prio3::kNonceBytes> nonce_{};
  std::vector<SecretBytes> aggregates_;
  std::uint64_t reports_ = 0;
};

ErrorCode CodeOfShard(const VdafInstance& instance, const Numbers& measurement) {
  const auto prio3 = Create(instance);
  SeededRandom random(1);
  const auto nonce = random.Array<Prio3::kNonceBytes>();
  const auto shards = prio3->Shard(kContext, measurement, nonce, random);
  EXPECT_FALSE(shards.has_value());
  return shards.has_value() ? ErrorCode::kInternal : shards.error().code;
}

std::string Refusal(const VdafInstance& instance) {
  const auto prio3 = Prio3::Create(instance);
  if (prio3.has_value()) return "";
  EXPECT_EQ(prio3.error().code, ErrorCode::kInvalidArgument);
  return prio3.error().message;
}

TEST(Prio3, RefusesInstancesOutsideTheirLimits) {
  EXPECT_NE(Refusal({.circuit = static_cast<Circuit>(99)}), "");
  EXPECT_EQ(Refusal({.shares = 1}), "the number of aggregators is 1, not 2 to 255");
  EXPECT_EQ(Refusal({.circuit = Circuit::kSum}),
            "max_measurement is 0, not 1 to 18446744069414584320");
  EXPECT_NE(Refusal({.circuit = Circuit::kSum, .max_measurement = UINT64_MAX}), "");
  EXPECT_NE(Refusal({.circuit = Circuit::kHistogram, .length = 3, .chunk_length = 4}), "");
  EXPECT_NE(Refusal({.circuit = Circuit::kHistogram, .length = 3}), "");
  EXPECT_NE(Refusal({.circuit = Circuit::kHistogram, .chunk_length = 1}), "");
  EXPECT_NE(Refusal({.circuit = Circuit::kSumVec,
                     .max_measurement = UINT64_MAX,
                     .length = 1 << 20,
                     .chunk_length = 1024}),
            "");
  EXPECT_NE(
      Refusal(
          {.circuit = Circuit::kMultihotCountVec, .length = 3, .max_weight = 4, .chunk_length = 1}),
      "");
  EXPECT_NE(Refusal({.circuit = Circuit::kMeanVar, .max_measurement = std::uint64_t{1} << 48}), "");
  EXPECT_NE(Refusal({.circuit = Circuit::kLinReg, .max_measurement = 1, .length = 65}), "");
}

TEST(Prio3, RefusesMeasurementsOutsideTheirLimits) {
  const VdafInstance sum{.circuit = Circuit::kSum, .max_measurement = 242};
  const VdafInstance histogram{.circuit = Circuit::kHistogram, .length = 10, .chunk_length = 3};
  const VdafInstance multihot{
      .circuit = Circuit::kMultihotCountVec, .length = 4, .max_weight = 2, .chunk_length = 2};
  EXPECT_EQ(CodeOfShard({}, {2}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOfShard({}, {}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOfShard(sum, {243}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOfShard(sum, {UINT64_MAX}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOfShard(sum, {1, 1}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOfShard(histogram, {10}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOfShard(multihot, {1, 1, 1, 0}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOfShard(multihot, {2, 0, 0, 0}), ErrorCode::kInvalidArgument);
}

TEST(Prio3, AddsUpHeightsAndNobodySeesOne) {
  Study study({.circuit = Circuit::kSum, .max_measurement = 242, .shares = 3});
  for (const std::uint64_t height : {0, 242, 141, 150}) study.Add({height});
  EXPECT_EQ(study.Unshard(), Sums{533});
}

TEST(Prio3, MeanAndVarianceComeFromTheNumbersAndTheirSquares) {
  Study study({.circuit = Circuit::kMeanVar, .max_measurement = 242});
  for (const std::uint64_t height : {3, 242, 150}) study.Add({height});
  EXPECT_EQ(study.Unshard(), (Sums{395, 9 + 242 * 242 + 150 * 150}));
}

TEST(Prio3, ALinearRegressionGetsAllProducts) {
  Study study({.circuit = Circuit::kLinReg, .max_measurement = 100, .length = 2});
  study.Add({2, 3, 5});
  study.Add({10, 0, 100});
  EXPECT_EQ(study.Unshard(), (Sums{12, 3, 105, 104, 6, 1010, 9, 15, 10025}));
}

TEST(Prio3, EveryCircuitWithAsManyAggregatorsAsThereCanBe) {
  for (VdafInstance instance : {
           VdafInstance{},
           VdafInstance{.circuit = Circuit::kHistogram, .length = 5, .chunk_length = 2},
       }) {
    instance.shares = 255;
    Study study(instance);
    study.Add({1});
    study.Add({1});
    const Sums expected = instance.circuit == Circuit::kCount ? Sums{2} : Sums{0, 2, 0, 0, 0};
    EXPECT_EQ(study.Unshard(), expected);
  }
}

TEST(Prio3, AReportWithAnyBitChangedIsLeftOut) {
  for (const VdafInstance& instance : {
           VdafInstance{.circuit = Circuit::kSum, .max_measurement = 5},
           VdafInstance{.circuit = Circuit::kHistogram, .length = 3, .chunk_length = 2},
       }) {
    Study study(instance);
    SeededRandom random(3);
    for (std::size_t j = 0; j < 2; ++j) {
      for (int i = 0; i < 200; ++i) {
        Shards shards = study.Shard({2});
        const MutableByteSpan share = shards.input_shares[j].mutable_view(kAccess);
        share[random.Below(share.size())] ^= static_cast<std::uint8_t>(1 << random.Below(8));
        EXPECT_FALSE(study.Aggregate(shards).has_value());
      }
    }
    for (std::size_t i = 0; i < study.prio3().public_share_bytes(); ++i) {
      Shards shards = study.Shard({2});
      shards.public_share[i] ^= 1;
      EXPECT_FALSE(study.Aggregate(shards).has_value());
    }
    study.Add({2});
  }
}

TEST(Prio3, LengthsAndElementsOutsideTheFieldAreMalformed) {
  Study study({.circuit = Circuit::kSum, .max_measurement = 5});
  const Prio3& prio3 = study.prio3();
  const auto code = [&](const Shards& shards) {
    const auto done = study.Aggregate(shards);
    return done.has_value() ? ErrorCode::kInternal : done.error().code;
  };
  Shards shards = study.Shard({2});
  std::memset(shards.input_shares[0].mutable_view(kAccess).data(), 0xff, 8);
  EXPECT_EQ(code(shards), ErrorCode::kInvalidArgument);
  for (std::size_t j = 0; j < 2; ++j) {
    shards = study.Shard({2});
    shards.input_shares[j] = SecretBytes(shards.input_shares[j].size() + 1);
    EXPECT_EQ(code(shards), ErrorCode::kInvalidArgument);
  }
  shards = study.Shard({2});
  shards.public_share.push_back(0);
  EXPECT_EQ(code(shards), ErrorCode::kInvalidArgument);

  const Bytes good(prio3.verifier_share_bytes()), bad(prio3.verifier_share_bytes(), 0xff);
  const std::vector<ByteSpan> one = {good}, with_bad = {good, bad},
                              too_short = {good, ByteSpan(good).first(8)};
  for (const auto& shares : {one, with_bad, too_short}) {
    const auto message = prio3.VerifierSharesToMessage(kContext, shares);
    ASSERT_FALSE(message.has_value());
    EXPECT_EQ(message.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(prio3.VerifyNext({}, {}).has_value());
  SecretBytes aggregate = prio3.EmptyAggregate();
  EXPECT_FALSE(prio3.Add(aggregate, SecretBytes(7)).has_value());
  EXPECT_FALSE(prio3.Add(aggregate, SecretBytes(ByteSpan(bad).first(8))).has_value());
}

TEST(Prio3, ASumThatMayHaveWrappedAroundIsNotGiven) {
  const auto prio3 = Create({.circuit = Circuit::kSum, .max_measurement = std::uint64_t{1} << 40});
  std::vector<SecretBytes> shares;
  shares.push_back(prio3->EmptyAggregate());
  EXPECT_FALSE(prio3->Unshard(shares, 1).has_value());
  shares.push_back(prio3->EmptyAggregate());
  EXPECT_TRUE(prio3->Unshard(shares, (1 << 24) - 1).has_value());
  EXPECT_FALSE(prio3->Unshard(shares, 1 << 24).has_value());
}

}  // namespace
}  // namespace salus::aggregate
