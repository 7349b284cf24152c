// A question of a whole mandate: one entry in the mandate's chain, the patients under it, and the
// patients who see that it happened.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/audit_fixture.h"
#include "codec/cbor.h"

namespace salus::audit {
namespace {

using std::chrono::minutes;
using testing::HasSubstr;

class MandateQueryTest : public testing::Test, public AuditFixture {
 protected:
  void SetUp() override {
    for (const Person* person : {&anna, &bert, &carl}) Register(*person);
    RegisterAuditor(otto);
    RegisterAuditor(olga);
    SetMandate(otto, {anna.subject, bert.subject});
    for (const Person* person : {&anna, &bert, &carl}) Events(person->subject, 2);
    Checkpoint();
  }
  HistoryQuestion AboutMandate() const {
    HistoryQuestion question = QuestionOf(mandate);
    question.purpose = "yearly review";
    return question;
  }
  Result<HistoryAnswer> Under(const Person& asker, const Subject& subject,
                              const HistoryAnswer& first) {
    HistoryQuestion question = QuestionOf(subject);
    question.under = first.permit;
    return historian->Answer(asker.subject, question);
  }
  static AskedUnder EntryOf(const HistoryAnswer& answer) {
    return {answer.query_index, answer.query_leaf};
  }
  static std::optional<ErrorCode> CodeOf(const Result<HistoryAnswer>& answer) {
    if (answer) return std::nullopt;
    return answer.error().code;
  }

