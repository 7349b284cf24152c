// MultiProof shows that many entries are in one tree, each hash of it once.
//
// Source: RFC 6962 section 2.1: the recursion of MTH(D[n]) itself. Where an InclusionProof holds
// the
//         sibling of every step from one leaf up, this holds the hash of every subtree that has
//         none of the leaves and stands beside one that has, from left to right. For one leaf it
//         holds the same hashes as the InclusionProof, in another order.
// Shape:  for k leaves of a tree of n at most k * 63 hashes; with none no hash.
#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "merkle/hash_reader.h"
#include "merkle/types.h"

namespace salus::merkle {

class MultiProof {
 public:
  // Leaf is an entry that is proven, and where it stands.
  struct Leaf {
    LeafIndex index;
    LeafHash hash;
  };

  MultiProof() = default;
  explicit MultiProof(std::vector<NodeHash> hashes) : hashes_(std::move(hashes)) {}

  // Verify needs leaves of strictly rising indexes below size.
  // Errors: InvalidArgument when they are not; VerificationFailed when the proof has a hash too few
  // or too many, or another root comes out; it never says which hash or leaf was wrong.
  Result<void> Verify(std::span<const Leaf> leaves, TreeSize size, const RootHash& root) const;

  const std::vector<NodeHash>& hashes() const { return hashes_; }
  friend bool operator==(const MultiProof&, const MultiProof&) = default;

 private:
  std::vector<NodeHash> hashes_;
};

// ProveMany reads the tree from left to right, each perfect subtree once.
// Errors: InvalidArgument unless the indexes strictly rise below size; what the reader reports.
Result<MultiProof> ProveMany(std::span<const LeafIndex> indexes, TreeSize size,
                             const HashReader& reader);

}  // namespace salus::merkle
