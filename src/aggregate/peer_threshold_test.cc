// Sessions with a threshold: parties vanish and lie, and the sum is there all the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>

#include "aggregate/peer_edited_sharing.h"
#include "aggregate/peer_test_session.h"
#include "aggregate/peer_transcript.h"
#include "aggregate/share_access.h"
#include "aggregate/share_decoder.h"
#include "base/check.h"

namespace salus::aggregate {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;

constexpr std::size_t kLiar = 1;
const std::vector<std::vector<std::int64_t>> kSeven = {{170}, {181}, {165}, {160},
                                                       {175}, {190}, {155}};
constexpr std::int64_t kSum = 1196;
const std::vector<std::vector<std::int64_t>> kTen = {{170}, {181}, {165}, {160}, {175},
                                                     {190}, {155}, {150}, {200}, {210}};
constexpr std::int64_t kSumOfTen = 1756;

TestSession::Options Threshold(EditedSharing::Edits edits = {}) {
  TestSession::Options out;
  out.edit = [](PeerRosterFields& fields) {
    fields.threshold = true;
    fields.minimum_parties =
        static_cast<std::uint32_t>(LeastValues(fields.parties.size(), fields.threshold));
  };
  out.sharing = [edits = std::move(edits)](std::size_t index) -> PeerSharingMaker {
    if (index != kLiar) return MakeSharing;
    return EditedSharing::Maker(edits);
  };
  return out;
}

void ExpectSum(TestSession& session, std::int64_t sum, const std::string& what = "") {
  ASSERT_TRUE(session.host().result().has_value())
      << (session.host().failure() ? session.host().failure()->message : "it waits");
  EXPECT_EQ(session.host().result()->sum, sum);
  for (std::size_t i = 0; i < session.size(); ++i) {
    if (session.silent[i] || (i == kLiar && !what.empty())) continue;
    ASSERT_TRUE(session.party(i).result().has_value())
        << i << (session.party(i).failure() ? session.party(i).failure()->message : "");
    EXPECT_EQ(session.party(i).result()->sum, sum);
  }
  const auto report =
      CheckTranscript(session.host().transcript(), session.host_owner().certificate.fingerprint());
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_EQ(report->result->sum, sum);
  EXPECT_THAT(report->events, Contains(Field(&PeerEvent::text, HasSubstr(what))));
}

class ThresholdOf : public ::testing::TestWithParam<std::size_t> {};

TEST_P(ThresholdOf, PartiesAgree) {
  std::vector<std::vector<std::int64_t>> values;
  for (std::size_t i = 0; i < GetParam(); ++i)
    values.push_back({static_cast<std::int64_t>(160 + i)});
  TestSession session(values, Threshold());
  session.Run();
  const auto n = static_cast<std::int64_t>(GetParam());
  ExpectSum(session, 160 * n + n * (n - 1) / 2);
}

INSTANTIATE_TEST_SUITE_P(Sizes, ThresholdOf, ::testing::Values(4, 5, 7, 20));

class ThresholdCrashAt : public ::testing::TestWithParam<PeerStep> {};

// Whoever vanishes after the reports are with all is still in the sum.
TEST_P(ThresholdCrashAt, TheSumIsThere) {
  TestSession session(kTen, Threshold());
  session.RunUntil(static_cast<PeerStep>(static_cast<int>(GetParam()) - 1));
  session.silent[2] = session.silent[5] = true;
  session.Run();
  ASSERT_FALSE(session.host().finished());
  while (!session.host().finished()) {
    session.PassDeadline();
    session.Run();
  }
  const std::int64_t lost = GetParam() == PeerStep::kReport ? 165 + 190 : 0;
  ExpectSum(session, kSumOfTen - lost, "party-2 sent nothing in the step");
}

INSTANTIATE_TEST_SUITE_P(Steps, ThresholdCrashAt,
                         ::testing::Values(PeerStep::kReport, PeerStep::kReceipt, PeerStep::kVerify,
                                           PeerStep::kVerdict, PeerStep::kSum),
                         [](const auto& step) { return std::string(PeerStepName(step.param)); });

TEST(PeerThreshold, TooManyLost) {
  TestSession session(kTen, Threshold());
  session.RunUntil(PeerStep::kCoin);
  session.silent[2] = session.silent[5] = session.silent[6] = true;
  session.Run();
  session.PassDeadline();
  session.Run();
  ASSERT_TRUE(session.host().failure().has_value());
  EXPECT_THAT(session.host().failure()->message,
              HasSubstr("only 7 parties are left in the step verify, and the sum needs 8"));
}

TEST(PeerThreshold, AWrongPartialSumIsCorrected) {
  TestSession session(kSeven, Threshold({.sum = [](Bytes& sum) { sum[0] ^= 1; }}));
  session.Run();
  ExpectSum(session, kSum, "party-1 sent a wrong sum");
}

TEST(PeerThreshold, AWrongPartialSumAmongTooFewIsSeen) {
  auto options = Threshold({.sum = [](Bytes& sum) { sum[0] ^= 1; }});
  TestSession session({{170}, {181}, {165}, {160}, {175}}, options);
  session.RunUntil(PeerStep::kVerdict);
  session.silent[3] = true;
  session.Run();
  session.PassDeadline();
  session.Run();
  ASSERT_TRUE(session.host().failure().has_value());
  EXPECT_EQ(session.host().failure()->code, ErrorCode::kVerificationFailed);
  EXPECT_THAT(session.host().failure()->message, HasSubstr("contradict each other"));
  // It could have kept to itself the sums that fit.
  EXPECT_THAT(session.host().failure()->message, HasSubstr("the host may know the sum"));
}

// Two verify keys for one proof would tell its value: without one coin there is no key at all.
TEST(PeerThreshold, ALostCoinStopsTheSession) {
  TestSession session(kTen, Threshold());
  session.RunUntil(PeerStep::kReceipt);
  session.silent[2] = true;
  session.Run();
  session.PassDeadline();
  session.Run();
  ASSERT_TRUE(session.host().failure().has_value());
  EXPECT_THAT(session.host().failure()->message,
              HasSubstr("party-2 sent nothing in the step coin, and this step needs all"));
}

// Values whose proof was spoiled stay out, whoever spoiled it: to take one in again after the
// verdicts would let a host make two sums.
TEST(PeerThreshold, AWrongAnswerIsShownAndStopsTheSession) {
  TestSession session(kSeven,
                      Threshold({.answer = [](std::size_t, Bytes& answer) { answer[3] ^= 1; }}));
  session.Run();
  ASSERT_TRUE(session.host().failure().has_value());
  EXPECT_FALSE(session.host().result().has_value());
  EXPECT_THAT(session.host().TakeEvents(),
              Contains(Field(&PeerEvent::text, HasSubstr("party-1 gave a wrong part of a proof"))));
}

TEST(PeerThreshold, TooFewWhoJoinForTheDegree) {
  TestSession session(kTen, Threshold());
  for (std::size_t i = 5; i < 10; ++i) session.silent[i] = true;
  session.Run();
  session.PassDeadline();
  session.Run();
  ASSERT_TRUE(session.host().failure().has_value());
  EXPECT_THAT(session.host().failure()->message,
              HasSubstr("only 5 of 10 parties joined, and 6 are needed"));
}

TEST(PeerThreshold, AValueOutOfRange) {
  TestSession session(
      kSeven,
      Threshold({.share = [](const PeerSharing&, PeerShares& shares, std::size_t, RandomSource&) {
        // The same to each share moves the polynomial's value at zero by as much.
        for (SecretBytes& share : shares.shares) {
          const auto element = share.mutable_view(ShareAccess::Token()).first(16);
          Field128 value;
          CHECK(Field128::Decode(element.data(), value));
          (value + Field128::FromUint64(1'000'000'000)).Encode(element.data());
        }
      }}));
  session.Run();
  ASSERT_TRUE(session.host().result().has_value());
  ExpectSum(session, kSum - 181, "party-1's value is not what the roster allows");
}

TEST(PeerThreshold, SharesOffThePolynomialBlameTheirSender) {
  TestSession session(kSeven, Threshold({.share = [](const PeerSharing&, PeerShares& shares,
                                                     std::size_t self, RandomSource&) {
                        shares.shares[self == 0 ? 1 : 0].mutable_view(ShareAccess::Token())[0] ^= 1;
                      }}));
  session.Run();
  ExpectSum(session, kSum - 181, "party-1's value is not what the roster allows");
}

// Each choice of wrong points, against the only polynomial that can be meant.
TEST(ShareDecoder, CorrectsAsManyAsThereCanBe) {
  SeededRandom random(3);
  for (std::size_t degree = 1; degree <= 4; ++degree) {
    for (std::size_t count = degree + 1; count <= degree + 6; ++count) {
      std::vector<Field128> coefficients;
      for (std::size_t i = 0; i <= degree; ++i) {
        coefficients.push_back(Field128::FromUint64(random.Next()));
      }
      std::vector<std::size_t> positions;
      std::vector<Field128> points;
      for (std::size_t i = 0; i < count; ++i) {
        Field128 value = Field128::Zero();
        for (std::size_t k = degree + 1; k-- > 0;) {
          value = value * Field128::FromUint64(2 * i + 1) + coefficients[k];
        }
        positions.push_back(2 * i);
        points.push_back(value);
      }
      const ShareDecoder decoder(degree, positions);
      const std::size_t bearable = (count - degree - 1) / 2;
      for (unsigned mask = 0; mask < 1u << count; ++mask) {
        const auto errors = static_cast<std::size_t>(std::popcount(mask));
        if (errors > bearable) continue;
        std::vector<Field128> damaged = points;
        std::vector<std::size_t> wrong;
        for (std::size_t i = 0; i < count; ++i) {
          if ((mask >> i & 1) == 0) continue;
          damaged[i] += Field128::FromUint64(1 + random.Below(1000));
          wrong.push_back(positions[i]);
        }
        const auto decoded = decoder.Decode(damaged);
        ASSERT_TRUE(decoded.has_value()) << degree << " " << count << " " << mask;
        EXPECT_EQ(decoded->at_zero, coefficients[0]);
        EXPECT_EQ(decoded->wrong, wrong);
        EXPECT_EQ(decoder.AtZero(damaged).has_value(), errors == 0);
      }
    }
  }
}

}  // namespace
}  // namespace salus::aggregate
