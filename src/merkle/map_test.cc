// The map against its literal definition: random batches, proofs, mutations, snapshots.
#include "merkle/map.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "codec/hex.h"
#include "merkle/hash.h"
#include "merkle/reference.h"

namespace salus::merkle {
namespace {

using Model = std::map<MapPosition, MapValue>;

// Positions that share `shared_bits` leading bits, to reach deep and crowded paths.
MapPosition RandomPosition(std::mt19937_64& random, unsigned shared_bits) {
  MapPosition position;
  for (unsigned i = 0; i < 32; ++i) position.data()[i] = static_cast<std::uint8_t>(random());
  for (unsigned i = 0; i < shared_bits; ++i) {
    position.data()[i / 8] &= static_cast<std::uint8_t>(~(0x80 >> i % 8));
  }
  return position;
}

MapValue RandomValue(std::mt19937_64& random) {
  MapValue value{random(), {}};
  for (unsigned i = 0; i < 32; ++i) value.head.data()[i] = static_cast<std::uint8_t>(random());
  return value;
}

MapRoot ReferenceMapRoot(const Model& model) {
  return MapRoot(reference::MapHash({model.begin(), model.end()}));
}

void ApplyRandomBatch(std::mt19937_64& random, unsigned shared_bits, std::size_t count,
                      MapTree& tree, Model& model) {
  std::vector<MapUpdate> updates;
  for (std::size_t i = 0; i < count; ++i) {
    MapPosition position = RandomPosition(random, shared_bits);
    if (!model.empty() && random() % 2 == 0) {
      auto near = model.lower_bound(position);
      position = near == model.end() ? model.begin()->first : near->first;
    }
    updates.push_back({position, RandomValue(random)});
    model[position] = updates.back().value;
  }
  tree.Apply(updates);
}

void ExpectSame(const MapTree& tree, const Model& model) {
  ASSERT_EQ(tree.size(), model.size());
  ASSERT_EQ(tree.root(), ReferenceMapRoot(model));
  auto expected = model.begin();
  tree.ForEach([&](const MapUpdate& leaf) {
    ASSERT_NE(expected, model.end());
    EXPECT_EQ(leaf.position, expected->first);
    EXPECT_EQ(leaf.value, (expected++)->second);
  });
}

TEST(ChainTest, StepsSideBySideAgreeWithStepsOneByOne) {
  for (const std::size_t count : {0, 1, 2, 3, 47, 48}) {
    std::vector<ChainHead> heads(count);
    std::vector<ChainHead> expected(count);
    std::vector<LeafHash> leaves(count);
    std::vector<ChainStepAt> steps(count);
    for (std::size_t i = 0; i < count; ++i) {
      heads[i] = ChainHead(crypto::Sha256(AsBytes("head " + std::to_string(i))));
      leaves[i] = LeafHash(crypto::Sha256(AsBytes("leaf " + std::to_string(i))));
      expected[i] = ChainStep(heads[i], LeafIndex{1000 + i}, leaves[i]);
      steps[i] = {&heads[i], LeafIndex{1000 + i}, &leaves[i]};
    }
    ChainSteps(steps);
    EXPECT_EQ(heads, expected) << count;
  }
}

TEST(MapTree, EmptyIsZero) {
  MapTree tree;
  EXPECT_EQ(tree.root(), MapRoot());
  EXPECT_EQ(tree.size(), 0u);
  const MapProof proof = tree.Prove(MapPosition());
  EXPECT_EQ(proof.kind(), MapProof::Kind::kEmpty);
  EXPECT_TRUE(proof.Verify(MapPosition(), std::nullopt, MapRoot()).has_value());
  EXPECT_FALSE(proof.Verify(MapPosition(), MapValue(), MapRoot()).has_value());
  tree.Apply({});
  EXPECT_EQ(tree.root(), MapRoot());
}

TEST(MapTree, RandomBatchesAgreeWithTheDefinition) {
  std::mt19937_64 random(2);
  for (const unsigned shared_bits : {0u, 5u, 200u, 248u}) {
    MapTree tree;
    Model model;
    for (int round = 0; round < 40; ++round) {
      ApplyRandomBatch(random, shared_bits, random() % 60, tree, model);
      ExpectSame(tree, model);
    }
  }
}

TEST(MapTree, OneByOneAndAtOnceAreTheSame) {
  std::mt19937_64 random(3);
  std::vector<MapUpdate> updates;
  for (int i = 0; i < 3000; ++i)
    updates.push_back({RandomPosition(random, 0), RandomValue(random)});
  MapTree at_once;
  at_once.Apply(updates);
  MapTree one_by_one;
  for (const MapUpdate& update : updates) one_by_one.Apply({&update, 1});
  EXPECT_EQ(at_once.root(), one_by_one.root());
}

TEST(MapTree, TheLaterUpdateOfAPositionStays) {
  std::mt19937_64 random(4);
  const MapPosition position = RandomPosition(random, 0);
  MapTree tree;
  const std::vector<MapUpdate> updates = {{position, {1, {}}}, {position, {2, {}}}};
  tree.Apply(updates);
  EXPECT_EQ(tree.size(), 1u);
  EXPECT_EQ(tree.Find(position)->count, 2u);
  EXPECT_EQ(tree.root().bytes(), reference::MapLeaf(position, {2, {}}));
}

TEST(MapTree, LeavesThatDifferInTheLastBit) {
  MapPosition even;
  MapPosition odd;
  odd.data()[31] = 1;
  Model model = {{even, {1, {}}}, {odd, {2, {}}}};
  MapTree tree;
  tree.Apply(std::vector<MapUpdate>{{odd, {2, {}}}, {even, {1, {}}}});
  ExpectSame(tree, model);
  const MapProof proof = tree.Prove(odd);
  EXPECT_EQ(proof.siblings().size(), 256u);
  EXPECT_TRUE(proof.Verify(odd, MapValue{2, {}}, tree.root()).has_value());
  EXPECT_EQ(MapProof::Decode(proof.Encode()).value(), proof);
}

TEST(MapProof, PresenceAndAbsenceVerifyAndNothingElseDoes) {
  std::mt19937_64 random(5);
  for (const unsigned shared_bits : {0u, 250u}) {
    MapTree tree;
    Model model;
    std::set<MapProof::Kind> kinds;
    for (const std::size_t count : {1, 1, 1, 2, 3, 10, 100}) {
      ApplyRandomBatch(random, shared_bits, count, tree, model);
      std::vector<MapPosition> asked;
      for (const auto& [position, value] : model) asked.push_back(position);
      for (int i = 0; i < 50; ++i) asked.push_back(RandomPosition(random, shared_bits));
      for (const MapPosition& position : asked) {
        const auto found = model.find(position);
        std::optional<MapValue> truth;
        if (found != model.end()) truth = found->second;
        const MapProof proof = tree.Prove(position);
        kinds.insert(proof.kind());
        EXPECT_EQ(tree.Find(position), truth);
        ASSERT_TRUE(proof.Verify(position, truth, tree.root()).has_value());
        ASSERT_EQ(MapProof::Decode(proof.Encode()).value(), proof);
        // The same proof says nothing else.
        const auto lie = truth ? std::nullopt : std::optional(RandomValue(random));
        EXPECT_FALSE(proof.Verify(position, lie, tree.root()).has_value());
        if (truth) {
          EXPECT_FALSE(
              proof.Verify(position, MapValue{truth->count + 1, truth->head}, tree.root()));
        }
        EXPECT_FALSE(proof.Verify(position, truth, MapRoot(RandomValue(random).head.bytes())));
      }
    }
    EXPECT_EQ(kinds.size(), 3u);
  }
}

// Every bit of the encoding: what still decodes must not verify. A blinded neighbour is bound by
// the hash too, so that no bit is free.
TEST(MapProof, EveryBitFlipFails) {
  std::mt19937_64 random(6);
  MapTree tree;
  Model model;
  ApplyRandomBatch(random, 0, 40, tree, model);
  std::vector<MapPosition> asked = {model.begin()->first};
  for (int i = 0; i < 20; ++i) asked.push_back(RandomPosition(random, 0));
  for (const MapPosition& position : asked) {
    const auto truth = tree.Find(position);
    const Bytes encoded = tree.Prove(position).Encode();
    for (std::size_t bit = 0; bit < encoded.size() * 8; ++bit) {
      Bytes mutant = encoded;
      mutant[bit / 8] ^= static_cast<std::uint8_t>(0x80 >> bit % 8);
      const auto proof = MapProof::Decode(mutant);
      EXPECT_FALSE(proof && proof->Verify(position, truth, tree.root())) << bit;
    }
    for (std::size_t size = 0; size < encoded.size(); ++size) {
      EXPECT_FALSE(MapProof::Decode(ByteSpan(encoded).first(size)).has_value());
    }
    Bytes longer = encoded;
    longer.push_back(0);
    EXPECT_FALSE(MapProof::Decode(longer).has_value());
  }
}

// A leaf elsewhere can't stand in for the neighbour: it must share the path, and be another.
TEST(MapProof, TheNeighbourMustBeOnThePath) {
  std::mt19937_64 random(7);
  MapTree tree;
  const MapPosition here = RandomPosition(random, 4);
  tree.Apply(std::vector<MapUpdate>{{here, {1, {}}}});
  const MapProof proof = tree.Prove(here);
  ASSERT_EQ(proof.kind(), MapProof::Kind::kPresent);
  const auto lie = MapProof::Create(MapProof::Kind::kNeighbour, proof.siblings(),
                                    MapProof::Neighbour{here, HashMapValue({1, {}})});
  ASSERT_TRUE(lie.has_value());
  EXPECT_FALSE(lie->Verify(here, std::nullopt, tree.root()).has_value());
  EXPECT_TRUE(lie->Verify(RandomPosition(random, 0), std::nullopt, tree.root()).has_value());

  MapPosition beyond = here;
  beyond.data()[0] ^= 0x80;
  tree.Apply(std::vector<MapUpdate>{{beyond, {1, {}}}});
  const auto other_side =
      MapProof::Create(MapProof::Kind::kNeighbour, tree.Prove(beyond).siblings(),
                       MapProof::Neighbour{beyond, HashMapValue({1, {}})});
  EXPECT_FALSE(other_side->Verify(here, std::nullopt, tree.root()).has_value());
}

TEST(MapProof, RefusesWhatCanNotBe) {
  using Kind = MapProof::Kind;
  const MapNodeHash some(crypto::Sha256(AsBytes("some")));
  EXPECT_FALSE(MapProof::Create(Kind::kEmpty, {MapNodeHash()}, std::nullopt).has_value());
  EXPECT_FALSE(MapProof::Create(Kind::kNeighbour, {}, std::nullopt).has_value());
  EXPECT_FALSE(MapProof::Create(Kind::kPresent, {}, MapProof::Neighbour{}).has_value());
  EXPECT_FALSE(MapProof::Create(Kind::kEmpty, std::vector(257, some), std::nullopt).has_value());
  EXPECT_FALSE(MapProof::Decode(Bytes{4, 0, 0}).has_value());
  EXPECT_FALSE(MapProof::Decode(Bytes{0, 0, 0}).has_value());
  EXPECT_FALSE(MapProof::Decode(Bytes{2, 1, 1}).has_value());
  EXPECT_TRUE(MapProof::Decode(Bytes{2, 0, 0}).has_value());
}

// A file in memory.
struct Stream {
  Bytes bytes;
  std::size_t at = 0;
  MapTree::Write writer() {
    return [this](ByteSpan chunk) -> Result<void> {
      Append(bytes, chunk);
      return {};
    };
  }
  MapTree::Read reader() {
    return [this](MutableByteSpan buffer) -> Result<std::size_t> {
      const std::size_t count = std::min(buffer.size(), bytes.size() - at);
      std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), count, buffer.begin());
      at += count;
      return count;
    };
  }
};

