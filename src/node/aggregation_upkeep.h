// AggregationUpkeep is what an aggregator does by itself, over months: new keys for clients, and an
// end to what it kept of studies that are over.
#pragma once

#include "base/result.h"
#include "node/aggregation.h"
#include "node/node.h"

namespace salus::node {

// Threads: one thread at a time; beside whatever else uses the node.
class AggregationUpkeep {
 public:
  // The node has an aggregation, and outlives it.
  explicit AggregationUpkeep(Node& node) : node_(node), aggregation_(*node.aggregation()) {}

  // Step does a small part of what is due; true: there may be more, and others should have their
  // turn before. What is due is there an hour later too: whoever calls it need not hurry.
  //
  // Errors: those of the store, after all that could be done was done; the next call tries again.
  Result<bool> Step();

 private:
  Result<void> TurnKeys();
  Result<bool> Prune(const aggregate::OpenTask& task);

  Node& node_;
  Aggregation& aggregation_;
};

}  // namespace salus::node
