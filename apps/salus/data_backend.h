#pragma once

#include <memory>
#include <string>

#include "apps/salus/backend.h"
#include "node/node.h"

namespace salus::cli {

// OpenDataDirectory is Backend over node::Node. kReadWrite takes the directory's lock. A query is
// recorded, and so needs it too.
//
// Errors: as node::Node::Open.
Result<std::unique_ptr<Backend>> OpenDataDirectory(const std::string& directory,
                                                   node::NodeAccess access, const Clock& clock,
                                                   RandomSource& random);

// AppendToNode runs an AppendCall on a node: batches of 1,000 lines, two on their way at a time.
// Errors: those of the recorder; refused lines are answers, not errors.
Result<AppendTotals> AppendToNode(node::Node& node, const AppendCall& call);

}  // namespace salus::cli
