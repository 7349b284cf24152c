// An answer in pages: assembled it is the whole one, and nothing else passes for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/audit_fixture.h"
#include "audit/page_token.h"

namespace salus::audit {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::HasSubstr;

class HistoryPagesTest : public testing::Test, public AuditFixture {
 protected:
  void SetUp() override {
    Register(anna);
    Register(bert);
    ids = Events(anna.subject, 40);
    Events(bert.subject, 40);
    Checkpoint();
    SmallPages({.chain_items = 7});
    ASSERT_TRUE(historian->Answer(anna.subject, QuestionOf(anna.subject)));
    Checkpoint();
  }
  void SmallPages(PageLimits limits) {
    historian = std::make_unique<Historian>(*log, *directory, *recorder, clock, random, limits);
  }
  Bytes First(const Person& person, const HistoryQuestion& question) {
    const auto answer = historian->Answer(person.subject, question);
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? EncodeHistory(*answer) : Bytes();
  }
  Bytes First(const Person& person) { return First(person, QuestionOf(person.subject)); }
  Result<Bytes> Fetch(const Person& person, std::string_view token) {
    TRY(const HistoryPage page, historian->Page(person.subject, token));
    EXPECT_LE(page.chain.size(), 7u);
    ++pages;
    return EncodeHistoryPage(page);
  }
  Result<Bytes> Assemble(const Person& person) {
    return AssembleHistory(First(person),
                           [&](std::string_view token) { return Fetch(person, token); });
  }
  Result<VerifiedHistory> Verify(const Person& person, const Bytes& whole,
                                 const Device& device = {}) {
    TRY(const HistoryAnswer answer, DecodeHistory(whole));
    const ReaderKeys keys = KeysOf(person);
    return VerifyHistory(VerifyAs(QuestionOf(person.subject, device), keys, device), answer);
  }
  // Assembles with every page after the first changed by `change`, and expects a refusal.
  void ExpectRefused(const std::function<void(HistoryPage&)>& change, std::string_view what) {
    const auto whole = AssembleHistory(First(anna), [&](std::string_view token) -> Result<Bytes> {
      TRY(const Bytes bytes, Fetch(anna, token));
      HistoryPage page = *DecodeHistoryPage(bytes);
      change(page);
      return EncodeHistoryPage(page);
    });
    const auto history = whole ? Verify(anna, *whole) : whole.error();
    ASSERT_FALSE(history) << what;
    EXPECT_EQ(history.error().code, ErrorCode::kVerificationFailed);
    EXPECT_THAT(history.error().message, HasSubstr(what));
  }

