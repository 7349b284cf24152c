// SubjectTable numbers the subjects of one log and holds the state of their chains.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "merkle/map.h"
#include "tlog/record_meta.h"

namespace salus::tlog {

// SubjectState is one chain as of the last durable commit. The sequencer's alone, but for
// last_policy, which front-ends read to know which grants still serve.
struct SubjectState {
  SubjectTag tag;
  merkle::ChainHead head;
  std::uint64_t count = 0;
  std::atomic<std::uint64_t> last_policy{0};  // index of its last policy entry; 0: none
  std::atomic<bool> is_introduced{false};     // its tag stands in a durable record
  bool is_touched = false;                    // changed since the last checkpoint
  bool is_stepping = false;                   // within StepChains
};

// Threads: Register, Find and at may run together; at() never moves.
class SubjectTable {
 public:
  static constexpr std::size_t kChunk = 4096;
  static constexpr std::size_t kMaxChunks = 16'384;  // 67 million subjects

  explicit SubjectTable(std::string origin);
  ~SubjectTable();

  // Register gives the number of a tag, a new one for a new tag.
  SubjectNumber Register(const SubjectTag& tag);
  // Restore puts a subject back under the number that it has in the segments.
  // Errors: Corruption when number or tag is taken.
  Result<void> Restore(SubjectNumber number, const SubjectTag& tag);
  std::optional<SubjectNumber> Find(const SubjectTag& tag) const;

  SubjectState& at(SubjectNumber number);
  const SubjectState& at(SubjectNumber number) const;
  bool Has(SubjectNumber number) const;
  // size is one more than the highest number given out.
  std::uint32_t size() const { return size_.load(std::memory_order_acquire); }

 private:
  using Chunk = std::array<SubjectState, kChunk>;
  SubjectState& Slot(std::uint32_t number);

  const std::string origin_;
  mutable std::mutex mutex_;
  std::unordered_map<SubjectTag, std::uint32_t, SubjectTag::Hasher> numbers_;  // by mutex_
  std::array<std::atomic<Chunk*>, kMaxChunks> chunks_{};
  std::atomic<std::uint32_t> size_{0};
};

}  // namespace salus::tlog
