#include "merkle/map_nodes.h"

#include <algorithm>

#include "base/check.h"
#include "base/endian.h"
#include "crypto/sha256.h"

namespace salus::merkle {
namespace {

constexpr std::uint8_t kMapLeafPrefix = 0x02;
constexpr std::uint8_t kMapNodePrefix = 0x03;
// Of 1.44 n inner nodes of a random trie 1.44 n / kBucketLeaves hold more leaves than this.
constexpr std::size_t kBucketLeaves = 4;
// Independent hashes that are computed together; their views and results stay in the first cache.
constexpr std::size_t kBlock = 128;
// A longer batch is cut, which bounds the work lists.
constexpr std::size_t kMaxBatch = 65'536;

}  // namespace

MapValue MapTree::Nodes::Leaf::value() const {
  return {LoadBe<std::uint64_t>(count_be.data()), head};
}

void MapTree::Nodes::Leaf::Set(const MapValue& value) {
  StoreBe(count_be.data(), value.count);
  head = value.head;
}

void MapTree::Nodes::Apply(std::span<const MapUpdate> updates) {
  struct Key {
    std::uint64_t prefix;  // decides nearly every comparison
    std::uint32_t order;
  };
  std::vector<Key> keys;
  std::vector<const MapUpdate*> sorted;
  while (!updates.empty()) {
    const auto batch = updates.first(std::min(updates.size(), kMaxBatch));
    updates = updates.subspan(batch.size());
    keys.clear();
    for (std::uint32_t i = 0; i < batch.size(); ++i) {
      keys.push_back({LoadBe<std::uint64_t>(batch[i].position.data()), i});
    }
    const auto is_before = [&batch](const Key& a, const Key& b) {
      if (a.prefix != b.prefix) return a.prefix < b.prefix;
      const auto by_position = batch[a.order].position <=> batch[b.order].position;
      return by_position != 0 ? by_position < 0 : a.order < b.order;
    };
    if (!std::is_sorted(keys.begin(), keys.end(), is_before)) {
      std::sort(keys.begin(), keys.end(), is_before);
    }
    sorted.clear();
    for (const Key& key : keys) {
      const MapUpdate* update = &batch[key.order];
      if (!sorted.empty() && sorted.back()->position == update->position) sorted.pop_back();
      sorted.push_back(update);
    }
    ApplySorted(sorted);
  }
}

void MapTree::Nodes::ApplySorted(Updates updates) {
  MapNodeHash top;
  root_ = Descend(root_, 0, updates, &top);
  HashLeafJobs();
  HashInnerJobs();
  bucket_children_.Clear();
  root_hash_ = MapRoot(top.bytes());
}

// Brings the updates into the subtree at ref and schedules the hashes that change. The hash of the
// subtree will be written to out. Returns the subtree, which may have become another node.
MapTree::Nodes::Ref MapTree::Nodes::Descend(Ref ref, unsigned depth, Updates updates,
                                            MapNodeHash* out) {
  if (ref.is_empty() || !ref.is_inner()) {
    std::vector<std::uint32_t> leaves;
    MergeIntoBucket(ref, updates, leaves);
    return Build(leaves, depth, out);
  }
  Inner& node = inner_[ref.index()];
  inner_jobs_[depth].push_back({&node.children, out});
  const auto middle = std::partition_point(
      updates.begin(), updates.end(),
      [depth](const MapUpdate* update) { return !PositionBit(update->position, depth); });
  const auto left_count = static_cast<std::size_t>(middle - updates.begin());
  const std::array<Updates, 2> halves = {updates.first(left_count), updates.subspan(left_count)};
  for (unsigned side = 0; side < 2; ++side) {
    if (halves[side].empty()) continue;
    node.ref[side] = Descend(node.ref[side], depth + 1, halves[side], &node.children.hash[side]);
  }
  return ref;
}

// Both sides are in order of position, and so is the result.
void MapTree::Nodes::MergeIntoBucket(Ref bucket, Updates updates,
                                     std::vector<std::uint32_t>& merged) {
  auto update = updates.begin();
  for (Ref at = bucket; !at.is_empty(); at = leaves_[at.index()].next) {
    Leaf& leaf = leaves_[at.index()];
    while (update != updates.end() && (*update)->position < leaf.position) {
      merged.push_back(AddLeaf(**update++));
    }
    if (update != updates.end() && (*update)->position == leaf.position) {
      leaf.Set((*update++)->value);
    }
    merged.push_back(at.index());
  }
  for (; update != updates.end(); ++update) merged.push_back(AddLeaf(**update));
}

std::uint32_t MapTree::Nodes::AddLeaf(const MapUpdate& update) {
  const std::uint32_t id = leaves_.Add();
  leaves_[id].position = update.position;
  leaves_[id].Set(update.value);
  return id;
}

// Makes a subtree of leaves that are in order: a bucket, or inner nodes over buckets.
MapTree::Nodes::Ref MapTree::Nodes::Build(LeafIds leaves, unsigned depth, MapNodeHash* out) {
  if (leaves.size() <= kBucketLeaves) {
    Ref first;
    for (std::size_t i = leaves.size(); i-- > 0;) {
      leaves_[leaves[i]].next = first;
      first = Ref::Bucket(leaves[i]);
    }
    ScheduleBucket(leaves, depth, out);
    return first;
  }
  const std::uint32_t id = inner_.Add();
  Inner& node = inner_[id];
  inner_jobs_[depth].push_back({&node.children, out});
  const std::size_t left_count = LeftCount(leaves, depth);
  node.ref[0] = Build(leaves.first(left_count), depth + 1, &node.children.hash[0]);
  node.ref[1] = Build(leaves.subspan(left_count), depth + 1, &node.children.hash[1]);
  return Ref::Inner(id);
}

void MapTree::Nodes::ScheduleBucket(LeafIds leaves, unsigned depth, MapNodeHash* out) {
  if (leaves.empty()) {
    *out = MapNodeHash();
  } else if (leaves.size() == 1) {
    leaf_jobs_.push_back({leaves[0], out});
  } else {
    Children& children = bucket_children_[bucket_children_.Add()];
    inner_jobs_[depth].push_back({&children, out});
    const std::size_t left_count = LeftCount(leaves, depth);
    ScheduleBucket(leaves.first(left_count), depth + 1, &children.hash[0]);
    ScheduleBucket(leaves.subspan(left_count), depth + 1, &children.hash[1]);
  }
}

std::size_t MapTree::Nodes::LeftCount(LeafIds leaves, unsigned depth) const {
  CHECK(depth < kMapDepth);  // two positions differ in some bit
  const auto middle = std::partition_point(leaves.begin(), leaves.end(), [&](std::uint32_t id) {
    return !PositionBit(leaves_[id].position, depth);
  });
  return static_cast<std::size_t>(middle - leaves.begin());
}

void MapTree::Nodes::HashLeafJobs() {
  struct Message {
    MapPosition position;
    crypto::Hash32 value_hash;
  };
  std::array<ByteSpan, kBlock> views;
  std::array<crypto::Hash32, kBlock> hashes;
  std::array<Message, kBlock> messages;
  for (std::size_t done = 0; done < leaf_jobs_.size(); done += kBlock) {
    const auto jobs =
        std::span(leaf_jobs_).subspan(done).first(std::min(kBlock, leaf_jobs_.size() - done));
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      const Leaf& leaf = leaves_[jobs[i].leaf];
      views[i] = ByteSpan(leaf.count_be.data(), sizeof leaf.count_be + ChainHead::kSize);
      messages[i].position = leaf.position;
    }
    crypto::Sha256Many(std::span(views).first(jobs.size()), std::span(hashes).first(jobs.size()));
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      messages[i].value_hash = hashes[i];
      views[i] = ByteSpan(messages[i].position.data(), sizeof(Message));
    }
    crypto::Sha256ManyPrefixed(kMapLeafPrefix, std::span(views).first(jobs.size()),
                               std::span(hashes).first(jobs.size()));
    for (std::size_t i = 0; i < jobs.size(); ++i) *jobs[i].out = MapNodeHash(hashes[i]);
  }
  leaf_jobs_.clear();
}

