// UpdateProver finds under which map root entry a chain step stands, and proves it.
//
// Source: protocol.md P5.3, P5.6.
// Threads: safe to share; the sequencer is never waited for.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/result.h"
#include "merkle/memory_tree.h"
#include "tlog/log.h"
#include "tlog/update_proof.h"

namespace salus::tlog {

class UpdateProver {
 public:
  // What is kept of the blocks that were asked for last: a client that asks in the order of the
  // log has each one read once.
  static constexpr std::size_t kMaxBlocks = 8;
  static constexpr std::size_t kMaxSteps = 256 * 1024;  // in all but the newest; 72 bytes each

  // log must stay.
  explicit UpdateProver(const Log& log) : log_(log) {}

  // Prove takes the tags that stand in the segments: where these were altered, the proof fails at
  // whoever verifies it, which is what that one must see. nullopt: the entry steps no chain.
  //
  // Errors: NotFound when no published checkpoint covers index; Corruption; Unavailable.
  Result<std::optional<UpdateProof>> Prove(LeafIndex index) const;

 private:
  // Block is what one map root entry states.
  struct Block {
    std::uint64_t first = 0;     // behind the map root entry before
    std::uint64_t map_root = 0;  // its own index
    Bytes map_entry;
    std::vector<std::uint64_t> indexes;  // of the steps, ascending
    merkle::MemoryTree leaves;
  };
  Result<std::shared_ptr<const Block>> BlockOf(LeafIndex index) const;
  Result<std::uint64_t> FirstOfBlock(std::uint64_t index) const;
  Result<Block> ReadBlock(std::uint64_t first, TreeSize published) const;

  const Log& log_;
  // One block is read at a time, whoever asks: that bounds what callers can cost.
  mutable std::mutex mutex_;
  mutable std::vector<std::shared_ptr<const Block>> blocks_;  // by mutex_; the newest use first
};

}  // namespace salus::tlog
