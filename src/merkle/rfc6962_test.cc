// The tree, its proofs and their verification against the literal recursions of RFC 6962.
#include <gtest/gtest.h>

#include <random>

#include "merkle/compact_range.h"
#include "merkle/hash.h"
#include "merkle/memory_tree.h"
#include "merkle/multi_proof.h"
#include "merkle/proof.h"
#include "merkle/reference.h"

namespace salus::merkle {
namespace {

std::vector<Bytes> MakeEntries(std::size_t count) {
  std::vector<Bytes> entries;
  for (std::size_t i = 0; i < count; ++i) {
    entries.push_back(ToBytes("entry " + std::to_string(i) + std::string(i * 7 % 150, '.')));
  }
  return entries;
}

std::vector<LeafHash> LeafHashes(std::span<const Bytes> entries) {
  std::vector<LeafHash> leaves;
  for (const Bytes& entry : entries) leaves.push_back(HashLeaf(entry));
  return leaves;
}

reference::Path Arrays(const std::vector<NodeHash>& hashes) {
  reference::Path path;
  for (const NodeHash& hash : hashes) path.push_back(hash.bytes());
  return path;
}

RootHash ReferenceRoot(reference::Entries entries) { return RootHash(reference::Mth(entries)); }

TEST(Hash, ManyAgreeWithOne) {
  const auto entries = MakeEntries(600);
  std::vector<ByteSpan> views(entries.begin(), entries.end());
  std::vector<LeafHash> leaves(entries.size());
  HashLeaves(views, leaves);
  EXPECT_EQ(leaves, LeafHashes(entries));

  std::vector<NodeHash> nodes;
  for (const LeafHash& leaf : leaves) nodes.push_back(AsNode(leaf));
  std::vector<NodeHash> parents(nodes.size() / 2);
  HashPairs(nodes, parents);
  for (std::size_t i = 0; i < parents.size(); ++i) {
    EXPECT_EQ(parents[i], HashChildren(nodes[2 * i], nodes[2 * i + 1])) << i;
  }
}

TEST(CompactRange, RootsAreThoseOfTheDefinition) {
  const auto entries = MakeEntries(130);
  CompactRange range;
  EXPECT_EQ(range.Root(), ReferenceRoot({}));
  for (std::size_t i = 0; i < entries.size(); ++i) {
    range.Append(HashLeaf(entries[i]));
    EXPECT_EQ(range.Root(), ReferenceRoot(std::span(entries).first(i + 1))) << i;
    EXPECT_EQ(range.size(), TreeSize{i + 1});
  }
}

TEST(CompactRange, AppendManyAgreesWithAppendAndReportsEachNodeOnce) {
  const auto leaves = LeafHashes(MakeEntries(700));
  std::mt19937_64 random(1);
  for (int round = 0; round < 30; ++round) {
    CompactRange one_by_one;
    CompactRange batched;
    MemoryTree nodes;
    for (std::size_t done = 0; done < leaves.size();) {
      const std::size_t count = std::min<std::size_t>(random() % 90, leaves.size() - done);
      const auto batch = std::span(leaves).subspan(done, count);
      for (const LeafHash& leaf : batch) one_by_one.Append(leaf);
      batched.AppendMany(batch);
      nodes.AppendMany(batch);  // CHECKs that nodes come in order, without gaps
      done += count;
      ASSERT_EQ(batched.peaks(), one_by_one.peaks()) << done;
      ASSERT_EQ(batched.Root(), one_by_one.Root()) << done;
    }
    for (unsigned level = 1; level < 10; ++level) {
      for (std::uint64_t i = 0; i < leaves.size() >> level; ++i) {
        ASSERT_EQ(nodes.Read(level, i).value(),
                  HashChildren(nodes.Read(level - 1, 2 * i).value(),
                               nodes.Read(level - 1, 2 * i + 1).value()));
      }
      EXPECT_FALSE(nodes.Read(level, leaves.size() >> level).has_value());
    }
  }
}

TEST(CompactRange, RestoreContinues) {
  const auto leaves = LeafHashes(MakeEntries(100));
  CompactRange range;
  for (const LeafHash& leaf : leaves) {
    auto restored = CompactRange::Restore(range.size(), range.peaks());
    ASSERT_TRUE(restored.has_value());
    restored->Append(leaf);
    range.Append(leaf);
    ASSERT_EQ(restored->Root(), range.Root());
  }
  EXPECT_FALSE(CompactRange::Restore({3}, range.peaks()).value_or(CompactRange()).size().value ==
                   3 &&
               range.peaks().size() != 2);
  EXPECT_FALSE(CompactRange::Restore({7}, {NodeHash()}).has_value());
}

TEST(Inclusion, ProofsAreThoseOfTheDefinitionAndVerify) {
  const auto entries = MakeEntries(70);
  const auto leaves = LeafHashes(entries);
  const MemoryTree tree(leaves);
  for (std::size_t size = 1; size <= entries.size(); ++size) {
    const auto prefix = std::span(entries).first(size);
    const RootHash root = ReferenceRoot(prefix);
    EXPECT_EQ(RootAt({size}, tree).value(), root);
    for (std::size_t i = 0; i < size; ++i) {
      const auto proof = ProveInclusion({i}, {size}, tree);
      ASSERT_TRUE(proof.has_value());
      ASSERT_EQ(Arrays(proof->hashes()), reference::AuditPath(i, prefix)) << i << "/" << size;
      ASSERT_TRUE(proof->Verify(leaves[i], {i}, {size}, root).has_value());
      ASSERT_EQ(InclusionProof::Parse(proof->ToText()).value(), *proof);
    }
  }
}

TEST(Inclusion, EveryMutationFails) {
  const auto entries = MakeEntries(23);
  const auto leaves = LeafHashes(entries);
  const MemoryTree tree(leaves);
  const TreeSize size{leaves.size()};
  const RootHash root = tree.Root();
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const InclusionProof proof = ProveInclusion({i}, size, tree).value();
    for (std::size_t j = 0; j < leaves.size(); ++j) {
      if (j == i) continue;
      EXPECT_FALSE(proof.Verify(leaves[i], {j}, size, root).has_value());
      EXPECT_FALSE(proof.Verify(leaves[j], {i}, size, root).has_value());
    }
    for (std::size_t at = 0; at < proof.hashes().size(); ++at) {
      for (unsigned bit = 0; bit < 256; bit += 17) {
        auto hashes = proof.hashes();
        hashes[at].data()[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
        const auto mutant = InclusionProof::FromHashes(hashes).value();
        EXPECT_FALSE(mutant.Verify(leaves[i], {i}, size, root).has_value());
      }
      auto shorter = proof.hashes();
      shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(at));
      EXPECT_FALSE(InclusionProof::FromHashes(shorter)->Verify(leaves[i], {i}, size, root));
      auto longer = proof.hashes();
      longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(at), NodeHash());
      EXPECT_FALSE(InclusionProof::FromHashes(longer)->Verify(leaves[i], {i}, size, root));
    }
  }
}

