// The hashes of the verifiable map, and of the chain that each subject's entries form.
//
// Source: docs/formats/map.md.
// Shape:  position SHA-256(0x12 || tag); leaf SHA-256(0x02 || position || value hash), value hash
//         SHA-256(u64 count || head); inner node SHA-256(0x03 || left || right); an empty subtree
//         is 32 zero bytes; chain SHA-256(0x10 || origin || tag), then SHA-256(0x11 || head || u64
//         index || leaf hash). Integers are big-endian.
#pragma once

#include <span>
#include <string_view>

#include "base/digest.h"
#include "merkle/types.h"

namespace salus::merkle {

// SubjectTag is a subject's verifiable tag (a VRF output), the key of its chain and map entry.
using SubjectTag = Digest<struct SubjectTagTag>;
// MapPosition is the place of a subject in the map: its bits, most significant first, are the path.
using MapPosition = Digest<struct MapPositionTag>;
// ChainHead commits to all entries of one subject so far.
using ChainHead = Digest<struct ChainHeadTag>;
// MapValueHash commits to count and head without showing them.
using MapValueHash = Digest<struct MapValueHashTag>;
// MapNodeHash is the hash of a subtree of the map; 32 zero bytes when it is empty.
using MapNodeHash = Digest<struct MapNodeHashTag>;
// MapRoot is the hash of the whole map; 32 zero bytes when it is empty.
using MapRoot = Digest<struct MapRootTag>;

// MapValue is what the map says of one subject: how many entries its chain has, and its head.
struct MapValue {
  std::uint64_t count = 0;
  ChainHead head;
  friend bool operator==(const MapValue&, const MapValue&) = default;
};

MapPosition PositionOf(const SubjectTag& tag);
MapValueHash HashMapValue(const MapValue& value);
MapNodeHash HashMapLeaf(const MapPosition& position, const MapValueHash& value_hash);
MapNodeHash HashMapChildren(const MapNodeHash& left, const MapNodeHash& right);
inline MapNodeHash MapLeafHash(const MapPosition& position, const MapValue& value) {
  return HashMapLeaf(position, HashMapValue(value));
}

// ChainHead0 is the head of a chain without entries; ChainStep adds the entry at a log index.
ChainHead ChainHead0(std::string_view origin, const SubjectTag& tag);
ChainHead ChainStep(const ChainHead& head, LeafIndex index, const LeafHash& leaf);
// ChainSteps does steps of different chains side by side, several times faster than one by one.
//
// Shape: at most kMaxChainSteps, a CHECK; no head twice.
struct ChainStepAt {
  ChainHead* head;
  LeafIndex index;
  const LeafHash* leaf;
};
inline constexpr std::size_t kMaxChainSteps = 48;
void ChainSteps(std::span<const ChainStepAt> steps);

// PositionBit is bit `depth` (0 to 255) of the path: false is left.
inline bool PositionBit(const MapPosition& position, unsigned depth) {
  return (position.bytes()[depth / 8] >> (7 - depth % 8) & 1) != 0;
}

}  // namespace salus::merkle
