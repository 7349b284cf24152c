// MapRootEntry is the kind 3 entry that ends every checkpoint's tree.
//
// Source: protocol.md P5.3.
// Shape:  CBOR [3, [size, time in ms, map root, subjects, updates]].
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "merkle/map_hash.h"
#include "merkle/types.h"

namespace salus::tlog {

struct MapRootEntry {
  std::uint64_t size = 0;  // the entry's own index: how many entries the map covers
  Timestamp time;
  merkle::MapRoot map_root;
  std::uint64_t subjects = 0;
  merkle::RootHash
      updates;  // RFC 6962 root over (u64 index || tag) of the chain steps since the last

  Bytes Encode() const;
  // Errors: VerificationFailed when entry is not exactly such an encoding.
  static Result<MapRootEntry> Parse(ByteSpan entry);
  friend bool operator==(const MapRootEntry&, const MapRootEntry&) = default;
};

// HashUpdate is the leaf of `updates` for one chain step: the RFC 6962 leaf hash of u64 index ||
// tag.
merkle::LeafHash HashUpdate(merkle::LeafIndex index, const merkle::SubjectTag& tag);

}  // namespace salus::tlog
