#include "tlog/subject_table.h"

#include "base/check.h"

namespace salus::tlog {

SubjectTable::SubjectTable(std::string origin) : origin_(std::move(origin)) {}

SubjectTable::~SubjectTable() {
  for (auto& chunk : chunks_) delete chunk.load();
}

SubjectState& SubjectTable::Slot(std::uint32_t number) {
  CHECK(number / kChunk < kMaxChunks);
  std::atomic<Chunk*>& chunk = chunks_[number / kChunk];
  if (chunk.load(std::memory_order_relaxed) == nullptr) {
    chunk.store(std::make_unique<Chunk>().release(), std::memory_order_release);
  }
  return (*chunk.load(std::memory_order_relaxed))[number % kChunk];
}

SubjectNumber SubjectTable::Register(const SubjectTag& tag) {
  std::lock_guard lock(mutex_);
  const std::uint32_t next = size_.load(std::memory_order_relaxed);
  const auto [at, is_new] = numbers_.try_emplace(tag, next);
  if (is_new) {
    SubjectState& state = Slot(next);
    state.tag = tag;
    state.head = merkle::ChainHead0(origin_, tag);
    size_.store(next + 1, std::memory_order_release);
  }
  return SubjectNumber{at->second};
}

Result<void> SubjectTable::Restore(SubjectNumber number, const SubjectTag& tag) {
  std::lock_guard lock(mutex_);
  if (number.value / kChunk >= kMaxChunks) return Corruption("a subject's number is too large");
  if (!numbers_.try_emplace(tag, number.value).second) {
    return Corruption("a subject is introduced twice");
  }
  SubjectState& state = Slot(number.value);
  if (state.is_introduced) return Corruption("two subjects have one number");
  state.tag = tag;
  state.head = merkle::ChainHead0(origin_, tag);
  state.is_introduced = true;
  if (number.value >= size_.load(std::memory_order_relaxed)) {
    size_.store(number.value + 1, std::memory_order_release);
  }
  return {};
}

std::optional<SubjectNumber> SubjectTable::Find(const SubjectTag& tag) const {
  std::lock_guard lock(mutex_);
  const auto at = numbers_.find(tag);
  if (at == numbers_.end()) return std::nullopt;
  return SubjectNumber{at->second};
}

SubjectState& SubjectTable::at(SubjectNumber number) {
  Chunk* chunk = chunks_[number.value / kChunk].load(std::memory_order_acquire);
  CHECK(chunk != nullptr);
  return (*chunk)[number.value % kChunk];
}

const SubjectState& SubjectTable::at(SubjectNumber number) const {
  const Chunk* chunk = chunks_[number.value / kChunk].load(std::memory_order_acquire);
  CHECK(chunk != nullptr);
  return (*chunk)[number.value % kChunk];
}

bool SubjectTable::Has(SubjectNumber number) const {
  if (number.value / kChunk >= kMaxChunks) return false;
  const Chunk* chunk = chunks_[number.value / kChunk].load(std::memory_order_acquire);
  return chunk != nullptr && (*chunk)[number.value % kChunk].is_introduced;
}

}  // namespace salus::tlog
