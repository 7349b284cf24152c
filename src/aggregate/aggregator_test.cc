#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <utility>

#include "aggregate/aggregator_fixture.h"
#include "aggregate/sealed_share.h"

namespace salus::aggregate {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::Optional;
using Wide = __int128;

struct Flavor {
  DapVersion version;
  BatchMode mode;
};

class BothVersions : public ::testing::TestWithParam<Flavor> {
 protected:
  static TwoAggregators::Setup Flavored() {
    return {.version = GetParam().version, .mode = GetParam().mode};
  }
  static bool by_time() { return GetParam().mode == BatchMode::kTimeInterval; }
  static CollectionJobReq RequestNow(const TwoAggregators& two) {
    return by_time() ? two.RequestFor(two.BucketNow()) : two.RequestForNext();
  }
};

INSTANTIATE_TEST_SUITE_P(Aggregators, BothVersions,
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

TEST_P(BothVersions, AddUpWhatClientsSent) {
  TwoAggregators two(Flavored());
  ASSERT_THAT(two.Upload({two.MakeReport(180), two.MakeReport(165), two.MakeReport(172)}),
              Optional(Each(Eq(std::nullopt))));
  const DapInterval bucket = two.BucketNow();
  const auto collected = two.Collect(RequestNow(two));
  ASSERT_TRUE(collected);
  EXPECT_THAT(collected->sums, ElementsAre(Wide{517}));
  EXPECT_EQ(collected->report_count, 3u);
  EXPECT_EQ(collected->interval, bucket);
  EXPECT_EQ(collected->batch_id.has_value(), !by_time() && GetParam().version == DapVersion::k09);
}

TEST_P(BothVersions, RefuseALyingClientAndCountTheRest) {
  TwoAggregators two(Flavored());
  ASSERT_TRUE(two.Upload(
      {two.MakeReport(1), two.MakeLyingReport(100), two.MakeReport(2), two.MakeReport(3)}));
  const auto collected = two.Collect(RequestNow(two));
  ASSERT_TRUE(collected);
  EXPECT_THAT(collected->sums, ElementsAre(Wide{6}));
  EXPECT_EQ(collected->report_count, 3u);
  const auto counts = two.leader_side.store->Count(two.leader_task());
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->aggregated, 3u);
  EXPECT_EQ(counts->refused.at(ReportError::kVdafVerifyError), 1u);
}

TEST_P(BothVersions, CountAReportOnce) {
  TwoAggregators two(Flavored());
  const DapReport report = two.MakeReport(10);
  ASSERT_TRUE(two.Upload({report}));
  ASSERT_TRUE(two.Upload({report, two.MakeReport(1)}));
  ASSERT_TRUE(two.Run());
  const auto again = two.Upload({report, two.MakeReport(2)});
  ASSERT_TRUE(again);
  if (GetParam().version == DapVersion::k18) {
    EXPECT_THAT(*again, ElementsAre(Optional(ReportError::kReportReplayed), Eq(std::nullopt)));
  }
  const auto collected = two.Collect(RequestNow(two));
  ASSERT_TRUE(collected);
  EXPECT_THAT(collected->sums, ElementsAre(Wide{13}));
}

TEST_P(BothVersions, TakeNothingForATaskThatTheyDoNotHave) {
  TwoAggregators two(Flavored());
  const TaskId other;
  EXPECT_EQ(ProblemOf(two.leader->HandleUpload(other, {})), DapProblem::kUnrecognizedTask);
  EXPECT_EQ(ProblemOf(two.helper->HandleAggregationInit(other, std::nullopt, {})),
            DapProblem::kUnrecognizedTask);
  EXPECT_EQ(ProblemOf(two.helper->HandleAggregateShare(other, {})), DapProblem::kUnrecognizedTask);
  EXPECT_EQ(ProblemOf(two.leader->HandleCollection(other, std::nullopt, {})),
            DapProblem::kUnrecognizedTask);
  EXPECT_EQ(ProblemOf(two.leader->HandleCollectionPoll(other, {})), DapProblem::kUnrecognizedTask);
}

TEST_P(BothVersions, WaitForEnoughReports) {
  TwoAggregators two(Flavored());
  ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeReport(2)}));
  const CollectionJobReq request = RequestNow(two);
  const auto id = two.BeginCollection(request);
  ASSERT_TRUE(id);
  ASSERT_TRUE(two.Run());
  EXPECT_EQ(two.leader->HandleCollectionPoll(two.task_id, *id).status, 202);
  ASSERT_TRUE(two.Upload({two.MakeReport(3)}));
  two.PassInterval(request);
  ASSERT_TRUE(two.Run());
  const auto collected =
      two.OpenAnswer(request, two.leader->HandleCollectionPoll(two.task_id, *id));
  ASSERT_TRUE(collected);
  EXPECT_THAT(collected->sums, ElementsAre(Wide{6}));
}

