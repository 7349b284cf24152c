// The hashes of an RFC 6962 tree, one at a time and many at once.
//
// Source: RFC 6962 section 2.1, RFC 9162 section 2.1.1.
// Shape:  leaf SHA-256(0x00 || entry), node SHA-256(0x01 || left || right), empty tree SHA-256("").
#pragma once

#include <span>

#include "base/bytes.h"
#include "merkle/types.h"

namespace salus::merkle {

LeafHash HashLeaf(ByteSpan entry);
NodeHash HashChildren(const NodeHash& left, const NodeHash& right);
RootHash EmptyRoot();

// HashLeaves hashes entries[i] into out[i]; both have the same length. Several times faster than
// one call each, since independent messages share the CPU's SHA lanes.
void HashLeaves(std::span<const ByteSpan> entries, std::span<LeafHash> out);

// HashPairs hashes nodes[2i] and nodes[2i+1] into out[i]; nodes is twice as long as out. The two
// may not overlap.
void HashPairs(std::span<const NodeHash> nodes, std::span<NodeHash> out);

}  // namespace salus::merkle
