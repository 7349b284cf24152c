// MapTree is the verifiable map over all subjects, in memory: for each position a count and a head,
// under one root.
//
// Source:  docs/formats/map.md: a binary tree over 256-bit positions, in which the subtree of one
//          leaf is that leaf.
// Shape:   about 108 bytes a subject. Apply computes each hash that changes once a batch.
// Threads: const calls may run together; Apply and the others need the map alone.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "merkle/map_hash.h"
#include "merkle/map_proof.h"

namespace salus::merkle {

// MapUpdate sets the value of one position.
struct MapUpdate {
  MapPosition position;
  MapValue value;
  friend bool operator==(const MapUpdate&, const MapUpdate&) = default;
};

class MapTree {
 public:
  MapTree();
  ~MapTree();
  MapTree(MapTree&&) noexcept;
  MapTree& operator=(MapTree&&) noexcept;

  // Apply sets values in any order; of two for one position the later one stays. Nothing is ever
  // removed: a chain only grows.
  void Apply(std::span<const MapUpdate> updates);

  // root is all zero for the empty map.
  const MapRoot& root() const;
  std::uint64_t size() const;

  // Find returns the value at a position, if there is one.
  std::optional<MapValue> Find(const MapPosition& position) const;

  // Prove shows the value at a position, or its absence, under root().
  MapProof Prove(const MapPosition& position) const;

  // ForEach visits all leaves in rising order of position.
  void ForEach(const std::function<void(const MapUpdate&)>& visit) const;

  // WriteSnapshot streams the map: "SALUSMAP", u32 version 1, u64 leaves, per leaf position, u64
  // count, head, and last the root. Errors: what write reports; the map is unchanged.
  using Write = std::function<Result<void>(ByteSpan chunk)>;
  Result<void> WriteSnapshot(const Write& write) const;

  // ReadSnapshot builds a map from a stream that it reads to the end; `read` fills the buffer, less
  // only at the end, and says how much. All hashes are computed anew.
  // Errors: Corruption when the bytes are no snapshot or lead to another root; what read reports.
  using Read = std::function<Result<std::size_t>(MutableByteSpan buffer)>;
  static Result<MapTree> ReadSnapshot(const Read& read);

 private:
  class Nodes;
  std::unique_ptr<Nodes> nodes_;
};

}  // namespace salus::merkle