// A proof that is too long leads to a real root, of another size: the size must be held to.
TEST(Inclusion, AProofOfAnotherSizeFails) {
  const auto leaves = LeafHashes(MakeEntries(4));
  const MemoryTree tree(leaves);
  const InclusionProof proof = ProveInclusion({3}, {4}, tree).value();
  EXPECT_TRUE(proof.Verify(leaves[3], {3}, {4}, tree.Root()).has_value());
  EXPECT_FALSE(proof.Verify(leaves[3], {0}, {1}, tree.Root()).has_value());
  EXPECT_FALSE(proof.Verify(leaves[3], {1}, {2}, tree.Root()).has_value());
  EXPECT_FALSE(proof.Verify(leaves[3], {7}, {8}, tree.Root()).has_value());
}

TEST(Inclusion, RefusesWhatIsNoProof) {
  EXPECT_FALSE(InclusionProof::FromHashes(std::vector<NodeHash>(64)).has_value());
  EXPECT_TRUE(InclusionProof::Parse("").has_value());
  EXPECT_FALSE(InclusionProof::Parse("\n").has_value());
  EXPECT_FALSE(InclusionProof::Parse("AAAA\n").has_value());
  const std::string line = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
  EXPECT_TRUE(InclusionProof::Parse(line + "\n").has_value());
  EXPECT_FALSE(InclusionProof::Parse(line).has_value());
  EXPECT_FALSE(InclusionProof::Parse(line + "\n\n").has_value());
  EXPECT_FALSE(InclusionProof::Parse(line + "\r\n").has_value());
  std::string many;
  for (int i = 0; i < 64; ++i) many += line + "\n";
  EXPECT_FALSE(InclusionProof::Parse(many).has_value());

  const InclusionProof empty;
  EXPECT_FALSE(empty.Verify(LeafHash(), {0}, {0}, EmptyRoot()).has_value());
  EXPECT_FALSE(empty.Verify(LeafHash(), {1}, {1}, RootHash()).has_value());
  EXPECT_FALSE(empty.Verify(LeafHash(), {0}, {kMaxTreeSize.value + 1}, RootHash()).has_value());
  EXPECT_FALSE(ProveInclusion({3}, {3}, MemoryTree()).has_value());
  EXPECT_FALSE(ProveInclusion({0}, {3}, MemoryTree()).has_value());
}

