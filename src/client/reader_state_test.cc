#include "client/reader_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/test_folder.h"
#include "client/private_file.h"
#include "client/test_log.h"

namespace salus::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// What is remembered was verified before: nothing here has to be signed.
audit::KnownCheckpoint Known(std::uint64_t size, std::uint8_t root, std::string note = "note\n") {
  audit::KnownCheckpoint known{{size}, {}, std::move(note)};
  known.root.data()[0] = root;
  known.time = TestLog::Now();
  known.watched_since = TestLog::Now() - std::chrono::hours(30);
  return known;
}

audit::KnownChain ChainOf(std::uint64_t count, std::uint8_t head) {
  audit::KnownChain chain;
  chain.count = count;
  chain.head.data()[0] = head;
  for (std::uint64_t i = 0; i < count; ++i) chain.items.push_back({{10 * i}, {}});
  return chain;
}

class ReaderStateTest : public testing::Test {
 protected:
  ReaderState Open() { return ReaderState::Open(root_.path(), pinned_).value(); }

  TestFolder root_;
  TestLog log_;
  const audit::PinnedLog pinned_ = log_.pinned();
  const audit::Subject ana_{audit::SubjectKind::kPatient, "", "ana"};
  const audit::Subject ben_{audit::SubjectKind::kPatient, "", "ben"};
};

TEST_F(ReaderStateTest, RemembersTheNewestCheckpointAndNeverGoesBack) {
  ReaderState state = Open();
  EXPECT_FALSE(state.checkpoint().has_value());
  ASSERT_TRUE(state.Remember(Known(10, 1)));
  ASSERT_TRUE(state.Remember(Known(20, 2, "newer\n")));
  ASSERT_TRUE(state.Remember(Known(10, 1)));
  EXPECT_EQ(state.checkpoint()->size.value, 20u);
  const ReaderState again = Open();
  ASSERT_TRUE(again.checkpoint().has_value());
  EXPECT_EQ(again.checkpoint()->size.value, 20u);
  EXPECT_EQ(again.checkpoint()->root, Known(20, 2).root);
  EXPECT_EQ(again.checkpoint()->note, "newer\n");
  EXPECT_EQ(again.checkpoint()->time, Known(20, 2).time);
  EXPECT_EQ(again.checkpoint()->watched_since, Known(20, 2).watched_since);
  struct stat what{};
  ASSERT_EQ(::stat((state.folder() / "checkpoint").c_str(), &what), 0);
  EXPECT_EQ(what.st_mode & 0777, 0600u);
  ASSERT_EQ(::stat(state.folder().c_str(), &what), 0);
  EXPECT_EQ(what.st_mode & 0777, 0700u);
}

TEST_F(ReaderStateTest, KeepsWhatAnotherProcessHasSeenMeanwhile) {
  ReaderState first = Open();
  ReaderState second = Open();
  ASSERT_TRUE(second.Remember(Known(20, 2)));
  ASSERT_TRUE(first.Remember(Known(10, 1)));
  EXPECT_EQ(first.checkpoint()->size.value, 20u);
  EXPECT_EQ(Open().checkpoint()->size.value, 20u);
}

TEST_F(ReaderStateTest, SeesTwoTreesOfOneSize) {
  ReaderState state = Open();
  ASSERT_TRUE(state.Remember(Known(10, 1)));
  EXPECT_EQ(state.Remember(Known(10, 2)).error().code, ErrorCode::kVerificationFailed);
  EXPECT_EQ(Open().checkpoint()->root, Known(10, 1).root);
  EXPECT_TRUE(state.Remember(Known(10, 1, "cosigned\n")));
  EXPECT_EQ(Open().checkpoint()->note, "cosigned\n");
}

TEST_F(ReaderStateTest, RefusesTheSameNameUnderAnotherKey) {
  ASSERT_TRUE(Open().Remember(Known(10, 1)));
  const auto other = ReaderState::Open(root_.path(), TestLog().pinned());
  ASSERT_FALSE(other.has_value());
  EXPECT_EQ(other.error().code, ErrorCode::kVerificationFailed);
  audit::PinnedLog elsewhere = TestLog().pinned();
  elsewhere.origin = "another.example/log";
  const auto third = ReaderState::Open(root_.path(), elsewhere);
  ASSERT_TRUE(third.has_value());
  EXPECT_FALSE(third->checkpoint().has_value());
  EXPECT_NE(third->folder(), Open().folder());
}

TEST_F(ReaderStateTest, SaysWhenItsFilesAreBroken) {
  ReaderState state = Open();
  ASSERT_TRUE(state.Remember(Known(10, 1)));
  ASSERT_TRUE(state.RememberChain(ana_, ChainOf(2, 1)));
  for (const auto& entry : std::filesystem::directory_iterator(state.folder() / "chains")) {
    ASSERT_TRUE(ReplaceFile(entry.path(), "rubbish"));
  }
  EXPECT_EQ(state.Chain(ana_).error().code, ErrorCode::kCorruption);
  EXPECT_EQ(state.RememberChain(ana_, ChainOf(3, 1)).error().code, ErrorCode::kCorruption);
  ASSERT_TRUE(ReplaceFile(state.folder() / "checkpoint", "rubbish"));
  EXPECT_EQ(state.Remember(Known(20, 1)).error().code, ErrorCode::kCorruption);
  const auto again = ReaderState::Open(root_.path(), pinned_);
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, ErrorCode::kCorruption);
  EXPECT_THAT(again.error().message, HasSubstr("remove it"));
}

TEST_F(ReaderStateTest, KeepsChainsApartAndOwnQuestionsWhateverComes) {
  const ReaderState state = Open();
  EXPECT_EQ(state.Chain(ana_).value().count, 0u);
  audit::KnownChain chain = ChainOf(5, 1);
  chain.query_entries = {{7}};
  chain.query_leaves = {merkle::LeafHash()};
  ASSERT_TRUE(state.RememberChain(ana_, chain));
  audit::KnownChain next = ChainOf(6, 2);
  next.query_entries = {{9}};
  next.query_leaves = {merkle::LeafHash()};
  ASSERT_TRUE(state.RememberChain(ana_, next));
  chain.query_entries = {{8}};
  ASSERT_TRUE(state.RememberChain(ana_, chain));  // shorter: another process was quicker
  const audit::KnownChain known = Open().Chain(ana_).value();
  EXPECT_EQ(known.count, 6u);
  EXPECT_EQ(known.items.size(), 6u);
  EXPECT_EQ(known.head, next.head);
  EXPECT_THAT(known.query_entries,
              ElementsAre(merkle::LeafIndex{9}, merkle::LeafIndex{7}, merkle::LeafIndex{8}));
  EXPECT_EQ(known.query_leaves.size(), 3u);
  EXPECT_EQ(state.Chain(ben_).value().count, 0u);
  EXPECT_EQ(state.RememberChain(ana_, ChainOf(6, 3)).error().code, ErrorCode::kVerificationFailed);
}

}  // namespace
}  // namespace salus::client
