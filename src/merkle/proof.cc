#include "merkle/proof.h"

#include <bit>

#include "codec/base64.h"
#include "merkle/hash.h"

namespace salus::merkle {
namespace {

Result<std::vector<NodeHash>> ParseHashLines(std::string_view text) {
  std::vector<NodeHash> hashes;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::string where = "proof line " + std::to_string(line);
    if (hashes.size() == kMaxProofHashes) {
      return InvalidArgument(where + ": a proof has 63 hashes at most");
    }
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return InvalidArgument(where + " does not end");
    const Result<Bytes> bytes = codec::Base64Decode(text.substr(0, end));
    if (!bytes || bytes->size() != NodeHash::kSize) {
      return InvalidArgument(where + " is not a base64 hash of 32 bytes");
    }
    TRY(NodeHash hash, NodeHash::FromBytes(*bytes));
    hashes.push_back(hash);
    text.remove_prefix(end + 1);
  }
  return hashes;
}

std::string HashLines(const std::vector<NodeHash>& hashes) {
  std::string text;
  text.reserve(hashes.size() * 45);
  for (const NodeHash& hash : hashes) text.append(codec::Base64Encode(hash.span())).append("\n");
  return text;
}

Result<void> CheckLength(const std::vector<NodeHash>& hashes) {
  if (hashes.size() > kMaxProofHashes) return InvalidArgument("a proof has 63 hashes at most");
  return {};
}

Error WrongProof() { return VerificationFailed("the Merkle proof does not lead to the root"); }

std::vector<NodeHash> Reversed(const std::vector<NodeHash>& hashes) {
  return {hashes.rbegin(), hashes.rend()};
}

}  // namespace

// The perfect subtrees that the range falls into, joined from the right.
Result<NodeHash> HashOfRange(std::uint64_t begin, std::uint64_t end, const HashReader& reader) {
  std::vector<NodeHash> parts;
  while (begin < end) {
    const auto level = static_cast<unsigned>(std::bit_width(end - begin) - 1);
    TRY(NodeHash part, reader.Read(level, begin >> level));
    parts.push_back(part);
    begin += std::uint64_t{1} << level;
  }
  NodeHash hash = parts.back();
  for (std::size_t i = parts.size() - 1; i-- > 0;) hash = HashChildren(parts[i], hash);
  return hash;
}

std::uint64_t MiddleOfRange(std::uint64_t begin, std::uint64_t end) {
  return begin + std::bit_floor(end - begin - 1);
}

Result<void> CheckSubtree(LeafIndex start, TreeSize end) {
  if (end > kMaxTreeSize) return InvalidArgument("tree size is above 2^63");
  if (start.value >= end.value) return InvalidArgument("a subtree holds one leaf at least");
  if (start.value % std::bit_ceil(end.value - start.value) != 0) {
    return InvalidArgument("a subtree begins at a multiple of its width");
  }
  return {};
}

Result<InclusionProof> InclusionProof::FromHashes(std::vector<NodeHash> hashes) {
  TRY_VOID(CheckLength(hashes));
  InclusionProof proof;
  proof.hashes_ = std::move(hashes);
  return proof;
}

Result<InclusionProof> InclusionProof::Parse(std::string_view text) {
  TRY(auto hashes, ParseHashLines(text));
  return FromHashes(std::move(hashes));
}

std::string InclusionProof::ToText() const { return HashLines(hashes_); }

