#include "merkle/multi_proof.h"

#include <algorithm>

#include "merkle/hash.h"
#include "merkle/proof.h"

namespace salus::merkle {

namespace {

Error WrongProof() { return VerificationFailed("the Merkle proof does not lead to the root"); }

// Where leaves with indexes below `middle` end.
template <typename Leaf, typename IndexOf>
std::size_t CountBelow(std::span<const Leaf> leaves, std::uint64_t middle, IndexOf index_of) {
  const auto at = std::partition_point(leaves.begin(), leaves.end(), [&](const Leaf& leaf) {
    return index_of(leaf).value < middle;
  });
  return static_cast<std::size_t>(at - leaves.begin());
}

template <typename Leaf, typename IndexOf>
Result<void> CheckRising(std::span<const Leaf> leaves, TreeSize size, IndexOf index_of) {
  if (size > kMaxTreeSize) return InvalidArgument("tree size is above 2^63");
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const bool rises = i == 0 || index_of(leaves[i - 1]) < index_of(leaves[i]);
    if (!rises || index_of(leaves[i]).value >= size.value) {
      return InvalidArgument("the leaf indexes do not rise inside the tree");
    }
  }
  return {};
}

LeafIndex SameIndex(LeafIndex index) { return index; }
LeafIndex IndexOfLeaf(const MultiProof::Leaf& leaf) { return leaf.index; }

// begin..end holds at least one of the indexes.
Result<void> Prove(std::span<const LeafIndex> indexes, std::uint64_t begin, std::uint64_t end,
                   const HashReader& reader, std::vector<NodeHash>& hashes) {
  if (end - begin == 1) return {};
  const std::uint64_t middle = MiddleOfRange(begin, end);
  const std::size_t left = CountBelow(indexes, middle, SameIndex);
  const auto side = [&](std::span<const LeafIndex> part, std::uint64_t from,
                        std::uint64_t to) -> Result<void> {
    if (!part.empty()) return Prove(part, from, to, reader, hashes);
    TRY(const NodeHash hash, HashOfRange(from, to, reader));
    hashes.push_back(hash);
    return {};
  };
  TRY_VOID(side(indexes.first(left), begin, middle));
  return side(indexes.subspan(left), middle, end);
}

// Takes the hashes that it needs off the front of `hashes`.
Result<NodeHash> Implied(std::span<const MultiProof::Leaf> leaves, std::uint64_t begin,
                         std::uint64_t end, std::span<const NodeHash>& hashes) {
  if (leaves.empty()) {
    if (hashes.empty()) return WrongProof();
    const NodeHash hash = hashes.front();
    hashes = hashes.subspan(1);
    return hash;
  }
  if (end - begin == 1) return AsNode(leaves.front().hash);
  const std::uint64_t middle = MiddleOfRange(begin, end);
  const std::size_t left = CountBelow(leaves, middle, IndexOfLeaf);
  TRY(const NodeHash left_hash, Implied(leaves.first(left), begin, middle, hashes));
  TRY(const NodeHash right_hash, Implied(leaves.subspan(left), middle, end, hashes));
  return HashChildren(left_hash, right_hash);
}

}  // namespace

Result<void> MultiProof::Verify(std::span<const Leaf> leaves, TreeSize size,
                                const RootHash& root) const {
  TRY_VOID(CheckRising(leaves, size, IndexOfLeaf));
  std::span<const NodeHash> left(hashes_);
  if (leaves.empty()) return left.empty() ? Result<void>() : WrongProof();
  TRY(const NodeHash implied, Implied(leaves, 0, size.value, left));
  if (!left.empty() || AsRoot(implied) != root) return WrongProof();
  return {};
}

Result<MultiProof> ProveMany(std::span<const LeafIndex> indexes, TreeSize size,
                             const HashReader& reader) {
  TRY_VOID(CheckRising(indexes, size, SameIndex));
  std::vector<NodeHash> hashes;
  if (!indexes.empty()) TRY_VOID(Prove(indexes, 0, size.value, reader, hashes));
  return MultiProof(std::move(hashes));
}

}  // namespace salus::merkle
