// Test code only: the RFC 6962 tree and the map, written down literally and slowly. For tests and
// fuzzers: the fast code is compared with this.
#pragma once

#include <algorithm>
#include <bit>
#include <map>
#include <span>
#include <vector>

#include "base/endian.h"
#include "crypto/sha256.h"
#include "merkle/map_hash.h"
#include "merkle/types.h"

namespace salus::merkle::reference {

using Hash = crypto::Hash32;
using Entries = std::span<const Bytes>;
using Path = std::vector<Hash>;

inline Hash Sha(const Bytes& bytes) { return crypto::Sha256(bytes); }

inline Bytes Joined(std::uint8_t prefix, ByteSpan a, ByteSpan b = {}) {
  Bytes out = {prefix};
  Append(out, a);
  Append(out, b);
  return out;
}

// k is the largest power of two smaller than n.
inline std::size_t K(std::size_t n) {
  std::size_t k = 1;
  while (2 * k < n) k *= 2;
  return k;
}

// MTH(D[n]), RFC 6962 section 2.1.
inline Hash Mth(Entries d) {
  if (d.empty()) return Sha({});
  if (d.size() == 1) return Sha(Joined(0x00, d[0]));
  const std::size_t k = K(d.size());
  return Sha(Joined(0x01, Mth(d.first(k)), Mth(d.subspan(k))));
}

// PATH(m, D[n]), RFC 6962 section 2.1.1.
inline Path AuditPath(std::size_t m, Entries d) {
  if (d.size() == 1) return {};
  const std::size_t k = K(d.size());
  Path path;
  if (m < k) {
    path = AuditPath(m, d.first(k));
    path.push_back(Mth(d.subspan(k)));
  } else {
    path = AuditPath(m - k, d.subspan(k));
    path.push_back(Mth(d.first(k)));
  }
  return path;
}

// SUBPROOF(m, D[n], b), RFC 6962 section 2.1.2.
inline Path SubProof(std::size_t m, Entries d, bool b) {
  if (m == d.size()) return b ? Path{} : Path{Mth(d)};
  const std::size_t k = K(d.size());
  Path path;
  if (m <= k) {
    path = SubProof(m, d.first(k), b);
    path.push_back(Mth(d.subspan(k)));
  } else {
    path = SubProof(m - k, d.subspan(k), false);
    path.push_back(Mth(d.first(k)));
  }
  return path;
}

// PROOF(m, D[n]) for 0 < m <= n.
inline Path Proof(std::size_t m, Entries d) { return SubProof(m, d, true); }

// Whether a path leads from the leaf hash to the root: the recursion of PATH, followed backwards.
// Returns false through `fits` when the path has the wrong length.
inline Hash RootFromPath(const Hash& leaf, std::size_t m, std::size_t n, std::span<const Hash> path,
                         bool& fits) {
  if (n == 1) {
    fits = path.empty();
    return leaf;
  }
  if (path.empty()) {
    fits = false;
    return {};
  }
  const std::size_t k = K(n);
  const auto below = path.first(path.size() - 1);
  if (m < k) return Sha(Joined(0x01, RootFromPath(leaf, m, k, below, fits), path.back()));
  return Sha(Joined(0x01, path.back(), RootFromPath(leaf, m - k, n - k, below, fits)));
}

// The recursion of SUBPROOF, followed backwards: the old and the new root that a proof leads to.
struct TwoRoots {
  Hash old_root;
  Hash new_root;
};
inline TwoRoots RootsFromProof(std::size_t m, std::size_t n, bool b, const Hash& old_root,
                               std::span<const Hash> proof, bool& fits) {
  if (m == n) {
    if (proof.size() != (b ? 0u : 1u)) fits = false;
    if (!fits) return {};
    return b ? TwoRoots{old_root, old_root} : TwoRoots{proof[0], proof[0]};
  }
  if (proof.empty()) {
    fits = false;
    return {};
  }
  const std::size_t k = K(n);
  const auto below = proof.first(proof.size() - 1);
  if (m <= k) {
    const TwoRoots left = RootsFromProof(m, k, b, old_root, below, fits);
    return {left.old_root, Sha(Joined(0x01, left.new_root, proof.back()))};
  }
  const TwoRoots right = RootsFromProof(m - k, n - k, false, old_root, below, fits);
  return {Sha(Joined(0x01, proof.back(), right.old_root)),
          Sha(Joined(0x01, proof.back(), right.new_root))};
}

// The map of docs/formats/map.md.
using MapLeaves = std::vector<std::pair<MapPosition, MapValue>>;

inline Hash MapLeaf(const MapPosition& position, const MapValue& value) {
  Bytes count_and_head;
  AppendBe(count_and_head, value.count);
  Append(count_and_head, value.head.span());
  return Sha(Joined(0x02, position.span(), Sha(count_and_head)));
}

inline Hash MapHash(const MapLeaves& leaves, unsigned depth = 0) {
  if (leaves.empty()) return Hash{};
  if (leaves.size() == 1) return MapLeaf(leaves[0].first, leaves[0].second);
  MapLeaves left;
  MapLeaves right;
  for (const auto& leaf : leaves) {
    const bool bit = leaf.first.bytes()[depth / 8] & (0x80 >> depth % 8);
    (bit ? right : left).push_back(leaf);
  }
  return Sha(Joined(0x03, MapHash(left, depth + 1), MapHash(right, depth + 1)));
}

}  // namespace salus::merkle::reference