  const Person anna = MakePatient("anna");
  const Person bert = MakePatient("bert");
  std::vector<std::string> ids;
  int pages = 0;
};

TEST_F(HistoryPagesTest, AreOneAnswer) {
  const std::uint64_t before = log->record_count();
  const auto whole = Assemble(anna);
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_GE(pages, 5);
  EXPECT_EQ(log->record_count(), before) << "a page became an entry";
  Device device;
  auto history = Verify(anna, *whole);
  ASSERT_TRUE(history) << history.error().message;
  ASSERT_EQ(history->events.size(), ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(history->events[i].event.id.ToString(), ids[i]);
  }
  // In one page it is the same, but for the proofs.
  SmallPages({});
  auto at_once = *DecodeHistory(First(anna));
  auto in_pages = *DecodeHistory(*whole);
  EXPECT_FALSE(at_once.next || in_pages.next);
  EXPECT_EQ(at_once.inclusion.size(), 1u);
  at_once.inclusion = in_pages.inclusion;
  EXPECT_EQ(EncodeHistory(at_once), EncodeHistory(in_pages));
}

TEST_F(HistoryPagesTest, GoOnFromWhatADeviceKnows) {
  auto history = Verify(anna, *Assemble(anna));
  ASSERT_TRUE(history);
  Device device{history->checkpoint, history->chain};
  Events(anna.subject, 3);
  Checkpoint();
  const HistoryQuestion question = QuestionOf(anna.subject, device);
  ASSERT_GT(question.after, 40u);
  const auto whole = AssembleHistory(First(anna, question),
                                     [&](std::string_view token) { return Fetch(anna, token); });
  ASSERT_TRUE(whole) << whole.error().message;
  history = Verify(anna, *whole, device);
  ASSERT_TRUE(history) << history.error().message;
  EXPECT_EQ(history->events.size(), 43u);
}

TEST_F(HistoryPagesTest, AreBoundedByTheirBytes) {
  SmallPages({.chain_items = 10'000, .shown_bytes = 2000});
  const auto first = *DecodeHistory(First(anna));
  ASSERT_TRUE(first.next);
  std::size_t bytes = 0;
  for (const ShownEntry& entry : first.shown) bytes += entry.entry.size();
  EXPECT_GE(bytes, 2000u);
  EXPECT_LT(bytes - first.shown.back().entry.size(), 2000u);
}

TEST_F(HistoryPagesTest, NoOtherPagePasses) {
  ExpectRefused([](HistoryPage& page) { ++page.size.value; }, "is of the checkpoint over");
  ExpectRefused([](HistoryPage& page) { page.position += 7; }, "dropped or repeated");
  ExpectRefused([](HistoryPage& page) { page.chain.pop_back(); }, "holds 6 entries of the chain");
  ExpectRefused([](HistoryPage& page) { page.next = NextPage{page.position, "x"}; }, "leads from");
  ExpectRefused([](HistoryPage& page) { page.next = NextPage{1000, "x"}; }, "leads from");
  ExpectRefused([](HistoryPage& page) { page.next.reset(); }, "holds 7 entries of the chain");
  ExpectRefused([](HistoryPage& page) { page.shown.pop_back(); }, "does not show it");
  ExpectRefused([](HistoryPage& page) { page.inclusion = {}; }, "in the log's tree");
  ExpectRefused([](HistoryPage& page) { ++page.chain[0].leaf_hash.data()[0]; }, "chain");

  // A page dropped: the next one's token is used at once. A page repeated: the first one's is.
  const auto follow = [&](std::string_view token) {
    return (*historian->Page(anna.subject, token)).next->token;
  };
  const auto dropped = AssembleHistory(
      First(anna), [&](std::string_view token) { return Fetch(anna, follow(token)); });
  ASSERT_FALSE(dropped);
  EXPECT_THAT(dropped.error().message, HasSubstr("page 2 of the answer begins behind 14 entries"));
  std::string first;
  const auto repeated = AssembleHistory(First(anna), [&](std::string_view token) {
    if (first.empty()) first = token;
    return Fetch(anna, first);
  });
  ASSERT_FALSE(repeated);
  EXPECT_THAT(repeated.error().message, HasSubstr("page 3 of the answer begins behind 7 entries"));
}

// A checkpoint published in between changes nothing: the pages stay under the first one's.
TEST_F(HistoryPagesTest, StayUnderTheFirstCheckpoint) {
  const auto whole = AssembleHistory(First(anna), [&](std::string_view token) {
    Events(anna.subject, 1);
    Checkpoint();
    return Fetch(anna, token);
  });
  ASSERT_TRUE(whole) << whole.error().message;
  const auto history = Verify(anna, *whole);
  ASSERT_TRUE(history) << history.error().message;
  EXPECT_EQ(history->events.size(), ids.size());

  // The page of another answer, of before.
  const std::string old = (*DecodeHistory(First(anna))).next->token;
  Events(anna.subject, 1);
  Checkpoint();
  const auto mixed =
      AssembleHistory(First(anna), [&](std::string_view) { return Fetch(anna, old); });
  ASSERT_FALSE(mixed);
  EXPECT_THAT(mixed.error().message, HasSubstr("is of the checkpoint over"));
}

TEST_F(HistoryPagesTest, TokensAreForTheirAskerAndTheirTime) {
  const std::string token = (*DecodeHistory(First(anna))).next->token;
  const auto refusal = [&](const Person& person, std::string_view text) {
    const auto page = historian->Page(person.subject, text);
    return page ? ErrorCode{} : page.error().code;
  };
  EXPECT_EQ(refusal(bert, token), ErrorCode::kPermissionDenied);
  for (std::size_t i = 0; i < token.size(); i += 5) {
    std::string other = token;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(refusal(anna, other), ErrorCode::kFailedPrecondition) << i;
  }
  EXPECT_EQ(refusal(anna, ""), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(refusal(anna, token.substr(0, 43)), ErrorCode::kFailedPrecondition);
  EXPECT_TRUE(historian->Page(anna.subject, token));
  clock.Advance(minutes(11));
  EXPECT_EQ(refusal(anna, token), ErrorCode::kFailedPrecondition);
  // A restart forgets the key.
  const std::string fresh = (*DecodeHistory(First(anna))).next->token;
  SmallPages({.chain_items = 7});
  EXPECT_EQ(refusal(anna, fresh), ErrorCode::kFailedPrecondition);
}

// The right to read is looked at for each page.
TEST_F(HistoryPagesTest, EndWithTheMandate) {
  const Person otto = MakeAuditor("otto");
  RegisterAuditor(otto);
  SetMandate(otto, {anna.subject});
  Checkpoint();
  const auto first = historian->Answer(otto.subject, QuestionOf(anna.subject));
  ASSERT_TRUE(first && first->next);
  EXPECT_TRUE(historian->Page(otto.subject, first->next->token));
  SetMandate(otto, {bert.subject});
  const auto page = historian->Page(otto.subject, first->next->token);
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, ErrorCode::kPermissionDenied);
}

TEST_F(HistoryPagesTest, AnAnswerCutAtAPageIsNotWhole) {
  const auto history = Verify(anna, First(anna));
  ASSERT_FALSE(history);
  EXPECT_THAT(history.error().message, HasSubstr("only its first page"));
}

}  // namespace
}  // namespace salus::audit