TEST_P(BothVersions, OpenReportsThatWereMadeForTheKeyBefore) {
  TwoAggregators two(Flavored());
  const DapReport old = two.MakeReport(1);
  const DapReport waiting = two.MakeReport(2);
  ASSERT_TRUE(two.Upload({waiting}));
  two.clock.Advance(std::chrono::minutes(1));
  ASSERT_TRUE(two.leader_side.store->RotateHpkeKey(two.clock.Now()));
  ASSERT_TRUE(two.helper_side.store->RotateHpkeKey(two.clock.Now()));
  ASSERT_THAT(two.Upload({old, two.MakeReport(4)}), Optional(Each(Eq(std::nullopt))));
  two.clock.Advance(std::chrono::minutes(1));
  // A key that a waiting report needs is not retired.
  EXPECT_EQ(two.leader_side.store->RetireHpkeKeys(two.clock.Now()), 0u);
  const auto collected = two.Collect(RequestNow(two));
  ASSERT_TRUE(collected);
  EXPECT_THAT(collected->sums, ElementsAre(Wide{7}));
  EXPECT_EQ(two.leader_side.store->RetireHpkeKeys(two.clock.Now()), 1u);
}

TEST_P(BothVersions, RefuseAReportForAKeyThatIsRetired) {
  TwoAggregators two(Flavored());
  const DapReport old = two.MakeReport(1);
  two.clock.Advance(std::chrono::minutes(1));
  ASSERT_TRUE(two.leader_side.store->RotateHpkeKey(two.clock.Now()));
  two.clock.Advance(std::chrono::minutes(1));
  ASSERT_EQ(two.leader_side.store->RetireHpkeKeys(two.clock.Now()), 1u);
  const auto errors = two.Upload({old});
  ASSERT_TRUE(errors);
  if (GetParam().version == DapVersion::k18) {
    EXPECT_THAT(*errors, ElementsAre(Optional(ReportError::kOutdatedConfig)));
  } else {
    EXPECT_EQ(ProblemOf(two.last_answer), DapProblem::kOutdatedConfig);
  }
}

TEST_P(BothVersions, RefuseReportsOfTheFuture) {
  TwoAggregators two(Flavored());
  const DapInterval bucket = two.BucketNow();
  const auto errors = two.Upload({two.MakeReport(1, bucket.start + 2 * bucket.duration)});
  ASSERT_TRUE(errors);
  if (GetParam().version == DapVersion::k18) {
    EXPECT_THAT(*errors, ElementsAre(Optional(ReportError::kReportTooEarly)));
  } else {
    EXPECT_EQ(ProblemOf(two.last_answer), DapProblem::kReportTooEarly);
  }
}

TEST_P(BothVersions, AnswerALostAnswerAgain) {
  TwoAggregators two(Flavored());
  ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeReport(2), two.MakeReport(3)}));
  two.lose_answers = 1;
  EXPECT_FALSE(two.Run());
  two.lose_requests = 1;
  EXPECT_FALSE(two.Run());
  ASSERT_TRUE(two.Run());
  const CollectionJobReq request = RequestNow(two);
  const auto id = two.BeginCollection(request);
  ASSERT_TRUE(id);
  two.PassInterval(request);
  two.lose_answers = 1;
  EXPECT_FALSE(two.Run());
  ASSERT_TRUE(two.Run());
  const auto collected =
      two.OpenAnswer(request, two.leader->HandleCollectionPoll(two.task_id, *id));
  ASSERT_TRUE(collected);
  EXPECT_THAT(collected->sums, ElementsAre(Wide{6}));
  EXPECT_EQ(two.leader_side.log.contradictions + two.helper_side.log.contradictions, 0u);
}