TEST(Consistency, ProofsAreThoseOfTheDefinitionAndVerify) {
  const auto entries = MakeEntries(70);
  const MemoryTree tree(LeafHashes(entries));
  for (std::size_t to = 1; to <= entries.size(); ++to) {
    const auto d = std::span(entries).first(to);
    const RootHash to_root = ReferenceRoot(d);
    for (std::size_t from = 1; from <= to; ++from) {
      const RootHash from_root = ReferenceRoot(d.first(from));
      const auto proof = ProveConsistency({from}, {to}, tree);
      ASSERT_TRUE(proof.has_value());
      ASSERT_EQ(Arrays(proof->hashes()), reference::Proof(from, d)) << from << " to " << to;
      ASSERT_TRUE(proof->Verify({from}, {to}, from_root, to_root).has_value());
      ASSERT_EQ(ConsistencyProof::Parse(proof->ToText()).value(), *proof);
    }
  }
}

TEST(Consistency, FromTheEmptyTreeAndBetweenEqualTrees) {
  const MemoryTree tree(LeafHashes(MakeEntries(5)));
  const ConsistencyProof empty;
  EXPECT_EQ(ProveConsistency({0}, {5}, tree).value(), empty);
  EXPECT_TRUE(empty.Verify({0}, {5}, EmptyRoot(), tree.Root()).has_value());
  EXPECT_TRUE(empty.Verify({0}, {0}, EmptyRoot(), EmptyRoot()).has_value());
  EXPECT_TRUE(empty.Verify({5}, {5}, tree.Root(), tree.Root()).has_value());
  EXPECT_FALSE(empty.Verify({0}, {0}, EmptyRoot(), tree.Root()).has_value());
  EXPECT_FALSE(empty.Verify({0}, {5}, tree.Root(), tree.Root()).has_value());
  EXPECT_FALSE(empty.Verify({5}, {5}, EmptyRoot(), tree.Root()).has_value());
  EXPECT_FALSE(empty.Verify({5}, {4}, tree.Root(), tree.Root()).has_value());
  EXPECT_FALSE(empty.Verify({4}, {5}, tree.Root(), tree.Root()).has_value());
  const auto one = ConsistencyProof::FromHashes({NodeHash()}).value();
  EXPECT_FALSE(one.Verify({0}, {5}, EmptyRoot(), tree.Root()).has_value());
  EXPECT_FALSE(one.Verify({5}, {5}, tree.Root(), tree.Root()).has_value());
}

