#include "client/published_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/test_log.h"

namespace salus::client {
namespace {

using testing::HasSubstr;

class PublishedTreeTest : public testing::Test {
 protected:
  static std::vector<merkle::LeafHash> Leaves(std::size_t count) {
    std::vector<merkle::LeafHash> leaves;
    for (std::size_t i = 0; i < count; ++i) {
      leaves.push_back(merkle::HashLeaf(AsBytes(std::to_string(i))));
    }
    return leaves;
  }
  Result<PublishedTree> Open(LogFiles files, std::optional<audit::KnownCheckpoint> known = {}) {
    return PublishedTree::Open(std::move(files), pinned_, std::move(known));
  }
  static audit::KnownCheckpoint KnownOf(std::size_t count) {
    return {{count}, merkle::MemoryTree(Leaves(count)).Root(), "kept elsewhere"};
  }

  TestLog log_;
  const audit::PinnedLog pinned_ = log_.pinned();
};

TEST_F(PublishedTreeTest, HandsOutLeavesThatLeadToTheSignedRoot) {
  const auto leaves = Leaves(600);
  const auto tree = Open(log_.Publish(leaves));
  ASSERT_TRUE(tree.has_value()) << tree.error().message;
  EXPECT_EQ(tree->size().value, 600u);
  EXPECT_FALSE(tree->compared().has_value());
  for (const std::uint64_t index : {0u, 255u, 256u, 599u}) {
    EXPECT_EQ(tree->LeafAt({index}).value(), leaves[index]);
    const auto proof = tree->ProveInclusion({index}).value();
    EXPECT_TRUE(proof.Verify(leaves[index], {index}, {600}, merkle::MemoryTree(leaves).Root()));
  }
  EXPECT_EQ(tree->LeafAt({600}).error().code, ErrorCode::kNotFound);
}

TEST_F(PublishedTreeTest, BelievesNoTile) {
  LogFiles files = log_.Publish(Leaves(600));
  files.tile = [honest = files.tile](const merkle::TileId& id) -> Result<Bytes> {
    TRY(Bytes bytes, honest(id));
    if (id.level == 0 && id.n == 1) bytes[40] ^= 1;
    return bytes;
  };
  const auto tree = Open(std::move(files));
  ASSERT_TRUE(tree.has_value());
  EXPECT_TRUE(tree->LeafAt({3}).has_value());
  EXPECT_EQ(tree->LeafAt({256}).error().code, ErrorCode::kVerificationFailed);
}

TEST_F(PublishedTreeTest, ContainsTheKnownCheckpointOrIsRefused) {
  EXPECT_EQ(Open(log_.Publish(Leaves(300)), KnownOf(100)).value().compared()->size.value, 100u);
  EXPECT_TRUE(Open(log_.Publish(Leaves(300)), KnownOf(300)).has_value());

  const auto rolled_back = Open(log_.Publish(Leaves(300)), KnownOf(301));
  ASSERT_FALSE(rolled_back.has_value());
  EXPECT_EQ(rolled_back.error().code, ErrorCode::kVerificationFailed);
  EXPECT_THAT(rolled_back.error().message, HasSubstr("rolled back"));
  for (const std::size_t size : {100u, 300u}) {
    audit::KnownCheckpoint other = KnownOf(size);
    other.root.data()[0] ^= 1;
    const auto rewritten = Open(log_.Publish(Leaves(300)), other);
    ASSERT_FALSE(rewritten.has_value());
    EXPECT_EQ(rewritten.error().code, ErrorCode::kVerificationFailed);
    EXPECT_THAT(rewritten.error().message, HasSubstr("rewritten"));
  }
}

TEST_F(PublishedTreeTest, TakesCheckpointsOfThePinnedLogOnly) {
  EXPECT_EQ(Open(TestLog().Publish(Leaves(3))).error().code, ErrorCode::kVerificationFailed);
  audit::PinnedLog other = pinned_;
  other.origin = "another.example/log";
  EXPECT_EQ(PublishedTree::Open(log_.Publish(Leaves(3)), other, std::nullopt).error().code,
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace salus::client
