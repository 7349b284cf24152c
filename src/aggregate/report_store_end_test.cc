// A task that is over: what only served to know repeats is dropped, and repeats still count once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "aggregate/aggregator_fixture.h"
#include "aggregate/sealed_share.h"
#include "storage/database.h"

namespace salus::aggregate {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::Optional;

struct Flavor {
  DapVersion version;
  BatchMode mode;
};

class EndOfATask : public ::testing::TestWithParam<Flavor> {
 protected:
  // A task of two hours.
  static TwoAggregators::Setup TwoHours() {
    TwoAggregators::Setup setup;
    setup.version = GetParam().version;
    setup.mode = GetParam().mode;
    const DapInterval hour = TwoAggregators(setup).BucketNow();
    setup.interval = DapInterval{.start = hour.start, .duration = 2 * hour.duration};
    return setup;
  }
  static CollectionJobReq RequestOf(const TwoAggregators& two) {
    return GetParam().mode == BatchMode::kTimeInterval ? two.RequestFor(two.BucketNow())
                                                       : two.RequestForNext();
  }
};

INSTANTIATE_TEST_SUITE_P(ReportStore, EndOfATask,
                         ::testing::Values(Flavor{DapVersion::k18, BatchMode::kTimeInterval},
                                           Flavor{DapVersion::k18, BatchMode::kLeaderSelected},
                                           Flavor{DapVersion::k09, BatchMode::kTimeInterval},
                                           Flavor{DapVersion::k09, BatchMode::kLeaderSelected}),
                         [](const auto& test) {
                           return std::string(test.param.version == DapVersion::k18 ? "Dap18"
                                                                                    : "Dap09") +
                                  (test.param.mode == BatchMode::kTimeInterval ? "ByTime"
                                                                               : "LeaderSelected");
                         });

std::int64_t CountRows(const AggregatorSide& side, std::string_view from) {
  auto db = storage::Database::Open(side.path, storage::DatabaseAccess::kReadOnly);
  EXPECT_TRUE(db);
  auto count = db->Prepare("SELECT COUNT(*) FROM " + std::string(from));
  EXPECT_TRUE(count && count->Step());
  return count->Int(0);
}

// Prune is how often something was left.
int Prune(ReportStore& store, const OpenTask& task, std::size_t max_ids) {
  for (int steps = 0;; ++steps) {
    const auto dropped = store.PruneTask(task, max_ids);
    EXPECT_TRUE(dropped);
    if (!dropped || *dropped == 0) return steps;
    EXPECT_LE(*dropped, max_ids);
  }
}

BatchBucket Everything(const AggregatorSide& side, const OpenTask& task) {
  const BucketRange all{.first = {Bytes(1, 0)}, .last = {Bytes(40, 0xff)}};
  auto batch = side.store->ReadBatch(task, all);
  EXPECT_TRUE(batch);
  return *std::move(batch);
}

// The helper's answer to a leader that sends these reports in a job that it never sent before: each
// order of them is another.
std::vector<VerifyResp> AskHelperFor(TwoAggregators& two, std::vector<DapReport> reports,
                                     std::ptrdiff_t order) {
  std::ranges::rotate(reports, reports.begin() + order);
  std::optional<BatchId> batch;
  if (!two.helper_task().by_time()) batch = BatchId::Random(two.random);
  std::optional<AggregationJobId> id;
  const DapVersion version = two.helper_task().version();
  if (version == DapVersion::k09) id = AggregationJobId::Random(two.random);
  const DapAnswer answer =
      two.helper->HandleAggregationInit(two.task_id, id, two.JobRequestFor(reports, batch));
  EXPECT_TRUE(answer.is_success());
  const auto response = AggregationJobResp::Parse(version, answer.body);
  EXPECT_TRUE(response);
  return response->verify_resps;
}

TEST_P(EndOfATask, ComesWhenNothingWaits) {
  TwoAggregators two(TwoHours());
  ReportStore& store = *two.leader_side.store;
  const OpenTask& task = two.leader_task();
  const Timestamp now = two.clock.Now();
  const CollectionJobReq request = RequestOf(two);
  ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeReport(2), two.MakeReport(3)}));
  EXPECT_FALSE(store.EndTask(task, now).value()) << "reports wait";
  two.lose_answers = 1;
  ASSERT_FALSE(two.Run());
  EXPECT_FALSE(store.EndTask(task, now).value()) << "a job is on its way";
  ASSERT_TRUE(two.Run());
  ASSERT_TRUE(two.BeginCollection(request));
  EXPECT_FALSE(store.EndTask(task, now).value()) << "somebody waits for a batch";
  EXPECT_EQ(store.PruneTask(task).value(), 0u) << "it goes on";
  EXPECT_EQ(CountRows(two.leader_side, "report_ids"), 3);
  two.PassInterval(request);
  ASSERT_TRUE(two.Run());
  EXPECT_FALSE(store.Count(task)->has_ended);
  EXPECT_TRUE(store.EndTask(task, now).value());
  EXPECT_TRUE(store.EndTask(task, now).value()) << "once more";
  EXPECT_TRUE(store.Count(task)->has_ended);
}

