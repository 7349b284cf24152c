// CompactRange grows a tree and knows its root, keeping only the roots of its perfect subtrees: 63
// hashes at most.
//
// Source: RFC 6962 section 2.1; the peaks are those of RFC 9162 section 2.1.2.
// Shape:  peaks from the largest subtree (leftmost) to the smallest; one for each 1 bit of size.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "merkle/types.h"

namespace salus::merkle {

class CompactRange {
 public:
  // NodeSink is told every perfect subtree that an append completes: its first node, and the hashes
  // of it and of those that follow it on the level. Level 0 comes first.
  using NodeSink = std::function<void(NodeId first, std::span<const NodeHash> hashes)>;

  CompactRange() = default;

  // Restore continues a tree from its size and peaks.
  // Errors: InvalidArgument unless there is exactly one peak for each 1 bit of size.
  static Result<CompactRange> Restore(TreeSize size, std::vector<NodeHash> peaks);

  // Append adds one leaf. Amortised one node hash.
  void Append(const LeafHash& leaf);

  // AppendMany adds leaves in order, hashing level by level; sink may be empty.
  void AppendMany(std::span<const LeafHash> leaves, const NodeSink& sink = {});

  TreeSize size() const { return size_; }
  const std::vector<NodeHash>& peaks() const { return peaks_; }

  // Root of the tree so far; EmptyRoot() of the empty tree.
  RootHash Root() const;

 private:
  TreeSize size_;
  std::vector<NodeHash> peaks_;
};

// RootOf is the root of the tree over leaves.
RootHash RootOf(std::span<const LeafHash> leaves);

}  // namespace salus::merkle
