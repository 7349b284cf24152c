// An aggregator that does not keep to the protocol gets nothing from one that does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "aggregate/aggregator_fixture.h"
#include "aggregate/sealed_share.h"

namespace salus::aggregate {
namespace {

using ::testing::ElementsAre;

AggregationJobResp Parsed(const TwoAggregators& two, const DapAnswer& answer) {
  EXPECT_TRUE(answer.is_success());
  const auto parsed = AggregationJobResp::Parse(two.helper_task().version(), answer.body);
  EXPECT_TRUE(parsed.has_value());
  return parsed ? *parsed : AggregationJobResp();
}

DapAnswer Ask(TwoAggregators& two, ByteSpan body) {
  return two.helper->HandleAggregationInit(two.task_id, std::nullopt, body);
}

TEST(HostileLeader, GetsNoReportCountedAgainInAnotherJob) {
  TwoAggregators two({});
  const DapReport a = two.MakeReport(1);
  const DapReport b = two.MakeReport(2);
  const Bytes job = two.JobRequestFor({a});
  EXPECT_EQ(Parsed(two, Ask(two, job)).verify_resps[0].type, VerifyRespType::kContinue);
  const auto again = Parsed(two, Ask(two, two.JobRequestFor({a, b})));
  ASSERT_EQ(again.verify_resps.size(), 2u);
  EXPECT_EQ(again.verify_resps[0].error, ReportError::kReportReplayed);
  EXPECT_EQ(again.verify_resps[1].type, VerifyRespType::kContinue);
  // The first job has its answer still.
  EXPECT_EQ(Parsed(two, Ask(two, job)).verify_resps[0].type, VerifyRespType::kContinue);
  const auto batch = two.helper_side.store->ReadBatch(
      two.helper_task(),
      RangeOf(two.helper_task(), DapBatchSelector::ForInterval(two.BucketNow())));
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->count, 2u);
}

TEST(HostileLeader, GetsNothingForARequestThatIsNone) {
  TwoAggregators two({});
  const DapReport report = two.MakeReport(1);
  const auto altered = [&](const std::function<void(AggregationJobInitReq&)>& alter) {
    auto request = AggregationJobInitReq::Parse(DapVersion::k18, two.JobRequestFor({report}));
    EXPECT_TRUE(request);
    alter(*request);
    return ProblemOf(Ask(two, request->Encode(DapVersion::k18)));
  };
  using Request = AggregationJobInitReq;
  EXPECT_EQ(ProblemOf(Ask(two, Bytes(3, 1))), DapProblem::kInvalidMessage);
  EXPECT_EQ(altered([](Request& r) { r.verify_inits.push_back(r.verify_inits[0]); }),
            DapProblem::kInvalidMessage);
  EXPECT_EQ(altered([](Request& r) { r.verify_inits.clear(); }), DapProblem::kInvalidMessage);
  EXPECT_EQ(altered([](Request& r) { r.agg_param = {1}; }),
            DapProblem::kInvalidAggregationParameter);
  EXPECT_EQ(altered([](Request& r) { r.extensions = {{.type = 7, .data = {}}}; }),
            DapProblem::kUnsupportedExtension);
  EXPECT_EQ(altered([](Request& r) { r.batch_id = BatchId(); }), DapProblem::kInvalidMessage);
  EXPECT_EQ(altered([](Request& r) { r.verification_key_id = 1; }), DapProblem::kInvalidMessage);
  EXPECT_EQ(two.helper_side.store->Count(two.helper_task())->aggregated, 0u);
}

TEST(HostileLeader, GetsNoMoreMemoryThanAJobMayHave) {
  // An output share of 1 MiB.
  TwoAggregators two(
      {.vdaf = {.circuit = Circuit::kHistogram, .length = 1u << 16, .chunk_length = 256}});
  EXPECT_EQ(two.helper_task().MaxJobReports(), 64u);
  auto request =
      AggregationJobInitReq::Parse(DapVersion::k18, two.JobRequestFor({two.MakeReport(1)}));
  ASSERT_TRUE(request);
  while (request->verify_inits.size() < 65) {
    request->verify_inits.push_back(request->verify_inits[0]);
    request->verify_inits.back().report_share.metadata.id = ReportId::Random(two.random);
  }
  EXPECT_EQ(ProblemOf(Ask(two, request->Encode(DapVersion::k18))), DapProblem::kInvalidMessage);
  request->verify_inits.pop_back();
  EXPECT_EQ(Ask(two, request->Encode(DapVersion::k18)).status, 200);
}

TEST(HostileLeader, GetsAReportRefusedWhereverItChangesIt) {
  TwoAggregators two({});
  const auto refused = [&](const std::function<void(VerifyInit&)>& alter) {
    auto request =
        AggregationJobInitReq::Parse(DapVersion::k18, two.JobRequestFor({two.MakeReport(1)}));
    EXPECT_TRUE(request);
    alter(request->verify_inits[0]);
    const auto answer = Parsed(two, Ask(two, request->Encode(DapVersion::k18)));
    EXPECT_EQ(answer.verify_resps[0].type, VerifyRespType::kReject);
    return answer.verify_resps[0].error;
  };
  EXPECT_EQ(refused([](VerifyInit& v) { v.report_share.metadata.time -= 1; }),
            ReportError::kHpkeDecryptError);
  EXPECT_EQ(refused([](VerifyInit& v) { v.report_share.metadata.id = ReportId(); }),
            ReportError::kHpkeDecryptError);
  EXPECT_EQ(refused([](VerifyInit& v) { v.report_share.public_share.push_back(0); }),
            ReportError::kHpkeDecryptError);
  EXPECT_EQ(refused([](VerifyInit& v) { v.report_share.encrypted_input_share.config_id ^= 1; }),
            ReportError::kHpkeDecryptError);
  EXPECT_EQ(refused([](VerifyInit& v) {
              v.report_share.metadata.public_extensions = {{.type = 9, .data = {}}};
            }),
            ReportError::kInvalidMessage);
  EXPECT_EQ(refused([](VerifyInit& v) { v.payload.back() ^= 1; }), ReportError::kVdafVerifyError);
  EXPECT_EQ(refused([](VerifyInit& v) { v.payload.pop_back(); }), ReportError::kVdafVerifyError);
  EXPECT_EQ(two.helper_side.store->Count(two.helper_task())->aggregated, 0u);
}

TEST(HostileLeader, GetsNoBatchThatIsTooSmallOrOverlaps) {
  TwoAggregators two({.min_batch_size = 2});
  const std::uint64_t now = two.Now();
  Ask(two, two.JobRequestFor(
               {two.MakeReport(1, now - 1), two.MakeReport(2, now), two.MakeReport(3, now)}));
  const auto ask = [&](const DapInterval& interval) {
    const DapBatchSelector selector = DapBatchSelector::ForInterval(interval);
    const auto batch =
        two.helper_side.store->ReadBatch(two.helper_task(), RangeOf(two.helper_task(), selector));
    EXPECT_TRUE(batch);
    const AggregateShareReq request{.collection_job_req = two.RequestFor(interval),
                                    .batch_selector = selector,
                                    .report_count = batch->count,
                                    .checksum = batch->checksum};
    return ProblemOf(
        two.helper->HandleAggregateShare(two.task_id, request.Encode(DapVersion::k18)));
  };
  EXPECT_EQ(ask({now - 1, 1}), DapProblem::kInvalidBatchSize);
  EXPECT_EQ(ask({now, 1}), std::nullopt);
  // The difference of the two would be one person's.
  EXPECT_EQ(ask({now - 1, 2}), DapProblem::kBatchOverlap);
}

TEST(HostileLeader, CannotGiveAnIdOfDap09ToTwoRequests) {
  TwoAggregators two({.version = DapVersion::k09});
  const AggregationJobId id = AggregationJobId::Random(two.random);
  const Bytes first = two.JobRequestFor({two.MakeReport(1)});
  const Bytes second = two.JobRequestFor({two.MakeReport(2)});
  EXPECT_EQ(two.helper->HandleAggregationInit(two.task_id, id, first).status, 201);
  EXPECT_EQ(ProblemOf(two.helper->HandleAggregationInit(two.task_id, id, second)),
            DapProblem::kInvalidMessage);
  EXPECT_EQ(two.helper->HandleAggregationInit(two.task_id, id, first).status, 201);
  // Deleted it is no more, and counts no more either.
  EXPECT_EQ(two.helper->HandleAggregationDelete(two.task_id, id).status, 200);
  EXPECT_EQ(ProblemOf(two.helper->HandleAggregationInit(two.task_id, id, first)),
            DapProblem::kUnrecognizedAggregationJob);
  EXPECT_EQ(two.helper_side.store->Count(two.helper_task())->aggregated, 1u);
}

// AlteredAnswers changes what the helper says before the leader hears it.
class AlteredAnswers final : public Channel {
 public:
  using Alter = std::function<void(AggregationJobResp&)>;
  AlteredAnswers(TwoAggregators& two, Alter alter) : two_(two), alter_(std::move(alter)) {}
  Result<DapAnswer> Exchange(const DapTask&, const ChannelRequest& request) override {
    DapAnswer answer = two_.Dispatch(request);
    auto parsed = Parsed(two_, answer);
    alter_(parsed);
    answer.body = parsed.Encode(DapVersion::k18);
    return answer;
  }