TEST_P(BothVersions, GiveNothingThatIsNotLogged) {
  TwoAggregators two(Flavored());
  ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeReport(2), two.MakeReport(3)}));
  const CollectionJobReq request = RequestNow(two);
  two.helper_side.log.refuses = true;
  EXPECT_FALSE(two.Collect(request));
  two.helper_side.log.refuses = false;
  two.leader_side.log.refuses = true;
  EXPECT_FALSE(two.Run());
  two.leader_side.log.refuses = false;
  ASSERT_TRUE(two.Run());
  EXPECT_EQ(two.leader_side.log.batches.size(), 1u);
  EXPECT_EQ(two.helper_side.log.batches.size(), 1u);
  EXPECT_EQ(two.leader_side.log.batches.begin()->second.report_count, 3u);
}

TEST_P(BothVersions, KeepCountingAfterARestart) {
  TwoAggregators two(Flavored());
  ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeReport(2)}));
  two.OpenLeader();
  two.OpenHelper();
  ASSERT_TRUE(two.Run());
  two.OpenLeader();
  two.OpenHelper();
  ASSERT_TRUE(two.Upload({two.MakeReport(3)}));
  const auto collected = two.Collect(RequestNow(two));
  ASSERT_TRUE(collected);
  EXPECT_THAT(collected->sums, ElementsAre(Wide{6}));
}

TEST(Aggregators, KeepATaskToItsInterval) {
  TwoAggregators::Setup setup;
  TwoAggregators begin(setup);
  const std::uint64_t now = begin.Now();
  setup.interval = DapInterval{.start = now, .duration = 2};
  TwoAggregators two(setup);
  EXPECT_THAT(two.Upload({two.MakeReport(1, now - 1), two.MakeReport(2, now)}),
              Optional(ElementsAre(Optional(ReportError::kReportDropped), Eq(std::nullopt))));
  two.clock.Advance(std::chrono::hours(2));
  EXPECT_THAT(two.Upload({two.MakeReport(1, now + 2), two.MakeReport(4, now + 1)}),
              Optional(ElementsAre(Optional(ReportError::kReportDropped), Eq(std::nullopt))));
}

TEST(Aggregators, TakeNothingMoreForACollectedBatch) {
  TwoAggregators two({});
  const DapInterval bucket = two.BucketNow();
  ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeReport(2), two.MakeReport(3)}));
  // The hour before has no reports, and is collected too.
  const CollectionJobReq request = two.RequestFor({bucket.start - 1, 2});
  const auto collected = two.Collect(request);
  ASSERT_TRUE(collected);
  EXPECT_EQ(collected->interval, bucket);
  EXPECT_THAT(two.Upload({two.MakeReport(1, bucket.start), two.MakeReport(2, bucket.start - 1),
                          two.MakeReport(3, bucket.start - 2)}),
              Optional(ElementsAre(Optional(ReportError::kReportReplayed),
                                   Optional(ReportError::kReportReplayed), Eq(std::nullopt))));
  EXPECT_FALSE(two.Collect(two.RequestFor(bucket)));
  EXPECT_EQ(ProblemOf(two.last_answer), DapProblem::kBatchOverlap);
  // The same request is the same job, with the same answer.
  const auto again = two.Collect(request);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->sums, collected->sums);
}

TEST(Aggregators, RefuseReportsOfACollectedBatchAtTheHelperToo) {
  TwoAggregators two({});
  ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeReport(2), two.MakeReport(3)}));
  // A leader that lost its memory, or never had a conscience, sends another one.
  const DapReport late = two.MakeReport(4);
  ASSERT_TRUE(two.Collect(two.RequestFor(two.BucketNow())));
  const DapAnswer answer =
      two.helper->HandleAggregationInit(two.task_id, std::nullopt, two.JobRequestFor({late}));
  ASSERT_EQ(answer.status, 200);
  const auto response = AggregationJobResp::Parse(DapVersion::k18, answer.body);
  ASSERT_TRUE(response);
  ASSERT_EQ(response->verify_resps.size(), 1u);
  EXPECT_EQ(response->verify_resps[0].error, ReportError::kBatchCollected);
}

