// An operator who lies in grants, brackets and times, and signs it all.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>
#include <chrono>

#include "audit/audit_fixture.h"
#include "audit/lying_server.h"
#include "merkle/hash.h"
#include "tlog/checkpoint.h"

namespace salus::audit {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

class HostileGrantsTest : public testing::Test, public AuditFixture {
 protected:
  void SetUp() override {
    Register(anna);
    RegisterAuditor(otto);
    RegisterAuditor(olga);
    SetMandate(otto, {anna.subject});
    Events(anna.subject, 2);
    asked = QuestionOf(anna.subject);
    truth = Answer(anna, asked);
    query_leaf = truth.query_leaf;
    const ReaderKeys keys = KeysOf(anna);
    auto verified = VerifyHistory(VerifyAs(asked, keys), truth);
    ASSERT_TRUE(verified) << verified.error().message;
    history = *std::move(verified);
    for (const VerifiedEntry& other : history.others) {
      if (other.grant) last_grant = &other;
    }
    ASSERT_NE(last_grant, nullptr);
  }

  // The answer with the last grant replaced by one of the same key that says something else.
  struct Grant {
    GrantType type = GrantType::kEpochKey;
    Day day;
    Subject subject;
    std::vector<DayKeyReader> readers;
    std::uint64_t policy_index;
  };
  Grant True() const {
    const GrantPlaintext& grant = *last_grant->grant;
    return {grant.type, FromUnixDay(grant.day), anna.subject, {}, grant.policy_index};
  }
  HistoryAnswer WithGrant(const Grant& grant, const LyingServer& server) {
    LyingServer liar = server;
    const auto entry =
        SealGrant(origin, grant.type, last_grant->grant->key, history.tag, grant.day, grant.subject,
                  anna.key.public_key(), grant.readers, grant.policy_index, random);
    EXPECT_TRUE(entry);
    liar.entries[last_grant->index.value].entry = entry->entry;
    return liar.Answer(anna.subject, query_leaf, 0);
  }
  // Another question under the same checkpoint.
  HistoryAnswer Same(const HistoryQuestion& question) {
    return *historian->Answer(anna.subject, question);
  }
  Result<VerifiedHistory> VerifyAsAnna(const HistoryAnswer& answer) {
    const ReaderKeys keys = KeysOf(anna);
    return VerifyHistory(VerifyAs(asked, keys), answer);
  }
  void ExpectRefused(const Result<VerifiedHistory>& result, const std::string& why) {
    ASSERT_FALSE(result) << why;
    EXPECT_EQ(result.error().code, ErrorCode::kVerificationFailed);
    EXPECT_THAT(result.error().message, HasSubstr(why));
  }

