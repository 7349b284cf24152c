// Consistency proofs: the verifier agrees with the recursion of RFC 6962 followed backwards.
#include "base/check.h"
#include "edited_path.h"
#include "fuzz_input.h"
#include "merkle/hash.h"
#include "merkle/memory_tree.h"
#include "merkle/proof.h"
#include "merkle/reference.h"

namespace salus::merkle {
namespace {

void CheckAgreement(const ConsistencyProof& proof, std::uint64_t from, std::uint64_t to,
                    const RootHash& from_root, const RootHash& to_root) {
  reference::Path path;
  for (const NodeHash& hash : proof.hashes()) path.push_back(hash.bytes());
  bool fits = true;
  const auto roots = reference::RootsFromProof(from, to, true, from_root.bytes(), path, fits);
  const bool is_valid =
      fits && roots.old_root == from_root.bytes() && roots.new_root == to_root.bytes();
  CHECK(proof.Verify({from}, {to}, from_root, to_root).has_value() == is_valid);
}

void CheckOne(ByteSpan bytes) {
  fuzz::Input input(bytes);
  const std::uint64_t to = 1 + input.U8() % 64;
  const std::uint64_t from = 1 + input.U8() % to;
  MemoryTree tree;
  for (std::uint64_t i = 0; i < to; ++i) tree.Append(HashLeaf(AsBytes(std::to_string(i))));
  const RootHash from_root = RootAt({from}, tree).value();
  const ConsistencyProof proof = ProveConsistency({from}, {to}, tree).value();
  CHECK(proof.Verify({from}, {to}, from_root, tree.Root()).has_value());

  const std::vector<NodeHash> hashes = fuzz::Edited(proof.hashes(), input);
  const auto edited = ConsistencyProof::FromHashes(hashes);
  if (edited) {
    CheckAgreement(*edited, from, to, from_root, tree.Root());
    const std::uint64_t other = 1 + input.U8() % to;
    CheckAgreement(*edited, other, to, RootAt({other}, tree).value(), tree.Root());
  }

  const auto parsed = ConsistencyProof::Parse(AsText(input.Rest()));
  if (parsed) {
    CHECK(parsed->ToText() == AsText(input.Rest()));
    CheckAgreement(*parsed, from, to, from_root, tree.Root());
  }
}

}  // namespace
}  // namespace salus::merkle

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::merkle::CheckOne({data, size});
  return 0;
}
