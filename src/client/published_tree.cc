#include "client/published_tree.h"

#include <fmt/format.h>

#include <utility>

namespace salus::client {

Result<PublishedTree> PublishedTree::Open(LogFiles files, const audit::PinnedLog& log,
                                          std::optional<audit::KnownCheckpoint> known) {
  TRY(const tlog::Policy policy, audit::PolicyOf(log));
  TRY(std::string note, files.checkpoint());
  Result<tlog::VerifiedCheckpoint> verified = policy.Verify(note);
  if (!verified) return VerificationFailed("the newest checkpoint: " + verified.error().message);
  if (verified->checkpoint.origin != log.origin) {
    return VerificationFailed("the newest checkpoint: it is of another log");
  }
  PublishedTree tree(std::move(note), *std::move(verified), std::move(files));
  if (!known) return tree;
  if (known->size > tree.size()) {
    return VerificationFailed(fmt::format(
        "the log was rolled back: this device has verified a checkpoint over {} entries, and the "
        "newest one covers {}",
        known->size.value, tree.size().value));
  }
  TRY(const merkle::ConsistencyProof proof,
      merkle::ProveConsistency(known->size, tree.size(), tree.hashes_));
  if (!proof.Verify(known->size, tree.size(), known->root, tree.checkpoint_.checkpoint.root)) {
    return VerificationFailed(fmt::format(
        "the log was rewritten: its newest checkpoint does not contain the one over {} entries "
        "that this device has verified. Keep both checkpoints, and call the data protection "
        "officer",
        known->size.value));
  }
  tree.compared_ = std::move(known);
  return tree;
}

Result<merkle::LeafHash> PublishedTree::LeafAt(merkle::LeafIndex index) const {
  TRY_VOID(ProveInclusion(index));
  TRY(const merkle::NodeHash node, hashes_.Read(0, index.value));
  return merkle::LeafHash(node.bytes());
}

Result<merkle::InclusionProof> PublishedTree::ProveInclusion(merkle::LeafIndex index) const {
  if (index.value >= size().value) {
    return NotFound(fmt::format("entry {} is not under the newest checkpoint, which covers {}",
                                index.value, size().value));
  }
  TRY(const merkle::NodeHash node, hashes_.Read(0, index.value));
  TRY(merkle::InclusionProof proof, merkle::ProveInclusion(index, size(), hashes_));
  const merkle::LeafHash leaf(node.bytes());
  if (!proof.Verify(leaf, index, size(), checkpoint_.checkpoint.root)) {
    return VerificationFailed(
        fmt::format("the tiles around entry {} do not lead to the signed root", index.value));
  }
  return proof;
}

}  // namespace salus::client
