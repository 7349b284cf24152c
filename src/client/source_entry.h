// SourceEntry is an entry given back to the source that sent it, with its proofs. Nothing of it is
// verified here.
//
// Source: docs/formats/http-api.md, GET /audit/v1/entries/I.
// Shape:  JSON {"index","entry","inclusion":["b64url"],"checkpoint","filing":{"map_root",
//         "map_entry","position","steps","path":["b64url"]}}.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/json.h"
#include "merkle/proof.h"
#include "tlog/update_proof.h"

namespace salus::client {

struct SourceEntry {
  merkle::LeafIndex index;
  Bytes entry;
  merkle::InclusionProof inclusion;         // under checkpoint
  std::string checkpoint;                   // a note
  std::optional<tlog::UpdateProof> filing;  // none: the server has filed it nowhere, or won't say

  // Errors: InvalidArgument, with the member.
  static Result<SourceEntry> FromJson(const codec::JsonObject& object);
};

}  // namespace salus::client
