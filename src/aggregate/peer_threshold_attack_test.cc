// Attacks on sums with a threshold: up to t parties, and the host with them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "aggregate/field128.h"
#include "aggregate/peer_edited_sharing.h"
#include "aggregate/peer_test_session.h"
#include "aggregate/peer_transcript.h"
#include "aggregate/peer_view.h"
#include "aggregate/share_access.h"
#include "base/check.h"

namespace salus::aggregate {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::size_t kLiar = 1;
constexpr std::size_t kDegree = 3;  // of seven
const std::vector<std::vector<std::int64_t>> kSeven = {{170}, {181}, {165}, {160},
                                                       {175}, {190}, {155}};
constexpr std::int64_t kSum = 1196;

TestSession::Options With(EditedSharing::Edits edits) {
  TestSession::Options out;
  out.edit = [](PeerRosterFields& fields) {
    fields.threshold = true;
    fields.minimum_parties = static_cast<std::uint32_t>(LeastValues(fields.parties.size(), true));
  };
  out.sharing = [edits = std::move(edits)](std::size_t index) -> PeerSharingMaker {
    return index == kLiar ? EditedSharing::Maker(edits) : MakeSharing;
  };
  return out;
}

// Adds to the first element of each share, whose member has the point x.
void AddToShares(PeerShares& shares, const std::function<Field128(Field128 x)>& what) {
  for (std::size_t i = 0; i < shares.shares.size(); ++i) {
    const auto element = shares.shares[i].mutable_view(ShareAccess::Token()).first(16);
    Field128 value;
    CHECK(Field128::Decode(element.data(), value));
    (value + what(Field128::FromUint64(i + 1))).Encode(element.data());
  }
}

// A value out of range, whose shares the liar remembers.
EditedSharing::Edits FalseValue(std::vector<Bytes>& seen) {
  return {.share = [&seen](const PeerSharing& sharing, PeerShares& shares, std::size_t self,
                           RandomSource& random) {
    AddToShares(shares, [](Field128) { return Field128::FromUint64(1'000'000'000); });
    EditedSharing::Watching(seen).share(sharing, shares, self, random);
  }};
}

void RunWithLosses(TestSession& session) {
  session.Run();
  while (!session.host().finished()) {
    session.PassDeadline();
    session.Run();
  }
}

// Who reads the transcript later sees the same sum, and these sentences.
std::vector<PeerEvent> ExpectSum(TestSession& session, std::int64_t sum) {
  const auto report =
      CheckTranscript(session.host().transcript(), session.host_owner().certificate.fingerprint());
  EXPECT_TRUE(report.has_value()) << report.error().message;
  if (!report) return {};
  EXPECT_TRUE(report->result.has_value())
      << (session.host().failure() ? session.host().failure()->message : "");
  if (report->result) {
    EXPECT_EQ(report->result->sum, sum);
  }
  return report->events;
}

auto Says(const std::string& what) { return Contains(Field(&PeerEvent::text, HasSubstr(what))); }

TEST(PeerThresholdAttack, AnAccusationWithoutTheShare) {
  std::vector<Bytes> seen;
  TestSession session(kSeven, With(FalseValue(seen)));
  const PeerId liar = session.party(kLiar).id(), victim = session.party(0).id();
  session.on_sent = EditBody<VerdictBody>(
      session, kLiar, PeerStep::kVerdict,
      [&](VerdictBody& body) { body.evidence.push_back({liar, victim, std::nullopt}); });
  RunWithLosses(session);
  const auto events = ExpectSum(session, kSum - 181);
  EXPECT_THAT(events, Says("party-1 accused party-0 and did not show the share"));
  EXPECT_THAT(events, Says("party-1's value is not what the roster allows"));
  EXPECT_THAT(events, Not(Says("one of them lies")));
}

// A share of somebody who never answered is no excuse.
TEST(PeerThresholdAttack, AnAccusationOfWhoWasLost) {
  std::vector<Bytes> seen;
  TestSession session(kSeven, With(FalseValue(seen)));
  const PeerId liar = session.party(kLiar).id(), lost = session.party(3).id();
  session.on_sent = EditBody<VerdictBody>(
      session, kLiar, PeerStep::kVerdict,
      [&](VerdictBody& body) { body.evidence.push_back({liar, lost, seen[lost]}); });
  session.RunUntil(PeerStep::kCoin);
  session.silent[3] = true;
  session.Run();
  session.PassDeadline();
  session.Run();
  ASSERT_TRUE(session.host().failure().has_value());  // six were just enough
  const auto events = session.host().TakeEvents();
  EXPECT_THAT(events, Says("party-1 accused party-3, who did not answer"));
  EXPECT_THAT(events, Says("party-1's value is not what the roster allows"));
}

// Spoils the proof of one value only.
EditedSharing::Edits SpoilProofOf(const PeerId& victim) {
  return {.answer = [&victim](std::size_t sender, Bytes& answer) {
    if (sender == victim) answer[3] ^= 1;
  }};
}

TEST(PeerThresholdAttack, OneSpoiledProofCostsOneValue) {
  PeerId victim = 0;
  TestSession session(kSeven, With(SpoilProofOf(victim)));
  victim = session.party(0).id();
  RunWithLosses(session);
  const auto events = ExpectSum(session, kSum - 170);
  EXPECT_THAT(events, Says("party-1 gave a wrong part of a proof"));
  EXPECT_THAT(events, Says("party-0's value is left out: its proof was spoiled"));
}

// Whoever is kept from answering can't show who spoiled its proof, and is not called a liar.
TEST(PeerThresholdAttack, AnHonestSenderThatIsLostIsNotBlamed) {
  PeerId victim = 0;
  TestSession session(kSeven, With(SpoilProofOf(victim)));
  victim = session.party(0).id();
  session.RunUntil(PeerStep::kVerify);
  session.silent[0] = true;
  RunWithLosses(session);
  const auto events = ExpectSum(session, kSum - 170);
  EXPECT_THAT(events, Says("party-0's value is left out: its proof was spoiled, or fails"));
  EXPECT_THAT(events, Not(Says("party-0's value is not what the roster allows")));
}

// A liar that is expelled for another lie first, or vanishes, has answered all the same: the
// evidence of its victim stands.
TEST(PeerThresholdAttack, TheSecondLieHidesNotTheFirst) {
  for (const bool vanishes : {false, true}) {
    for (const PeerId number : {PeerId{0}, PeerId{6}}) {
      PeerId victim = number;
      TestSession session(kSeven, With(SpoilProofOf(victim)));
      if (session.party(kLiar).id() == number) continue;
      session.RunUntil(PeerStep::kVerify);
      session.silent[kLiar] = vanishes;
      session.on_sent = EditBody<VerdictBody>(session, kLiar, PeerStep::kVerdict,
                                              [](VerdictBody& body) { body.accepted.pop_back(); });
      RunWithLosses(session);
      const std::size_t index = session.Index(number);
      const auto events = ExpectSum(session, kSum - kSeven[index][0]);
      EXPECT_THAT(events, Says("party-1 gave a wrong part of a proof"));
      EXPECT_THAT(events, Not(Says(session.Name(index) + " accused")));
    }
  }
}

TEST(PeerThresholdAttack, ARefusalOfAGoodShare) {
  TestSession session(kSeven, With({.refuse_share = [] { return true; }}));
  RunWithLosses(session);
  EXPECT_THAT(ExpectSum(session, kSum), Says("party-1 refused a good share"));
}

TEST(PeerThresholdAttack, APolynomialOfAHigherDegree) {
  TestSession session(
      kSeven,
      With({.share = [](const PeerSharing&, PeerShares& shares, std::size_t, RandomSource&) {
        AddToShares(shares, [](Field128 x) { return x.Power(kDegree + 1); });
      }}));
  RunWithLosses(session);
  EXPECT_THAT(ExpectSum(session, kSum - 181), Says("party-1's value is not what the roster"));
}

// Sealing to such a key fails, which would have stopped everybody who shares with its owner.
TEST(PeerThresholdAttack, AShareKeyOfSmallOrder) {
  TestSession session(kSeven, With({}));
  session.on_sent = EditBody<JoinBody>(session, kLiar, PeerStep::kJoin,
                                       [](JoinBody& body) { body.share_key.fill(0); });
  session.Run();
  ASSERT_TRUE(session.host_answers[kLiar].has_value());
  EXPECT_THAT(session.host_answers[kLiar]->message, HasSubstr("party-1: a party's share key"));
  session.silent[kLiar] = true;
  RunWithLosses(session);
  ExpectSum(session, kSum - 181);
}

// The host has the last sums before anybody else, and can say that it has not.
TEST(PeerThresholdAttack, AHostThatKeepsTheSumsToItself) {
  TestSession session(kSeven, With({}));
  session.RunUntil(PeerStep::kVerdict);
  ASSERT_TRUE(session.Deliver(0));
  session.clock().Advance(std::chrono::hours(1));
  const auto overdue = session.party(0).Tick();
  ASSERT_FALSE(overdue.has_value());
  EXPECT_THAT(overdue.error().message, HasSubstr("the host may know the sum"));

  session.silent[2] = session.silent[5] = true;
  session.Run();
  session.host().Tick();
  session.Run();
  ASSERT_TRUE(session.party(3).failure().has_value());
  EXPECT_THAT(session.party(3).failure()->message, HasSubstr("the host may know the sum"));
}

// What a party adds to its sum so that the sums of three honest parties do not show it.
std::function<void(Bytes&)> InConcert(std::size_t member, const std::vector<std::size_t>& honest) {
  return [member, honest](Bytes& sum) {
    Field128 value, shift = Field128::One();
    CHECK(Field128::Decode(sum.data(), value));
    for (const std::size_t other : honest) {
      shift *= Field128::FromUint64(member + 1) - Field128::FromUint64(other + 1);
    }
    (value + shift).Encode(sum.data());
  };
}

// Of seven sums one wrong one is corrected. Two that fit each other are noticed, which is all that
// a code of this distance can do: three would have the fourth honest sum look like the wrong one.
TEST(PeerThresholdAttack, TwoWrongSumsInConcertAreNoticed) {
  TestSession::Options options = With({});
  std::vector<std::function<void(Bytes&)>> edits(kSeven.size());
  options.sharing = [&edits](std::size_t index) {
    return EditedSharing::Maker({.sum = [&edits, index](Bytes& sum) {
      if (edits[index]) edits[index](sum);
    }});
  };
  TestSession session(kSeven, options);
  for (const PeerId liar : {PeerId{0}, PeerId{1}}) {
    edits[session.Index(liar)] = InConcert(liar, {2, 3, 4});
  }
  session.Run();
  ASSERT_TRUE(session.host().failure().has_value());
  EXPECT_THAT(session.host().failure()->message, HasSubstr("contradict each other"));
}

// Flips a bit of the body of one message that the liar sends, or of one of its shares, and signs.
Bytes Damaged(const Bytes& bytes, const PeerOwner& owner, SeededRandom& random) {
  PeerParcel parcel = *PeerParcel::Parse(bytes);
  Bytes* damaged = &parcel.message;
  if (!parcel.shares.empty() && random.Below(2) == 0) {
    damaged = &parcel.shares[random.Below(parcel.shares.size())];
  }
  *damaged = Resigned(*damaged, owner, [&](PeerMessage& message) {
    message.body[random.Below(message.body.size())] ^=
        static_cast<std::uint8_t>(1u << random.Below(8));
  });
  return parcel.Encode();
}

// Whatever one party sends: nobody else is named alone, and a sum is that of the values in it.
TEST(PeerThresholdAttack, OneLiarHasNobodyElseNamed) {
  int sums = 0;
  for (std::uint64_t seed = 0; seed < 24; ++seed) {
    SeededRandom random(seed);
    const auto at = static_cast<PeerStep>(2 + seed % 6);
    TestSession session(kSeven, With({}));
    session.on_sent = [&](std::size_t party, PeerStep step, const Bytes& bytes) {
      if (party != kLiar || step != at) return bytes;
      return Damaged(bytes, session.owner(kLiar), random);
    };
    RunWithLosses(session);
    const auto report = CheckTranscript(session.host().transcript(),
                                        session.host_owner().certificate.fingerprint());
    for (const PeerEvent& event : report ? report->events : session.host().TakeEvents()) {
      for (std::size_t i = 0; i < kSeven.size(); ++i) {
        if (i == kLiar || !event.text.starts_with(session.Name(i))) continue;
        // Of a share that does not open two are named: who sent it, and who says so. Whose proof
        // was spoiled is not blamed for it.
        EXPECT_THAT(event.text, AnyOf(HasSubstr(session.Name(kLiar)), HasSubstr("was spoiled")))
            << seed;
      }
    }
    if (!report || !report->result) continue;
    ++sums;
    std::int64_t expected = 0;
    for (const PeerId id : report->in_sum) expected += kSeven[session.Index(id)][0];
    EXPECT_EQ(report->result->sum, expected) << seed;
  }
  EXPECT_GT(sums, 12);
}

// Story is what one half of the honest parties is shown, by a host that has three others with it.
struct Story {
  Story(const TestSession& session, PeerHost& host, PeerStep last)
      : view(*SignedPeerRoster::Verify(host.signed_roster(),
                                       session.host_owner().certificate.fingerprint()),
             MakeSharing) {
    for (int step = 1; step <= static_cast<int>(last); ++step) {
      const auto parcel = PeerParcel::Parse(*host.ParcelFor(0, static_cast<PeerStep>(step)));
      CHECK(view.Accept(*PeerEnvelope::Parse(parcel->message)).has_value());
    }
  }

  // The board of the open step, as the host would sign it.
  Bytes Close(const std::vector<Bytes>& messages, const TestSession& session) {
    BoardBody body{.messages = messages, .conclusion = {}};
    std::vector<PeerEnvelope> read;
    for (const Bytes& message : messages) read.push_back(*PeerEnvelope::Parse(message));
    const PeerStep step = view.step();
    body.conclusion = view.Conclude(read).value();
    const PeerRoster& roster = view.roster().roster;
    const PeerEnvelope board = PeerEnvelope::Sign({.session = roster.fields().session,
                                                   .roster = roster.hash(),
                                                   .step = step,
                                                   .sender = kPeerHost,
                                                   .previous = view.last_board(),
                                                   .body = body.Encode()},
                                                  session.host_owner().key);
    view.set_board(board.hash);
    return PeerParcel{.message = board.bytes, .shares = {}}.Encode();
  }

  PeerView view;
  std::vector<Bytes> next;  // messages that may stand on the next board
};

// Deviation is what the first of the three says in the second story, and what all three say there
// in the step after it.
struct Deviation {
  PeerStep step;
  std::function<Bytes(ByteSpan body)> first;
  std::function<Bytes(ByteSpan body)> next;
};

Bytes MessageOf(TestSession& session, PeerId id, const Bytes& parcel) {
  const auto answer = session.party(session.Index(id)).Handle(parcel);
  CHECK(answer.has_value() && answer->has_value());
  return PeerParcel::Parse(**answer)->message;
}

// How many of the two stories get past the step after the deviation, when the honest parties whose
// bit is set are told the first one.
int StoriesThatGoOn(unsigned told_first, const Deviation& deviation) {
  TestSession session(kSeven, With({}));
  const auto before = static_cast<PeerStep>(static_cast<int>(deviation.step) - 1);
  session.RunUntil(before);
  Story one(session, session.host(), before), other(session, session.host(), before);
  std::vector<Bytes> messages;
  for (PeerId id = 0; id < 7; ++id) {
    messages.push_back(MessageOf(session, id, *session.host().ParcelFor(id, before)));
  }
  const Bytes first = one.Close(messages, session);
  messages[0] = Resigned(messages[0], session.owner(session.Index(0)),
                         [&](PeerMessage& m) { m.body = deviation.first(m.body); });
  const Bytes second = other.Close(messages, session);
  for (PeerId id = 0; id < 7; ++id) {
    const bool is_with_host = id < kDegree;
    const bool is_told_first = is_with_host || (told_first >> (id - kDegree) & 1) != 0;
    const Bytes message = MessageOf(session, id, is_told_first ? first : second);
    (is_told_first ? one : other).next.push_back(message);
    if (!is_with_host) continue;
    other.next.push_back(Resigned(message, session.owner(session.Index(id)), [&](PeerMessage& m) {
      m.seen = other.view.last_board();
      m.previous = PeerEnvelope::Parse(messages[id])->hash;
      m.body = deviation.next(m.body);
    }));
  }
  int go_on = 0;
  for (Story* const story : {&one, &other}) {
    std::vector<PeerEnvelope> next;
    for (const Bytes& message : story->next) {
      next.push_back(*PeerEnvelope::Parse(message));
      EXPECT_TRUE(story->view.CheckMessage(next.back()).has_value());
    }
    if (story->view.Conclude(next)) ++go_on;
  }
  return go_on;
}

// The deviations make two sets of values: a share of the last party's value refused without a
// reason, so that there were two verify keys; its proof spoiled, so that there were two sums.
const Deviation kTwoKeys = {PeerStep::kReceipt,
                            [](ByteSpan bytes) {
                              ReceiptBody body = *ReceiptBody::Parse(bytes);
                              body.refused.push_back({body.accepted.back(), std::nullopt});
                              body.accepted.pop_back();
                              return body.Encode();
                            },
                            [](ByteSpan bytes) {
                              CoinBody body = *CoinBody::Parse(bytes);
                              body.senders.pop_back();
                              return body.Encode();
                            }};
const Deviation kTwoSums = {PeerStep::kVerify,
                            [](ByteSpan bytes) {
                              VerifyBody body = *VerifyBody::Parse(bytes);
                              body.verifier_shares.back()[3] ^= 1;
                              return body.Encode();
                            },
                            [](ByteSpan bytes) {
                              VerdictBody body = *VerdictBody::Parse(bytes);
                              body.accepted.pop_back();
                              return body.Encode();
                            }};

TEST(PeerThresholdAttack, AHostAndTPartiesHaveOneSetTestedAndSummed) {
  for (const unsigned told_first : {0b1111u, 0b0111u, 0b0011u, 0b0001u, 0b0000u}) {
    const int honest = std::popcount(told_first);
    // The coins need all, a set of verdicts six of the seven.
    EXPECT_EQ(StoriesThatGoOn(told_first, kTwoKeys), honest % 4 == 0 ? 1 : 0) << honest;
    EXPECT_EQ(StoriesThatGoOn(told_first, kTwoSums), honest == 2 ? 0 : 1) << honest;
  }
}

}  // namespace
}  // namespace salus::aggregate
