// Hosts that cheat, parties that vanish, parcels out of turn: what the host can do is to stop.
#include "aggregate/peer_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "aggregate/peer_body.h"
#include "aggregate/peer_edited_sharing.h"
#include "aggregate/peer_test_session.h"
#include "aggregate/peer_transcript.h"
#include "aggregate/share_access.h"

namespace salus::aggregate {
namespace {

using ::testing::HasSubstr;

const std::vector<std::vector<std::int64_t>> kFour = {{170}, {181}, {165}, {160}};

// A host's parcel with another board in it, signed by that host.
Bytes EditBoard(TestSession& session, const Bytes& bytes,
                const std::function<void(PeerMessage&, BoardBody&)>& edit) {
  PeerParcel parcel = *PeerParcel::Parse(bytes);
  parcel.message = Resigned(parcel.message, session.host_owner(), [&](PeerMessage& message) {
    BoardBody body = *BoardBody::Parse(message.body);
    edit(message, body);
    message.body = body.Encode();
  });
  return parcel.Encode();
}

void ExpectFailure(const PeerParty& party, ErrorCode code, const std::string& what) {
  ASSERT_TRUE(party.failure().has_value()) << "content";
  EXPECT_EQ(party.failure()->code, code);
  EXPECT_THAT(party.failure()->message, HasSubstr(what));
}

class CrashAt : public ::testing::TestWithParam<PeerStep> {};

TEST_P(CrashAt, StopsWithAPreciseSentence) {
  TestSession session(kFour);
  session.RunUntil(static_cast<PeerStep>(static_cast<int>(GetParam()) - 1));
  session.silent[2] = true;
  session.Run();
  ASSERT_FALSE(session.host().finished());
  EXPECT_EQ(session.host().waiting_for(), std::vector<PeerId>{session.party(2).id()});
  session.PassDeadline();
  session.Run();
  const std::string what = "party-2 sent nothing in the step " +
                           std::string(PeerStepName(GetParam())) + ", and this step needs all";
  ASSERT_TRUE(session.host().failure().has_value());
  EXPECT_THAT(session.host().failure()->message, HasSubstr(what));
  for (const std::size_t i : {0u, 1u, 3u}) {
    ExpectFailure(session.party(i), ErrorCode::kUnavailable, what);
  }
  const auto report =
      CheckTranscript(session.host().transcript(), session.host_owner().certificate.fingerprint());
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_FALSE(report->result.has_value());
  EXPECT_THAT(report->events.back().text, HasSubstr(what));
}

INSTANTIATE_TEST_SUITE_P(Steps, CrashAt,
                         ::testing::Values(PeerStep::kReport, PeerStep::kReceipt, PeerStep::kCoin,
                                           PeerStep::kVerify, PeerStep::kVerdict, PeerStep::kSum),
                         [](const auto& step) { return std::string(PeerStepName(step.param)); });

TEST(PeerHost, TooFewWhoJoin) {
  TestSession session({{170}, {181}, {165}});
  session.silent[0] = true;
  session.Run();
  session.PassDeadline();
  session.Run();
  ASSERT_TRUE(session.host().failure().has_value());
  ExpectFailure(session.party(1), ErrorCode::kUnavailable, "only 2 of 3 parties joined");
}

TEST(PeerHost, ASilentHostIsNotWaitedForForEver) {
  TestSession session(kFour);
  session.RunUntil(PeerStep::kJoin);
  session.clock().Advance(std::chrono::seconds(60));
  EXPECT_TRUE(session.party(0).Tick().has_value());
  session.clock().Advance(std::chrono::seconds(31));
  const auto late = session.party(0).Tick();
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, ErrorCode::kUnavailable);
  ExpectFailure(session.party(0), ErrorCode::kUnavailable, "no board of the step join in time");
}

// Two boards of one step for two parties: whoever sees both has the proof, and whoever sees the
// answer to the other one knows that something is wrong.
TEST(PeerHost, AnEquivocatingHostIsCaught) {
  TestSession session(kFour);
  const auto without_last = [&](const Bytes& bytes) {
    return EditBoard(session, bytes, [&](PeerMessage&, BoardBody& body) {
      body.messages.pop_back();
      std::vector<PeerId> ids;
      for (PeerId id = 0; id < body.messages.size(); ++id) ids.push_back(id);
      body.conclusion = EncodeParties(ids);
    });
  };
  session.RunUntil(PeerStep::kJoin);
  const std::size_t first = session.Index(0);
  const std::size_t second = session.Index(1);
  session.on_received = [&](std::size_t party, PeerStep step, const Bytes& bytes) {
    return party == first && step == PeerStep::kJoin ? without_last(bytes) : bytes;
  };
  session.Run();
  // An honest host has no use for an answer to a board that it never showed.
  ASSERT_TRUE(session.host_answers[first].has_value());
  EXPECT_THAT(session.host_answers[first]->message, HasSubstr("was shown another board"));
  EXPECT_FALSE(session.host().finished());

  // Two who compare what they kept:
  const auto fingerprint = session.host_owner().certificate.fingerprint();
  const auto compared = CompareTranscripts(session.party(first).transcript(),
                                           session.party(second).transcript(), fingerprint);
  ASSERT_FALSE(compared.has_value());
  EXPECT_EQ(compared.error().code, ErrorCode::kVerificationFailed);
  EXPECT_THAT(compared.error().message, HasSubstr("two boards of the step join"));
  EXPECT_TRUE(CompareTranscripts(session.host().transcript(), session.party(second).transcript(),
                                 fingerprint)
                  .has_value());

  // The one who is shown both boards:
  const Bytes real = *session.host().ParcelFor(0, PeerStep::kJoin);
  const auto both = session.party(first).Handle(real);
  ASSERT_FALSE(both.has_value());
  ExpectFailure(session.party(first), ErrorCode::kVerificationFailed,
                "the host signed two boards of the step join");
  const auto report = CheckTranscript(session.party(first).transcript(),
                                      session.host_owner().certificate.fingerprint());
  ASSERT_FALSE(report.has_value());
  EXPECT_THAT(report.error().message, HasSubstr("the host signed two boards"));
  EXPECT_FALSE(session.party(second).failure().has_value());
}

TEST(PeerHost, AnAnswerToAnotherBoardShowsOnTheNext) {
  TestSession session(kFour);
  session.RunUntil(PeerStep::kReport);
  const std::size_t victim = session.Index(2);
  session.on_received = [&](std::size_t party, PeerStep step, const Bytes& bytes) {
    if (party != victim || step != PeerStep::kReport) return bytes;
    return EditBoard(session, bytes, [&](PeerMessage&, BoardBody& body) {
      body.messages[0] = Resigned(body.messages[0], session.owner(session.Index(0)),
                                  [](PeerMessage& message) { message.seen[0] ^= 1; });
    });
  };
  session.Run();
  ExpectFailure(session.party(victim), ErrorCode::kVerificationFailed,
                session.Name(session.Index(0)) + ": was shown another board");
}

TEST(PeerHost, AChangedRosterIsCaught) {
  TestSession session(kFour);
  session.on_received = [&](std::size_t, PeerStep step, const Bytes& bytes) {
    if (step != PeerStep::kReceipt) return bytes;
    return EditBoard(session, bytes,
                     [](PeerMessage& message, BoardBody&) { message.roster[0] ^= 1; });
  };
  session.Run();
  ExpectFailure(session.party(0), ErrorCode::kVerificationFailed,
                "the host: the message names another roster");
}

TEST(PeerHost, AWrongConclusionIsCaught) {
  for (const PeerStep at : {PeerStep::kJoin, PeerStep::kReport, PeerStep::kReceipt,
                            PeerStep::kVerify, PeerStep::kVerdict, PeerStep::kSum}) {
    TestSession session(kFour);
    session.on_received = [&](std::size_t, PeerStep step, const Bytes& bytes) {
      if (step != at) return bytes;
      return EditBoard(session, bytes,
                       [](PeerMessage&, BoardBody& body) { body.conclusion.back() ^= 1; });
    };
    session.Run();
    ExpectFailure(session.party(0), ErrorCode::kVerificationFailed,
                  "the host's conclusion of the step " + std::string(PeerStepName(at)));
    EXPECT_FALSE(session.party(0).result().has_value());
  }
}

// A host that forges a party's part of a proof, or its sum, has not its key.
TEST(PeerHost, AForgedMessageIsCaught) {
  TestSession session(kFour);
  session.on_received = [&](std::size_t, PeerStep step, const Bytes& bytes) {
    if (step != PeerStep::kSum) return bytes;
    return EditBoard(session, bytes, [&](PeerMessage&, BoardBody& body) {
      body.messages[1] = Resigned(body.messages[1], session.host_owner(),
                                  [](PeerMessage& message) { message.body[0] ^= 1; });
    });
  };
  session.Run();
  ExpectFailure(session.party(0), ErrorCode::kVerificationFailed,
                "not signed with the key in the roster");
}

TEST(PeerHost, ALostOrChangedShareOnlyDropsItsSender) {
  TestSession session(kFour);
  const std::size_t judge = session.Index(3);
  session.on_received = [&](std::size_t party, PeerStep step, const Bytes& bytes) {
    if (party != judge || step != PeerStep::kReport) return bytes;
    PeerParcel parcel = *PeerParcel::Parse(bytes);
    parcel.shares.erase(parcel.shares.begin());
    return parcel.Encode();
  };
  session.Run();
  ASSERT_TRUE(session.host().result().has_value());
  EXPECT_EQ(session.host().result()->count, 3u);
}

TEST(PeerHost, ParcelsAgainAndOutOfTurn) {
  TestSession session(kFour);
  session.RunUntil(PeerStep::kReceipt);
  PeerParty& party = session.party(0);
  const auto again = *session.host().ParcelFor(party.id(), PeerStep::kReceipt);
  const auto first = party.Handle(again);
  const auto second = party.Handle(again);
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_EQ(*first, *second);  // the same answer, not a second signature

  const auto old = party.Handle(*session.host().ParcelFor(party.id(), PeerStep::kJoin));
  ASSERT_FALSE(old.has_value());
  EXPECT_EQ(old.error().code, ErrorCode::kFailedPrecondition);
  const auto fingerprint = session.owner(0).certificate.fingerprint();
  EXPECT_TRUE(session.host().Handle(fingerprint, **first).has_value());
  EXPECT_TRUE(session.host().Handle(fingerprint, **first).has_value());
  EXPECT_EQ(session.host().Handle(fingerprint, party.Join()).error().code,
            ErrorCode::kFailedPrecondition);
  const auto garbage = party.Handle(Bytes{1, 2, 3});
  ASSERT_FALSE(garbage.has_value());
  EXPECT_EQ(garbage.error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(party.failure().has_value());
  session.Run();
  EXPECT_TRUE(session.host().result().has_value());
}

TEST(PeerHost, ABoardOfTheFutureWaits) {
  TestSession session(kFour);
  session.RunUntil(PeerStep::kJoin);
  PeerParty& party = session.party(0);
  const Bytes future =
      EditBoard(session, *session.host().ParcelFor(party.id(), PeerStep::kJoin),
                [](PeerMessage& message, BoardBody&) { message.step = PeerStep::kCoin; });
  const auto handled = party.Handle(future);
  ASSERT_FALSE(handled.has_value());
  EXPECT_EQ(handled.error().code, ErrorCode::kFailedPrecondition);
  session.Run();
  EXPECT_TRUE(session.host().result().has_value());
}

TEST(PeerHost, ASecondMessageInOneStep) {
  TestSession session(kFour);
  session.Deliver(0);
  const Bytes other = [&] {
    PeerParcel parcel = *PeerParcel::Parse(session.party(0).Join());
    parcel.message = Resigned(parcel.message, session.owner(0), [](PeerMessage& message) {
      JoinBody body = *JoinBody::Parse(message.body);
      body.coin_commitment[0] ^= 1;
      message.body = body.Encode();
    });
    return parcel.Encode();
  }();
  const auto taken = session.host().Handle(session.owner(0).certificate.fingerprint(), other);
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().code, ErrorCode::kVerificationFailed);
  session.Run();
  EXPECT_TRUE(session.host().result().has_value());
}

TEST(PeerHost, WrongCertificates) {
  TestSession session(kFour);
  SeededRandom random(99);
  const PeerOwner stranger = NewOwner(random);
  const auto host = session.host_owner().certificate.fingerprint();
  const auto create = [&](const crypto::Hash32& pinned, PeerOwner own) {
    const auto made = PeerParty::Create(session.host().signed_roster(), pinned, std::move(own),
                                        {170}, random, session.clock());
    return made ? std::optional<ErrorCode>() : std::optional(made.error().code);
  };
  EXPECT_EQ(create(host, CloneOf(stranger)), ErrorCode::kPermissionDenied);
  EXPECT_EQ(create(stranger.certificate.fingerprint(), CloneOf(session.owner(0))),
            ErrorCode::kVerificationFailed);
  EXPECT_EQ(create(host, {session.owner(0).certificate, stranger.key.Clone()}),
            ErrorCode::kFailedPrecondition);
  EXPECT_EQ(create(host, CloneOf(session.owner(0))), std::nullopt);

  // A message on another's connection, and one that names another's certificate.
  EXPECT_EQ(session.host()
                .Handle(session.owner(1).certificate.fingerprint(), session.party(0).Join())
                .error()
                .code,
            ErrorCode::kPermissionDenied);
  EXPECT_EQ(session.host()
                .Handle(stranger.certificate.fingerprint(), session.party(0).Join())
                .error()
                .code,
            ErrorCode::kPermissionDenied);
  PeerParcel parcel = *PeerParcel::Parse(session.party(0).Join());
  parcel.message = Resigned(parcel.message, stranger, [&](PeerMessage& message) {
    JoinBody body = *JoinBody::Parse(message.body);
    body.certificate = ToBytes(stranger.certificate.der());
    message.body = body.Encode();
  });
  const auto taken =
      session.host().Handle(session.owner(0).certificate.fingerprint(), parcel.Encode());
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().code, ErrorCode::kVerificationFailed);
}

