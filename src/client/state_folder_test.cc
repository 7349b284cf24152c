#include "client/state_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "client/private_file.h"
#include "client/test_folder.h"
#include "client/test_log.h"
#include "tlog/checkpoint.h"

namespace salus::client {
namespace {

class StateFolderTest : public ::testing::Test {
 protected:
  // The note is not verified here: its keeper has done so.
  static audit::KnownCheckpoint Known(std::uint64_t size, std::uint8_t root) {
    tlog::Checkpoint body{"test.example/log", {size}, {}, {}};
    body.root.data()[0] = root;
    tlog::Note note = tlog::Note::Create(body.Body()).value();
    EXPECT_TRUE(note.Add({"test.example/log", {1}, Bytes(64, 7)}).has_value());
    return {body.size, body.root, note.ToText()};
  }
  static RememberedChain ChainOf(std::uint64_t count, std::uint8_t head) {
    RememberedChain chain;
    chain.count = count;
    chain.head.data()[0] = head;
    return chain;
  }
  StateFolder Open() { return StateFolder::Open(folder_.path(), "test.example/log").value(); }

  TestFolder folder_;
  audit::SubjectTag tag_;
};

TEST_F(StateFolderTest, RemembersTheNewestCheckpointAndNeverGoesBack) {
  StateFolder state = Open();
  EXPECT_FALSE(state.Checkpoint().value().has_value());
  EXPECT_EQ(state.Remember(Known(10, 1)).value(), Remembered::kStored);
  EXPECT_EQ(state.Remember(Known(20, 2)).value(), Remembered::kStored);
  EXPECT_EQ(state.Remember(Known(10, 1)).value(), Remembered::kOlder);
  const auto known = Open().Checkpoint().value();
  ASSERT_TRUE(known.has_value());
  EXPECT_EQ(known->size.value, 20u);
  EXPECT_EQ(known->note, Known(20, 2).note);
  struct stat what{};
  ASSERT_EQ(::stat((state.path() / "checkpoint").c_str(), &what), 0);
  EXPECT_EQ(what.st_mode & 0777, 0600u);
}

TEST_F(StateFolderTest, SeesTwoTreesOfOneSize) {
  StateFolder state = Open();
  ASSERT_TRUE(state.Remember(Known(10, 1)).has_value());
  const auto second = state.Remember(Known(10, 2));
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::kVerificationFailed);
  EXPECT_EQ(state.Checkpoint().value()->root.bytes()[0], 1);
}

TEST_F(StateFolderTest, SaysWhenItsFilesAreBroken) {
  StateFolder state = Open();
  ASSERT_TRUE(ReplaceFile(state.path() / "checkpoint", "rubbish").has_value());
  EXPECT_EQ(state.Checkpoint().error().code, ErrorCode::kCorruption);
  EXPECT_EQ(state.Remember(Known(10, 1)).error().code, ErrorCode::kCorruption);
  const StateFolder other = StateFolder::Open(folder_.path(), "another/log").value();
  EXPECT_NE(other.path(), state.path());
  ASSERT_TRUE(ReplaceFile(other.path() / "checkpoint", Known(3, 3).note).has_value());
  EXPECT_EQ(other.Checkpoint().error().code, ErrorCode::kCorruption);
}

TEST_F(StateFolderTest, KeepsOwnQueriesWhateverComes) {
  StateFolder state = Open();
  EXPECT_EQ(state.Chain(tag_).value().count, 0u);
  RememberedChain chain = ChainOf(5, 1);
  chain.queries.push_back({{7}, {}, {"note\n", 1, 1, {merkle::NodeHash()}}});
  ASSERT_EQ(state.RememberChain(tag_, chain).value(), Remembered::kStored);
  RememberedChain next = ChainOf(6, 2);
  next.queries.push_back({{9}, {}, {"other\n", 0, 1, {}}});
  ASSERT_EQ(state.RememberChain(tag_, next).value(), Remembered::kStored);
  ASSERT_EQ(state.RememberChain(tag_, chain).value(), Remembered::kOlder);
  const RememberedChain known = Open().Chain(tag_).value();
  EXPECT_EQ(known.count, 6u);
  ASSERT_EQ(known.queries.size(), 2u);
  EXPECT_EQ(known.queries[0].index.value, 7u);
  EXPECT_EQ(known.queries[0].receipt.note, "note\n");
  EXPECT_EQ(known.Known().query_entries.size(), 2u);
  EXPECT_EQ(state.RememberChain(tag_, ChainOf(6, 3)).error().code, ErrorCode::kVerificationFailed);
}

}  // namespace
}  // namespace salus::client
