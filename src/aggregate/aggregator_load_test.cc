// Many clients at once, some of whom lie, send twice, or send nonsense; and noise.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "aggregate/aggregator_fixture.h"

namespace salus::aggregate {
namespace {

TEST(AggregatorLoad, AHundredthOfTheClientsLies) {
  const std::uint64_t clients = std::getenv("SALUS_NIGHTLY") != nullptr ? 100'000 : 2'000;
  TwoAggregators two({.vdaf = {.circuit = Circuit::kSumVec,
                               .max_measurement = 255,
                               .length = 1,
                               .chunk_length = 8},
                      .job_reports = 256});
  SeededRandom choice(7);
  __int128 sum = 0;
  std::uint64_t honest = 0;
  std::uint64_t liars = 0;
  std::uint64_t garbled = 0;
  std::uint64_t replays = 0;
  std::vector<DapReport> upload;
  const auto send = [&] {
    ASSERT_TRUE(upload.empty() || two.Upload(upload));
    upload.clear();
  };
  for (std::uint64_t i = 0; i < clients; ++i) {
    const std::uint64_t value = choice.Below(251);
    switch (choice.Below(400)) {
      case 0:
        upload.push_back(two.MakeLyingReport(value));
        ++liars;
        break;
      case 1: {
        DapReport report = two.MakeReport(value);
        (choice.Below(2) == 0 ? report.leader_share : report.helper_share).payload[5] ^= 1;
        upload.push_back(std::move(report));
        ++garbled;
        break;
      }
      case 2:
        upload.push_back(two.MakeReport(value));
        upload.push_back(upload.back());
        sum += static_cast<__int128>(value);
        ++honest;
        ++replays;
        break;
      case 3:
        upload.push_back(two.MakeSplittingReport());
        ++liars;
        break;
      default:
        upload.push_back(two.MakeReport(value));
        sum += static_cast<__int128>(value);
        ++honest;
    }
    if (upload.size() >= 100) send();
  }
  send();
  const auto collected = two.Collect(two.RequestFor(two.BucketNow()));
  ASSERT_TRUE(collected);
  EXPECT_EQ(collected->report_count, honest);
  EXPECT_THAT(collected->sums, ::testing::ElementsAre(sum));
  auto counts = two.leader_side.store->Count(two.leader_task());
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->refused[ReportError::kVdafVerifyError], liars);
  EXPECT_EQ(counts->refused[ReportError::kHpkeDecryptError], garbled);
  EXPECT_EQ(counts->waiting, 0u);
  EXPECT_GT(replays + liars + garbled, clients / 400);
}

TwoAggregators::Setup Noisy() {
  return {.noise = DapNoise{.mechanism = DapNoise::Mechanism::kDiscreteLaplace,
                            .epsilon_numerator = 1,
                            .epsilon_denominator = 1,
                            .sensitivity = 250}};
}

TEST(AggregatorNoise, IsInTheResultOnceAndTheSameWhenAskedAgain) {
  TwoAggregators two(Noisy());
  ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeReport(2), two.MakeReport(3)}));
  const CollectionJobReq request = two.RequestFor(two.BucketNow());
  const auto collected = two.Collect(request);
  ASSERT_TRUE(collected);
  // Two draws of scale 250: the chance that they cancel out is below one in a thousand.
  EXPECT_NE(collected->sums[0], 6);
  EXPECT_LT(collected->sums[0], 250 * 50);
  EXPECT_GT(collected->sums[0], -250 * 50);
  const auto again = two.Collect(request);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->sums, collected->sums);
  for (const AggregatorSide* const side : {&two.leader_side, &two.helper_side}) {
    EXPECT_EQ(side->ledger->Account(TwoAggregators::kStudy)->spent, Rational(1));
  }
}

TEST(AggregatorNoise, IsSpentForOnceWhateverFails) {
  TwoAggregators two(Noisy());
  ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeReport(2), two.MakeReport(3)}));
  ASSERT_TRUE(two.Run());
  const CollectionJobReq request = two.RequestFor(two.BucketNow());
  const auto id = two.BeginCollection(request);
  ASSERT_TRUE(id);
  two.PassInterval(request);
  for (std::uint64_t moment = 0; moment < 4; ++moment) {
    two.leader_side.power.At(moment);
    two.helper_side.power.At(moment % 2);
    (void)two.Run();
    if (two.leader_side.power.is_dead()) two.OpenLeader();
    if (two.helper_side.power.is_dead()) two.OpenHelper();
  }
  two.leader_side.power.Never();
  two.helper_side.power.Never();
  ASSERT_TRUE(two.Run());
  EXPECT_TRUE(two.OpenAnswer(request, two.leader->HandleCollectionPoll(two.task_id, *id)));
  for (const AggregatorSide* const side : {&two.leader_side, &two.helper_side}) {
    EXPECT_EQ(side->ledger->Account(TwoAggregators::kStudy)->spent, Rational(1));
  }
}

TEST(AggregatorNoise, EndsWithTheBudget) {
  TwoAggregators::Setup setup = Noisy();
  setup.budget = 1;
  TwoAggregators two(setup);
  for (int hour = 0; hour < 2; ++hour) {
    ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeReport(2), two.MakeReport(3)}));
    const auto collected = two.Collect(two.RequestFor(two.BucketNow()));
    EXPECT_EQ(collected.has_value(), hour == 0);
    two.clock.Advance(std::chrono::hours(1));
  }
  EXPECT_EQ(ProblemOf(two.last_answer), DapProblem::kPrivacyBudgetSpent);
}

TEST(AggregatorNoise, IsRefusedWhereItWouldHideTooLittle) {
  TwoAggregators two({});
  DapTaskParameters parameters = two.leader_task().task().parameters();
  parameters.noise = Noisy().noise;
  parameters.noise->sensitivity = 249;
  EXPECT_EQ(MechanismOf(*DapTask::Create(parameters)).error().code, ErrorCode::kInvalidArgument);
  parameters.noise->sensitivity = 250;
  EXPECT_TRUE(MechanismOf(*DapTask::Create(parameters))->has_value());
  parameters.noise->mechanism = DapNoise::Mechanism::kDiscreteGaussian;
  EXPECT_TRUE(MechanismOf(*DapTask::Create(parameters))->has_value());
}

// The exact count is in the result: whoever moves from one bucket to another must be hidden too.
TEST(AggregatorNoise, HasToHideAReportThatIsReplaced) {
  TwoAggregators two({});
  DapTaskParameters parameters = two.leader_task().task().parameters();
  parameters.noise = Noisy().noise;
  const auto takes = [&](std::uint64_t sensitivity) {
    parameters.noise->sensitivity = sensitivity;
    return MechanismOf(*DapTask::Create(parameters)).has_value();
  };
  parameters.vdaf = {.circuit = Circuit::kHistogram, .length = 4, .chunk_length = 2};
  EXPECT_FALSE(takes(1));
  EXPECT_TRUE(takes(2));
  parameters.vdaf = {
      .circuit = Circuit::kMultihotCountVec, .length = 8, .max_weight = 3, .chunk_length = 2};
  EXPECT_FALSE(takes(5));
  EXPECT_TRUE(takes(6));
}

}  // namespace
}  // namespace salus::aggregate
