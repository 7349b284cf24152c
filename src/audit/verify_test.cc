#include "audit/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "audit/audit_fixture.h"
#include "audit/directory_rows.h"

namespace salus::audit {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using testing::HasSubstr;
using testing::IsEmpty;

class VerifyTest : public testing::Test, public AuditFixture {
 protected:
  static std::vector<std::string> IdsOf(const VerifiedHistory& history) {
    std::vector<std::string> ids;
    for (const VerifiedEvent& event : history.events) ids.push_back(event.event.id.ToString());
    return ids;
  }
  static std::size_t CountOf(const VerifiedHistory& history, EntryKind kind) {
    return static_cast<std::size_t>(
        std::count_if(history.others.begin(), history.others.end(),
                      [kind](const VerifiedEntry& entry) { return entry.kind == kind; }));
  }
  // Asks and expects success.
  VerifiedHistory Expect(const Person& person, Device& device,
                         std::optional<HistoryQuestion> question = std::nullopt) {
    auto history = Ask(person, device, question ? *question : QuestionOf(person.subject, device));
    EXPECT_TRUE(history) << history.error().message;
    return history ? *std::move(history) : VerifiedHistory{};
  }
  Result<VerifiedHistory> AskAsAuditor(const Person& auditor, const Subject& patient,
                                       std::optional<Day> from = std::nullopt) {
    Result<JoinedHistory> joined = Joined(auditor);
    if (!joined) return joined.error();
    HistoryQuestion question = QuestionOf(patient);
    question.from = from;
    const HistoryAnswer answer = Answer(auditor, question);
    return VerifyHistory(VerifyAs(question, joined->keys), answer);
  }
};

TEST_F(VerifyTest, APatientReadsEveryEventOnce) {
  const Person anna = MakePatient("anna");
  const Person bert = MakePatient("bert", "https://hospital.example/mrn");
  Register(anna);
  Register(bert);
  const auto of_anna = Events(anna.subject, 3);
  const auto of_bert = Events(bert.subject, 2);
  Device device;
  const VerifiedHistory history = Expect(anna, device);
  EXPECT_EQ(IdsOf(history), of_anna);
  EXPECT_EQ(history.events[0].event.user, "user-marker-77");
  EXPECT_EQ(history.events[0].event.source, "source-1");
  EXPECT_EQ(CountOf(history, EntryKind::kQuery), 1u);
  EXPECT_EQ(CountOf(history, EntryKind::kPolicy), 1u);
  EXPECT_EQ(history.waiting_for_custodians + history.not_for_reader + history.under_older_key, 0u);
  EXPECT_THAT(history.proven, HasSubstr("0 witnesses"));
  EXPECT_THAT(history.proven, HasSubstr("complete only as far as this device has watched"));
  EXPECT_THAT(history.warnings, IsEmpty());
  Device other;
  EXPECT_EQ(IdsOf(Expect(bert, other)), of_bert);
}

TEST_F(VerifyTest, ASubjectWithoutEntriesIsAbsentFromTheMap) {
  const Person anna = MakePatient("anna");
  Register(anna);
  Events(anna.subject, 1);
  Checkpoint();
  const Person nobody = MakePatient("nobody");
  HistoryQuestion question = QuestionOf(anna.subject);
  HistoryAnswer answer = Answer(anna, question);
  const ProvenTag tag = recorder->TagOf(nobody.subject);
  const tlog::ChainProof absent = log->ProveChain(tag.tag);
  answer.tag_proof = tag.proof;
  answer.map_proof = absent.proof;
  answer.map_value = absent.value;
  answer.chain.clear();
  answer.shown.clear();
  answer.inclusion.clear();
  question.subject = nobody.subject;
  const ReaderKeys keys = KeysOf(nobody);
  // All of it holds but the receipt, which is for somebody else's question.
  const auto history = VerifyHistory(VerifyAs(question, keys), answer);
  ASSERT_FALSE(history);
  EXPECT_THAT(history.error().message, HasSubstr("receipt"));
}

TEST_F(VerifyTest, ARememberedPrefixGoesOn) {
  const Person anna = MakePatient("anna");
  Register(anna);
  auto ids = Events(anna.subject, 2);
  Device device;
  Expect(anna, device);
  const std::uint64_t known = device.chain.count;
  clock.Advance(hours(2));
  for (const std::string& id : Events(anna.subject, 2)) ids.push_back(id);
  const HistoryQuestion question = QuestionOf(anna.subject, device);
  EXPECT_EQ(question.after, known);
  const VerifiedHistory history = Expect(anna, device, question);
  EXPECT_EQ(IdsOf(history), ids);
  EXPECT_GT(device.chain.count, known);
  EXPECT_EQ(device.chain.query_entries.size(), 2u);
  EXPECT_THAT(history.proven, HasSubstr("since 2025-11-20T10:00"));

  // Without the items the device asks for the whole chain, and the prefix is checked all the same.
  device.chain.items.clear();
  EXPECT_EQ(QuestionOf(anna.subject, device).after, 0u);
  Expect(anna, device);
}

TEST_F(VerifyTest, DaysAreBracketed) {
  const Person anna = MakePatient("anna");
  Register(anna);
  Events(anna.subject, 1);
  clock.Advance(hours(13));
  Checkpoint();  // 23:00 of the first day
  clock.Advance(hours(2));
  const Day second = DayOf(clock.Now());
  const auto ids = Events(anna.subject, 2);
  Checkpoint();
  clock.Advance(hours(23));
  Checkpoint();  // 00:00 of the third day
  Events(anna.subject, 3);
  clock.Advance(minutes(1));
  Checkpoint();
  HistoryQuestion question = QuestionOf(anna.subject);
  question.from = second;
  question.to = second;
  Device device;
  const VerifiedHistory history = Expect(anna, device, question);
  EXPECT_EQ(IdsOf(history), ids);
  EXPECT_EQ(history.events[0].logged, Timestamp(second + days(1)));
  EXPECT_EQ(CountOf(history, EntryKind::kGrant), 4u);  // always whole; the registration has its own
  EXPECT_THAT(history.proven, HasSubstr("from 2025-11-21 to 2025-11-21"));
}

TEST_F(VerifyTest, AnEpochEndsAtMidnightAndWithAPolicy) {
  const Person anna = MakePatient("anna");
  const Person otto = MakeAuditor("otto");
  Register(anna);
  RegisterAuditor(otto);
  std::vector<std::string> ids = Events(anna.subject, 1);
  SetMandate(otto, {anna.subject});
  for (const std::string& id : Events(anna.subject, 1)) ids.push_back(id);
  clock.Advance(hours(13) + minutes(58));
  for (const std::string& id : Events(anna.subject, 1)) ids.push_back(id);
  Checkpoint();
  clock.Advance(minutes(4));
  for (const std::string& id : Events(anna.subject, 1)) ids.push_back(id);
  Device device;
  const VerifiedHistory history = Expect(anna, device);
  EXPECT_EQ(IdsOf(history), ids);
  // Registration, its successor, the mandate's successor, the next day.
  EXPECT_EQ(CountOf(history, EntryKind::kGrant), 4u);
}

TEST_F(VerifyTest, BreakTheGlassIsShown) {
  const Person anna = MakePatient("anna");
  Register(anna);
  Record(Line(anna.subject, "emergency", R"(,"purpose":"BTG","detail":"no time to ask")"));
  Device device;
  const VerifiedHistory history = Expect(anna, device);
  ASSERT_EQ(history.events.size(), 1u);
  EXPECT_EQ(history.events[0].event.purpose, "BTG");
  EXPECT_EQ(history.events[0].event.detail, "no time to ask");
}

TEST_F(VerifyTest, AnAuditorReadsFromItsMandateOn) {
  const Person anna = MakePatient("anna");
  const Person bert = MakePatient("bert");
  const Person otto = MakeAuditor("otto");
  const Person olga = MakeAuditor("olga");
  for (const Person* patient : {&anna, &bert}) Register(*patient);
  for (const Person* auditor : {&otto, &olga}) RegisterAuditor(*auditor);
  Events(anna.subject, 2);
  SetMandate(otto, {anna.subject});
  SetMandate(olga, {anna.subject, bert.subject});
  auto ids = Events(anna.subject, 2);
  clock.Advance(days(1));
  for (const std::string& id : Events(anna.subject, 1)) ids.push_back(id);
  for (const Person* auditor : {&otto, &olga}) {
    const auto history = AskAsAuditor(*auditor, anna.subject);
    ASSERT_TRUE(history) << history.error().message;
    EXPECT_EQ(IdsOf(*history), ids);
    // The registration, two events, and the notice of the first mandate; for olga the same.
    EXPECT_GE(history->not_for_reader, 3u);
  }
  EXPECT_EQ(historian->Answer(otto.subject, QuestionOf(bert.subject)).error().code,
            ErrorCode::kPermissionDenied);
  // Anna sees who asked about her.
  Device device;
  EXPECT_GE(CountOf(Expect(anna, device), EntryKind::kQuery), 3u);
}

// What is sealed behind the registration of a new key is for that one, with no midnight between.
TEST_F(VerifyTest, AnAuditorsNewKeyEndsItsDayKey) {
  const Person anna = MakePatient("anna");
  const Person old_otto = MakeAuditor("otto");
  Register(anna);
  RegisterAuditor(old_otto);
  SetMandate(old_otto, {anna.subject});
  const auto before = Events(anna.subject, 2);
  const auto joined = Joined(old_otto);
  ASSERT_TRUE(joined) << joined.error().message;
  const Person otto = MakeAuditor("otto");
  RegisterAuditor(otto);
  const auto behind = Events(anna.subject, 3);

  const auto history = AskAsAuditor(otto, anna.subject);
  ASSERT_TRUE(history) << history.error().message;
  EXPECT_EQ(IdsOf(*history), behind);
  EXPECT_GE(history->before_own_key, 2u);
  EXPECT_EQ(history->not_for_reader, 0u);
  EXPECT_THAT(history->warnings, testing::Contains(HasSubstr("sealed to an older key of yours")));

  // With all that the old key opens, nothing behind its end does.
  const HistoryQuestion question = QuestionOf(anna.subject);
  const HistoryAnswer answer = Answer(otto, question);
  ReaderKeys old_keys = KeysOf(old_otto);
  for (const auto& key : joined->keys.day_keys) old_keys.day_keys.push_back(key.Clone());
  old_keys.own_chain_size = joined->keys.own_chain_size;
  const auto stolen = VerifyHistory(VerifyAs(question, old_keys), answer);
  ASSERT_TRUE(stolen) << stolen.error().message;
  EXPECT_EQ(IdsOf(*stolen), before);
}

TEST_F(VerifyTest, MoreReadersThanOneGrantHolds) {
  const Person anna = MakePatient("anna");
  Register(anna);
  std::vector<Person> auditors;
  for (int i = 0; i < 9; ++i) {
    auditors.push_back(MakeAuditor("auditor-" + std::to_string(i)));
    RegisterAuditor(auditors.back());
    SetMandate(auditors.back(), {anna.subject});
  }
  const auto ids = Events(anna.subject, 2);
  Device device;
  EXPECT_EQ(IdsOf(Expect(anna, device)), ids);
  for (const Person& auditor : auditors) {
    const auto history = AskAsAuditor(auditor, anna.subject);
    ASSERT_TRUE(history) << history.error().message;
    EXPECT_EQ(IdsOf(*history), ids);
  }
}

TEST_F(VerifyTest, CustodyWaitsUntilItIsReleased) {
  Person carla = MakePatient("carla");
  auto ids = Events(carla.subject, 2);  // nobody registered her
  Checkpoint();
  Register(carla);  // enrols
  const auto later = Events(carla.subject, 1);
  Device device;
  const VerifiedHistory before = Expect(carla, device);
  EXPECT_EQ(IdsOf(before), later);
  EXPECT_EQ(before.waiting_for_custodians, 3u);  // two events and her registration

  std::vector<CustodyShareRow> shares = directory->SharesOf(carla.subject);
  ASSERT_EQ(shares.size(), 2u);
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const auto share = ReleaseShare(shares[i], custodian_keys[i], carla.key.public_key(), random);
    ASSERT_TRUE(share);
    shares[i].released_share = *share;
  }
  const auto custody_key = JoinCustody(carla.subject, shares, 2, carla.key,
                                       *directory->FindPatient(carla.subject)->custody_key);
  ASSERT_TRUE(custody_key) << custody_key.error().message;
  ReaderKeys keys = KeysOf(carla);
  keys.custody_key = &*custody_key;
  const HistoryQuestion question = QuestionOf(carla.subject);
  const auto history = VerifyHistory(VerifyAs(question, keys), Answer(carla, question));
  ASSERT_TRUE(history) << history.error().message;
  for (const std::string& id : later) ids.push_back(id);
  EXPECT_EQ(IdsOf(*history), ids);
  EXPECT_EQ(history->waiting_for_custodians, 0u);
}

