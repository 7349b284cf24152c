#include "merkle/map_proof.h"

#include <algorithm>

#include "base/endian.h"

namespace salus::merkle {
namespace {

constexpr std::size_t kHeaderSize = 3;

bool IsEmpty(const MapNodeHash& hash) { return hash == MapNodeHash(); }

bool SharesPath(const MapPosition& a, const MapPosition& b, unsigned depth) {
  for (unsigned i = 0; i < depth; ++i) {
    if (PositionBit(a, i) != PositionBit(b, i)) return false;
  }
  return true;
}

Error WrongProof() { return VerificationFailed("the map proof does not lead to the root"); }

}  // namespace

Result<MapProof> MapProof::Create(Kind kind, std::vector<MapNodeHash> siblings,
                                  std::optional<Neighbour> neighbour) {
  if (kind != Kind::kPresent && kind != Kind::kEmpty && kind != Kind::kNeighbour) {
    return InvalidArgument("map proof: unknown kind");
  }
  if (siblings.size() > kMapDepth) return InvalidArgument("map proof: deeper than 256");
  if ((kind == Kind::kNeighbour) != neighbour.has_value()) {
    return InvalidArgument("map proof: a neighbour belongs to kind 3, and only there");
  }
  // A subtree of one leaf is that leaf, and one of none is empty: neither the leaf at the end of a
  // path nor an empty place there can have nothing beside it.
  if (!siblings.empty() && IsEmpty(siblings.back())) {
    return InvalidArgument("map proof: the last sibling is empty");
  }
  return MapProof(kind, std::move(siblings), std::move(neighbour));
}

Result<MapProof> MapProof::Decode(ByteSpan bytes) {
  const auto cut_short = [] { return InvalidArgument("map proof: ends too early"); };
  if (bytes.size() < kHeaderSize) return cut_short();
  const auto kind = static_cast<Kind>(bytes[0]);
  const std::size_t depth = LoadBe<std::uint16_t>(bytes.data() + 1);
  if (depth > kMapDepth) return InvalidArgument("map proof: deeper than 256");
  bytes = bytes.subspan(kHeaderSize);
  const std::size_t bitmap_size = (depth + 7) / 8;
  if (bytes.size() < bitmap_size) return cut_short();
  const ByteSpan bitmap = bytes.first(bitmap_size);
  bytes = bytes.subspan(bitmap_size);
  const auto take = [&bytes](std::uint8_t* out) {
    if (bytes.size() < MapNodeHash::kSize) return false;
    std::memcpy(out, bytes.data(), MapNodeHash::kSize);
    bytes = bytes.subspan(MapNodeHash::kSize);
    return true;
  };

  std::vector<MapNodeHash> siblings(depth);
  for (std::size_t i = 0; i < bitmap_size * 8; ++i) {
    if ((bitmap[i / 8] >> (7 - i % 8) & 1) == 0) continue;
    if (i >= depth) return InvalidArgument("map proof: spare bits are not zero");
    if (!take(siblings[i].data())) return cut_short();
    if (IsEmpty(siblings[i])) return InvalidArgument("map proof: an empty sibling is written out");
  }
  std::optional<Neighbour> neighbour;
  if (kind == Kind::kNeighbour) {
    neighbour.emplace();
    if (!take(neighbour->position.data()) || !take(neighbour->value_hash.data())) {
      return cut_short();
    }
  }
  if (!bytes.empty()) return InvalidArgument("map proof: bytes after its end");
  return Create(kind, std::move(siblings), std::move(neighbour));
}

Bytes MapProof::Encode() const {
  Bytes out;
  out.push_back(static_cast<std::uint8_t>(kind_));
  AppendBe(out, static_cast<std::uint16_t>(siblings_.size()));
  const std::size_t bitmap = out.size();
  out.resize(bitmap + (siblings_.size() + 7) / 8);
  for (std::size_t i = 0; i < siblings_.size(); ++i) {
    if (IsEmpty(siblings_[i])) continue;
    out[bitmap + i / 8] |= static_cast<std::uint8_t>(0x80 >> i % 8);
    Append(out, siblings_[i].span());
  }
  if (neighbour_) {
    Append(out, neighbour_->position.span());
    Append(out, neighbour_->value_hash.span());
  }
  return out;
}

Result<void> MapProof::Verify(const MapPosition& position, const std::optional<MapValue>& value,
                              const MapRoot& root) const {
  const auto depth = static_cast<unsigned>(siblings_.size());
  if (value.has_value() != (kind_ == Kind::kPresent)) return WrongProof();
  MapNodeHash hash;  // where the path ends: nothing
  if (value) hash = MapLeafHash(position, *value);
  if (neighbour_) {
    const bool is_other = neighbour_->position != position;
    if (!is_other || !SharesPath(position, neighbour_->position, depth)) return WrongProof();
    hash = HashMapLeaf(neighbour_->position, neighbour_->value_hash);
  }
  for (unsigned i = depth; i-- > 0;) {
    hash = PositionBit(position, i) ? HashMapChildren(siblings_[i], hash)
                                    : HashMapChildren(hash, siblings_[i]);
  }
  if (hash.bytes() != root.bytes()) return WrongProof();
  return {};
}

}  // namespace salus::merkle
