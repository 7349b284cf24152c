#include "client/source_entry.h"

#include <utility>

#include "client/json_read.h"

namespace salus::client {
namespace {

Result<merkle::InclusionProof> PathAt(const codec::JsonObject& object, std::string_view name) {
  TRY(std::vector<merkle::NodeHash> hashes, HashesAt(object, name));
  return merkle::InclusionProof::FromHashes(std::move(hashes));
}

Result<tlog::UpdateProof> ReadFiling(const codec::JsonObject& object) {
  tlog::UpdateProof proof;
  TRY(proof.map_root.value, CountAt(object, "map_root"));
  TRY(proof.map_entry, BytesAt(object, "map_entry"));
  TRY(proof.position, CountAt(object, "position"));
  TRY(proof.steps.value, CountAt(object, "steps"));
  TRY(proof.path, PathAt(object, "path"));
  return proof;
}

}  // namespace

Result<SourceEntry> SourceEntry::FromJson(const codec::JsonObject& object) {
  SourceEntry out;
  TRY(out.index.value, CountAt(object, "index"));
  TRY(out.entry, BytesAt(object, "entry"));
  TRY(out.inclusion, PathAt(object, "inclusion"));
  TRY(out.checkpoint, TextAt(object, "checkpoint"));
  TRY(const codec::JsonObject* filing, codec::OptionalObjectAt(object, "filing"));
  if (filing != nullptr) {
    TRY(out.filing, ReadFiling(*filing));
  }
  return out;
}

}  // namespace salus::client
