// What nobody catches, and what people who work together learn: the limits that docs/aggregation.md
// tells of, shown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aggregate/additive_sharing.h"
#include "aggregate/circuit_sum.h"
#include "aggregate/field_integers.h"
#include "aggregate/peer_edited_sharing.h"
#include "aggregate/peer_test_session.h"
#include "aggregate/peer_transcript.h"
#include "aggregate/share_access.h"
#include "aggregate/share_decoder.h"
#include "aggregate/threshold_sharing.h"

namespace salus::aggregate {
namespace {

using ::testing::HasSubstr;
using U128 = unsigned __int128;

constexpr std::size_t kElement = 8;  // of Field64
constexpr std::size_t kBlinds = 64;  // behind the mask of a share that somebody else gets
constexpr std::uint64_t kMaximum = 242;
constexpr std::size_t kPeople = 7;
constexpr std::size_t kDegree = 3;  // of a threshold among seven

// A sum of numbers from 0 to 242.
std::unique_ptr<const PeerSharing> Additive(std::size_t members) {
  VdafInstance instance{.circuit = Circuit::kSum, .max_measurement = kMaximum};
  instance.shares = static_cast<std::uint8_t>(members - 1);
  return *AdditiveSharing::Create(instance, Bytes(16, 7));
}

std::unique_ptr<const PeerSharing> Threshold() {
  return std::make_unique<const ThresholdSharing>(kMaximum, kPeople, kDegree, Bytes(16, 7));
}

PeerShares ShareOf(const PeerSharing& sharing, std::uint64_t value, std::size_t self,
                   std::uint64_t seed) {
  SeededRandom random(seed);
  const std::uint64_t measurement[] = {value};
  PeerShares shares = *sharing.Share(measurement, self, random);
  EXPECT_TRUE(sharing.CheckReport(shares.report, self).has_value());
  return shares;
}

// Moves an element of a share by so much, modulo the field.
void Move(SecretBytes& share, std::size_t at, std::int64_t by, std::size_t size = kElement) {
  const MutableByteSpan element = share.mutable_view(ShareAccess::Token()).subspan(at, size);
  const U128 modulus = FieldModulus(size);
  const U128 step = by < 0 ? modulus - static_cast<U128>(-by) : static_cast<U128>(by);
  StoreElement((LoadElement(element) + step) % modulus, element);
}

// What a member publishes in the last step, when these are the reports.
Bytes PartialSumOf(const PeerSharing& sharing, const std::vector<PeerShares>& reports,
                   std::size_t member) {
  std::vector<PeerSharing::ReportShare> mine;
  for (std::size_t sender = 0; sender < reports.size(); ++sender) {
    mine.push_back({sender, &reports[sender].report, &reports[sender].shares[member]});
  }
  return *sharing.PartialSum(mine, member);
}

U128 TotalOf(const PeerSharing& sharing, const std::vector<PeerShares>& reports) {
  std::vector<std::optional<Bytes>> sums;
  for (std::size_t member = 0; member < sharing.members(); ++member) {
    sums.emplace_back(PartialSumOf(sharing, reports, member));
  }
  return sharing.Unshard(sums, reports.size())->totals.at(0);
}

// People 2, 3 and 4 and the hospital put together all that they have: 0 and 1 stay hidden in each
// other. What those two say, and what they sent to others, is the same for any two values of that
// sum; that commitments and proofs tell nothing more is Pedersen's and the draft's claim.
TEST(Limits, TheHostAndAllButTwoLearnTheSumOfTheTwoAndNotEach) {
  const auto sharing = Additive(5);
  const std::uint64_t values[] = {140, 151, 120, 133, 242};
  std::vector<PeerShares> reports;
  for (std::size_t i = 0; i < 5; ++i) reports.push_back(ShareOf(*sharing, values[i], i, 10 + i));
  EXPECT_EQ(TotalOf(*sharing, reports) - 120 - 133 - 242, 140u + 151u);

  const Bytes said[] = {PartialSumOf(*sharing, reports, 0), PartialSumOf(*sharing, reports, 1)};
  for (const std::int64_t more : {-140, -1, 1, 17, 102}) {
    // Only shares that 0 and 1 hold are others: the first bit of one's share weighs one.
    SecretBytes& to_one = reports[0].shares[1];
    const std::size_t mask = to_one.size() - kBlinds - kElement;
    Move(to_one, 0, more);
    Move(reports[1].shares[0], 0, -more);
    Move(to_one, mask, -more);
    Move(reports[0].shares[0], 0, more);  // the mask that 0 keeps: both still add up to zero
    EXPECT_EQ(PartialSumOf(*sharing, reports, 0), said[0]) << more;
    EXPECT_EQ(PartialSumOf(*sharing, reports, 1), said[1]) << more;
    // And it would be other values.
    const std::vector<PeerShares> only_first = [&] {
      std::vector<PeerShares> out;
      out.push_back(std::move(reports[0]));
      return out;
    }();
    EXPECT_EQ(TotalOf(*sharing, only_first), static_cast<U128>(140 + more));
    reports[0] = ShareOf(*sharing, values[0], 0, 10);
    reports[1] = ShareOf(*sharing, values[1], 1, 11);
  }
}

// The elements of a threshold's share, and what they encode.
std::vector<Field128> ElementsOf(const SecretBytes& share, std::size_t count) {
  std::vector<Field128> out(count);
  EXPECT_TRUE(
      DecodeElements<Field128>(share.view(ShareAccess::Token()).first(16 * count), std::span(out)));
  return out;
}

const SumCircuit<Field128>& TheSum() {
  static const SumCircuit<Field128> circuit(kMaximum);
  return circuit;
}

U128 ValueOf(std::span<const Field128> bits) {
  Field128 value;
  TheSum().Truncate(bits, {&value, 1});
  return value.ToInteger();
}

TEST(Limits, OneMoreThanTheThresholdReadEveryValue) {
  const std::size_t bits = TheSum().measurement_length();
  const PeerShares report = ShareOf(*Threshold(), 140, 1, 1);
  const std::vector<std::size_t> who = {0, 2, 4, 6};
  ASSERT_EQ(who.size(), kDegree + 1);
  const ShareDecoder decoder(kDegree, who);
  std::vector<Field128> read;
  for (std::size_t place = 0; place < bits; ++place) {
    std::vector<Field128> points;
    for (const std::size_t i : who) points.push_back(ElementsOf(report.shares[i], bits)[place]);
    read.push_back(*decoder.AtZero(points));
  }
  EXPECT_EQ(ValueOf(read), 140u);
}

// For each value there is a share of somebody else that makes it the one that was shared: three
// shares are as good for any.
TEST(Limits, AsManyAsTheThresholdTellNoValueFromAnother) {
  const std::size_t bits = TheSum().measurement_length();
  const PeerShares report = ShareOf(*Threshold(), 140, 1, 1);
  const std::size_t known[] = {0, 2, 4};
  ASSERT_EQ(std::size(known), kDegree);
  const ShareDecoder decoder(kDegree, {0, 2, 4, 6});
  const Field128 zero = Field128::Zero();
  // The value at zero grows by so much with the fourth share.
  const Field128 weight = *decoder.AtZero(std::vector<Field128>{zero, zero, zero, Field128::One()});
  ASSERT_NE(weight, zero);
  for (std::uint64_t value = 0; value <= kMaximum; ++value) {
    std::vector<Field128> wanted(bits);
    ASSERT_TRUE(TheSum().Encode({&value, 1}, wanted));
    std::vector<Field128> read;
    for (std::size_t place = 0; place < bits; ++place) {
      std::vector<Field128> points;
      for (const std::size_t i : known) points.push_back(ElementsOf(report.shares[i], bits)[place]);
      points.push_back(zero);
      points[3] = (wanted[place] - *decoder.AtZero(points)) * weight.Inverse();
      read.push_back(*decoder.AtZero(points));
    }
    EXPECT_EQ(ValueOf(read), value);
  }
}

// Whoever judged their own value could answer what makes any proof hold: that place is not read.
TEST(Limits, NobodysAnswerAboutTheirOwnValueCounts) {
  constexpr std::size_t kSender = 1;
  const auto additive = Additive(5);
  const auto threshold = Threshold();
  for (const PeerSharing* const sharing : {additive.get(), threshold.get()}) {
    const SecretBytes key = SecretBytes(Bytes(32, 5));
    for (const bool is_false : {false, true}) {
      PeerShares report = ShareOf(*sharing, 140, kSender, 3);
      const std::size_t element = sharing == additive.get() ? kElement : 16;
      // The same to each of Shamir's shares moves the value; additively, one of them does.
      for (std::size_t j = 0; is_false && j < sharing->members(); ++j) {
        if (element == 16 || j == 0) Move(report.shares[j], 0, 1'000'000'000, element);
      }
      std::vector<std::optional<Bytes>> answers(sharing->members());
      for (std::size_t j = 0; j < answers.size(); ++j) {
        if (j == kSender) continue;
        answers[j] = *sharing->VerifierShare(key, report.report, kSender, j, report.shares[j]);
      }
      for (const std::optional<Bytes>& own :
           {std::optional<Bytes>(), answers[0], std::optional(Bytes(answers[0]->size()))}) {
        answers[kSender] = own;
        const auto decision = sharing->Decide(report.report, kSender, answers);
        ASSERT_TRUE(decision.has_value());
        EXPECT_EQ(decision->message.has_value(), !is_false);
        EXPECT_TRUE(decision->wrong_judges.empty());
      }
    }
  }
}

// One sends 500 for a height, the other takes the share and answers for one that makes 140 of it.
// Everybody is content, and so is who checks the transcript later.
TEST(Limits, TwoTogetherPutAFalseValueIn) {
  constexpr std::size_t kSender = 1;
  constexpr std::int64_t kMore = 360;
  std::size_t sender_place = 0;
  std::optional<std::size_t> accomplice;
  TestSession::Options options;
  options.sharing = [&](std::size_t index) {
    EditedSharing::Edits edits;
    if (index == kSender) {
      edits.share = [&](const PeerSharing& honest, PeerShares& shares, std::size_t self,
                        RandomSource& random) {
        const auto& sharing = dynamic_cast<const AdditiveSharing&>(honest);
        VdafInstance instance{.circuit = Circuit::kSum, .max_measurement = kMaximum};
        instance.shares = static_cast<std::uint8_t>(sharing.members() - 1);
        Bytes context = ToBytes("ehr-p2p-v1");
        Append(context, Bytes(16, 7));
        const std::uint64_t measurement[] = {110};
        const auto nonce = random.Array<16>();
        Shards shards = *(*Prio3::Create(instance))->Shard(context, measurement, nonce, random);
        Move(shards.input_shares[0], 0, kMore);
        shares = *sharing.Commit(std::move(shards), nonce, self, random);
        sender_place = self;
        accomplice = self == 0 ? 1 : 0;  // whose share is the first
      };
    }
    edits.judged = [&](std::size_t sender, std::size_t judge, SecretBytes& share) {
      if (sender == sender_place && judge == accomplice) Move(share, 0, -kMore);
    };
    return EditedSharing::Maker(std::move(edits));
  };
  TestSession session({{40}, {140}, {50}, {60}}, options);
  session.Run();
  ASSERT_TRUE(session.host().result().has_value());
  EXPECT_EQ(session.host().result()->sum, 40 + 140 + kMore + 50 + 60);
  for (std::size_t i = 0; i < session.size(); ++i) {
    EXPECT_FALSE(session.party(i).failure().has_value()) << i;
  }
  EXPECT_TRUE(
      CheckTranscript(session.host().transcript(), session.host_owner().certificate.fingerprint())
          .has_value());
}

// The host keeps the last sums, and asks all but one to do it again. Each is warned.
TEST(Limits, WhoKeepsTheLastSumsLearnsAValueFromASecondSession) {
  TestSession first({{170}, {181}, {165}, {160}});
  first.RunUntil(PeerStep::kSum);
  ASSERT_TRUE(first.host().result().has_value());
  first.clock().Advance(std::chrono::minutes(5));
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_FALSE(first.party(i).result().has_value());
    const auto late = first.party(i).Tick();
    ASSERT_FALSE(late.has_value());
    EXPECT_THAT(late.error().message, HasSubstr("a new session with one party less would tell it"));
  }
  TestSession second({{181}, {165}, {160}});
  second.Run();
  ASSERT_TRUE(second.host().result().has_value());
  EXPECT_EQ(*first.host().result()->sum - *second.host().result()->sum, 170);
}

// A person among others whom the host made up: nothing shows it, but who they are.
TEST(Limits, PeopleWhomTheHostInventedCountAsTheHost) {
  TestSession session({{170}, {100}, {100}, {100}});
  session.Run();
  ASSERT_TRUE(session.party(0).result().has_value());
  EXPECT_EQ(*session.host().result()->sum - 300, 170);
}

std::unique_ptr<const Prio3> LeaderAndHelper() {
  return *Prio3::Create({.circuit = Circuit::kSum, .max_measurement = kMaximum});
}

// The output shares of one report at both aggregators, whatever becomes of its proof.
std::vector<SecretBytes> BothSharesOf(std::uint64_t value) {
  SeededRandom random(4);
  const auto prio3 = LeaderAndHelper();
  const auto nonce = random.Array<16>();
  const std::uint64_t measurement[] = {value};
  const Shards shards = *prio3->Shard({}, measurement, nonce, random);
  std::vector<SecretBytes> out;
  for (const std::uint8_t aggregator : {std::uint8_t{0}, std::uint8_t{1}}) {
    auto verification =
        prio3->VerifyInit(SecretBytes(prio3->verify_key_bytes()), {}, aggregator,
                          {nonce, shards.public_share, &shards.input_shares[aggregator]});
    out.push_back(std::move(verification->state.output_share));
  }
  return out;
}

TEST(Limits, LeaderAndHelperTogetherReadAMeasurement) {
  EXPECT_EQ(LeaderAndHelper()->Unshard(BothSharesOf(140), 1)->at(0), 140u);
}

TEST(Limits, AnAggregatorCanChangeTheResultWhereItStaysPlausible) {
  std::vector<SecretBytes> shares = BothSharesOf(140);
  Move(shares[1], 0, 3);
  EXPECT_EQ(LeaderAndHelper()->Unshard(shares, 1)->at(0), 143u);
}

}  // namespace
}  // namespace salus::aggregate