// What all see and what each keeps: no share of an honest value is in any transcript, and each
// travels to one party only, under a key that this party made for the session.
TEST(PeerHost, NoTranscriptHoldsAShare) {
  std::vector<Bytes> shares;
  TestSession::Options options;
  options.sharing = [&](std::size_t) {
    return EditedSharing::Maker(
        {.share = [&](const PeerSharing&, PeerShares& made, std::size_t, RandomSource&) {
          for (const SecretBytes& share : made.shares) {
            shares.push_back(ToBytes(share.view(ShareAccess::Token())));
          }
        }});
  };
  TestSession session(kFour, options);
  session.Run();
  ASSERT_TRUE(session.host().result().has_value());
  ASSERT_EQ(shares.size(), 16u);
  for (std::size_t i = 0; i <= session.size(); ++i) {
    const Bytes& transcript =
        i < session.size() ? session.party(i).transcript() : session.host().transcript();
    std::size_t sealed_to_me = 0;
    const auto items = ReadTranscript(transcript);
    ASSERT_TRUE(items.has_value());
    for (const ByteSpan item : *items) {
      const auto message = PeerEnvelope::Parse(item);
      if (message && message->message.recipient && i < session.size() &&
          *message->message.recipient == session.party(i).id()) {
        ++sealed_to_me;
      }
    }
    EXPECT_EQ(sealed_to_me, i < session.size() ? 3u : 0u);
    for (const Bytes& share : shares) {
      for (std::size_t at = 0; at + 16 <= share.size(); at += 8) {
        const auto part = ByteSpan(share).subspan(at, 16);
        EXPECT_TRUE(std::ranges::search(transcript, part).empty()) << i << " " << at;
      }
    }
  }
}

}  // namespace
}  // namespace salus::aggregate