TEST(Snapshot, ComesBackAndContinues) {
  std::mt19937_64 random(8);
  MapTree tree;
  Model model;
  for (const std::size_t count : {0, 1, 5, 9000}) {
    ApplyRandomBatch(random, 0, count, tree, model);
    Stream file;
    ASSERT_TRUE(tree.WriteSnapshot(file.writer()).has_value());
    EXPECT_EQ(file.bytes.size(), 20 + 72 * model.size() + 32);
    auto restored = MapTree::ReadSnapshot(file.reader());
    ASSERT_TRUE(restored.has_value());
    EXPECT_EQ(restored->root(), tree.root());
    EXPECT_EQ(restored->size(), tree.size());
    const MapUpdate more{RandomPosition(random, 0), RandomValue(random)};
    restored->Apply({&more, 1});
    tree.Apply({&more, 1});
    model[more.position] = more.value;
    EXPECT_EQ(restored->root(), tree.root());
  }
}

TEST(Snapshot, AnyChangedByteIsCorruption) {
  std::mt19937_64 random(9);
  MapTree tree;
  Model model;
  ApplyRandomBatch(random, 0, 7, tree, model);
  Stream file;
  ASSERT_TRUE(tree.WriteSnapshot(file.writer()).has_value());
  for (std::size_t i = 0; i < file.bytes.size(); ++i) {
    Stream damaged{file.bytes, 0};
    damaged.bytes[i] ^= 1;
    const auto restored = MapTree::ReadSnapshot(damaged.reader());
    ASSERT_FALSE(restored.has_value()) << i;
    EXPECT_EQ(restored.error().code, ErrorCode::kCorruption);
    Stream cut{Bytes(file.bytes.begin(), file.bytes.begin() + static_cast<std::ptrdiff_t>(i)), 0};
    EXPECT_FALSE(MapTree::ReadSnapshot(cut.reader()).has_value()) << i;
  }
  file.bytes.push_back(0);
  EXPECT_FALSE(MapTree::ReadSnapshot(file.reader()).has_value());
}

