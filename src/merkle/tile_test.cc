#include "merkle/tile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "merkle/compact_range.h"
#include "merkle/hash.h"
#include "merkle/memory_tree.h"
#include "merkle/proof.h"

namespace salus::merkle {
namespace {

// The examples of C2SP tlog-tiles.
TEST(TilePath, WritesTheExamplesOfTheSpecification) {
  EXPECT_EQ((TileId{0, 5}).Path(), "tile/0/005");
  EXPECT_EQ((TileId{0, 1000}).Path(), "tile/0/x001/000");
  EXPECT_EQ((TileId{0, 1234067}).Path(), "tile/0/x001/x234/067");
  EXPECT_EQ((TileId{0, 1000000}).Path(), "tile/0/x001/x000/000");
  EXPECT_EQ((TileId{1, 0, 1}).Path(), "tile/1/000.p/1");
  EXPECT_EQ((TileId{0, 273, 112}).Path(), "tile/0/273.p/112");
  EXPECT_EQ((TileId{0, 273, 112}).EntriesPath(), "tile/entries/273.p/112");
}

TEST(TilePath, ParsesWhatItWrites) {
  for (const std::uint64_t n : {0ull, 5ull, 999ull, 1000ull, 1234067ull, ~0ull}) {
    for (const unsigned width : {1u, 255u, 256u}) {
      for (const unsigned level : {0u, 7u, 63u}) {
        const TileId id{level, n, width};
        const auto tile = ParseTilePath(id.Path());
        ASSERT_TRUE(tile.has_value()) << id.Path();
        EXPECT_EQ(tile->id, id);
        EXPECT_FALSE(tile->is_entries);
      }
      const TileId id{0, n, width};
      const auto entries = ParseTilePath(id.EntriesPath());
      ASSERT_TRUE(entries.has_value()) << id.EntriesPath();
      EXPECT_EQ(entries->id, id);
      EXPECT_TRUE(entries->is_entries);
    }
  }
}

TEST(TilePath, RefusesEverythingElse) {
  for (const char* path : {"",
                           "tile",
                           "tile/",
                           "tile/0",
                           "tile/0/",
                           "/tile/0/000",
                           "tile/0/5",
                           "tile/0/0005",
                           "tile/0/000/",
                           "tile/0/x000/000",
                           "tile/0/000/001",
                           "tile/0/x001/0",
                           "tile/0/X001/000",
                           "tile/00/000",
                           "tile/64/000",
                           "tile/-1/000",
                           "tile/0/000.p/0",
                           "tile/0/000.p/256",
                           "tile/0/000.p/01",
                           "tile/0/000.p/",
                           "tile/0/000.p",
                           "tile/0/000.p/1/",
                           "tile/0/000.p/1.p/1",
                           "tile/entries/0/000",
                           "tile/data/000",
                           "tile/0/x018/x446/x744/x073/x709/x551/616",
                           "tile/0/../000",
                           "tile/0/000 ",
                           "tile/0/+00"}) {
    EXPECT_FALSE(ParseTilePath(path).has_value()) << path;
  }
}

// C2SP tlog-tiles, size 70,000 and size 256.
TEST(Tiles, OfATree) {
  const auto tiles = TilesOf({70'000});
  EXPECT_EQ(tiles.size(), 277u);
  EXPECT_EQ(tiles[273], (TileId{0, 273, 112}));
  EXPECT_EQ(tiles[274], (TileId{1, 0, 256}));
  EXPECT_EQ(tiles[275], (TileId{1, 1, 17}));
  EXPECT_EQ(tiles[276], (TileId{2, 0, 1}));
  EXPECT_EQ(TilesOf({256}), (std::vector<TileId>{{0, 0, 256}, {1, 0, 1}}));
  EXPECT_TRUE(TilesOf({0}).empty());
  EXPECT_EQ(TileWidthAt({256}, 0, 1), 0u);
  EXPECT_EQ(TileWidthAt({257}, 0, 1), 1u);
  EXPECT_EQ(TileWidthAt({257}, 0, 2), 0u);
  EXPECT_EQ(TileWidthAt(kMaxTreeSize, 7, 0), 128u);
  EXPECT_EQ(TileWidthAt(kMaxTreeSize, 8, 0), 0u);
}

TEST(Tiles, BetweenTwoSizesAreThoseThatChanged) {
  for (std::uint64_t to = 0; to < 1500; to += 7) {
    const auto wanted = TilesOf({to});
    for (std::uint64_t from = 0; from <= to; from += 13) {
      const auto published = TilesOf({from});
      std::vector<TileId> expected;
      for (const TileId& id : wanted) {
        if (std::ranges::find(published, id) == published.end()) expected.push_back(id);
      }
      ASSERT_EQ(TilesBetween({from}, {to}), expected) << from << " to " << to;
    }
  }
}

TEST(TileHashReader, ReadsTheTreeBack) {
  std::vector<LeafHash> leaves;
  for (int i = 0; i < 1100; ++i) leaves.push_back(HashLeaf(AsBytes(std::to_string(i))));
  const MemoryTree tree(leaves);
  std::map<std::string, Bytes> files;
  const auto publish = [&](std::uint64_t size) {
    for (const TileId& id : TilesOf({size})) {
      std::vector<NodeHash> hashes;
      for (unsigned i = 0; i < id.width; ++i) {
        hashes.push_back(tree.Read(kTileHeight * id.level, id.n * kTileWidth + i).value());
      }
      files[id.Path()] = EncodeTile(hashes);
    }
  };
  for (const std::uint64_t size : {1, 2, 255, 256, 257, 300, 512, 513, 1100}) publish(size);

  for (const std::uint64_t size : {1, 2, 255, 256, 257, 300, 512, 513, 1100}) {
    const TileHashReader reader({size}, [&](const TileId& id) -> Result<Bytes> {
      const auto file = files.find(id.Path());
      if (file == files.end()) return NotFound(id.Path());
      return file->second;
    });
    EXPECT_EQ(RootAt({size}, reader).value(), RootAt({size}, tree).value()) << size;
    for (unsigned level = 0; level < 12; ++level) {
      for (std::uint64_t i = 0; i < size >> level; ++i) {
        ASSERT_EQ(reader.Read(level, i).value(), tree.Read(level, i).value()) << level << " " << i;
      }
      EXPECT_FALSE(reader.Read(level, size >> level).has_value());
    }
    EXPECT_FALSE(reader.Read(64, 0).has_value());
  }
}

TEST(TileHashReader, TakesAWiderTileAndRefusesAShortOne) {
  std::vector<NodeHash> hashes(20, AsNode(EmptyRoot()));
  Bytes tile = EncodeTile(hashes);
  const auto fetch = [&](const TileId&) -> Result<Bytes> { return tile; };
  EXPECT_TRUE(TileHashReader({10}, fetch).Read(3, 0).has_value());
  tile.pop_back();
  EXPECT_FALSE(TileHashReader({10}, fetch).Read(3, 0).has_value());
  tile.resize(9 * 32);
  EXPECT_FALSE(TileHashReader({10}, fetch).Read(3, 0).has_value());
  tile.resize(257 * 32);
  EXPECT_FALSE(TileHashReader({10}, fetch).Read(3, 0).has_value());
}

// Worked bytes: the first bundle of a Tessera log of three entries.
TEST(Bundle, IsLengthsAndEntries) {
  Bytes bundle;
  for (const std::string_view entry : {"one", "two", "three"}) {
    ASSERT_TRUE(AppendBundleEntry(bundle, AsBytes(entry)).has_value());
  }
  EXPECT_EQ(bundle, ToBytes(std::string_view("\0\3one\0\3two\0\5three", 17)));
  const auto entries = ParseBundle(bundle, 3);
  ASSERT_TRUE(entries.has_value());
  EXPECT_EQ(AsText((*entries)[2]), "three");
  EXPECT_FALSE(ParseBundle(bundle, 2).has_value());
  EXPECT_FALSE(ParseBundle(bundle, 4).has_value());
  bundle.pop_back();
  EXPECT_FALSE(ParseBundle(bundle, 3).has_value());
  EXPECT_TRUE(AppendBundleEntry(bundle, Bytes(65'535)).has_value());
  EXPECT_FALSE(AppendBundleEntry(bundle, Bytes(65'536)).has_value());
}

TEST(DecodeTile, WantsExactlyItsHashes) {
  EXPECT_EQ(DecodeTile({0, 0, 2}, Bytes(64))->size(), 2u);
  EXPECT_FALSE(DecodeTile({0, 0, 2}, Bytes(63)).has_value());
  EXPECT_FALSE(DecodeTile({0, 0, 2}, Bytes(96)).has_value());
}

}  // namespace
}  // namespace salus::merkle
