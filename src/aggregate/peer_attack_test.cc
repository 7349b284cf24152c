// Parties that lie: each is caught, and called by name, by every honest eye alike.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "aggregate/additive_sharing.h"
#include "aggregate/field_integers.h"
#include "aggregate/peer_body.h"
#include "aggregate/peer_edited_sharing.h"
#include "aggregate/peer_test_session.h"
#include "aggregate/peer_transcript.h"
#include "aggregate/share_access.h"

namespace salus::aggregate {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;

constexpr std::size_t kLiar = 1;

TestSession::Options WithLiar(EditedSharing::Edits edits) {
  TestSession::Options out;
  out.sharing = [edits = std::move(edits)](std::size_t index) -> PeerSharingMaker {
    if (index != kLiar) return MakeSharing;
    return EditedSharing::Maker(edits);
  };
  return out;
}

crypto::Hash32 HostOf(TestSession& session) {
  return session.host_owner().certificate.fingerprint();
}

// Everybody stops with a sentence that says this, and so does who reads a transcript later.
void ExpectAllSay(TestSession& session, const std::string& what, ErrorCode code) {
  ASSERT_TRUE(session.host().failure().has_value()) << "the host is content";
  EXPECT_THAT(session.host().failure()->message, HasSubstr(what));
  for (std::size_t i = 0; i < session.size(); ++i) {
    if (session.silent[i] || i == kLiar) continue;
    ASSERT_TRUE(session.party(i).failure().has_value()) << i << " is content";
    EXPECT_THAT(session.party(i).failure()->message, HasSubstr(what)) << i;
    EXPECT_EQ(session.party(i).failure()->code, code) << i;
    EXPECT_FALSE(session.party(i).result().has_value());
  }
  const auto report = CheckTranscript(session.host().transcript(), HostOf(session));
  if (code == ErrorCode::kVerificationFailed) {
    ASSERT_FALSE(report.has_value());
    EXPECT_EQ(report.error().code, code);
    EXPECT_THAT(report.error().message, HasSubstr(what));
  }
}

// The session ends with the others' values, and a sentence about the one who is left out.
void ExpectLeftOut(TestSession& session, std::int64_t sum, const std::string& what) {
  session.Run();
  ASSERT_TRUE(session.host().result().has_value())
      << (session.host().failure() ? session.host().failure()->message : "it waits");
  EXPECT_EQ(session.host().result()->sum, sum);
  EXPECT_THAT(session.host().TakeEvents(), Contains(Field(&PeerEvent::text, HasSubstr(what))));
  const auto report = CheckTranscript(session.host().transcript(), HostOf(session));
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_EQ(report->result->sum, sum);
  EXPECT_EQ(report->in_sum.size(), session.size() - 1);
  EXPECT_THAT(report->events, Contains(Field(&PeerEvent::text, HasSubstr(what))));
}

// Sum over Field64: the leader's share begins with one element for each bit. It must be 0 or 1; a
// billion more is what the course's first version took without a word.
void AddABillion(const PeerSharing& honest, PeerShares& shares, std::size_t self,
                 RandomSource& random) {
  const auto& sharing = dynamic_cast<const AdditiveSharing&>(honest);
  VdafInstance instance{.circuit = Circuit::kSum, .max_measurement = 242};
  instance.shares = static_cast<std::uint8_t>(sharing.members() - 1);
  const auto prio3 = *Prio3::Create(instance);
  Bytes context = ToBytes("ehr-p2p-v1");
  Append(context, Bytes(16, 7));
  const std::uint64_t measurement[] = {140};
  const auto nonce = random.Array<16>();
  Shards shards = *prio3->Shard(context, measurement, nonce, random);
  const MutableByteSpan first = shards.input_shares[0].mutable_view(ShareAccess::Token()).first(8);
  StoreElement((LoadElement(first) + 1'000'000'000) % FieldModulus(8), first);
  shares = *sharing.Commit(std::move(shards), nonce, self, random);
}

TEST(PeerAttack, AHeightOfABillionIsLeftOutByName) {
  TestSession session({{170}, {170}, {181}, {165}}, WithLiar({.share = AddABillion}));
  ExpectLeftOut(session, 516, "party-1's value is not what the roster allows");
}

TEST(PeerAttack, WithoutEnoughOthersNothingIsAddedUp) {
  TestSession session({{170}, {170}, {181}}, WithLiar({.share = AddABillion}));
  session.Run();
  ExpectAllSay(session, "only 2 values are left", ErrorCode::kUnavailable);
}

TEST(PeerAttack, AShareThatIsNotTheCommittedOne) {
  TestSession session({{170}, {170}, {181}, {165}},
                      WithLiar({.share = [](const PeerSharing&, PeerShares& shares,
                                            std::size_t self, RandomSource&) {
                        SecretBytes& share = shares.shares[self == 0 ? 1 : 0];
                        share.mutable_view(ShareAccess::Token())[0] ^= 1;
                      }}));
  ExpectLeftOut(session, 516, "a share that is not what it committed to, and is left out");
}

TEST(PeerAttack, MasksThatDoNotAddUpToZero) {
  TestSession session(
      {{170}, {170}, {181}, {165}},
      WithLiar({.share = [](const PeerSharing&, PeerShares& shares, std::size_t, RandomSource&) {
        shares.report.commitment[shares.report.commitment.size() - 33] ^= 1;
      }}));
  ExpectLeftOut(session, 516, "party-1's report is refused: a report's masks do not add up");
}

// The root beside a commitment saves work, and can't make another point of it.
TEST(PeerAttack, ARootThatIsNotTheCommitments) {
  for (const std::size_t at : {32u, 33u, 63u}) {
    TestSession session(
        {{170}, {170}, {181}, {165}},
        WithLiar({.share = [at](const PeerSharing&, PeerShares& shares, std::size_t,
                                RandomSource&) { shares.report.commitment[at] ^= 1; }}));
    ExpectLeftOut(session, 516, "party-1's report is refused: a report's commitment is no point");
  }
}

TEST(PeerAttack, ARefusalOfAGoodShare) {
  TestSession session({{170}, {170}, {181}, {165}},
                      WithLiar({.refuse_share = [] { return true; }}));
  session.Run();
  ExpectAllSay(session, "party-1 refused a good share", ErrorCode::kVerificationFailed);
}

// Without the sender's evidence, the sender would stand there as the liar.
TEST(PeerAttack, AWrongAnswerAboutAnHonestReport) {
  TestSession session({{170}, {170}, {181}, {165}},
                      WithLiar({.answer = [](std::size_t, Bytes& answer) { answer[3] ^= 1; }}));
  session.Run();
  ExpectAllSay(session, "party-1 gave a wrong part of a proof", ErrorCode::kVerificationFailed);
}

// The third party has the other share of the value: to show the liar's would tell it all.
TEST(PeerAttack, WithThreePartiesItIsOneWordAgainstAnother) {
  std::vector<Bytes> seen;
  auto options = WithLiar({.answer = [](std::size_t, Bytes& answer) { answer[3] ^= 1; }});
  options.sharing = [&, liars = options.sharing](std::size_t index) -> PeerSharingMaker {
    return index == 0 ? EditedSharing::Maker(EditedSharing::Watching(seen)) : liars(index);
  };
  TestSession session({{170}, {170}, {181}}, options);
  session.Run();
  ASSERT_TRUE(session.host().failure().has_value());
  EXPECT_EQ(session.host().failure()->code, ErrorCode::kUnavailable);
  EXPECT_THAT(
      session.host().TakeEvents(),
      Contains(Field(&PeerEvent::text, HasSubstr("party-0 says that party-1 answered wrongly"))));
  ASSERT_EQ(seen.size(), 3u);
  for (const Bytes& share : seen) {
    const auto part = ByteSpan(share).first(16);
    EXPECT_TRUE(std::ranges::search(session.host().transcript(), part).empty());
  }
}

TEST(PeerAttack, AnAnswerThatIsNone) {
  TestSession session({{170}, {170}, {181}, {165}},
                      WithLiar({.answer = [](std::size_t, Bytes& answer) { answer.pop_back(); }}));
  session.Run();
  ExpectAllSay(session, "party-1 gave a wrong part of the proof", ErrorCode::kVerificationFailed);
  TestSession second({{170}, {170}, {181}, {165}},
                     WithLiar({.answer = [](std::size_t, Bytes& answer) {
                       std::ranges::fill(answer, 0xff);  // not below the modulus
                     }}));
  second.Run();
  ExpectAllSay(second, "party-1 gave a wrong part of the proof", ErrorCode::kVerificationFailed);
}

TEST(PeerAttack, AWrongPartialSum) {
  for (const std::size_t at : {0u, 9u, 23u, 24u, 50u}) {
    TestSession session({{170}, {170}, {181}},
                        WithLiar({.sum = [at](Bytes& sum) { sum[at] ^= 1; }}));
    session.Run();
    ExpectAllSay(session, "party-1 sent a sum that is not that of the shares which it was given",
                 ErrorCode::kVerificationFailed);
  }
}

// Commitments to integers that no shares have, made by one and taken by another.
TEST(PeerAttack, AnIntegerThatIsTooLarge) {
  TestSession session({{170}, {170}, {181}},
                      WithLiar({.sum = [](Bytes& sum) { std::ranges::fill(sum, 0xff); }}));
  session.Run();
  ExpectAllSay(session, "party-1 sent a sum that is not that", ErrorCode::kVerificationFailed);
}

// A party can't move the sum by what it keeps for itself either: that was the flaw of letting
// parties be aggregators of their own reports.
TEST(PeerAttack, WhatAPartyKeepsIsBoundToo) {
  TestSession session({{170}, {170}, {181}},
                      WithLiar({.share = [](const PeerSharing&, PeerShares& shares,
                                            std::size_t self, RandomSource&) {
                        shares.shares[self].mutable_view(ShareAccess::Token())[0] ^= 1;
                      }}));
  session.Run();
  ExpectAllSay(session, "party-1 sent a sum that is not that", ErrorCode::kVerificationFailed);
}

TEST(PeerAttack, AnotherCoinThanTheSealedOne) {
  TestSession session({{170}, {170}, {181}});
  session.on_sent = EditBody<CoinBody>(session, kLiar, PeerStep::kCoin,
                                       [](CoinBody& body) { body.coin[0] ^= 1; });
  session.Run();
  ExpectAllSay(session, "party-1 showed another coin", ErrorCode::kVerificationFailed);
}

TEST(PeerAttack, AnotherSetThanTheReceiptsSay) {
  TestSession session({{170}, {170}, {181}});
  session.on_sent = EditBody<CoinBody>(session, kLiar, PeerStep::kCoin,
                                       [](CoinBody& body) { body.senders.pop_back(); });
  session.Run();
  ExpectAllSay(session, "party-1 did not countersign the set", ErrorCode::kVerificationFailed);
}

TEST(PeerAttack, AReceiptThatSkipsAReport) {
  TestSession session({{170}, {170}, {181}});
  session.on_sent = EditBody<ReceiptBody>(session, kLiar, PeerStep::kReceipt,
                                          [](ReceiptBody& body) { body.accepted.pop_back(); });
  session.Run();
  ExpectAllSay(session, "party-1 did not say of each report", ErrorCode::kVerificationFailed);
}

TEST(PeerAttack, AnotherVerdictThanTheProofsSay) {
  TestSession session({{170}, {170}, {181}});
  session.on_sent = EditBody<VerdictBody>(session, kLiar, PeerStep::kVerdict,
                                          [](VerdictBody& body) { body.accepted.pop_back(); });
  session.Run();
  ExpectAllSay(session, "party-1 countersigned another set of values",
               ErrorCode::kVerificationFailed);
}

// Who gave a false value may not put another's name beside it with nothing but its word.
TEST(PeerAttack, AnAccusationWithoutTheShare) {
  TestSession session({{170}, {170}, {181}, {165}}, WithLiar({.share = AddABillion}));
  const PeerId liar = session.party(kLiar).id();
  const PeerId victim = session.party(0).id();
  session.on_sent = EditBody<VerdictBody>(
      session, kLiar, PeerStep::kVerdict,
      [&](VerdictBody& body) { body.evidence.push_back({liar, victim, std::nullopt}); });
  session.Run();
  ExpectAllSay(session, "party-1 accused party-0 and did not show the share",
               ErrorCode::kVerificationFailed);
}

TEST(PeerAttack, AccusationsNeedTheCommittedShare) {
  for (const bool is_right_share : {true, false}) {
    std::vector<Bytes> seen;
    TestSession session({{170}, {170}, {181}}, WithLiar(EditedSharing::Watching(seen)));
    const PeerId liar = session.party(kLiar).id();
    const PeerId victim = liar == 0 ? 1 : 0;
    session.on_sent =
        EditBody<VerdictBody>(session, kLiar, PeerStep::kVerdict, [&](VerdictBody& body) {
          if (!is_right_share) seen[victim][0] ^= 1;
          body.evidence.push_back({liar, victim, seen[victim]});
        });
    session.Run();
    ExpectAllSay(session, "party-1 showed evidence that is not about its own report",
                 ErrorCode::kVerificationFailed);
  }
}

TestSession::Options Histogram(TestSession::Options options) {
  options.edit = [](PeerRosterFields& fields) {
    fields.statistic = PeerStatistic::kHistogram;
    fields.minimum = 0;
    fields.maximum = 3;
  };
  return options;
}

// A wrong part of the joint randomness leaves the proof's sums right, and would have every honest
// judge believe that an honest report is not.
TEST(PeerAttack, AWrongPartOfTheJointRandomness) {
  std::vector<Bytes> seen;
  auto options =
      Histogram(WithLiar({.answer = [](std::size_t, Bytes& answer) { answer.back() ^= 1; }}));
  options.sharing = [&, liars = options.sharing](std::size_t index) -> PeerSharingMaker {
    return index == 0 ? EditedSharing::Maker(EditedSharing::Watching(seen)) : liars(index);
  };
  TestSession session({{1}, {2}, {3}, {0}}, options);
  session.Run();
  ExpectAllSay(session, "party-1 gave a wrong part of the proof", ErrorCode::kVerificationFailed);
  ASSERT_EQ(seen.size(), 4u);
  for (const Bytes& share : seen) {
    const auto part = ByteSpan(share).first(16);
    EXPECT_TRUE(std::ranges::search(session.host().transcript(), part).empty());
  }
}

// The sender's side of the same: shares that are not those of its public share.
TEST(PeerAttack, APublicShareThatIsNotTheSharesOwn) {
  TestSession session(
      {{1}, {2}, {3}, {0}},
      Histogram(WithLiar({.share = [](const PeerSharing&, PeerShares& shares, std::size_t,
                                      RandomSource&) { shares.report.public_share[0] ^= 1; }})));
  session.Run();
  ASSERT_TRUE(session.host().result().has_value());
  EXPECT_EQ(session.host().result()->count, 3u);
  EXPECT_THAT(
      session.host().TakeEvents(),
      Contains(Field(&PeerEvent::text, HasSubstr("a share that is not what it committed to"))));
}

// A judge may never show a share of another's report that holds.
TEST(PeerAttack, AJudgeShowsNobodysShare) {
  std::vector<Bytes> seen;
  TestSession::Options options = Histogram({});
  options.sharing = [&](std::size_t index) -> PeerSharingMaker {
    if (index != 0) return MakeSharing;
    return EditedSharing::Maker(EditedSharing::Watching(seen));
  };
  TestSession session({{1}, {2}, {3}}, options);
  const PeerId sender = session.party(0).id();
  const PeerId liar = session.party(kLiar).id();
  session.on_sent = EditBody<VerdictBody>(
      session, kLiar, PeerStep::kVerdict,
      [&](VerdictBody& body) { body.evidence.push_back({sender, liar, seen[liar]}); });
  session.Run();
  ExpectAllSay(session, "party-1 showed evidence that is not about its own report",
               ErrorCode::kVerificationFailed);
}

}  // namespace
}  // namespace salus::aggregate