TEST(Aggregators, CollectAnHourOnceItIsOver) {
  TwoAggregators two({});
  const CollectionJobReq request = two.RequestFor(two.BucketNow());
  ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeReport(2), two.MakeReport(3)}));
  const auto id = two.BeginCollection(request);
  ASSERT_TRUE(id);
  ASSERT_TRUE(two.Run());
  EXPECT_EQ(two.leader->HandleCollectionPoll(two.task_id, *id).status, 202);
  // The fourth is not late.
  EXPECT_THAT(two.Upload({two.MakeReport(4)}), Optional(Each(Eq(std::nullopt))));
  const std::uint64_t hour = two.Now();
  two.PassInterval(request);
  two.clock.JumpUtc(two.clock.Now() - std::chrono::seconds(2));
  // Nor is the one whose clock is a little behind.
  EXPECT_THAT(two.Upload({two.MakeReport(5, hour)}), Optional(Each(Eq(std::nullopt))));
  ASSERT_TRUE(two.Run());
  EXPECT_EQ(two.leader->HandleCollectionPoll(two.task_id, *id).status, 202);
  two.PassInterval(request);
  ASSERT_TRUE(two.Run());
  const auto collected =
      two.OpenAnswer(request, two.leader->HandleCollectionPoll(two.task_id, *id));
  ASSERT_TRUE(collected);
  EXPECT_THAT(collected->sums, ElementsAre(Wide{15}));
}

TEST(Aggregators, FailABatchThatStaysTooSmall) {
  TwoAggregators two({});
  ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeReport(2)}));
  const CollectionJobReq request = two.RequestFor(two.BucketNow());
  const auto id = two.BeginCollection(request);
  ASSERT_TRUE(id);
  ASSERT_TRUE(two.Run());
  const std::uint64_t then = two.Now();
  two.clock.Advance(std::chrono::hours(2));
  ASSERT_TRUE(two.Run());
  EXPECT_EQ(ProblemOf(two.leader->HandleCollectionPoll(two.task_id, *id)),
            DapProblem::kInvalidBatchSize);
  // A late report, and the collector asks again.
  ASSERT_TRUE(two.Upload({two.MakeReport(3, then)}));
  ASSERT_TRUE(two.Run());
  EXPECT_TRUE(two.Collect(request));
}

TEST(Aggregators, NameAMismatch) {
  TwoAggregators two({});
  ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeReport(2), two.MakeReport(3)}));
  ASSERT_TRUE(two.Run());
  AggregateShareReq request{.collection_job_req = two.RequestFor(two.BucketNow()),
                            .batch_selector = DapBatchSelector::ForInterval(two.BucketNow()),
                            .report_count = 3,
                            .checksum = {}};
  const auto ask = [&] {
    return ProblemOf(
        two.helper->HandleAggregateShare(two.task_id, request.Encode(DapVersion::k18)));
  };
  EXPECT_EQ(ask(), DapProblem::kBatchMismatch);
  const auto batch = two.helper_side.store->ReadBatch(
      two.helper_task(), RangeOf(two.helper_task(), request.batch_selector));
  ASSERT_TRUE(batch);
  request.checksum = batch->checksum;
  request.report_count = 4;
  EXPECT_EQ(ask(), DapProblem::kBatchMismatch);
  request.report_count = 3;
  request.batch_selector.interval.duration = 0;
  EXPECT_EQ(ask(), DapProblem::kBatchInvalid);
  request.batch_selector.interval = {two.BucketNow().start, 2};  // more than was asked for
  EXPECT_EQ(ask(), DapProblem::kBatchInvalid);
  request.batch_selector = DapBatchSelector::ForBatch({});
  EXPECT_EQ(ask(), DapProblem::kInvalidMessage);
  request.batch_selector = DapBatchSelector::ForInterval(two.BucketNow());
  EXPECT_EQ(ask(), std::nullopt);
  // A part of it, or the same with other words, is none any more.
  request.collection_job_req.query.interval.duration = 2;
  EXPECT_EQ(ask(), DapProblem::kBatchOverlap);
}

