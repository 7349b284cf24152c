// Many clients at once, some of whom lie, send twice, or send nonsense; and noise.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "aggregate/aggregator_fixture.h"
#include "storage/database.h"

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

// A store that was put back has forgotten that it gave a result. Another draw of noise, averaged
// with the first, would halve the protection.
TEST(AggregatorNoise, IsNotGivenAgainByAStoreThatWasPutBack) {
  TwoAggregators two(Noisy());
  ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeReport(2), two.MakeReport(3)}));
  ASSERT_TRUE(two.Run());
  const CollectionJobReq request = two.RequestFor(two.BucketNow());
  const auto copy = [&](const std::string& from, const std::string& to) {
    two.leader.reset();
    two.helper.reset();
    for (AggregatorSide* const side : {&two.leader_side, &two.helper_side}) {
      side->store.reset();
      std::filesystem::copy_file(side->path + from, side->path + to,
                                 std::filesystem::copy_options::overwrite_existing);
    }
    two.OpenLeader();
    two.OpenHelper();
  };
  copy("", ".before");
  ASSERT_TRUE(two.Collect(request));
  copy(".before", "");
  EXPECT_FALSE(two.Collect(request));
  EXPECT_EQ(two.helper_side.log.contradictions, 1u);
}

TEST(AggregatorNoise, WaitsForADiskThatIsFull) {
  TwoAggregators two(Noisy());
  ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeReport(2), two.MakeReport(3)}));
  const CollectionJobReq request = two.RequestFor(two.BucketNow());
  for (AggregatorSide* const side : {&two.leader_side, &two.helper_side}) {
    auto ledger =
        storage::Database::Open(side->path + ".ledger", storage::DatabaseAccess::kReadWrite);
    ASSERT_TRUE(ledger);
    // A value over SQLite's limit has the code of a full disk.
    ASSERT_TRUE(
        ledger->Execute("CREATE TRIGGER full BEFORE INSERT ON spends BEGIN "
                        "SELECT length(zeroblob(2000000000) || NEW.amount); END"));
    EXPECT_FALSE(two.Collect(request));
    EXPECT_EQ(ProblemOf(two.leader->HandleCollection(two.task_id, std::nullopt,
                                                     request.Encode(DapVersion::k18))),
              std::nullopt);
    ASSERT_TRUE(ledger->Execute("DROP TRIGGER full"));
  }
  EXPECT_TRUE(two.Collect(request));
}

TEST(AggregatorNoise, IsNotPromisedWhereItsStudyCanNotPayForIt) {
  TwoAggregators two({});
  DapTaskParameters parameters = two.leader_task().task().parameters();
  parameters.id = TaskId::Random(two.random);
  parameters.noise = Noisy().noise;
  const AggregatorTask& known = two.leader_task().config();
  const auto create = [&] {
    return CreateTask(two.LeaderParts(), {.task = *DapTask::Create(parameters),
                                          .role = DapRole::kLeader,
                                          .verify_key = known.verify_key.Clone(),
                                          .collector_config = known.collector_config,
                                          .aggregator_token = {},
                                          .collector_token = {}});
  };
  // The study counts in epsilon, and has 2 of it.
  parameters.noise->mechanism = DapNoise::Mechanism::kDiscreteGaussian;
  EXPECT_EQ(create().error().code, ErrorCode::kFailedPrecondition);
  parameters.noise->mechanism = DapNoise::Mechanism::kDiscreteLaplace;
  parameters.noise->epsilon_numerator = 3;
  EXPECT_EQ(create().error().code, ErrorCode::kFailedPrecondition);
  parameters.noise->epsilon_numerator = 1;
  // Noise of this scale does not fit into 64 bits.
  parameters.noise->sensitivity = std::uint64_t{1} << 53;
  parameters.noise->epsilon_denominator = 1'000'000'000;
  EXPECT_EQ(create().error().code, ErrorCode::kFailedPrecondition);
  parameters.noise = Noisy().noise;
  EXPECT_EQ(two.leader_side.log.purposes.size(), 1u);
  EXPECT_TRUE(create());
  EXPECT_EQ(two.leader_side.log.purposes.size(), 2u);
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