// From the deepest level up; the nodes of one level do not depend on each other.
void MapTree::Nodes::HashInnerJobs() {
  std::array<ByteSpan, kBlock> views;
  std::array<crypto::Hash32, kBlock> hashes;
  for (std::size_t depth = inner_jobs_.size(); depth-- > 0;) {
    std::vector<InnerJob>& level = inner_jobs_[depth];
    for (std::size_t done = 0; done < level.size(); done += kBlock) {
      const auto jobs = std::span(level).subspan(done).first(std::min(kBlock, level.size() - done));
      for (std::size_t i = 0; i < jobs.size(); ++i) {
        views[i] = ByteSpan(jobs[i].children->hash[0].data(), sizeof(Children));
      }
      crypto::Sha256ManyPrefixed(kMapNodePrefix, std::span(views).first(jobs.size()),
                                 std::span(hashes).first(jobs.size()));
      for (std::size_t i = 0; i < jobs.size(); ++i) *jobs[i].out = MapNodeHash(hashes[i]);
    }
    level.clear();
  }
}

std::vector<std::uint32_t> MapTree::Nodes::BucketLeaves(Ref bucket) const {
  std::vector<std::uint32_t> leaves;
  for (Ref at = bucket; !at.is_empty(); at = leaves_[at.index()].next) leaves.push_back(at.index());
  return leaves;
}

