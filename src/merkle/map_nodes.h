// Internal to the module. MapTree::Nodes is the memory of a map: leaves, inner nodes, work lists.
//
// An inner node is stored where a subtree has more than kBucketLeaves leaves. It holds the hashes
// of its two children, not its own, so that hashing it reads one place, and so that a proof finds
// every sibling on the way down. Smaller subtrees are buckets: a list of leaves in order of
// position, whose few inner nodes are computed anew when needed.
#pragma once

#include <array>
#include <vector>

#include "merkle/map.h"
#include "merkle/stable_pool.h"

namespace salus::merkle {

class MapTree::Nodes {
 public:
  void Apply(std::span<const MapUpdate> updates);
  std::optional<MapValue> Find(const MapPosition& position) const;
  MapProof Prove(const MapPosition& position) const;
  void ForEach(const std::function<void(const MapUpdate&)>& visit) const { Visit(root_, visit); }
  const MapRoot& root() const { return root_hash_; }
  std::uint64_t size() const { return leaves_.size(); }

 private:
  // Ref names an inner node, a bucket by its first leaf, or nothing.
  class Ref {
   public:
    Ref() = default;
    static Ref Inner(std::uint32_t i) { return Ref(i << 1); }
    static Ref Bucket(std::uint32_t first_leaf) { return Ref(first_leaf << 1 | 1); }
    bool is_empty() const { return value_ == kNone; }
    bool is_inner() const { return (value_ & 1) == 0; }
    std::uint32_t index() const { return value_ >> 1; }

   private:
    explicit Ref(std::uint32_t value) : value_(value) {}
    static constexpr std::uint32_t kNone = 0xffffffff;
    std::uint32_t value_ = kNone;
  };
  // Count and head lie side by side, in the form in which they are hashed.
  struct Leaf {
    MapPosition position;
    std::array<std::uint8_t, 8> count_be;
    ChainHead head;
    Ref next;

    MapValue value() const;
    void Set(const MapValue& value);
  };
  static_assert(sizeof(Leaf) == 76);
  struct Children {
    std::array<MapNodeHash, 2> hash;
  };
  struct Inner {
    Children children;
    std::array<Ref, 2> ref;
  };
  static_assert(sizeof(Inner) == 72);

  // What has to be hashed, and where the hash goes: into the node above.
  struct LeafJob {
    std::uint32_t leaf;
    MapNodeHash* out;
  };
  struct InnerJob {
    const Children* children;
    MapNodeHash* out;
  };
  using Updates = std::span<const MapUpdate* const>;
  using LeafIds = std::span<const std::uint32_t>;

  void ApplySorted(Updates updates);
  Ref Descend(Ref ref, unsigned depth, Updates updates, MapNodeHash* out);
  void MergeIntoBucket(Ref bucket, Updates updates, std::vector<std::uint32_t>& merged);
  std::uint32_t AddLeaf(const MapUpdate& update);
  Ref Build(LeafIds leaves, unsigned depth, MapNodeHash* out);
  void ScheduleBucket(LeafIds leaves, unsigned depth, MapNodeHash* out);
  std::size_t LeftCount(LeafIds leaves, unsigned depth) const;
  void HashLeafJobs();
  void HashInnerJobs();

  std::vector<std::uint32_t> BucketLeaves(Ref bucket) const;
  MapNodeHash SubtreeHash(LeafIds leaves, unsigned depth) const;
  void Visit(Ref ref, const std::function<void(const MapUpdate&)>& visit) const;

  Ref root_;
  MapRoot root_hash_;
  StablePool<Leaf> leaves_;
  StablePool<Inner> inner_;

  // Of the batch at hand; empty between batches.
  std::vector<LeafJob> leaf_jobs_;
  std::array<std::vector<InnerJob>, kMapDepth> inner_jobs_;  // by depth
  StablePool<Children> bucket_children_;
};

}  // namespace salus::merkle
