#include "merkle/map_hash.h"

#include <array>

#include "base/check.h"
#include "base/endian.h"
#include "crypto/sha256.h"

namespace salus::merkle {
namespace {

constexpr std::array<std::uint8_t, 1> kMapLeafPrefix = {0x02};
constexpr std::array<std::uint8_t, 1> kMapNodePrefix = {0x03};
constexpr std::array<std::uint8_t, 1> kChainStartPrefix = {0x10};
constexpr std::array<std::uint8_t, 1> kChainStepPrefix = {0x11};
constexpr std::array<std::uint8_t, 1> kPositionPrefix = {0x12};

}  // namespace

MapPosition PositionOf(const SubjectTag& tag) {
  return MapPosition(crypto::Sha256({kPositionPrefix, tag.span()}));
}

MapValueHash HashMapValue(const MapValue& value) {
  std::array<std::uint8_t, 8> count;
  StoreBe(count.data(), value.count);
  return MapValueHash(crypto::Sha256({count, value.head.span()}));
}

MapNodeHash HashMapLeaf(const MapPosition& position, const MapValueHash& value_hash) {
  return MapNodeHash(crypto::Sha256({kMapLeafPrefix, position.span(), value_hash.span()}));
}

MapNodeHash HashMapChildren(const MapNodeHash& left, const MapNodeHash& right) {
  return MapNodeHash(crypto::Sha256({kMapNodePrefix, left.span(), right.span()}));
}

ChainHead ChainHead0(std::string_view origin, const SubjectTag& tag) {
  return ChainHead(crypto::Sha256({kChainStartPrefix, AsBytes(origin), tag.span()}));
}

ChainHead ChainStep(const ChainHead& head, LeafIndex index, const LeafHash& leaf) {
  std::array<std::uint8_t, 8> index_be;
  StoreBe(index_be.data(), index.value);
  return ChainHead(crypto::Sha256({kChainStepPrefix, head.span(), index_be, leaf.span()}));
}

void ChainSteps(std::span<const ChainStepAt> steps) {
  CHECK(steps.size() <= kMaxChainSteps);
  constexpr std::size_t kMessage = ChainHead::kSize + 8 + LeafHash::kSize;
  std::array<std::array<std::uint8_t, kMessage>, kMaxChainSteps> texts;
  std::array<ByteSpan, kMaxChainSteps> messages;
  std::array<crypto::Hash32, kMaxChainSteps> hashes;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    std::uint8_t* const text = texts[i].data();
    std::memcpy(text, steps[i].head->data(), ChainHead::kSize);
    StoreBe(text + ChainHead::kSize, steps[i].index.value);
    std::memcpy(text + ChainHead::kSize + 8, steps[i].leaf->data(), LeafHash::kSize);
    messages[i] = texts[i];
  }
  crypto::Sha256ManyPrefixed(kChainStepPrefix[0], std::span(messages).first(steps.size()),
                             std::span(hashes).first(steps.size()));
  for (std::size_t i = 0; i < steps.size(); ++i) *steps[i].head = ChainHead(hashes[i]);
}

}  // namespace salus::merkle
