// A client that sends what no client makes costs itself its report, and nobody else anything.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace salus::aggregate
