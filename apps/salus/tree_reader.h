// PublishedTree reads the tree of the newest checkpoint through its tiles, and believes none of
// them: what it hands out leads to the root that the pinned log key signed.
#pragma once

#include <memory>
#include <optional>

#include "apps/salus/reader_state.h"
#include "apps/salus/session.h"
#include "merkle/proof.h"
#include "merkle/tile.h"
#include "tlog/policy.h"

namespace salus::cli {

// PolicyOf is the pinned policy with the pinned log key in it. Errors: InvalidArgument.
Result<tlog::Policy> PolicyOf(const audit::PinnedLog& log);

class PublishedTree {
 public:
  // Open verifies the newest checkpoint under the policy, and that the remembered one is a part of
  // it. Errors: VerificationFailed.
  static Result<std::unique_ptr<PublishedTree>> Open(Session& session, Backend& place);

  merkle::TreeSize size() const { return checkpoint_.checkpoint.size; }
  const std::string& note() const { return note_; }
  const tlog::VerifiedCheckpoint& checkpoint() const { return checkpoint_; }
  const std::optional<audit::KnownCheckpoint>& compared() const { return compared_; }

  // LeafAt is a leaf hash that leads to the root. Errors: VerificationFailed.
  Result<merkle::LeafHash> LeafAt(merkle::LeafIndex index);
  // Errors: VerificationFailed when the tiles do not lead to the root.
  Result<merkle::InclusionProof> ProveInclusion(merkle::LeafIndex index);
  Result<merkle::ConsistencyProof> ProveConsistency(merkle::TreeSize from);
  const merkle::HashReader& hashes() const { return *reader_; }

 private:
  PublishedTree() = default;

  std::string note_;
  tlog::VerifiedCheckpoint checkpoint_;
  std::optional<audit::KnownCheckpoint> compared_;
  std::unique_ptr<merkle::TileHashReader> reader_;
};

}  // namespace salus::cli
