// From measurements over shares and noise to what a researcher reads.
#include <gtest/gtest.h>

#include <cmath>

#include "aggregate/histogram_statistics.h"
#include "aggregate/linear_regression.h"
#include "aggregate/noise.h"
#include "aggregate/prio3.h"

namespace salus::aggregate {
namespace {

// The aggregators of one study in one place: each adds up its output shares, and adds noise of its
// own when there is a mechanism.
class Study {
 public:
  explicit Study(const VdafInstance& instance)
      : prio3_(Prio3::Create(instance).value()), key_(prio3_->verify_key_bytes()) {
    for (std::uint8_t i = 0; i < kAggregators; ++i) shares_.push_back(prio3_->EmptyAggregate());
  }

  void Report(const std::vector<std::uint64_t>& measurement) {
    std::array<std::uint8_t, Prio3::kNonceBytes> nonce;
    random_.Fill(nonce);
    Shards shards = prio3_->Shard({}, measurement, nonce, random_).value();
    std::vector<VerifyState> states;
    std::vector<Bytes> verifiers;
    for (std::uint8_t i = 0; i < kAggregators; ++i) {
      Verification one =
          prio3_->VerifyInit(key_, {}, i, {nonce, shards.public_share, &shards.input_shares[i]})
              .value();
      states.push_back(std::move(one.state));
      verifiers.push_back(std::move(one.verifier_share));
    }
    const std::vector<ByteSpan> views(verifiers.begin(), verifiers.end());
    const Bytes message = prio3_->VerifierSharesToMessage({}, views).value();
    for (std::uint8_t i = 0; i < kAggregators; ++i) {
      ASSERT_TRUE(
          prio3_->Add(shares_[i], prio3_->VerifyNext(std::move(states[i]), message).value()));
    }
    ++count_;
  }

  std::vector<Int128> Result(const NoiseMechanism* noise) {
    const ShareField field = ShareField::OfElementBytes(prio3_->element_bytes()).value();
    for (SecretBytes& share : shares_) {
      if (noise == nullptr) continue;
      EXPECT_TRUE(noise->AddTo(share, field, random_));
    }
    return SignedValues(prio3_->Unshard(shares_, count_).value(), field);
  }

  std::uint64_t count() const { return count_; }

 private:
  static constexpr std::uint8_t kAggregators = 2;

  std::unique_ptr<const Prio3> prio3_;
  SecretBytes key_;
  SeededRandom random_{1};
  std::vector<SecretBytes> shares_;
  std::uint64_t count_ = 0;
};

NoiseMechanism LaplaceFor(const VdafInstance& instance, std::uint64_t epsilon) {
  return NoiseMechanism::DiscreteLaplace(SensitivityOf(instance, NeighbourModel::kReplace).value(),
                                         Rational(epsilon))
      .value();
}

TEST(NoisedResultTest, MeanAndVariance) {
  const VdafInstance instance{.circuit = Circuit::kMeanVar, .max_measurement = 242};
  Study study(instance);
  for (const std::uint64_t height : {132u, 145u, 140u, 151u, 138u}) study.Report({height});
  // By hand: the mean is 141.2, the squares of distances add up to 206.8.
  const std::vector<Int128> exact = study.Result(nullptr);
  const Moments moments = Moments::Of(study.count(), exact[0], exact[1]).value();
  EXPECT_EQ(moments.mean(), 141.2);
  EXPECT_EQ(moments.SampleVariance().value(), 51.7);
  // Noise of a scale of 58,806 ruins five reports, and says so or gives another number.
  const NoiseMechanism noise = LaplaceFor(instance, 1);
  const std::vector<Int128> noised = study.Result(&noise);
  EXPECT_NE(noised, exact);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_LT(std::abs(static_cast<double>(noised[i] - exact[i])), 12 * noise.Deviation());
  }
}

TEST(NoisedResultTest, LinearRegression) {
  const VdafInstance instance{.circuit = Circuit::kLinReg, .max_measurement = 100, .length = 2};
  Study study(instance);
  for (std::uint64_t x = 0; x < 6; ++x) {
    for (std::uint64_t y = 0; y < 3; ++y) study.Report({x, y, 10 + 3 * x - 2 * y});
  }
  const auto plane = LinearRegression::Fit(study.count(), study.Result(nullptr)).value();
  EXPECT_EQ(plane.intercept(), 10);
  EXPECT_EQ(plane.slopes(), (std::vector<double>{3, -2}));
  EXPECT_EQ(plane.r_squared(), 1.0);
}

TEST(NoisedResultTest, HistogramWithNegativeCounts) {
  const VdafInstance instance{.circuit = Circuit::kHistogram, .length = 40, .chunk_length = 6};
  Study study(instance);
  for (std::uint64_t i = 0; i < 60; ++i) study.Report({10 + i % 5});
  const NoiseMechanism noise = LaplaceFor(instance, 4);
  const std::vector<Int128> noised = study.Result(&noise);
  // Two aggregators' noise of scale 1/2 in 35 empty buckets: some count is negative.
  EXPECT_EQ(HistogramStatistics::OfValues(0, 1, noised, NegativeCounts::kRefuse).error().code,
            ErrorCode::kFailedPrecondition);
  const auto s = HistogramStatistics::OfValues(0, 1, noised, NegativeCounts::kAsZero).value();
  EXPECT_NEAR(s.Median().value(), 12, 1);
}

}  // namespace
}  // namespace salus::aggregate
