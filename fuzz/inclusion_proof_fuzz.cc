// Inclusion proofs: the verifier agrees with the recursion of RFC 6962 followed backwards, on
// proofs that are right, nearly right, and arbitrary.
#include "base/check.h"
#include "edited_path.h"
#include "fuzz_input.h"
#include "merkle/hash.h"
#include "merkle/memory_tree.h"
#include "merkle/proof.h"
#include "merkle/reference.h"

namespace salus::merkle {
namespace {

void CheckAgreement(const InclusionProof& proof, const LeafHash& leaf, std::uint64_t index,
                    std::uint64_t size, const RootHash& root) {
  reference::Path path;
  for (const NodeHash& hash : proof.hashes()) path.push_back(hash.bytes());
  bool fits = true;
  const auto expected = reference::RootFromPath(leaf.bytes(), index, size, path, fits);
  const bool is_valid = fits && expected == root.bytes();
  CHECK(proof.Verify(leaf, {index}, {size}, root).has_value() == is_valid);
}

void CheckOne(ByteSpan bytes) {
  fuzz::Input input(bytes);
  const std::uint64_t size = 1 + input.U8() % 64;
  const std::uint64_t index = input.U8() % size;
  MemoryTree tree;
  std::vector<LeafHash> leaves;
  for (std::uint64_t i = 0; i < size; ++i) {
    leaves.push_back(HashLeaf(AsBytes(std::to_string(i))));
    tree.Append(leaves.back());
  }
  const InclusionProof proof = ProveInclusion({index}, {size}, tree).value();
  CHECK(proof.Verify(leaves[index], {index}, {size}, tree.Root()).has_value());

  // Change what the input says, and ask both.
  const std::vector<NodeHash> hashes = fuzz::Edited(proof.hashes(), input);
  const auto edited = InclusionProof::FromHashes(hashes);
  if (edited) {
    const std::uint64_t other_size = 1 + input.U8() % 64;
    CheckAgreement(*edited, leaves[index], index, size, tree.Root());
    CheckAgreement(*edited, leaves[index], input.U8() % other_size, other_size, tree.Root());
  }

  // The rest is a proof as text.
  const auto parsed = InclusionProof::Parse(AsText(input.Rest()));
  if (parsed) {
    CHECK(parsed->ToText() == AsText(input.Rest()));
    CheckAgreement(*parsed, leaves[index], index, size, tree.Root());
  }
}

}  // namespace
}  // namespace salus::merkle

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::merkle::CheckOne({data, size});
  return 0;
}