std::optional<MapValue> MapTree::Nodes::Find(const MapPosition& position) const {
  Ref at = root_;
  for (unsigned depth = 0; !at.is_empty() && at.is_inner(); ++depth) {
    at = inner_[at.index()].ref[PositionBit(position, depth)];
  }
  for (; !at.is_empty(); at = leaves_[at.index()].next) {
    const Leaf& leaf = leaves_[at.index()];
    if (leaf.position == position) return leaf.value();
  }
  return std::nullopt;
}

MapNodeHash MapTree::Nodes::SubtreeHash(LeafIds leaves, unsigned depth) const {
  if (leaves.empty()) return MapNodeHash();
  const Leaf& first = leaves_[leaves[0]];
  if (leaves.size() == 1) return MapLeafHash(first.position, first.value());
  const std::size_t left_count = LeftCount(leaves, depth);
  return HashMapChildren(SubtreeHash(leaves.first(left_count), depth + 1),
                         SubtreeHash(leaves.subspan(left_count), depth + 1));
}

MapProof MapTree::Nodes::Prove(const MapPosition& position) const {
  std::vector<MapNodeHash> siblings;
  Ref at = root_;
  unsigned depth = 0;
  for (; !at.is_empty() && at.is_inner(); ++depth) {
    const Inner& node = inner_[at.index()];
    const bool side = PositionBit(position, depth);
    siblings.push_back(node.children.hash[!side]);
    at = node.ref[side];
  }
  const std::vector<std::uint32_t> bucket = BucketLeaves(at);
  LeafIds leaves = bucket;
  for (; leaves.size() > 1; ++depth) {
    const std::size_t left_count = LeftCount(leaves, depth);
    const LeafIds left = leaves.first(left_count);
    const LeafIds right = leaves.subspan(left_count);
    const bool side = PositionBit(position, depth);
    siblings.push_back(SubtreeHash(side ? left : right, depth + 1));
    leaves = side ? right : left;
  }
  auto kind = MapProof::Kind::kEmpty;
  std::optional<MapProof::Neighbour> neighbour;
  if (!leaves.empty()) {
    const Leaf& leaf = leaves_[leaves[0]];
    kind = MapProof::Kind::kPresent;
    if (leaf.position != position) {
      kind = MapProof::Kind::kNeighbour;
      neighbour = {leaf.position, HashMapValue(leaf.value())};
    }
  }
  auto proof = MapProof::Create(kind, std::move(siblings), std::move(neighbour));
  CHECK(proof.has_value());
  return *std::move(proof);
}

void MapTree::Nodes::Visit(Ref ref, const std::function<void(const MapUpdate&)>& visit) const {
  if (!ref.is_empty() && ref.is_inner()) {
    for (const Ref child : inner_[ref.index()].ref) Visit(child, visit);
    return;
  }
  for (Ref at = ref; !at.is_empty(); at = leaves_[at.index()].next) {
    const Leaf& leaf = leaves_[at.index()];
    visit({leaf.position, leaf.value()});
  }
}

}  // namespace salus::merkle