TEST(Snapshot, AFailedWriteIsReported) {
  MapTree tree;
  const auto full = [](ByteSpan) -> Result<void> { return ResourceExhausted("disk full"); };
  EXPECT_EQ(tree.WriteSnapshot(full).error().code, ErrorCode::kResourceExhausted);
}

// The worked example of docs/formats/map.md, whose hashes were computed apart from this code.
TEST(Map, WorkedExample) {
  constexpr std::string_view kOrigin = "audit.example/hospital/2026";
  std::vector<LeafHash> leaves;
  for (int i = 0; i < 5; ++i) leaves.push_back(HashLeaf(AsBytes("entry " + std::to_string(i))));
  std::array<MapUpdate, 3> subjects;
  const std::array<std::vector<std::uint64_t>, 3> entries = {{{0, 3}, {1}, {4}}};
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    SubjectTag tag;
    std::fill_n(tag.data(), SubjectTag::kSize, static_cast<std::uint8_t>(i + 1));
    subjects[i].position = PositionOf(tag);
    subjects[i].value.head = ChainHead0(kOrigin, tag);
    for (const std::uint64_t index : entries[i]) {
      subjects[i].value.head = ChainStep(subjects[i].value.head, {index}, leaves[index]);
      ++subjects[i].value.count;
    }
  }
  const auto hex = [](const auto& digest) { return codec::HexEncode(digest.span()); };
  EXPECT_EQ(hex(subjects[0].position),
            "ff62ae414025aacfb76b4e2d263744a2b19d611460593a265a2681f0208f9dd8");
  EXPECT_EQ(hex(subjects[0].value.head),
            "8bdd416aef67693b8ff5dcc164e27a0771b0384dac7b1f9f440f26e079cbc39b");
  const std::string leaf2 = "bb5af955ed083d2dc30c8f99e396cb5f973fbfcb8ea79f5b58d118c2c8dba6ea";
  const std::string leaf3 = "a0266d9b08e6f1923b0e7d580992e7fcb3163ab6e32df9ffaf29a69348ddc3a6";
  EXPECT_EQ(hex(MapLeafHash(subjects[1].position, subjects[1].value)), leaf2);
  EXPECT_EQ(hex(MapLeafHash(subjects[2].position, subjects[2].value)), leaf3);
  MapTree tree;
  tree.Apply(subjects);
  EXPECT_EQ(hex(tree.root()), "66ea1fd6c74ba92c34ff5ace1e67125dbc48aad35573d7b7d2133bf10a3997b7");
  EXPECT_EQ(codec::HexEncode(tree.Prove(subjects[0].position).Encode()),
            "010003a0" + leaf3 + leaf2);
}

}  // namespace
}  // namespace salus::merkle
