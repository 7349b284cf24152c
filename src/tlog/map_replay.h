// MapReplay computes the map anew from the chain steps of a log, and holds it against each kind 3
// entry.
//
// Source:  protocol.md P4.1, P4.2, P4.6, P5.3.
// Shape:   subjects are numbered by the caller, from 0; numbers that are left out cost memory.
// Threads: one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "merkle/map.h"
#include "merkle/types.h"
#include "tlog/map_root_entry.h"

namespace salus::tlog {

class MapReplay {
 public:
  explicit MapReplay(std::string origin) : origin_(std::move(origin)) {}

  // Introduce begins a subject's chain; false when the number or the tag has one already.
  bool Introduce(std::uint32_t subject, const merkle::SubjectTag& tag);
  bool IsKnown(std::uint32_t subject) const;
  // The subject must be known.
  const merkle::SubjectTag& TagOf(std::uint32_t subject) const { return chains_[subject].tag; }

  // Step adds the entry at index to the chain of a known subject; indexes rise.
  void Step(std::uint32_t subject, merkle::LeafIndex index, const merkle::LeafHash& leaf);

  // Comparison is what a kind 3 entry says right and wrong.
  struct Comparison {
    bool is_in_order;  // it says its own index, and is not older than the one before it
    bool has_steps;    // `updates` is over the steps since the one before it
    bool has_map;      // map root and number of subjects follow from all steps
    bool fits() const { return is_in_order && has_steps && has_map; }
  };
  // Close compares the kind 3 entry at index, and begins the next interval.
  Comparison Close(merkle::LeafIndex index, const MapRootEntry& entry);

  std::uint64_t subjects() const { return subjects_; }

 private:
  struct Chain {
    merkle::SubjectTag tag;
    merkle::MapValue value;
    bool is_known = false;
    bool is_touched = false;
  };
  struct TagHash {
    std::size_t operator()(const merkle::SubjectTag& tag) const;
  };

  const std::string origin_;
  std::vector<Chain> chains_;  // by subject
  std::unordered_set<merkle::SubjectTag, TagHash> tags_;
  merkle::MapTree map_;
  std::uint64_t subjects_ = 0;  // with a step
  Timestamp last_time_{};
  // Since the last kind 3 entry:
  std::vector<std::uint32_t> touched_;
  std::vector<merkle::LeafHash> steps_;
};

}  // namespace salus::tlog
