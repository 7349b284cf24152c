#include "merkle/compact_range.h"

#include <bit>

#include "base/check.h"
#include "merkle/hash.h"

namespace salus::merkle {

Result<CompactRange> CompactRange::Restore(TreeSize size, std::vector<NodeHash> peaks) {
  if (size > kMaxTreeSize) return InvalidArgument("tree size is above 2^63");
  if (peaks.size() != static_cast<std::size_t>(std::popcount(size.value))) {
    return InvalidArgument("a compact range has one peak for each 1 bit of its size");
  }
  CompactRange range;
  range.size_ = size;
  range.peaks_ = std::move(peaks);
  return range;
}

void CompactRange::Append(const LeafHash& leaf) {
  CHECK(size_ < kMaxTreeSize);
  NodeHash node = AsNode(leaf);
  for (std::uint64_t rest = size_.value; rest & 1; rest >>= 1) {
    node = HashChildren(peaks_.back(), node);
    peaks_.pop_back();
  }
  peaks_.push_back(node);
  ++size_.value;
}

void CompactRange::AppendMany(std::span<const LeafHash> leaves, const NodeSink& sink) {
  CHECK(leaves.size() <= kMaxTreeSize.value - size_.value);
  if (leaves.empty()) return;
  const std::uint64_t old_size = size_.value;
  size_.value += leaves.size();

  std::vector<NodeHash>
      nodes;  // the new nodes of this level, after its old peak if that is unpaired
  nodes.reserve(leaves.size() + 1);
  std::vector<NodeHash> new_peaks;  // smallest first
  for (unsigned level = 0;; ++level) {
    const std::uint64_t first = old_size >> level;
    const bool has_old_peak = first & 1;
    if (level == 0) {
      if (has_old_peak) nodes.push_back(peaks_.back());
      for (const LeafHash& leaf : leaves) nodes.push_back(AsNode(leaf));
    } else if (has_old_peak) {
      nodes.insert(nodes.begin(), peaks_.back());
    }
    if (has_old_peak) peaks_.pop_back();
    if (nodes.size() == has_old_peak) {  // nothing new here: what is left of the old peaks stays
      if (has_old_peak) peaks_.push_back(nodes.front());
      break;
    }
    if (sink) sink({level, first}, std::span(nodes).subspan(has_old_peak));
    if (nodes.size() % 2 == 1) {
      new_peaks.push_back(nodes.back());
      nodes.pop_back();
    }
    std::vector<NodeHash> parents(nodes.size() / 2);
    HashPairs(nodes, parents);
    nodes = std::move(parents);
  }
  peaks_.insert(peaks_.end(), new_peaks.rbegin(), new_peaks.rend());
}

RootHash CompactRange::Root() const {
  if (peaks_.empty()) return EmptyRoot();
  NodeHash node = peaks_.back();
  for (std::size_t i = peaks_.size() - 1; i-- > 0;) node = HashChildren(peaks_[i], node);
  return AsRoot(node);
}

RootHash RootOf(std::span<const LeafHash> leaves) {
  CompactRange range;
  range.AppendMany(leaves);
  return range.Root();
}

}  // namespace salus::merkle
