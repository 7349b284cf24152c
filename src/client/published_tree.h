// PublishedTree reads the tree of the newest checkpoint through its tiles, and believes none of
// them: what it hands out leads to the root that the pinned log key signed.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "audit/verify.h"
#include "base/result.h"
#include "merkle/proof.h"
#include "merkle/tile.h"

namespace salus::client {

// LogFiles is where the log's public files are read: a server, a data directory, a mirror.
struct LogFiles {
  std::function<Result<std::string>()> checkpoint;
  merkle::TileHashReader::TileFetch tile;
};

// PublishedTree is one tree, which does not grow.
//
// Threads: one thread at a time; it fetches tiles when it needs them, and keeps them.
class PublishedTree {
 public:
  // Open verifies the newest checkpoint under the pinned policy, and that the known one is a part
  // of it.
  //
  // Errors: VerificationFailed: not signed, quorum not reached, another origin, rolled back, or
  //         rewritten; InvalidArgument when what was pinned does not parse; those of files.
  static Result<PublishedTree> Open(LogFiles files, const audit::PinnedLog& log,
                                    std::optional<audit::KnownCheckpoint> known);

  merkle::TreeSize size() const { return checkpoint_.checkpoint.size; }
  const std::string& note() const { return note_; }
  const tlog::VerifiedCheckpoint& checkpoint() const { return checkpoint_; }
  // compared is the known checkpoint that this tree contains.
  const std::optional<audit::KnownCheckpoint>& compared() const { return compared_; }

  // LeafAt is a leaf hash that leads to the root.
  //
  // Errors: NotFound behind the end; VerificationFailed when the tiles do not lead to the root.
  Result<merkle::LeafHash> LeafAt(merkle::LeafIndex index) const;
  // Errors: as LeafAt.
  Result<merkle::InclusionProof> ProveInclusion(merkle::LeafIndex index) const;

 private:
  PublishedTree(std::string note, tlog::VerifiedCheckpoint checkpoint, LogFiles files)
      : note_(std::move(note)),
        checkpoint_(std::move(checkpoint)),
        hashes_(size(), std::move(files.tile)) {}

  std::string note_;
  tlog::VerifiedCheckpoint checkpoint_;
  std::optional<audit::KnownCheckpoint> compared_;
  merkle::TileHashReader hashes_;
};

}  // namespace salus::client
