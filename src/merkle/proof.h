// InclusionProof and ConsistencyProof, and what makes them from a HashReader.
//
// Source: RFC 6962 sections 2.1.1 and 2.1.2; verified as RFC 9162 sections 2.1.3.2 and 2.1.4.2; the
//         text form is that of C2SP tlog-proof and tlog-witness.
// Shape:  0 to 63 hashes of 32 bytes; as text one base64 hash a line, each line ended by "\n".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "merkle/hash_reader.h"
#include "merkle/types.h"

namespace salus::merkle {

// kMaxProofHashes is the depth of the largest tree, and the limit of C2SP tlog-witness.
inline constexpr std::size_t kMaxProofHashes = 63;

// CheckSubtree says whether start..end can be a subtree: its start is a multiple of its width,
// rounded up to a power of two. A leaf is proven to be in it by an InclusionProof of index - start
// in a tree of size end - start. Source: C2SP tlog-witness, sign-subtree. Errors: InvalidArgument.
Result<void> CheckSubtree(LeafIndex start, TreeSize end);

// InclusionProof shows that one entry is in the tree of a given size. Leaf's sibling first.
class InclusionProof {
 public:
  InclusionProof() = default;

  // Errors: InvalidArgument for more than 63 hashes.
  static Result<InclusionProof> FromHashes(std::vector<NodeHash> hashes);

  // Errors: InvalidArgument, with the number of the line that is not a hash.
  static Result<InclusionProof> Parse(std::string_view text);
  std::string ToText() const;

  // Verify needs index < size <= 2^63.
  // Errors: InvalidArgument when the index is outside the tree; VerificationFailed when the proof
  // has the wrong length or another root comes out; it never says which hash was wrong.
  Result<void> Verify(const LeafHash& leaf, LeafIndex index, TreeSize size,
                      const RootHash& root) const;

  // ImpliedRoot is the root that the proof leads to; whoever calls it must compare it with a
  // trusted one. Errors: as Verify.
  Result<RootHash> ImpliedRoot(const LeafHash& leaf, LeafIndex index, TreeSize size) const;

  const std::vector<NodeHash>& hashes() const { return hashes_; }
  friend bool operator==(const InclusionProof&, const InclusionProof&) = default;

 private:
  std::vector<NodeHash> hashes_;
};

// ConsistencyProof shows that the tree of size `to` begins with the tree of size `from`. From 0,
// and between equal sizes, it is empty; from 0 it shows nothing, since every tree begins with
// nothing.
class ConsistencyProof {
 public:
  ConsistencyProof() = default;

  // Errors: as InclusionProof.
  static Result<ConsistencyProof> FromHashes(std::vector<NodeHash> hashes);
  static Result<ConsistencyProof> Parse(std::string_view text);
  std::string ToText() const;

  // Verify needs from <= to <= 2^63.
  // Errors: InvalidArgument when from > to; VerificationFailed otherwise.
  Result<void> Verify(TreeSize from, TreeSize to, const RootHash& from_root,
                      const RootHash& to_root) const;

  // VerifySubtree checks that the leaves start..end-1 of the larger tree hash to subtree_hash.
  // Errors: InvalidArgument when that is no subtree of a tree of size `to`; VerificationFailed.
  Result<void> VerifySubtree(LeafIndex start, TreeSize end, TreeSize to,
                             const NodeHash& subtree_hash, const RootHash& to_root) const;

  const std::vector<NodeHash>& hashes() const { return hashes_; }
  friend bool operator==(const ConsistencyProof&, const ConsistencyProof&) = default;

 private:
  std::vector<NodeHash> hashes_;
};

// MiddleOfRange is where the tree over the leaves begin..end divides: its left part is the largest
// power of two below its length, which is 2 at least.
std::uint64_t MiddleOfRange(std::uint64_t begin, std::uint64_t end);

// HashOfRange is the hash of the leaves begin..end, where RFC 6962 has a node: begin is a multiple
// of a power of two that is not below the length. Errors: what the reader reports.
Result<NodeHash> HashOfRange(std::uint64_t begin, std::uint64_t end, const HashReader& reader);

// RootAt is the root of the first `size` leaves. Errors: what the reader reports.
Result<RootHash> RootAt(TreeSize size, const HashReader& reader);

// Errors: InvalidArgument when index >= size; what the reader reports.
Result<InclusionProof> ProveInclusion(LeafIndex index, TreeSize size, const HashReader& reader);

// Errors: InvalidArgument when from > to; what the reader reports.
Result<ConsistencyProof> ProveConsistency(TreeSize from, TreeSize to, const HashReader& reader);

// Errors: InvalidArgument when start..end is no subtree of a tree of size `to`; what the reader
// reports.
Result<ConsistencyProof> ProveSubtreeConsistency(LeafIndex start, TreeSize end, TreeSize to,
                                                 const HashReader& reader);

}  // namespace salus::merkle
