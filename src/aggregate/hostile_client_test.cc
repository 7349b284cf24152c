// A client that sends what no client makes costs itself its report, and nobody else anything.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "aggregate/aggregator_fixture.h"
#include "aggregate/sealed_share.h"

namespace salus::aggregate {
namespace {

using ::testing::ElementsAre;

class HostileClient : public ::testing::TestWithParam<DapVersion> {
 protected:
  static TwoAggregators::Setup SumVecOf(std::uint64_t maximum) {
    return {.version = GetParam(),
            .vdaf = {.circuit = Circuit::kSumVec,
                     .max_measurement = maximum,
                     .length = 1,
                     .chunk_length = 3}};
  }
};

INSTANTIATE_TEST_SUITE_P(Versions, HostileClient,
                         ::testing::Values(DapVersion::k18, DapVersion::k09), [](const auto& test) {
                           return test.param == DapVersion::k18 ? "Dap18" : "Dap09";
                         });

TEST_P(HostileClient, MakesNoAggregatorAcceptWhatTheOtherRefuses) {
  TwoAggregators two(SumVecOf(7));
  ASSERT_TRUE(two.Upload(
      {two.MakeReport(1), two.MakeSplittingReport(), two.MakeReport(2), two.MakeReport(3)}));
  ASSERT_TRUE(two.Run());
  EXPECT_EQ(two.leader_side.store->Count(two.leader_task())->aggregated, 3u);
  EXPECT_EQ(two.helper_side.store->Count(two.helper_task())->aggregated, 3u);
  const auto collected = two.Collect(two.RequestFor(two.BucketNow()));
  ASSERT_TRUE(collected);
  EXPECT_THAT(collected->sums, ElementsAre(6));
}

TEST_P(HostileClient, SendsNothingOfAnotherLength) {
  TwoAggregators two(SumVecOf(7));
  using Alter = void (*)(DapReport&);
  const Alter alterations[] = {
      [](DapReport& r) { r.public_share.push_back(0); },
      [](DapReport& r) { r.public_share.clear(); },
      [](DapReport& r) { r.leader_share.payload.pop_back(); },
      [](DapReport& r) { r.leader_share.enc.push_back(0); },
      [](DapReport& r) { r.helper_share.payload.push_back(0); },
      [](DapReport& r) { r.helper_share.payload.resize(1u << 20); },
      [](DapReport& r) { r.helper_share.enc.resize(4096); },
  };
  for (const Alter alter : alterations) {
    DapReport report = two.MakeReport(3);
    alter(report);
    const auto errors = two.Upload({report});
    ASSERT_TRUE(errors);
    if (GetParam() == DapVersion::k18) {
      EXPECT_THAT(*errors, ElementsAre(ReportError::kInvalidMessage));
    } else {
      EXPECT_EQ(ProblemOf(two.last_answer), DapProblem::kInvalidMessage);
    }
  }
  EXPECT_EQ(two.leader_side.store->Count(two.leader_task())->waiting, 0u);
}

TEST(HostileUpload, BringsNoMoreThan8192Reports) {
  TwoAggregators two({});
  const Bytes one = two.MakeReport(3).Encode(DapVersion::k18);
  Bytes body;
  for (std::size_t i = 0; i < kMaxDapReports; ++i) Append(body, one);
  EXPECT_EQ(two.leader->HandleUpload(two.task_id, body).status, 200);
  Append(body, one);
  EXPECT_EQ(ProblemOf(two.leader->HandleUpload(two.task_id, body)), DapProblem::kInvalidMessage);
}

// Refusing is a helper, or what stands before it, that takes no message over a limit.
class Refusing final : public Channel {
 public:
  explicit Refusing(TwoAggregators& two) : two_(two) {}
  Result<DapAnswer> Exchange(const DapTask&, const ChannelRequest& request) override {
    largest = std::max(largest, request.body.size());
    if (request.body.size() > limit_bytes) return DapAnswer{.status = 413};
    return two_.Dispatch(request);
  }

  std::size_t limit_bytes = SIZE_MAX;
  std::size_t largest = 0;

 private:
  TwoAggregators& two_;
};

TEST_P(HostileClient, StopsNoTaskWithAJobThatIsTooLarge) {
  TwoAggregators two(SumVecOf(7));
  std::vector<DapReport> reports;
  for (int i = 0; i < 20; ++i) reports.push_back(two.MakeReport(3));
  ASSERT_TRUE(two.Upload(reports));
  Refusing channel(two);
  channel.limit_bytes = 3'000;
  Leader leader(two.LeaderParts(), channel);
  int failures = 0;
  while (failures < 100) {
    const auto moved = leader.Advance(two.leader_task());
    if (moved && !*moved) break;
    if (moved) continue;
    EXPECT_EQ(moved.error().code, ErrorCode::kInvalidArgument);
    ++failures;
  }
  EXPECT_LT(failures, 100);
  EXPECT_EQ(two.leader_side.store->Count(two.leader_task())->aggregated, 20u);
  EXPECT_EQ(two.helper_side.store->Count(two.helper_task())->aggregated, 20u);
}

TEST_P(HostileClient, MakesJobsOfSoManyBytesOnly) {
  TwoAggregators two(SumVecOf(7));
  std::vector<DapReport> reports;
  for (int i = 0; i < 20; ++i) reports.push_back(two.MakeReport(3));
  ASSERT_TRUE(two.Upload(reports));
  Refusing channel(two);
  Leader leader(two.LeaderParts(), channel, {.job_bytes = 3'000});
  for (auto moved = leader.Advance(two.leader_task()); moved && *moved;) {
    moved = leader.Advance(two.leader_task());
  }
  EXPECT_LT(channel.largest, 3'000u);
  EXPECT_EQ(two.leader_side.store->Count(two.leader_task())->aggregated, 20u);
}

}  // namespace
}  // namespace salus::aggregate
