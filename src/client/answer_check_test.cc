#include "client/answer_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/test_log.h"

namespace salus::client {
namespace {

using ::testing::HasSubstr;

class AnswerCheckTest : public ::testing::Test {
 protected:
  Result<CheckedAnswer> Check(const std::string& batch, const std::string& answer) {
    AnswerCheck check(pinned_, "ehr", tags_, random_);
    return check.Check(batch, answer);
  }
  // Each lie is told by a log of its own: the events of another would be repeats.
  static ErrorCode VerdictOn(const Lies& lies) {
    TestLog log;
    const audit::PinnedLog pinned = log.pinned();
    SystemRandom random;
    KnownTags tags;
    AnswerCheck check(pinned, "ehr", tags, random);
    const std::string batch = EventLine("e1", "p1") + EventLine("e2", "p1");
    const Result<CheckedAnswer> checked = check.Check(batch, log.Answer(batch, "ehr", lies));
    EXPECT_FALSE(checked.has_value());
    return checked ? ErrorCode::kInternal : checked.error().code;
  }

  TestLog log_;
  const audit::PinnedLog pinned_ = log_.pinned();
  SystemRandom random_;
  KnownTags tags_;
};

TEST_F(AnswerCheckTest, TakesAnHonestAnswer) {
  const std::string batch = EventLine("e1", "p1") + "\n" + "{\"id\":7}\n" + EventLine("e2", "p2");
  const auto checked = Check(batch, log_.Answer(batch, "ehr"));
  ASSERT_TRUE(checked.has_value()) << checked.error().message;
  ASSERT_EQ(checked->lines.size(), 3u);
  EXPECT_EQ(checked->lines[0].status, CheckedLine::Status::kLogged);
  EXPECT_TRUE(checked->lines[0].was_opened);
  EXPECT_EQ(checked->lines[1].line, 3u);
  EXPECT_EQ(checked->lines[1].status, CheckedLine::Status::kRefused);
  EXPECT_EQ(checked->lines[2].line, 4u);
  EXPECT_EQ(checked->lines[2].event_id, "e2");
  ASSERT_EQ(checked->receipts.size(), 1u);
  ASSERT_EQ(checked->receipts[0].events.size(), 2u);
  EXPECT_EQ(checked->receipts[0].events[1].patient, "p2");
}

TEST_F(AnswerCheckTest, CatchesEachLie) {
  EXPECT_EQ(VerdictOn({.seals_other_event = true}), ErrorCode::kVerificationFailed);
  EXPECT_EQ(VerdictOn({.files_under_other_patient = true}), ErrorCode::kVerificationFailed);
  EXPECT_EQ(VerdictOn({.gives_other_tag = true}), ErrorCode::kVerificationFailed);
  EXPECT_EQ(VerdictOn({.gives_other_key = true}), ErrorCode::kVerificationFailed);
  EXPECT_EQ(VerdictOn({.gives_other_leaf = true}), ErrorCode::kVerificationFailed);
  EXPECT_EQ(VerdictOn({.leaves_out_receipt = true}), ErrorCode::kVerificationFailed);
  EXPECT_EQ(VerdictOn({.signs_with_other_key = true}), ErrorCode::kVerificationFailed);
  EXPECT_EQ(VerdictOn({.changes_receipt_leaf = true}), ErrorCode::kVerificationFailed);
}

TEST_F(AnswerCheckTest, WantsToSeeWhatWasLogged) {
  const std::string batch = EventLine("e1", "p1");
  const auto checked = Check(batch, log_.Answer(batch, "ehr", {.leaves_out_entry = true}));
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().code, ErrorCode::kVerificationFailed);
}

TEST_F(AnswerCheckTest, RefusesAReceiptOfAnotherCommit) {
  const std::string batch = EventLine("e1", "p1");
  const auto checked = Check(batch, log_.Answer(batch, "ehr", {.moves_commit = true}));
  ASSERT_FALSE(checked.has_value());
  EXPECT_THAT(checked.error().message, HasSubstr("line 1: "));
}

TEST_F(AnswerCheckTest, RefusesAnEventThatWasLoggedAsAnothersSource) {
  const std::string batch = EventLine("e1", "p1");
  const auto checked = Check(batch, log_.Answer(batch, "another"));
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().code, ErrorCode::kVerificationFailed);
}

TEST_F(AnswerCheckTest, AsksAgainWhenTheAnswerIsCutAnywhere) {
  const std::string batch = EventLine("e1", "p1") + EventLine("e2", "p2");
  const std::string answer = log_.Answer(batch, "ehr");
  for (std::size_t size = 0; size + 1 < answer.size(); size += 7) {
    const auto checked = Check(batch, answer.substr(0, size));
    ASSERT_FALSE(checked.has_value()) << size;
    EXPECT_EQ(checked.error().code, ErrorCode::kUnavailable) << checked.error().message;
  }
}

TEST_F(AnswerCheckTest, TakesAServersFailureAsNoVerdict) {
  const std::string batch = EventLine("e1", "p1");
  const auto full = Check(
      batch, R"({"line":1,"status":"refused","error":"resource-exhausted","detail":"disk full"})"
             "\n");
  ASSERT_FALSE(full.has_value());
  EXPECT_EQ(full.error().code, ErrorCode::kResourceExhausted);
  const auto failed = Check(batch, R"({"done":false,"error":"internal","detail":"x"})"
                                   "\n");
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code, ErrorCode::kUnavailable);
}

TEST_F(AnswerCheckTest, OpensARepeatWhoseEntryItCanFetch) {
  const std::string batch = EventLine("e1", "p1");
  ASSERT_TRUE(Check(batch, log_.Answer(batch, "ehr")).has_value());
  const std::string again = log_.Answer(batch, "ehr");
  AnswerCheck check(pinned_, "ehr", tags_, random_);
  const auto closed = check.Check(batch, again);
  ASSERT_TRUE(closed.has_value()) << closed.error().message;
  EXPECT_EQ(closed->lines[0].status, CheckedLine::Status::kRepeat);
  EXPECT_FALSE(closed->lines[0].was_opened);
  const auto opened = check.Check(batch, again, [&](merkle::LeafIndex index) -> Result<Bytes> {
    return log_.entries()[index.value];
  });
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  EXPECT_TRUE(opened->lines[0].was_opened);
}

TEST_F(AnswerCheckTest, NeverBelievesAServersVerdictAboutItself) {
  const std::string batch = EventLine("e1", "p1");
  const auto checked =
      Check(batch, R"({"line":1,"status":"refused","error":"verification-failed","detail":"x"})"
                   "\n"
                   R"({"done":true,"logged":0,"repeats":0,"refused":1})"
                   "\n");
  ASSERT_TRUE(checked.has_value()) << checked.error().message;
  EXPECT_EQ(checked->lines[0].refusal->code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace salus::client