// The batch is not collected, and the repeats are of the task's time: without the end nothing but
// their ids would tell that they are repeats.
TEST_P(EndOfATask, LetsNoRepeatCountThoughItsIdIsForgotten) {
  TwoAggregators::Setup setup = TwoHours();
  setup.min_batch_size = 5;
  TwoAggregators two(setup);
  std::vector<DapReport> reports;
  for (std::uint64_t i = 0; i < 5; ++i) reports.push_back(two.MakeReport(100 + i));
  const CollectionJobReq request = RequestOf(two);
  ASSERT_TRUE(two.Upload(reports));
  ASSERT_TRUE(two.Run());
  EXPECT_THAT(AskHelperFor(two, reports, 1),
              Each(::testing::Field(&VerifyResp::error, ReportError::kReportReplayed)));
  const BatchBucket before = Everything(two.leader_side, two.leader_task());
  EXPECT_EQ(before.count, 5u);
  for (AggregatorSide* side : {&two.leader_side, &two.helper_side}) {
    const OpenTask& task = *side->store->FindTask(two.task_id);
    ASSERT_TRUE(side->store->EndTask(task, two.clock.Now()).value());
    EXPECT_EQ(CountRows(*side, "report_ids"), 5);
    EXPECT_GE(Prune(*side->store, task, 2), 3);
    EXPECT_EQ(CountRows(*side, "report_ids"), 0);
    EXPECT_EQ(CountRows(*side, "helper_jobs WHERE answer IS NOT NULL"), 0);
  }
  for (int restart = 0; restart < 2; ++restart) {
    for (const DapReport& report : reports) {
      EXPECT_THAT(two.Upload({report}),
                  Optional(ElementsAre(Optional(ReportError::kReportDropped))));
    }
    EXPECT_THAT(AskHelperFor(two, reports, 2 + restart),
                Each(::testing::Field(&VerifyResp::error, ReportError::kTaskExpired)));
    ASSERT_TRUE(two.Run());
    EXPECT_EQ(CountRows(two.leader_side, "reports"), 0);
    for (const AggregatorSide* side : {&two.leader_side, &two.helper_side}) {
      const BatchBucket after = Everything(*side, *side->store->FindTask(two.task_id));
      EXPECT_EQ(after.count, before.count);
      EXPECT_EQ(after.checksum, before.checksum);
    }
    two.OpenLeader();
    two.OpenHelper();
  }
  // What was added up is there for the collector.
  const auto collected = two.Collect(request);
  ASSERT_TRUE(collected);
  EXPECT_THAT(collected->sums, ElementsAre(__int128{510}));
}

TEST_P(EndOfATask, AdmitsNothingThatIsNewEither) {
  TwoAggregators two(TwoHours());
  ASSERT_TRUE(two.leader_side.store->EndTask(two.leader_task(), two.clock.Now()).value());
  ASSERT_TRUE(two.helper_side.store->EndTask(two.helper_task(), two.clock.Now()).value());
  const DapReport report = two.MakeReport(1);
  EXPECT_THAT(two.Upload({report}), Optional(ElementsAre(Optional(ReportError::kReportDropped))));
  EXPECT_THAT(AskHelperFor(two, {report}, 0),
              Each(::testing::Field(&VerifyResp::error, ReportError::kTaskExpired)));
  EXPECT_EQ(two.leader_side.store->Count(two.leader_task())->waiting, 0u);
}

// To say of reports that were counted that they came too late would have the leader forget them.
TEST(EndOfAHelpersTask, AnswersNoJobWhoseAnswerWasDropped) {
  TwoAggregators two({});
  const Bytes request = two.JobRequestFor({two.MakeReport(1), two.MakeReport(2)});
  const auto ask = [&] {
    return two.helper->HandleAggregationInit(two.task_id, std::nullopt, request);
  };
  ASSERT_TRUE(ask().is_success());
  ReportStore& store = *two.helper_side.store;
  ASSERT_TRUE(store.EndTask(two.helper_task(), two.clock.Now()).value());
  EXPECT_TRUE(ask().is_success()) << "it is still there";
  Prune(store, two.helper_task(), 100);
  EXPECT_EQ(ProblemOf(ask()), DapProblem::kUnrecognizedAggregationJob);
  EXPECT_EQ(store.Count(two.helper_task())->aggregated, 2u);
}

TEST(EndOfTwoTasks, PrunesOnlyItsOwn) {
  TwoAggregators two({});
  ReportStore& store = *two.leader_side.store;
  const AggregatorTask& known = two.leader_task().config();
  aggregate::DapTaskParameters parameters = known.task.parameters();
  parameters.id = TaskId::Random(two.random);
  const auto other = store.AddTask({.task = *DapTask::Create(std::move(parameters)),
                                    .role = known.role,
                                    .verify_key = known.verify_key.Clone(),
                                    .collector_config = known.collector_config,
                                    .aggregator_token = known.aggregator_token.Clone(),
                                    .collector_token = known.collector_token.Clone()});
  ASSERT_TRUE(other);
  ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeReport(2)}));
  ASSERT_TRUE(store.EndTask(**other, two.clock.Now()).value());
  EXPECT_EQ(Prune(store, **other, 100), 0);
  EXPECT_EQ(CountRows(two.leader_side, "report_ids"), 2);
  EXPECT_THAT(two.Upload({two.MakeReport(3)}), Optional(Each(Eq(std::nullopt))));
}

}  // namespace
}  // namespace salus::aggregate
