// A task that went well is found in order; each thing that an aggregator may do wrong names it.
#include "aggregate/task_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "aggregate/aggregator_fixture.h"
#include "aggregate/dap_path.h"
#include "codec/base64.h"
#include "crypto/ed25519.h"

namespace salus::aggregate {
namespace {

using By = Deviation::By;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Party signs as an aggregator does, without the name of a note's key.
class Party {
 public:
  explicit Party(RandomSource& random) : key_(crypto::Ed25519PrivateKey::Generate(random)) {}
  std::string Sign(std::string_view text) const {
    return codec::Base64Encode(key_.Sign(AsBytes(text)));
  }
  SignatureCheck Check() const {
    return [key = key_.public_key()](std::string_view text, std::string_view signature) {
      const auto bytes = codec::Base64Decode(signature);
      return bytes && key.Verify(AsBytes(text), *bytes).has_value();
    };
  }

 private:
  crypto::Ed25519PrivateKey key_;
};

// Study is a task with two aggregators and everything that was kept of it.
class Study {
 public:
  explicit Study(const TwoAggregators::Setup& setup)
      : two(setup), leader(two.random), helper(two.random) {
    two.watcher = [this](const ChannelRequest& request, DapAnswer& answer) {
      if (alter) alter(request, answer);
      Keep(std::string(request.method), request.path, ToBytes(request.body), answer);
    };
  }

  void Keep(std::string method, std::string path, Bytes request, const DapAnswer& answer) {
    TaskExchange exchange{.time = two.clock.Now(),
                          .method = std::move(method),
                          .path = std::move(path),
                          .request = std::move(request),
                          .request_signature = {},
                          .status = answer.status,
                          .answer = answer.body,
                          .answer_signature = {}};
    Sign(exchange);
    kept.push_back(std::move(exchange));
  }

  void Sign(TaskExchange& exchange) const {
    const bool is_collection = exchange.path.find("collection_jobs") != std::string::npos;
    exchange.request_signature = is_collection ? "" : leader.Sign(exchange.RequestText());
    exchange.answer_signature = (is_collection ? leader : helper).Sign(exchange.AnswerText());
  }

  // Play takes reports of these values, and collects them.
  void Play(const std::vector<std::uint64_t>& values) {
    std::vector<DapReport> reports;
    for (const std::uint64_t value : values) reports.push_back(two.MakeReport(value));
    ASSERT_TRUE(two.Upload(reports));
    if (extra) {
      ASSERT_TRUE(two.Upload({*extra}));
    }
    ASSERT_TRUE(two.Run());
    const CollectionJobReq request =
        by_time ? two.RequestFor(two.BucketNow()) : two.RequestForNext();
    ASSERT_TRUE(two.Collect(request));
    Keep("GET", TaskPath(two.task_id, "collection_jobs/job"), {}, two.last_answer);
  }

  TaskFindings Check() const {
    auto check = TaskCheck::Create(two.leader_task().task(), leader.Check(), helper.Check());
    EXPECT_TRUE(check);
    for (std::size_t i = 0; i < kept.size(); ++i) {
      EXPECT_TRUE(check->Take(kept[i], "item " + std::to_string(i)));
    }
    return check->Finish();
  }

  // Last is the newest exchange whose path has this in it.
  TaskExchange& Last(std::string_view resource) {
    for (std::size_t i = kept.size(); i-- > 0;) {
      if (kept[i].path.find(resource) != std::string::npos) return kept[i];
    }
    ADD_FAILURE() << "there is no " << resource;
    return kept.front();
  }

