// CheckPublished reads all that a server shows of a tree, and believes none of it: hashes, entries,
// and which chain each entry is in.
//
// Source: protocol.md P2.1, P4.1, P4.6.
// Shape:  chain steps are a CBOR sequence of [index, tag], as docs/formats/http-api.md says.
#pragma once

#include <cstdint>
#include <functional>

#include "base/bytes.h"
#include "base/result.h"
#include "client/published_tree.h"

namespace salus::client {

// PublishedFiles is where they are read. A bundle or updates that are refused with PermissionDenied
// are not asked for again.
struct PublishedFiles {
  merkle::TileHashReader::TileFetch tile;
  std::function<Result<Bytes>(const merkle::TileId& id)> bundle;
  // The chain steps of entries first to last (65,536 at most): a CBOR sequence of [index, tag].
  std::function<Result<Bytes>(std::uint64_t first, std::uint64_t last)> updates;
};

struct PublishedReport {
  bool shows_entries = true;  // to us
  bool shows_steps = true;
  std::uint64_t entries = 0;  // that were read and are as signed
  std::uint64_t map_roots =
      0;  // that follow from the entries; 0 unless entries and steps are shown
  std::uint64_t subjects = 0;
};

// CheckPublished stops at the first thing that is wrong. progress gets the entries done.
//
// Errors: VerificationFailed: what is wrong, and where; those of files.
Result<PublishedReport> CheckPublished(const PublishedFiles& files, const audit::PinnedLog& log,
                                       const PublishedTree& tree,
                                       const std::function<void(std::uint64_t)>& progress);

// CheckFirstEntry holds what a server shows as entry 0 against its tree and against what is pinned.
//
// Source: protocol.md P1.2.
// Errors: VerificationFailed; those of the tree's files.
Result<void> CheckFirstEntry(const PublishedTree& tree, const audit::PinnedLog& log,
                             ByteSpan entry);

// ParseUpdates takes such a sequence apart: what it holds for each of the entries first to last.
//
// Errors: VerificationFailed for anything but rising indexes in that range with their tags.
struct ChainStepOf {
  std::uint64_t index;
  merkle::SubjectTag tag;
};
Result<std::vector<ChainStepOf>> ParseUpdates(ByteSpan bytes, std::uint64_t first,
                                              std::uint64_t last);

}  // namespace salus::client
