// ServedAnswers is everything that a Node would hand out, item by item, so that two directories can
// be compared byte for byte; test code only.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "node/node.h"

namespace salus::integration {

// ServedAnswers maps what was read ("entry 12", "tile/0/001") to its bytes, or to an error.
struct ServedAnswers {
  std::uint64_t size = 0;  // of the published checkpoint's tree
  std::map<std::string, Result<Bytes>> items;
};

// ReadEverything reads the checkpoint, all entries, tiles, bundles, chains with their proofs,
// repeats, kept checkpoints and rows. Each proof is verified; one that fails is an error.
ServedAnswers ReadEverything(node::Node& node);

}  // namespace salus::integration
