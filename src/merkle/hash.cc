#include "merkle/hash.h"

#include <array>

#include "base/check.h"
#include "crypto/sha256.h"

namespace salus::merkle {
namespace {

constexpr std::uint8_t kLeafPrefix = 0x00;
constexpr std::uint8_t kNodePrefix = 0x01;
// Pairs are hashed in blocks whose views fit on the stack.
constexpr std::size_t kBlock = 256;

static_assert(sizeof(NodeHash) == sizeof(crypto::Hash32));

// A Digest is nothing but its array, so that hashes can be written in place.
template <typename Hash>
std::span<crypto::Hash32> AsArrays(std::span<Hash> hashes) {
  return {reinterpret_cast<crypto::Hash32*>(hashes.data()), hashes.size()};
}

}  // namespace

LeafHash HashLeaf(ByteSpan entry) {
  return LeafHash(crypto::Sha256({ByteSpan(&kLeafPrefix, 1), entry}));
}

NodeHash HashChildren(const NodeHash& left, const NodeHash& right) {
  return NodeHash(crypto::Sha256({ByteSpan(&kNodePrefix, 1), left.span(), right.span()}));
}

RootHash EmptyRoot() {
  static const RootHash empty(crypto::Sha256(ByteSpan()));
  return empty;
}

void HashLeaves(std::span<const ByteSpan> entries, std::span<LeafHash> out) {
  CHECK(entries.size() == out.size());
  crypto::Sha256ManyPrefixed(kLeafPrefix, entries, AsArrays(out));
}

void HashPairs(std::span<const NodeHash> nodes, std::span<NodeHash> out) {
  CHECK(nodes.size() == 2 * out.size());
  std::array<ByteSpan, kBlock> messages;
  for (std::size_t done = 0; done < out.size();) {
    const std::size_t count = std::min(kBlock, out.size() - done);
    for (std::size_t i = 0; i < count; ++i) {
      messages[i] = ByteSpan(nodes[2 * (done + i)].data(), 2 * NodeHash::kSize);
    }
    crypto::Sha256ManyPrefixed(kNodePrefix, std::span(messages).first(count),
                               AsArrays(out.subspan(done, count)));
    done += count;
  }
}

}  // namespace salus::merkle