TEST_F(VerifyTest, ANewKeyLeavesThePastClosedAndSaysSo) {
  const Person old_anna = MakePatient("anna");
  Register(old_anna);
  Events(old_anna.subject, 2);
  const Person anna = MakePatient("anna");
  Register(anna);
  const auto ids = Events(anna.subject, 1);
  Device device;
  const VerifiedHistory history = Expect(anna, device);
  EXPECT_EQ(IdsOf(history), ids);
  EXPECT_EQ(history.under_older_key, 3u);
  EXPECT_THAT(history.warnings, testing::Contains(HasSubstr("a key that you held before")));
  // The old device is told that somebody else reads in its place.
  Device old_device;
  const auto refused = Ask(old_anna, old_device, QuestionOf(anna.subject));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kVerificationFailed);
}

TEST_F(VerifyTest, TimeDecides) {
  const Person anna = MakePatient("anna");
  Register(anna);
  Events(anna.subject, 1);
  const HistoryQuestion question = QuestionOf(anna.subject);
  const HistoryAnswer answer = Answer(anna, question);
  const ReaderKeys keys = KeysOf(anna);
  const auto verify = [&](std::chrono::milliseconds device_ahead) {
    VerifyQuestion verify_question = VerifyAs(question, keys);
    verify_question.now = clock.Now() + device_ahead;
    return VerifyHistory(verify_question, answer);
  };
  EXPECT_TRUE(verify(minutes(0)));
  EXPECT_TRUE(verify(minutes(10)));
  EXPECT_TRUE(verify(-minutes(5)));
  const auto stale = verify(minutes(10) + std::chrono::milliseconds(1));
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code, ErrorCode::kVerificationFailed);
  EXPECT_THAT(stale.error().message, HasSubstr("old state"));
  const auto ahead = verify(-minutes(5) - std::chrono::milliseconds(1));
  ASSERT_FALSE(ahead);
  EXPECT_EQ(ahead.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(ahead.error().message, HasSubstr("check your clock"));
}

