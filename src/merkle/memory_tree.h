// MemoryTree holds all perfect subtrees of a tree: for short trees whose proofs are made at once
// (the receipts of a commit, the updates of a checkpoint) and for followers in tests.
//
// Shape: about 64 bytes a leaf.
#pragma once

#include <span>
#include <vector>

#include "merkle/compact_range.h"
#include "merkle/hash_reader.h"

namespace salus::merkle {

class MemoryTree : public HashReader {
 public:
  MemoryTree() = default;
  explicit MemoryTree(std::span<const LeafHash> leaves) { AppendMany(leaves); }

  void Append(const LeafHash& leaf) { AppendMany({&leaf, 1}); }
  void AppendMany(std::span<const LeafHash> leaves);

  TreeSize size() const { return range_.size(); }
  RootHash Root() const { return range_.Root(); }
  Result<NodeHash> Read(unsigned level, std::uint64_t index) const override;

 private:
  CompactRange range_;
  std::vector<std::vector<NodeHash>> levels_;
};

}  // namespace salus::merkle
