#include "merkle/memory_tree.h"

#include "base/check.h"

namespace salus::merkle {

void MemoryTree::AppendMany(std::span<const LeafHash> leaves) {
  range_.AppendMany(leaves, [this](NodeId first, std::span<const NodeHash> hashes) {
    if (levels_.size() <= first.level) levels_.resize(first.level + 1);
    std::vector<NodeHash>& level = levels_[first.level];
    CHECK(level.size() == first.index);
    level.insert(level.end(), hashes.begin(), hashes.end());
  });
}

Result<NodeHash> MemoryTree::Read(unsigned level, std::uint64_t index) const {
  if (level >= levels_.size() || index >= levels_[level].size()) {
    return NotFound("the tree does not have this node yet");
  }
  return levels_[level][index];
}

}  // namespace salus::merkle
