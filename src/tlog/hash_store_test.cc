// HashStore against a tree that is kept in memory and nowhere else.
#include "tlog/hash_store.h"

#include <gtest/gtest.h>

#include "merkle/hash.h"
#include "merkle/memory_tree.h"
#include "merkle/multi_proof.h"
#include "storage/memory_file_system.h"

namespace salus::tlog {
namespace {

std::vector<merkle::LeafHash> Leaves(std::size_t count) {
  std::vector<merkle::LeafHash> leaves;
  for (std::size_t i = 0; i < count; ++i) {
    leaves.push_back(merkle::HashLeaf(AsBytes("entry " + std::to_string(i))));
  }
  return leaves;
}

struct Stored {
  explicit Stored(std::size_t count) : leaves(Leaves(count)), tree(leaves) {
    EXPECT_TRUE(fs.MakeDirectory("h"));
    store = *HashStore::Open(fs, "h", 0, false);
    store->Append(leaves);
  }
  storage::MemoryFileSystem fs;
  std::vector<merkle::LeafHash> leaves;
  merkle::MemoryTree tree;
  std::unique_ptr<HashStore> store;
};

// Through full tiles of the file, the tiles above them, and the partial ones at the right edge.
TEST(HashStoreTest, EveryHashIsTheTrees) {
  Stored stored(3 * 256 + 77);
  const OneTileALevel once(*stored.store);
  for (unsigned level = 0; level <= 10; ++level) {
    for (std::uint64_t i = 0; i <= stored.leaves.size() >> level; ++i) {
      const auto expected = stored.tree.Read(level, i);
      for (const merkle::HashReader* reader :
           {static_cast<const merkle::HashReader*>(stored.store.get()),
            static_cast<const merkle::HashReader*>(&once)}) {
        const auto read = reader->Read(level, i);
        ASSERT_EQ(read.has_value(), expected.has_value()) << level << ", " << i;
        if (read) {
          EXPECT_EQ(*read, *expected) << level << ", " << i;
        }
      }
    }
  }
}

TEST(HashStoreTest, AnAnswersProofsAreTheTrees) {
  Stored stored(66'000);
  const std::vector<merkle::LeafIndex> indexes = {{0}, {1}, {255}, {256}, {40'000}, {65'999}};
  const OneTileALevel hashes(*stored.store);
  const auto proof = merkle::ProveMany(indexes, stored.tree.size(), hashes);
  ASSERT_TRUE(proof);
  EXPECT_EQ(*proof, *merkle::ProveMany(indexes, stored.tree.size(), stored.tree));
}

TEST(HashStoreTest, AChangedTileIsNotServed) {
  Stored stored(512);
  Bytes content = stored.fs.Content("h/leaves");
  content[300 * 32] ^= 1;
  stored.fs.SetContent("h/leaves", content);
  const OneTileALevel hashes(*stored.store);
  EXPECT_TRUE(hashes.Read(0, 255));
  EXPECT_EQ(hashes.Read(0, 256).error().code, ErrorCode::kCorruption);
  EXPECT_EQ(stored.store->ReadTile({0, 1, 256}).error().code, ErrorCode::kCorruption);
}

}  // namespace
}  // namespace salus::tlog