 private:
  TwoAggregators& two_;
  Alter alter_;
};

TEST(HostileHelper, IsNotBelievedAnotherOrderOrStep) {
  const AlteredAnswers::Alter alterations[] = {
      [](AggregationJobResp& r) { std::swap(r.verify_resps[0], r.verify_resps[1]); },
      [](AggregationJobResp& r) { r.verify_resps.pop_back(); },
      [](AggregationJobResp& r) { r.verify_resps.push_back(r.verify_resps[0]); },
      [](AggregationJobResp& r) { r.verify_resps[1] = VerifyResp::Finish(r.verify_resps[1].id); },
  };
  for (const auto& alter : alterations) {
    TwoAggregators two({.min_batch_size = 2});
    ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeReport(2)}));
    AlteredAnswers channel(two, alter);
    Leader leader({.store = *two.leader_side.store,
                   .log = two.leader_side.log,
                   .noise = *two.leader_side.noise,
                   .clock = two.clock,
                   .random = two.random},
                  channel);
    const auto moved = leader.Advance(two.leader_task());
    ASSERT_FALSE(moved);
    EXPECT_EQ(moved.error().code, ErrorCode::kVerificationFailed);
    EXPECT_EQ(two.leader_side.store->Count(two.leader_task())->aggregated, 0u);
    EXPECT_EQ(two.leader_side.store->Count(two.leader_task())->waiting, 2u);
  }
}