  const Person anna = MakePatient("anna");
  const Person bert = MakePatient("bert");
  const Person carl = MakePatient("carl");
  const Person otto = MakeAuditor("otto");
  const Person olga = MakeAuditor("olga");
  const Subject mandate{SubjectKind::kMandate, "", "otto"};
};

TEST_F(MandateQueryTest, IsOneEntryForAllPatients) {
  const auto joined = Joined(otto);
  ASSERT_TRUE(joined) << joined.error().message;
  const HistoryAnswer first = Answer(otto, AboutMandate());
  const ReaderKeys keys = KeysOf(otto);
  const auto chain = VerifyHistory(VerifyAs(AboutMandate(), keys), first);
  ASSERT_TRUE(chain) << chain.error().message;
  ASSERT_EQ(chain->others.size(), 2u);  // the mandate, and the fixture's first question
  const VerifiedEntry& asked = chain->others.back();
  EXPECT_EQ(asked.type, EventType::kMandateQueried);
  codec::CborReader content(asked.plaintext);
  EXPECT_EQ(*content.Map(), 6u);
  EXPECT_EQ(*content.Uint(), 1u);
  EXPECT_EQ(*content.Text(), "auditor");
  EXPECT_EQ(*content.Uint(), 2u);
  EXPECT_EQ(*content.Text(), "otto");
  EXPECT_EQ(*content.Uint(), 3u);
  EXPECT_EQ(*content.Text(), "yearly review");

  const std::uint64_t before = log->record_count();
  for (const Person* patient : {&anna, &bert}) {
    const auto answer = Under(otto, patient->subject, first);
    ASSERT_TRUE(answer) << answer.error().message;
    VerifyQuestion question = VerifyAs(QuestionOf(patient->subject), joined->keys);
    question.under = EntryOf(first);
    const auto history = VerifyHistory(question, *answer);
    ASSERT_TRUE(history) << history.error().message;
    EXPECT_EQ(history->events.size(), 2u);
    EXPECT_TRUE(history->chain.query_entries.empty());
    // Not under another question, and not as a question of its own.
    question.under->leaf_hash.data()[0] ^= 1;
    EXPECT_FALSE(VerifyHistory(question, *answer));
    question.under.reset();
    EXPECT_FALSE(VerifyHistory(question, *answer));
  }
  EXPECT_EQ(log->record_count(), before);
}

TEST_F(MandateQueryTest, IsForTheAuditorOfTheMandate) {
  const HistoryAnswer first = Answer(otto, AboutMandate());
  ASSERT_FALSE(first.permit.empty());
  EXPECT_EQ(CodeOf(Under(otto, carl.subject, first)), ErrorCode::kPermissionDenied);
  EXPECT_EQ(CodeOf(Under(olga, anna.subject, first)), ErrorCode::kPermissionDenied);
  EXPECT_EQ(CodeOf(Under(anna, anna.subject, first)), ErrorCode::kPermissionDenied);
  EXPECT_EQ(CodeOf(historian->Answer(olga.subject, AboutMandate())), ErrorCode::kPermissionDenied);
  EXPECT_EQ(CodeOf(historian->Answer(anna.subject, AboutMandate())), ErrorCode::kPermissionDenied);

  HistoryAnswer other = first;
  other.permit[20] = other.permit[20] == 'A' ? 'B' : 'A';
  EXPECT_EQ(CodeOf(Under(otto, anna.subject, other)), ErrorCode::kFailedPrecondition);
  // A question about one patient leads to no other.
  const HistoryAnswer one = Answer(otto, QuestionOf(anna.subject));
  EXPECT_TRUE(one.permit.empty());
  // Nor does a page's token.
  other.permit = PageTokenSigner(random).Sign(PageToken{});
  EXPECT_EQ(CodeOf(Under(otto, anna.subject, other)), ErrorCode::kFailedPrecondition);

  EXPECT_TRUE(Under(otto, bert.subject, first));
  clock.Advance(minutes(61));
  EXPECT_EQ(CodeOf(Under(otto, bert.subject, first)), ErrorCode::kFailedPrecondition);
}

// Who came under the mandate behind the question would not see it among the questions.
TEST_F(MandateQueryTest, IsForThePatientsOfThen) {
  const HistoryAnswer first = Answer(otto, AboutMandate());
  SetMandate(otto, {bert.subject, carl.subject});
  Events(carl.subject, 1);
  EXPECT_EQ(CodeOf(Under(otto, anna.subject, first)), ErrorCode::kPermissionDenied);
  for (const Person* patient : {&bert, &carl}) {
    EXPECT_EQ(CodeOf(Under(otto, patient->subject, first)), ErrorCode::kFailedPrecondition);
  }
  // A server that answers all the same is not believed: the client knows when it was named.
  const auto joined = Joined(otto);
  ASSERT_TRUE(joined) << joined.error().message;
  const HistoryAnswer again = Answer(otto, AboutMandate());
  auto answer = Under(otto, carl.subject, again);
  ASSERT_TRUE(answer) << answer.error().message;
  VerifyQuestion question = VerifyAs(QuestionOf(carl.subject), joined->keys);
  question.under = EntryOf(again);
  const auto history = VerifyHistory(question, *answer);
  ASSERT_TRUE(history) << history.error().message;
  EXPECT_EQ(history->events.size(), 1u);
  question.under = EntryOf(first);
  answer->query_index = first.query_index;
  answer->query_leaf = first.query_leaf;
  const auto refused = VerifyHistory(question, *answer);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(refused.error().message, HasSubstr("ask for the mandate again"));
}

// The patient's own chain tells the mandate's tag; who knows it reads that chain, without an entry
// in it, also after the mandate has ended for this patient.
TEST_F(MandateQueryTest, IsSeenByThePatients) {
  ASSERT_TRUE(historian->Answer(otto.subject, AboutMandate()));
  SetMandate(otto, {bert.subject});
  const HistoryAnswer own = Answer(anna, QuestionOf(anna.subject));
  const ReaderKeys keys = KeysOf(anna);
  ASSERT_TRUE(VerifyHistory(VerifyAs(QuestionOf(anna.subject), keys), own));
  HistoryQuestion question = QuestionOf(mandate);
  question.under = own.permit;
  EXPECT_EQ(CodeOf(historian->Answer(anna.subject, question)), ErrorCode::kPermissionDenied);
  question.mandate_tag = recorder->TagOf(anna.subject).tag;
  EXPECT_EQ(CodeOf(historian->Answer(anna.subject, question)), ErrorCode::kPermissionDenied);
  question.mandate_tag = recorder->TagOf(mandate).tag;
  const std::uint64_t before = log->record_count();
  const auto answer = historian->Answer(anna.subject, question);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(log->record_count(), before);
  VerifyQuestion verify = VerifyAs(question, keys);
  verify.under = EntryOf(own);
  const auto chain = VerifyHistory(verify, *answer);
  ASSERT_TRUE(chain) << chain.error().message;
  const auto queries = std::count_if(
      chain->others.begin(), chain->others.end(),
      [](const VerifiedEntry& entry) { return entry.type == EventType::kMandateQueried; });
  EXPECT_EQ(queries, 1);
  // Only under a question about oneself.
  question.under.clear();
  EXPECT_EQ(CodeOf(historian->Answer(anna.subject, question)), ErrorCode::kPermissionDenied);
}

TEST_F(MandateQueryTest, ThePurposeOfAQuestionIsInItsEntry) {
  HistoryQuestion question = QuestionOf(anna.subject);
  question.purpose = "complaint 17";
  ASSERT_TRUE(historian->Answer(otto.subject, question));
  Device device;
  const auto history = Ask(anna, device, QuestionOf(anna.subject));
  ASSERT_TRUE(history) << history.error().message;
  std::size_t found = 0;
  for (const VerifiedEntry& entry : history->others) {
    if (entry.type != EventType::kHistoryQueried) continue;
    found += AsText(entry.plaintext).find("complaint 17") != std::string_view::npos ? 1 : 0;
  }
  EXPECT_EQ(found, 1u);
}

}  // namespace
}  // namespace salus::audit