// Hashes behind the end of the proof, with the root that they would lead to.
TEST(Consistency, AProofOfAnotherSizeFails) {
  const MemoryTree tree(LeafHashes(MakeEntries(4)));
  const NodeHash left = tree.Read(1, 0).value();
  const NodeHash right = tree.Read(1, 1).value();
  const auto proof = ConsistencyProof::FromHashes({right}).value();
  EXPECT_TRUE(proof.Verify({2}, {4}, AsRoot(left), tree.Root()).has_value());
  EXPECT_FALSE(proof.Verify({2}, {2}, AsRoot(left), tree.Root()).has_value());
  const auto longer = ConsistencyProof::FromHashes({right, left}).value();
  const RootHash beyond = AsRoot(HashChildren(left, HashChildren(left, right)));
  EXPECT_FALSE(longer.Verify({2}, {4}, AsRoot(left), beyond).has_value());
}

TEST(Consistency, EveryMutationFails) {
  const auto entries = MakeEntries(21);
  const MemoryTree tree(LeafHashes(entries));
  const TreeSize to{entries.size()};
  for (std::uint64_t from = 1; from < to.value; ++from) {
    const ConsistencyProof proof = ProveConsistency({from}, to, tree).value();
    const RootHash from_root = RootAt({from}, tree).value();
    for (std::uint64_t other = 1; other <= to.value; ++other) {
      if (other == from) continue;
      EXPECT_FALSE(proof.Verify({other}, to, from_root, tree.Root()).has_value());
      EXPECT_FALSE(proof.Verify({from}, to, RootAt({other}, tree).value(), tree.Root()));
    }
    for (std::size_t at = 0; at < proof.hashes().size(); ++at) {
      for (unsigned bit = 0; bit < 256; bit += 17) {
        auto hashes = proof.hashes();
        hashes[at].data()[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
        EXPECT_FALSE(
            ConsistencyProof::FromHashes(hashes)->Verify({from}, to, from_root, tree.Root()));
      }
    }
  }
}

// Every subtree of every tree, against the roots of the definition.
TEST(Consistency, SubtreesVerify) {
  const auto entries = MakeEntries(34);
  const MemoryTree tree(LeafHashes(entries));
  for (std::size_t to = 1; to <= entries.size(); ++to) {
    const RootHash root = ReferenceRoot(std::span(entries).first(to));
    for (std::size_t start = 0; start < to; ++start) {
      for (std::size_t end = start + 1; end <= to; ++end) {
        const auto proof = ProveSubtreeConsistency({start}, {end}, {to}, tree);
        if (!CheckSubtree({start}, {end})) {
          EXPECT_FALSE(proof.has_value());
          continue;
        }
        ASSERT_TRUE(proof.has_value());
        const NodeHash hash(reference::Mth(std::span(entries).subspan(start, end - start)));
        ASSERT_TRUE(proof->VerifySubtree({start}, {end}, {to}, hash, root).has_value())
            << start << " " << end << " " << to;
        EXPECT_FALSE(proof->VerifySubtree({start}, {end}, {to}, AsNode(EmptyRoot()), root));
        EXPECT_FALSE(proof->VerifySubtree({start}, {end}, {to}, hash, EmptyRoot()));
      }
    }
  }
}

std::vector<MultiProof::Leaf> Chosen(const std::vector<LeafHash>& leaves, std::uint64_t mask) {
  std::vector<MultiProof::Leaf> chosen;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    if ((mask >> i & 1) != 0) chosen.push_back({{i}, leaves[i]});
  }
  return chosen;
}

std::vector<LeafIndex> IndexesOf(const std::vector<MultiProof::Leaf>& leaves) {
  std::vector<LeafIndex> indexes;
  for (const MultiProof::Leaf& leaf : leaves) indexes.push_back(leaf.index);
  return indexes;
}