  const Person anna = MakePatient("anna");
  const Person otto = MakeAuditor("otto");
  const Person olga = MakeAuditor("olga");
  HistoryQuestion asked;
  HistoryAnswer truth;
  merkle::LeafHash query_leaf;  // of whoever asks
  VerifiedHistory history;
  const VerifiedEntry* last_grant = nullptr;
};

TEST_F(HostileGrantsTest, AGrantSaysWhatItMust) {
  const LyingServer server(*this);
  ASSERT_TRUE(VerifyAsAnna(WithGrant(True(), server)));
  Grant grant = True();
  grant.type = GrantType::kDayKey;
  ExpectRefused(VerifyAsAnna(WithGrant(grant, server)), "day key");
  grant = True();
  grant.day += days(1);
  ExpectRefused(VerifyAsAnna(WithGrant(grant, server)), "not logged on that day");
  grant = True();
  grant.policy_index = 0;
  ExpectRefused(VerifyAsAnna(WithGrant(grant, server)), "readers of then would read on");
  grant = True();
  grant.policy_index = last_grant->index.value - 1;
  EXPECT_FALSE(VerifyAsAnna(WithGrant(grant, server)).has_value() &&
               grant.policy_index != True().policy_index);
  grant = True();
  ++grant.policy_index;
  ExpectRefused(VerifyAsAnna(WithGrant(grant, server)), "hidden");
  grant = True();
  grant.subject = otto.subject;
  ExpectRefused(VerifyAsAnna(WithGrant(grant, server)), "first reader");
  grant = True();
  SecretArray<32> key;
  grant.readers = {{otto.subject, &key}, {otto.subject, &key}};
  ExpectRefused(VerifyAsAnna(WithGrant(grant, server)), "one twice");
  grant.readers = {{MakePatient("bert").subject, &key}};
  ExpectRefused(VerifyAsAnna(WithGrant(grant, server)), "no auditor");
}

TEST_F(HostileGrantsTest, AnAuditorIsNotLeftOut) {
  Result<JoinedHistory> joined = Joined(otto);
  ASSERT_TRUE(joined) << joined.error().message;
  ASSERT_EQ(joined->keys.mandates.size(), 1u);
  EXPECT_EQ(joined->keys.day_keys.size(), 1u);
  query_leaf = Answer(otto, asked).query_leaf;
  Checkpoint();
  const LyingServer server(*this);
  const auto verify = [&](const HistoryAnswer& answer) {
    return VerifyHistory(VerifyAs(asked, joined->keys), answer);
  };
  ExpectRefused(verify(server.Answer(anna.subject, truth.query_leaf, 0)), "another name");
  const auto opened = verify(server.Answer(anna.subject, query_leaf, 0));
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->events.size(), 2u);
  ExpectRefused(verify(WithGrant(True(), server)), "mandate covers it");
  // Behind the own chain as it was read the day key may be a newer one: no accusation yet.
  const auto read_to = joined->keys.own_chain_size;
  joined->keys.own_chain_size = merkle::TreeSize{last_grant->index.value};
  const auto newer = verify(WithGrant(True(), server));
  ASSERT_TRUE(newer) << newer.error().message;
  EXPECT_EQ(opened->newer_than_keys, 0u);
  EXPECT_EQ(newer->newer_than_keys, 1u);
  joined->keys.own_chain_size = read_to;
  // Under its day key, but in the name of somebody else.
  Grant grant = True();
  grant.readers = {{olga.subject, &joined->keys.day_keys[0]}};
  ExpectRefused(verify(WithGrant(grant, server)), "does not name it");
  grant.readers = {{otto.subject, &joined->keys.day_keys[0]}};
  EXPECT_TRUE(verify(WithGrant(grant, server)));
}

TEST_F(HostileGrantsTest, AnEndedMandateIsNoAccusation) {
  clock.Advance(hours(1));
  SetMandate(otto, {});
  Events(anna.subject, 2);
  clock.Advance(days(1));
  SetMandate(otto, {anna.subject}, DayOf(clock.Now()));
  Events(anna.subject, 1);
  clock.Advance(days(1));
  Events(anna.subject, 1);
  Checkpoint();
  Result<JoinedHistory> joined = Joined(otto);
  ASSERT_TRUE(joined) << joined.error().message;
  EXPECT_EQ(historian->Answer(otto.subject, asked).error().code, ErrorCode::kPermissionDenied);
  const LyingServer server(*this);
  const auto opened = VerifyHistory(VerifyAs(asked, joined->keys),
                                    server.Answer(anna.subject, merkle::LeafHash(), 0));
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->events.size(), 3u);
  EXPECT_GT(opened->not_for_reader, 3u);
}

TEST_F(HostileGrantsTest, AKeptKeyIsSeenWithoutCheckpointsBetween) {
  clock.Advance(days(2));
  Events(anna.subject, 1);
  Checkpoint();
  const LyingServer server(*this);
  LyingServer liar = server;
  LyingServer::LoggedEntry made_up{{}, history.tag};
  Event event;
  event.id = *EventId::Parse("made-up");
  event.time = clock.Now() - days(2);
  event.patient = anna.subject.id;
  event.system = anna.subject.system;
  event.user = "user";
  event.source = "source-1";
  Bytes plaintext;
  EncodeEvent(event, plaintext);
  Sealer(random).SealEvent(EpochKey(last_grant->grant->key.Clone()),
                           SealingAad(origin, history.tag), plaintext, made_up.entry);
  liar.entries.push_back(std::move(made_up));
  asked = QuestionOf(anna.subject);
  ASSERT_TRUE(VerifyAsAnna(server.Answer(anna.subject, query_leaf, 0)));
  ExpectRefused(VerifyAsAnna(liar.Answer(anna.subject, query_leaf, 0)),
                "behind a grant of 2025-11-22: the key was not forgotten");
}

