// Honest sessions, from the roster to a result that each party checked itself.
#include <gtest/gtest.h>

#include <numeric>

#include "aggregate/peer_test_session.h"
#include "aggregate/peer_transcript.h"

namespace salus::aggregate {
namespace {

std::vector<std::vector<std::int64_t>> Heights(std::size_t count) {
  std::vector<std::vector<std::int64_t>> out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back({static_cast<std::int64_t>(150 + 7 * i % 60)});
  }
  return out;
}

void ExpectAllAgree(TestSession& session) {
  ASSERT_TRUE(session.host().result().has_value())
      << (session.host().failure() ? session.host().failure()->message : "no failure");
  for (std::size_t i = 0; i < session.size(); ++i) {
    ASSERT_FALSE(session.party(i).failure().has_value()) << session.party(i).failure()->message;
    ASSERT_TRUE(session.party(i).result().has_value()) << i;
    EXPECT_EQ(session.party(i).result()->totals, session.host().result()->totals);
  }
  const auto fingerprint = session.host_owner().certificate.fingerprint();
  for (std::size_t i = 0; i <= session.size(); ++i) {
    const Bytes& transcript =
        i < session.size() ? session.party(i).transcript() : session.host().transcript();
    const auto report = CheckTranscript(transcript, fingerprint);
    ASSERT_TRUE(report.has_value()) << i << ": " << report.error().message;
    ASSERT_TRUE(report->result.has_value());
    EXPECT_EQ(report->result->totals, session.host().result()->totals);
  }
}

// The course's own three: Alice, Bob and Charlie, and the hospital.
TEST(PeerSession, ThreePatientsLearnTheirMeanHeight) {
  TestSession session({{170}, {181}, {165}});
  session.Run();
  ExpectAllAgree(session);
  EXPECT_EQ(session.host().result()->sum, 516);
  EXPECT_DOUBLE_EQ(*session.host().result()->mean, 172);
  EXPECT_EQ(session.host().result()->count, 3u);
  EXPECT_EQ(session.shares, 6u);    // as in the course: each to each other
  EXPECT_EQ(session.parcels, 21u);  // seven steps of three; the last are the course's other three
}

class PeerSessionOf : public ::testing::TestWithParam<std::size_t> {};

TEST_P(PeerSessionOf, PartiesAgreeOnTheSum) {
  const auto values = Heights(GetParam());
  std::int64_t sum = 0;
  for (const auto& value : values) sum += value[0];
  TestSession session(values);
  session.Run();
  ExpectAllAgree(session);
  EXPECT_EQ(session.host().result()->sum, sum);
}

INSTANTIATE_TEST_SUITE_P(Sizes, PeerSessionOf, ::testing::Values(3, 4, 7, 20));

TEST(PeerSession, TheEndsOfTheRangeAreInIt) {
  TestSession session({{30}, {272}, {272}});
  session.Run();
  ExpectAllAgree(session);
  EXPECT_EQ(session.host().result()->sum, 574);
}

TEST(PeerSession, VarianceOfSmallNumbers) {
  TestSession session({{2}, {4}, {4}, {4}, {5}, {5}, {7}, {9}}, {.edit = [](auto& fields) {
                        fields.statistic = PeerStatistic::kVariance;
                        fields.minimum = -10;
                        fields.maximum = 10;
                      }});
  session.Run();
  ExpectAllAgree(session);
  EXPECT_EQ(session.host().result()->sum, 40);
  EXPECT_DOUBLE_EQ(*session.host().result()->mean, 5);
  EXPECT_DOUBLE_EQ(session.host().result()->moments->population_variance(), 4);
  EXPECT_DOUBLE_EQ(session.host().result()->moments->population_deviation(), 2);
}

TEST(PeerSession, HistogramAndWhatItTells) {
  TestSession session({{0}, {9}, {10}, {25}, {29}}, {.edit = [](auto& fields) {
                        fields.statistic = PeerStatistic::kHistogram;
                        fields.minimum = 0;
                        fields.maximum = 29;
                        fields.bucket = 10;
                      }});
  session.Run();
  ExpectAllAgree(session);
  const PeerResult& result = *session.host().result();
  ASSERT_EQ(result.buckets.size(), 3u);
  EXPECT_EQ(result.buckets[0].count, 2u);
  EXPECT_EQ(result.buckets[1].count, 1u);
  EXPECT_EQ(result.buckets[2].count, 2u);
  EXPECT_EQ(result.buckets[2].to, 29);
  EXPECT_DOUBLE_EQ(*result.distribution->Smallest(), 0);
  EXPECT_DOUBLE_EQ(*result.distribution->Median(), 15);
  EXPECT_DOUBLE_EQ(*result.distribution->Largest(), 30);
}

TEST(PeerSession, RegressionFindsThePlane) {
  // y = 3 a - 2 b + 5
  TestSession session({{1, 2, 4}, {4, 1, 15}, {0, 3, -1}, {6, 6, 11}, {2, 8, -5}},
                      {.edit = [](auto& fields) {
                        fields.statistic = PeerStatistic::kRegression;
                        fields.minimum = -20;
                        fields.maximum = 20;
                        fields.inputs = 2;
                      }});
  session.Run();
  ExpectAllAgree(session);
  const auto& found = session.host().result()->regression;
  ASSERT_TRUE(found.has_value());
  EXPECT_NEAR(found->slopes()[0], 3, 1e-12);
  EXPECT_NEAR(found->slopes()[1], -2, 1e-12);
  EXPECT_NEAR(found->intercept(), 5, 1e-12);
  EXPECT_NEAR(*found->r_squared(), 1, 1e-12);
}

TEST(PeerSession, WhoDoesNotJoinIsNotWaitedFor) {
  TestSession session(Heights(5));
  session.silent[2] = true;
  session.Run();
  EXPECT_EQ(session.host().step(), PeerStep::kJoin);
  session.PassDeadline();
  session.Run();
  ASSERT_TRUE(session.host().result().has_value());
  EXPECT_EQ(session.host().result()->count, 4u);
}

}  // namespace
}  // namespace salus::aggregate