// Every set of leaves of every small tree, against the root of the definition.
TEST(MultiProof, ProvesEverySetOfLeaves) {
  const auto entries = MakeEntries(11);
  for (std::size_t size = 1; size <= entries.size(); ++size) {
    const auto leaves = LeafHashes(std::span(entries).first(size));
    const MemoryTree tree(leaves);
    const RootHash root = ReferenceRoot(std::span(entries).first(size));
    for (std::uint64_t mask = 0; mask < std::uint64_t{1} << size; ++mask) {
      const auto chosen = Chosen(leaves, mask);
      const auto proof = ProveMany(IndexesOf(chosen), TreeSize{size}, tree);
      ASSERT_TRUE(proof);
      EXPECT_TRUE(proof->Verify(chosen, TreeSize{size}, root)) << size << ": " << mask;
    }
  }
}

// With one leaf its hashes are those of the definition's path, with all of them there are none.
TEST(MultiProof, HoldsNoHashThatFollows) {
  const auto entries = MakeEntries(13);
  const auto leaves = LeafHashes(entries);
  const MemoryTree tree(leaves);
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const LeafIndex index{i};
    reference::Path expected = reference::AuditPath(i, entries);
    reference::Path got = Arrays(ProveMany({&index, 1}, tree.size(), tree)->hashes());
    std::sort(expected.begin(), expected.end());
    std::sort(got.begin(), got.end());
    EXPECT_EQ(got, expected) << i;
  }
  const auto all = Chosen(leaves, (1u << 13) - 1);
  EXPECT_TRUE(ProveMany(IndexesOf(all), tree.size(), tree)->hashes().empty());
}

TEST(MultiProof, RefusesWhateverIsNotSo) {
  const auto entries = MakeEntries(9);
  const auto leaves = LeafHashes(entries);
  const MemoryTree tree(leaves);
  for (std::uint64_t mask = 1; mask < 1u << 9; ++mask) {
    const auto chosen = Chosen(leaves, mask);
    const auto proof = *ProveMany(IndexesOf(chosen), tree.size(), tree);
    const auto fails = [&](const MultiProof& other, std::span<const MultiProof::Leaf> of,
                           TreeSize size = {9}) { return !other.Verify(of, size, tree.Root()); };
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      auto other = chosen;
      other[i].hash.data()[5] ^= 1;
      EXPECT_TRUE(fails(proof, other));
      other = chosen;
      other.erase(other.begin() + static_cast<std::ptrdiff_t>(i));
      EXPECT_TRUE(fails(proof, other));
      other = chosen;
      other.insert(other.begin() + static_cast<std::ptrdiff_t>(i), chosen[i]);
      EXPECT_TRUE(fails(proof, other));
      if (i + 1 < chosen.size()) {
        other = chosen;
        std::swap(other[i].hash, other[i + 1].hash);
        EXPECT_TRUE(fails(proof, other));
      }
    }
    for (std::size_t i = 0; i < proof.hashes().size(); ++i) {
      auto hashes = proof.hashes();
      hashes[i].data()[9] ^= 1;
      EXPECT_TRUE(fails(MultiProof(hashes), chosen));
      hashes = proof.hashes();
      hashes.erase(hashes.begin() + static_cast<std::ptrdiff_t>(i));
      EXPECT_TRUE(fails(MultiProof(hashes), chosen));
    }
    auto longer = proof.hashes();
    longer.emplace_back();
    EXPECT_TRUE(fails(MultiProof(longer), chosen));
    EXPECT_TRUE(fails(proof, chosen, TreeSize{8}));
    // As of any proof: the size is seen where a leaf at the right edge is among the leaves.
    if ((mask >> 8 & 1) != 0) {
      EXPECT_TRUE(fails(proof, chosen, TreeSize{10}));
    }
  }
  EXPECT_TRUE(!MultiProof({NodeHash()}).Verify({}, tree.size(), tree.Root()));
  const std::vector<LeafIndex> falling = {{3}, {2}};
  EXPECT_FALSE(ProveMany(falling, tree.size(), tree));
  const LeafIndex outside{9};
  EXPECT_FALSE(ProveMany({&outside, 1}, tree.size(), tree));
}

}  // namespace
}  // namespace salus::merkle
