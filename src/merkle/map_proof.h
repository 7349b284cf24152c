// MapProof shows what the map says of one position: a value, or that there is none.
//
// Source: docs/formats/map.md.
// Shape:  u8 kind (1 present, 2 empty, 3 neighbour) || u16 depth (0 to 256) || bitmap, (depth+7)/8
//         bytes, bit i (most significant first) says that the sibling at depth i is not empty,
//         spare bits zero || those siblings, 32 bytes each, from the root down || for a neighbour
//         its position and value hash.
#pragma once

#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "merkle/map_hash.h"

namespace salus::merkle {

inline constexpr unsigned kMapDepth = 256;

class MapProof {
 public:
  // Neighbour is the leaf that stands where the path of an absent position ends: another position
  // that shares the path so far. Its value is blinded, its subject's tag is not shown.
  struct Neighbour {
    MapPosition position;
    MapValueHash value_hash;
    friend bool operator==(const Neighbour&, const Neighbour&) = default;
  };
  enum class Kind : std::uint8_t { kPresent = 1, kEmpty = 2, kNeighbour = 3 };

  // siblings[i] is the hash beside the path at depth i, zero where empty; the path ends at depth
  // siblings.size(). Errors: InvalidArgument when it is longer than 256, or kind and neighbour do
  // not go together.
  static Result<MapProof> Create(Kind kind, std::vector<MapNodeHash> siblings,
                                 std::optional<Neighbour> neighbour);

  // Errors: InvalidArgument for anything that Encode would not write.
  static Result<MapProof> Decode(ByteSpan bytes);
  Bytes Encode() const;

  // Verify checks that the map with this root has exactly `value` at `position`; nullopt: that it
  // has nothing there. Errors: VerificationFailed.
  Result<void> Verify(const MapPosition& position, const std::optional<MapValue>& value,
                      const MapRoot& root) const;

  Kind kind() const { return kind_; }
  const std::vector<MapNodeHash>& siblings() const { return siblings_; }
  const std::optional<Neighbour>& neighbour() const { return neighbour_; }
  friend bool operator==(const MapProof&, const MapProof&) = default;

 private:
  MapProof(Kind kind, std::vector<MapNodeHash> siblings, std::optional<Neighbour> neighbour)
      : kind_(kind), siblings_(std::move(siblings)), neighbour_(std::move(neighbour)) {}

  Kind kind_;
  std::vector<MapNodeHash> siblings_;
  std::optional<Neighbour> neighbour_;
};

}  // namespace salus::merkle