  TwoAggregators two;
  Party leader;
  Party helper;
  std::vector<TaskExchange> kept;
  std::function<void(const ChannelRequest&, DapAnswer&)> alter;
  std::optional<DapReport> extra;
  bool by_time = true;
};

void ExpectDeviation(const TaskFindings& findings, By by, const std::string& text) {
  const auto fits = [&](const Deviation& deviation) {
    return deviation.by == by && deviation.text.find(text) != std::string::npos;
  };
  std::string all;
  for (const Deviation& one : findings.deviations) {
    all += std::string(DeviatorName(one.by)) + ": " + one.text + "\n";
  }
  EXPECT_TRUE(std::ranges::any_of(findings.deviations, fits)) << "not among:\n" << all;
}

TEST(TaskCheck, FindsAnHonestTaskInOrder) {
  for (const DapVersion version : {DapVersion::k18, DapVersion::k09}) {
    for (const BatchMode mode : {BatchMode::kTimeInterval, BatchMode::kLeaderSelected}) {
      Study study({.version = version, .mode = mode, .job_reports = 2});
      study.by_time = mode == BatchMode::kTimeInterval;
      study.Play({1, 2, 3});
      const TaskFindings findings = study.Check();
      EXPECT_THAT(findings.deviations, IsEmpty());
      EXPECT_EQ(findings.counted, 3u);
      EXPECT_EQ(findings.jobs, 2u);
      ASSERT_EQ(findings.batches.size(), 1u);
      EXPECT_EQ(findings.batches[0].report_count, 3u);
      EXPECT_TRUE(findings.batches[0].is_delivered);
    }
  }
}

TEST(TaskCheck, CountsARefusedReportAndALostAnswerOnce) {
  Study study({.job_reports = 1});
  study.extra = study.two.MakeLyingReport(4);
  study.two.lose_answers = 1;
  std::vector<DapReport> reports;
  for (const std::uint64_t value : {1, 2, 3}) reports.push_back(study.two.MakeReport(value));
  ASSERT_TRUE(study.two.Upload(reports));
  EXPECT_FALSE(study.two.Run());
  study.Play({5});
  const TaskFindings findings = study.Check();
  EXPECT_THAT(findings.deviations, IsEmpty());
  EXPECT_EQ(findings.counted, 4u);
  EXPECT_EQ(findings.refused.at(ReportError::kVdafVerifyError), 1u);
}

TEST(TaskCheck, NamesAHelperThatCountsTwice) {
  Study study({});
  study.Play({1, 2, 3});
  // The same report in another job, answered as if it were new.
  TaskExchange again = study.Last("aggregation_jobs");
  auto request = AggregationJobInitReq::Parse(DapVersion::k18, again.request);
  auto answer = AggregationJobResp::Parse(DapVersion::k18, again.answer);
  ASSERT_TRUE(request && answer);
  request->verify_inits.resize(1);
  answer->verify_resps.resize(1);
  again.request = request->Encode(DapVersion::k18);
  again.answer = answer->Encode(DapVersion::k18);
  study.Sign(again);
  study.kept.push_back(again);
  ExpectDeviation(study.Check(), By::kHelper, "twice");
}

TEST(TaskCheck, NamesAHelperThatGivesTwoAnswers) {
  Study study({});
  study.Play({1, 2, 3});
  TaskExchange other = study.Last("aggregate_shares");
  other.answer.back() ^= 1;
  study.Sign(other);
  study.kept.push_back(other);
  ExpectDeviation(study.Check(), By::kHelper, "two answers");
}

TEST(TaskCheck, NamesAHelperThatAnswersForOtherReports) {
  Study study({});
  study.Play({1, 2, 3});
  TaskExchange& job = study.Last("aggregation_jobs");
  auto answer = AggregationJobResp::Parse(DapVersion::k18, job.answer);
  ASSERT_TRUE(answer);
  std::swap(answer->verify_resps[0], answer->verify_resps[1]);
  job.answer = answer->Encode(DapVersion::k18);
  study.Sign(job);
  ExpectDeviation(study.Check(), By::kHelper, "other reports");
}

TEST(TaskCheck, NamesAHelperWhoseCountIsNotItsShare) {
  Study study({.min_batch_size = 2});
  study.Play({1, 2, 3});
  TaskExchange& share = study.Last("aggregate_shares");
  auto request = AggregateShareReq::Parse(DapVersion::k18, share.request);
  ASSERT_TRUE(request);
  request->report_count = 2;
  share.request = request->Encode(DapVersion::k18);
  study.Sign(share);
  const TaskFindings findings = study.Check();
  ExpectDeviation(findings, By::kHelper, "counted 3 reports and gave its share of 2");
  ExpectDeviation(findings, By::kLeader, "told the collector of 3 reports, the helper of 2");
}

TEST(TaskCheck, NamesBothForABatchThatIsTooSmall) {
  Study study({});
  study.Play({1, 2, 3});
  TaskExchange& share = study.Last("aggregate_shares");
  auto request = AggregateShareReq::Parse(DapVersion::k18, share.request);
  ASSERT_TRUE(request);
  request->report_count = 1;
  share.request = request->Encode(DapVersion::k18);
  study.Sign(share);
  const TaskFindings findings = study.Check();
  ExpectDeviation(findings, By::kLeader, "a batch of 1 report");
  ExpectDeviation(findings, By::kHelper, "a batch of 1 report, below 3");
}

TEST(TaskCheck, NamesAHelperThatGivesOverlappingShares) {
  Study study({});
  study.Play({1, 2, 3});
  TaskExchange share = study.Last("aggregate_shares");
  auto request = AggregateShareReq::Parse(DapVersion::k18, share.request);
  ASSERT_TRUE(request);
  request->batch_selector.interval.duration += 1;
  share.request = request->Encode(DapVersion::k18);
  study.Sign(share);
  study.kept.push_back(share);
  ExpectDeviation(study.Check(), By::kHelper, "overlap");
}

TEST(TaskCheck, NamesALeaderThatChangesTheHelpersShare) {
  Study study({});
  study.Play({1, 2, 3});
  TaskExchange& result = study.Last("collection_jobs");
  auto answer = CollectionJobResp::Parse(DapVersion::k18, result.answer);
  ASSERT_TRUE(answer);
  answer->helper_share.payload.back() ^= 1;
  result.answer = answer->Encode(DapVersion::k18);
  study.Sign(result);
  ExpectDeviation(study.Check(), By::kLeader, "not the helper's");
}

TEST(TaskCheck, NamesALeaderThatGivesTwoSharesOfABatch) {
  Study study({});
  study.Play({1, 2, 3});
  TaskExchange result = study.Last("collection_jobs");
  auto answer = CollectionJobResp::Parse(DapVersion::k18, result.answer);
  ASSERT_TRUE(answer);
  answer->leader_share.payload.back() ^= 1;
  result.answer = answer->Encode(DapVersion::k18);
  study.Sign(result);
  study.kept.push_back(result);
  ExpectDeviation(study.Check(), By::kLeader, "two shares of one batch");
}

TEST(TaskCheck, NamesAHelperThatCountsOutsideTheTimeOrWithoutAProof) {
  Study study({});
  study.Play({1, 2, 3});
  auto check = TaskCheck::Create(
      [&] {
        auto parameters = study.two.leader_task().task().parameters();
        parameters.interval = DapInterval{.start = 1, .duration = 10};
        return *DapTask::Create(parameters);
      }(),
      study.leader.Check(), study.helper.Check());
  ASSERT_TRUE(check);
  for (const TaskExchange& exchange : study.kept) ASSERT_TRUE(check->Take(exchange, "here"));
  ExpectDeviation(check->Finish(), By::kHelper, "outside the time of the task");

  TaskExchange& job = study.Last("aggregation_jobs");
  auto request = AggregationJobInitReq::Parse(DapVersion::k18, job.request);
  ASSERT_TRUE(request);
  request->verify_inits[0].payload.resize(8);
  job.request = request->Encode(DapVersion::k18);
  study.Sign(job);
  ExpectDeviation(study.Check(), By::kHelper, "without a proof that could hold");
}

TEST(TaskCheck, NamesNobodyForWhatIsNotSigned) {
  Study study({});
  study.Play({1, 2, 3});
  const std::vector<TaskExchange> honest = study.kept;
  TaskExchange& job = study.Last("aggregation_jobs");
  job.answer.back() ^= 1;  // the keeper's work
  ExpectDeviation(study.Check(), By::kNobody, "helper bears a signature that is not its own");
  job.answer_signature.clear();
  ExpectDeviation(study.Check(), By::kNobody, "helper bears no signature");
  for (const Deviation& deviation : study.Check().deviations) EXPECT_EQ(deviation.by, By::kNobody);

  study.kept = honest;
  std::erase_if(study.kept, [](const TaskExchange& exchange) {
    return exchange.path.find("aggregation_jobs") != std::string::npos;
  });
  ExpectDeviation(study.Check(), By::kNobody, "the transcript is not whole");
}

TEST(TaskCheck, NamesAHelperThatGivesOneShareForTwoBatchesAndNotTheLeader) {
  Study study({});
  study.Play({1, 2, 3});
  const DapAnswer first{.body = study.Last("aggregate_shares").answer};
  study.two.clock.Advance(std::chrono::hours(2));
  study.alter = [&](const ChannelRequest& request, DapAnswer& answer) {
    if (request.path.ends_with("aggregate_shares")) answer.body = first.body;
  };
  std::vector<DapReport> reports;
  for (const std::uint64_t value : {4, 5, 6, 7}) reports.push_back(study.two.MakeReport(value));
  ASSERT_TRUE(study.two.Upload(reports));
  ASSERT_TRUE(study.two.Run());
  const CollectionJobReq request = study.two.RequestFor(study.two.BucketNow());
  study.two.PassInterval(request);
  const auto job = study.two.BeginCollection(request);
  ASSERT_TRUE(job);
  ASSERT_TRUE(study.two.Run());
  study.Keep("GET", TaskPath(study.two.task_id, "collection_jobs/other"), {},
             study.two.leader->HandleCollectionPoll(study.two.task_id, *job));
  const TaskFindings findings = study.Check();
  ExpectDeviation(findings, By::kHelper, "one share for two batches");
  for (const Deviation& deviation : findings.deviations) EXPECT_EQ(deviation.by, By::kHelper);
}

TEST(TaskCheck, NamesNobodyForAShareFromBeforeTheTranscript) {
  Study study({});
  study.Play({1, 2, 3});
  study.two.clock.Advance(std::chrono::hours(2));
  const std::size_t first = study.kept.size();
  study.Play({4, 5, 6});
  std::vector<TaskExchange> later(study.kept.begin() + static_cast<std::ptrdiff_t>(first),
                                  study.kept.end());
  later.push_back(study.kept[first - 1]);  // the first batch's result
  study.kept = later;
  const TaskFindings findings = study.Check();
  EXPECT_THAT(findings.deviations, IsEmpty());
  EXPECT_EQ(findings.results_alone, 1u);
}

TEST(TaskCheck, NamesNobodyWhoseKeyIsNotKnown) {
  Study study({});
  study.Play({1, 2, 3});
  TaskExchange other = study.Last("aggregate_shares");
  other.answer.back() ^= 1;
  study.kept.push_back(other);
  auto check = TaskCheck::Create(study.two.leader_task().task(), study.leader.Check(), {});
  ASSERT_TRUE(check);
  for (const TaskExchange& exchange : study.kept) ASSERT_TRUE(check->Take(exchange, "here"));
  const TaskFindings findings = check->Finish();
  ExpectDeviation(findings, By::kNobody,
                  "the helper, if these are its words, gave one request two");
  for (const Deviation& deviation : findings.deviations) EXPECT_EQ(deviation.by, By::kNobody);
}

TEST(TaskCheck, TwoKeepersCountOnce) {
  Study study({});
  study.Play({1, 2, 3});
  const std::size_t kept = study.kept.size();
  for (std::size_t i = 0; i < kept; ++i) study.kept.push_back(study.kept[i]);
  const TaskFindings findings = study.Check();
  EXPECT_THAT(findings.deviations, IsEmpty());
  EXPECT_EQ(findings.counted, 3u);
  EXPECT_EQ(findings.exchanges, kept);
}

TEST(TaskCheck, RefusesAnotherTask) {
  Study study({});
  study.Play({1, 2, 3});
  Study other({.seed = 2});
  auto check = TaskCheck::Create(other.two.leader_task().task(), {}, {});
  ASSERT_TRUE(check);
  const auto taken = check->Take(study.kept[0], "here");
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error().message, HasSubstr("another task"));
}

}  // namespace
}  // namespace salus::aggregate
