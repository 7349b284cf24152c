#include "apps/salus/tree_reader.h"

#include <fmt/format.h>

#include <algorithm>

namespace salus::cli {

namespace {

bool NamesLog(std::string_view policy) {
  return policy.starts_with("log ") || policy.find("\nlog ") != policy.npos;
}

}  // namespace

Result<tlog::Policy> PolicyOf(const audit::PinnedLog& log) {
  return tlog::Policy::Parse(NamesLog(log.policy) ? log.policy
                                                  : "log " + log.log_vkey + "\n" + log.policy);
}

Result<std::unique_ptr<PublishedTree>> PublishedTree::Open(Session& session, Backend& place) {
  const audit::PinnedLog log = place.Pinned();
  TRY(const ReaderState state, ReaderState::Open(log));
  std::unique_ptr<PublishedTree> tree(new PublishedTree);
  TRY(tree->note_, place.Checkpoint());
  TRY(const tlog::Policy policy, PolicyOf(log));
  Result<tlog::VerifiedCheckpoint> verified = policy.Verify(tree->note_);
  if (!verified) return VerificationFailed("the newest checkpoint: " + verified.error().message);
  tree->checkpoint_ = *std::move(verified);
  tree->reader_ = std::make_unique<merkle::TileHashReader>(
      tree->size(), [&place](const merkle::TileId& id) { return place.Tile(id); });
  tree->compared_ = state.checkpoint();
  if (!tree->compared_) {
    session.terminal().Say("no checkpoint of this log is remembered: a rollback could not be seen");
    return tree;
  }
  const audit::KnownCheckpoint& known = *tree->compared_;
  if (known.size > tree->size()) {
    return VerificationFailed(fmt::format(
        "the log was rolled back: this device has verified a checkpoint over {} entries, and the "
        "newest one covers {}",
        known.size.value, tree->size().value));
  }
  TRY(const merkle::ConsistencyProof proof, tree->ProveConsistency(known.size));
  if (const Result<void> ok =
          proof.Verify(known.size, tree->size(), known.root, tree->checkpoint_.checkpoint.root);
      !ok) {
    return VerificationFailed(fmt::format(
        "the log was rewritten: its newest checkpoint does not contain the one over {} entries "
        "that this device has verified",
        known.size.value));
  }
  return tree;
}

Result<merkle::LeafHash> PublishedTree::LeafAt(merkle::LeafIndex index) {
  TRY_VOID(ProveInclusion(index));
  TRY(const merkle::NodeHash node, reader_->Read(0, index.value));
  return merkle::LeafHash(node.bytes());
}

Result<merkle::InclusionProof> PublishedTree::ProveInclusion(merkle::LeafIndex index) {
  if (index.value >= size().value) {
    return NotFound(fmt::format("entry {} is not under the newest checkpoint, which covers {}",
                                index.value, size().value));
  }
  TRY(const merkle::NodeHash node, reader_->Read(0, index.value));
  TRY(merkle::InclusionProof proof, merkle::ProveInclusion(index, size(), *reader_));
  const merkle::LeafHash leaf(node.bytes());
  if (!proof.Verify(leaf, index, size(), checkpoint_.checkpoint.root)) {
    return VerificationFailed(
        fmt::format("the tiles around entry {} do not lead to the signed root", index.value));
  }
  return proof;
}

Result<merkle::ConsistencyProof> PublishedTree::ProveConsistency(merkle::TreeSize from) {
  return merkle::ProveConsistency(from, size(), *reader_);
}

}  // namespace salus::cli