// WhileAsking does something else before the helper hears of a request.
class WhileAsking final : public Channel {
 public:
  WhileAsking(TwoAggregators& two, std::function<void()> act) : two_(two), act_(std::move(act)) {}
  Result<DapAnswer> Exchange(const DapTask&, const ChannelRequest& request) override {
    if (act_) std::exchange(act_, nullptr)();
    return two_.Dispatch(request);
  }

 private:
  TwoAggregators& two_;
  std::function<void()> act_;
};

TEST(Aggregators, CountAJobOnceThoughTwoAdvanceIt) {
  TwoAggregators two({});
  ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeLyingReport(2), two.MakeReport(3)}));
  WhileAsking channel(two, [&] { EXPECT_TRUE(two.Run()); });
  Leader other(two.LeaderParts(), channel);
  EXPECT_EQ(other.Advance(two.leader_task()).error().code, ErrorCode::kConflict);
  const auto counts = two.leader_side.store->Count(two.leader_task());
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->aggregated, 2u);
  EXPECT_EQ(counts->waiting, 0u);
  EXPECT_EQ(counts->refused.at(ReportError::kVdafVerifyError), 1u);
  EXPECT_TRUE(other.Advance(two.leader_task()));
}

TEST(Aggregators, FinishABatchThoughAJobIsStuck) {
  TwoAggregators two({});
  ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeReport(2), two.MakeReport(3)}));
  ASSERT_TRUE(two.Run());
  const CollectionJobReq request = two.RequestFor(two.BucketNow());
  const auto id = two.BeginCollection(request);
  ASSERT_TRUE(id);
  two.PassInterval(request);
  two.lose_requests = 1;
  EXPECT_FALSE(two.Run());
  // The share is fixed; then comes a job that the helper does not get.
  ASSERT_TRUE(two.Upload({two.MakeReport(4)}));
  two.lose_requests = 1;
  EXPECT_EQ(two.leader->Advance(two.leader_task()).error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(two.OpenAnswer(request, two.leader->HandleCollectionPoll(two.task_id, *id)));
}

TEST(Aggregators, FillBatchesOneAfterAnother) {
  TwoAggregators two({.mode = BatchMode::kLeaderSelected, .min_batch_size = 2});
  ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeReport(2), two.MakeReport(4),
                          two.MakeReport(8), two.MakeReport(16)}));
  const CollectionJobReq request = two.RequestForNext();
  Wide sum = 0;
  for (int i = 0; i < 2; ++i) {
    const auto id = two.BeginCollection(request);
    ASSERT_TRUE(id);
    ASSERT_TRUE(two.Run());
    const auto collected =
        two.OpenAnswer(request, two.leader->HandleCollectionPoll(two.task_id, *id));
    ASSERT_TRUE(collected);
    EXPECT_EQ(collected->report_count, 2u);
    sum += collected->sums[0];
    EXPECT_EQ(two.leader->HandleCollectionDelete(two.task_id, *id).status, 200);
  }
  EXPECT_EQ(sum, Wide{15});
  // The fifth waits for a companion.
  const auto id = two.BeginCollection(request);
  ASSERT_TRUE(id);
  ASSERT_TRUE(two.Run());
  EXPECT_EQ(two.leader->HandleCollectionPoll(two.task_id, *id).status, 202);
}

TEST(Aggregators, GiveABatchOfDap09AgainByItsId) {
  TwoAggregators two({.version = DapVersion::k09, .mode = BatchMode::kLeaderSelected});
  ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeReport(2), two.MakeReport(3)}));
  const auto first = two.Collect(two.RequestForNext());
  ASSERT_TRUE(first && first->batch_id);
  CollectionJobReq request = two.RequestForNext();
  request.query.batch_id = first->batch_id;
  const auto again = two.Collect(request);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->sums, first->sums);
  request.query.batch_id = BatchId();
  EXPECT_FALSE(two.Collect(request));
  EXPECT_EQ(ProblemOf(two.last_answer), DapProblem::kBatchInvalid);
}

}  // namespace
}  // namespace salus::aggregate