TEST_F(HostileGrantsTest, BracketsDoNotCutDays) {
  clock.Advance(hours(13));
  Checkpoint();  // 23:00
  clock.Advance(hours(2));
  const Day second = DayOf(clock.Now());
  Events(anna.subject, 1);
  clock.Advance(minutes(5));
  Checkpoint();
  Events(anna.subject, 1);
  clock.Advance(hours(24));
  Events(anna.subject, 1);
  Checkpoint();
  asked.from = second;
  asked.to = second;
  const HistoryAnswer answer = Answer(anna, asked);
  ASSERT_TRUE(answer.before && answer.behind);
  const auto good = VerifyAsAnna(answer);
  ASSERT_TRUE(good) << good.error().message;
  // The bracket of another day's question: later, or earlier, than the day that was asked for.
  HistoryQuestion other = asked;
  other.from = second + days(1);
  other.to.reset();
  HistoryAnswer changed = answer;
  changed.before = Same(other).before;
  ASSERT_TRUE(changed.before);
  ExpectRefused(VerifyAsAnna(changed), "in these days");
  other.from.reset();
  other.to = second - days(1);
  changed = answer;
  changed.behind = Same(other).behind;
  ASSERT_TRUE(changed.behind);
  ExpectRefused(VerifyAsAnna(changed), "in these days");
  // Outside of the days a grant that nothing needs may be missing, and nothing else.
  std::vector<EntryKind> unneeded;
  for (std::size_t i = 0; i < answer.shown.size(); ++i) {
    changed = answer;
    changed.shown.erase(changed.shown.begin() + static_cast<std::ptrdiff_t>(i));
    Reprove(changed);
    if (VerifyAsAnna(changed)) unneeded.push_back(ParseEntry(answer.shown[i].entry)->kind);
  }
  EXPECT_EQ(unneeded, std::vector{EntryKind::kGrant});
  changed = answer;
  changed.before->to_newest = {};
  ExpectRefused(VerifyAsAnna(changed), "not of the same log");
  changed = answer;
  changed.behind.reset();
  ExpectRefused(VerifyAsAnna(changed), "does not show it");
}

// Witnesses of a policy that needs two of three.
class WitnessTest : public HostileGrantsTest {
 protected:
  void SetUp() override {
    HostileGrantsTest::SetUp();
    std::string text;
    for (int i = 0; i < 3; ++i) {
      auto key =
          tlog::SignerKey::Create("witness-" + std::to_string(i), tlog::SignatureType::kCosignature,
                                  crypto::Ed25519PrivateKey::Generate(random));
      text += fmt::format("witness w{} {}\n", i, key->verifier().ToText());
      witnesses.push_back(*std::move(key));
    }
    pinned.policy = text + "group g 2 w0 w1 w2\nquorum g\n";
  }
  Result<VerifiedHistory> Cosigned(const std::vector<std::pair<int, seconds>>& cosignatures) {
    HistoryAnswer answer = truth;
    auto note = tlog::Note::Parse(answer.newest.note);
    for (const auto& [witness, ahead] : cosignatures) {
      auto signature =
          witnesses[static_cast<std::size_t>(witness)].Sign(note->text(), history.map.time + ahead);
      EXPECT_TRUE(note->Add(*signature));
    }
    answer.newest.note = note->ToText();
    return VerifyAsAnna(answer);
  }
  std::vector<tlog::SignerKey> witnesses;
};

TEST_F(WitnessTest, AQuorumNearTheTime) {
  ExpectRefused(Cosigned({}), "quorum");
  ExpectRefused(Cosigned({{0, seconds(1)}}), "quorum");
  const auto good = Cosigned({{0, seconds(1)}, {2, seconds(60)}});
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_THAT(good->proven, HasSubstr("2 of 3 witnesses"));
  ExpectRefused(Cosigned({{0, seconds(1)}, {2, seconds(61)}}), "within 60 s");
  ExpectRefused(Cosigned({{0, seconds(1)}, {2, -seconds(61)}}), "within 60 s");
  EXPECT_TRUE(Cosigned({{0, seconds(1)}, {2, seconds(61)}, {1, seconds(2)}}));
  clock.Advance(minutes(10));
  EXPECT_TRUE(Cosigned({{0, seconds(1)}, {2, seconds(0)}}));
  clock.Advance(seconds(1));
  ExpectRefused(Cosigned({{0, seconds(1)}, {2, seconds(0)}}), "old state");
  EXPECT_TRUE(Cosigned({{0, seconds(1)}, {2, seconds(1)}}));
}

TEST_F(WitnessTest, AnotherLogsPolicyIsNotUsed) {
  pinned.policy = "log " + signer.receipt_vkey() + "\nquorum none\n";
  EXPECT_EQ(VerifyAsAnna(truth).error().code, ErrorCode::kInvalidArgument);
  pinned.policy = "log " + signer.checkpoint_vkey() + "\nquorum none\n";
  EXPECT_TRUE(VerifyAsAnna(truth));
}

}  // namespace
}  // namespace salus::audit