TEST_F(VerifyTest, ASourcesEntryIsGivenBackOnceACheckpointCoversIt) {
  const Person anna = MakePatient("anna");
  Register(anna);
  Checkpoint();
  Events(anna.subject, 1);
  const merkle::LeafIndex own{log->record_count() - 1};
  SourceRow other = source;
  other.number = 2;
  EXPECT_EQ(historian->EntryForSource(source, own).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(historian->EntryForSource(other, own).error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(historian->EntryForSource(source, {own.value + 1}).error().code,
            ErrorCode::kPermissionDenied);
  Checkpoint();
  EXPECT_TRUE(historian->EntryForSource(source, own).has_value());
}

TEST_F(VerifyTest, EvidenceVerifiesYearsLater) {
  const Person anna = MakePatient("anna");
  const Person otto = MakeAuditor("otto");
  Register(anna);
  RegisterAuditor(otto);
  SetMandate(otto, {anna.subject});
  const auto ids = Events(anna.subject, 2);
  const HistoryQuestion own = QuestionOf(otto.subject);
  const HistoryQuestion question = QuestionOf(anna.subject);
  Answer(otto, question);
  const Evidence evidence{.log = pinned,
                          .question = question,
                          .asked = clock.Now(),
                          .own_chain_answers = {EncodeHistory(Answer(otto, own))},
                          .answer = EncodeHistory(Answer(otto, question))};
  const Bytes file = EncodeEvidence(evidence);
  const auto decoded = DecodeEvidence(file);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(EncodeEvidence(*decoded), file);
  const auto history = VerifyEvidence(*decoded, KeysOf(otto));
  ASSERT_TRUE(history) << history.error().message;
  EXPECT_EQ(IdsOf(*history), ids);
  EXPECT_THAT(history->proven, HasSubstr("on the operator's word of that time"));
  EXPECT_THAT(history->proven, testing::Not(HasSubstr("this device")));
  for (std::size_t i = 0; i < file.size(); i += 97) {
    Bytes changed = file;
    changed[i] ^= 1;
    const auto other = DecodeEvidence(changed);
    if (!other || EncodeEvidence(*other) == file) continue;
    const auto result = VerifyEvidence(*other, KeysOf(otto));
    // What was asked and when, and from which size, is the file's own word; nothing else is.
    if (result) {
      EXPECT_EQ(IdsOf(*result), ids) << i;
    }
  }
}

// No identifier that a source sends may stand in the log's bytes.
TEST_F(VerifyTest, TheLogNamesNobody) {
  const Person anna = MakePatient("patient-marker-1", "system-marker-2");
  const Person otto = MakeAuditor("auditor-marker-3");
  Register(anna);
  RegisterAuditor(otto);
  SetMandate(otto, {anna.subject});
  Record(Line(anna.subject, "event-marker-4", R"(,"detail":"detail-marker-5")"));
  Record(Line(MakePatient("patient-marker-6").subject, "event-marker-7"));
  Answer(anna, QuestionOf(anna.subject));
  Checkpoint();
  std::size_t files = 0;
  for (const char* folder_name : {"log", "log/segments", "log/hashes", "log/index"}) {
    const auto names = fs.List(folder_name);
    if (!names) continue;
    for (const std::string& name : *names) {
      const Bytes content = fs.Content(std::string(folder_name) + "/" + name);
      ++files;
      for (const char* marker : {"marker-1", "marker-2", "marker-3", "marker-4", "marker-5",
                                 "marker-6", "marker-7", "user-marker"}) {
        EXPECT_EQ(AsText(content).find(marker), std::string_view::npos) << name << " " << marker;
      }
    }
  }
  EXPECT_GT(files, 2u);
}

}  // namespace
}  // namespace salus::audit
