#include "tlog/update_proof.h"

#include <fmt/format.h>

namespace salus::tlog {

Result<void> UpdateProof::Verify(merkle::LeafIndex index, const merkle::SubjectTag& tag) const {
  const Result<MapRootEntry> map = MapRootEntry::Parse(map_entry);
  if (!map || map->size != map_root.value) {
    return VerificationFailed(
        fmt::format("what is shown as map root {} is none of that index", map_root.value));
  }
  if (map_root <= index) {
    return VerificationFailed(fmt::format("map root {} stands before it", map_root.value));
  }
  if (!path.Verify(HashUpdate(index, tag), merkle::LeafIndex{position}, steps, map->updates)) {
    return VerificationFailed(
        fmt::format("map root {} is not shown to have filed it under its patient", map_root.value));
  }
  return {};
}

}  // namespace salus::tlog