Result<RootHash> InclusionProof::ImpliedRoot(const LeafHash& leaf, LeafIndex index,
                                             TreeSize size) const {
  if (size > kMaxTreeSize) return InvalidArgument("tree size is above 2^63");
  if (index.value >= size.value) return InvalidArgument("the leaf index is outside the tree");
  std::uint64_t fn = index.value;  // the names of RFC 9162 section 2.1.3.2
  std::uint64_t sn = size.value - 1;
  NodeHash r = AsNode(leaf);
  for (const NodeHash& p : hashes_) {
    if (sn == 0) return WrongProof();
    if ((fn & 1) != 0 || fn == sn) {
      r = HashChildren(p, r);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      r = HashChildren(r, p);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn != 0) return WrongProof();
  return AsRoot(r);
}

Result<void> InclusionProof::Verify(const LeafHash& leaf, LeafIndex index, TreeSize size,
                                    const RootHash& root) const {
  TRY(RootHash implied, ImpliedRoot(leaf, index, size));
  if (implied != root) return WrongProof();
  return {};
}

Result<ConsistencyProof> ConsistencyProof::FromHashes(std::vector<NodeHash> hashes) {
  TRY_VOID(CheckLength(hashes));
  ConsistencyProof proof;
  proof.hashes_ = std::move(hashes);
  return proof;
}

Result<ConsistencyProof> ConsistencyProof::Parse(std::string_view text) {
  TRY(auto hashes, ParseHashLines(text));
  return FromHashes(std::move(hashes));
}

std::string ConsistencyProof::ToText() const { return HashLines(hashes_); }

Result<void> ConsistencyProof::Verify(TreeSize from, TreeSize to, const RootHash& from_root,
                                      const RootHash& to_root) const {
  if (to > kMaxTreeSize) return InvalidArgument("tree size is above 2^63");
  if (from > to) return InvalidArgument("a tree does not shrink: from is larger than to");
  if (from.value == 0) {
    const bool to_fits = to.value != 0 || to_root == EmptyRoot();
    if (!hashes_.empty() || from_root != EmptyRoot() || !to_fits) return WrongProof();
    return {};
  }
  return VerifySubtree({0}, from, to, AsNode(from_root), to_root);
}

Result<void> ConsistencyProof::VerifySubtree(LeafIndex start, TreeSize end, TreeSize to,
                                             const NodeHash& subtree_hash,
                                             const RootHash& to_root) const {
  TRY_VOID(CheckSubtree(start, end));
  if (to > kMaxTreeSize || end > to) return InvalidArgument("the subtree is not in the tree");
  std::uint64_t fn =
      start.value;  // the names of RFC 9162 section 2.1.4.2, and tn for the tree's end
  std::uint64_t sn = end.value - 1;
  std::uint64_t tn = to.value - 1;
  const auto shift = [&] { fn >>= 1, sn >>= 1, tn >>= 1; };
  // Go up to the largest subtree that ends both: its hash is where the proof starts.
  while (fn != sn && (sn == tn || (sn & 1) != 0)) shift();
  auto p = hashes_.begin();
  NodeHash fr = subtree_hash;
  NodeHash sr = subtree_hash;
  if (fn != sn) {
    if (p == hashes_.end()) return WrongProof();
    fr = sr = *p++;
  }
  for (; p != hashes_.end(); ++p) {
    if (tn == 0) return WrongProof();
    if ((sn & 1) != 0 || sn == tn) {
      if (fn < sn) fr = HashChildren(*p, fr);
      sr = HashChildren(*p, sr);
      while ((sn & 1) == 0) shift();
    } else {
      sr = HashChildren(sr, *p);
    }
    shift();
  }
  if (tn != 0 || fr != subtree_hash || AsRoot(sr) != to_root) return WrongProof();
  return {};
}

Result<RootHash> RootAt(TreeSize size, const HashReader& reader) {
  if (size > kMaxTreeSize) return InvalidArgument("tree size is above 2^63");
  if (size.value == 0) return EmptyRoot();
  TRY(NodeHash hash, HashOfRange(0, size.value, reader));
  return AsRoot(hash);
}

Result<InclusionProof> ProveInclusion(LeafIndex index, TreeSize size, const HashReader& reader) {
  if (size > kMaxTreeSize) return InvalidArgument("tree size is above 2^63");
  if (index.value >= size.value) return InvalidArgument("the leaf index is outside the tree");
  std::vector<NodeHash> from_root;
  for (std::uint64_t begin = 0, end = size.value; end - begin > 1;) {
    const std::uint64_t middle = MiddleOfRange(begin, end);
    const bool go_left = index.value < middle;
    TRY(NodeHash sibling,
        go_left ? HashOfRange(middle, end, reader) : HashOfRange(begin, middle, reader));
    from_root.push_back(sibling);
    (go_left ? end : begin) = middle;
  }
  return InclusionProof::FromHashes(Reversed(from_root));
}

Result<ConsistencyProof> ProveConsistency(TreeSize from, TreeSize to, const HashReader& reader) {
  if (from.value == 0) {
    if (to > kMaxTreeSize) return InvalidArgument("tree size is above 2^63");
    return ConsistencyProof();
  }
  return ProveSubtreeConsistency({0}, from, to, reader);
}

Result<ConsistencyProof> ProveSubtreeConsistency(LeafIndex start, TreeSize end, TreeSize to,
                                                 const HashReader& reader) {
  TRY_VOID(CheckSubtree(start, end));
  if (to > kMaxTreeSize || end > to) return InvalidArgument("the subtree is not in the tree");
  std::vector<NodeHash> from_root;
  std::uint64_t lo = 0;
  std::uint64_t hi = to.value;
  // Walk towards the last piece of the subtree; what lies beside the path, inside the subtree on
  // the left or outside of it on either side, is the proof.
  while (!(start.value <= lo && hi == end.value)) {
    const std::uint64_t middle = MiddleOfRange(lo, hi);
    const bool go_left = end.value <= middle;
    TRY(NodeHash sibling,
        go_left ? HashOfRange(middle, hi, reader) : HashOfRange(lo, middle, reader));
    from_root.push_back(sibling);
    (go_left ? hi : lo) = middle;
  }
  // A last piece that is not the whole subtree is unknown to the verifier.
  if (lo != start.value) {
    TRY(NodeHash piece, HashOfRange(lo, hi, reader));
    from_root.push_back(piece);
  }
  return ConsistencyProof::FromHashes(Reversed(from_root));
}

}  // namespace salus::merkle