// FromLater is a helper of a later draft, with an error that we have no name for.
class FromLater final : public Channel {
 public:
  explicit FromLater(TwoAggregators& two) : two_(two) {}
  Result<DapAnswer> Exchange(const DapTask&, const ChannelRequest& request) override {
    DapAnswer answer = two_.Dispatch(request);
    auto parsed = Parsed(two_, answer);
    VerifyResp& last = parsed.verify_resps.back();
    last = VerifyResp::Reject(last.id, ReportError::kReportDropped);
    answer.body = parsed.Encode(DapVersion::k18);
    answer.body.back() = 200;
    return answer;
  }

 private:
  TwoAggregators& two_;
};

TEST(LaterHelper, RejectsAReportForAReasonThatIsNotKnown) {
  TwoAggregators two({});
  ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeReport(2)}));
  FromLater channel(two);
  Leader leader(two.LeaderParts(), channel);
  ASSERT_TRUE(leader.Advance(two.leader_task()));
  const auto counts = two.leader_side.store->Count(two.leader_task());
  EXPECT_EQ(counts->aggregated, 1u);
  EXPECT_EQ(counts->waiting, 0u);
  EXPECT_EQ(counts->refused.at(ReportError::kReportDropped), 1u);
}

TEST(HostileHelper, GetsItsOwnShareMissedWhenItRefusesAReport) {
  TwoAggregators two({.min_batch_size = 2});
  ASSERT_TRUE(two.Upload({two.MakeReport(1), two.MakeReport(2), two.MakeReport(4)}));
  AlteredAnswers channel(two, [](AggregationJobResp& r) {
    r.verify_resps[1] = VerifyResp::Reject(r.verify_resps[1].id, ReportError::kReportDropped);
  });
  Leader leader({.store = *two.leader_side.store,
                 .log = two.leader_side.log,
                 .noise = *two.leader_side.noise,
                 .clock = two.clock,
                 .random = two.random},
                channel);
  ASSERT_TRUE(leader.Advance(two.leader_task()));
  // It counted three and said two: the batch does not match, and nobody gets it.
  EXPECT_FALSE(two.Collect(two.RequestFor(two.BucketNow())));
  EXPECT_EQ(ProblemOf(two.last_answer), DapProblem::kBatchMismatch);
}

}  // namespace
}  // namespace salus::aggregate
