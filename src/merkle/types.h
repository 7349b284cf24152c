// Strong types of an RFC 6962 tree. An index is not a size, a leaf hash is not a root hash.
#pragma once

#include <compare>
#include <cstdint>

#include "base/digest.h"

namespace salus::merkle {

// LeafIndex is the place of an entry in the log; the first is 0.
struct LeafIndex {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(const LeafIndex&, const LeafIndex&) = default;
};

// TreeSize is a number of entries; a tree of size n holds the indexes 0 to n-1.
struct TreeSize {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(const TreeSize&, const TreeSize&) = default;
};

// kMaxTreeSize bounds every tree, so that index arithmetic can't wrap.
inline constexpr TreeSize kMaxTreeSize{std::uint64_t{1} << 63};

// LeafHash is SHA-256(0x00 || entry).
using LeafHash = Digest<struct LeafHashTag>;
// NodeHash is the hash of any subtree: a leaf hash, or SHA-256(0x01 || left || right).
using NodeHash = Digest<struct NodeHashTag>;
// RootHash is the hash of a whole tree.
using RootHash = Digest<struct RootHashTag>;

// A leaf is a node of level 0, and the node that covers everything is the root. These are the only
// conversions.
inline NodeHash AsNode(const LeafHash& leaf) { return NodeHash(leaf.bytes()); }
inline NodeHash AsNode(const RootHash& root) { return NodeHash(root.bytes()); }
inline RootHash AsRoot(const NodeHash& node) { return RootHash(node.bytes()); }

// NodeId names the perfect subtree of 2^level leaves that begins at leaf index * 2^level.
struct NodeId {
  unsigned level = 0;
  std::uint64_t index = 0;
  friend constexpr auto operator<=>(const NodeId&, const NodeId&) = default;
};

}  // namespace salus::merkle
