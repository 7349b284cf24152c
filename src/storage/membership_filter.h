#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

namespace salus::storage {

// MembershipFilter answers "surely never added" or "maybe added" for uniformly random 64-bit keys
// (part of a keyed hash: nobody outside can choose them).
//
// Source:  a blocked Bloom filter: one 64-byte line a key and generation, 6 bits in it.
// Shape:   10.4 bits (1.3 bytes) a key once full, about 1 % false positives for each generation.
//          It starts with room for expected_keys; each further generation doubles the room (so
//          up to 2.6 bytes a key just then) and adds its own false positives: build anew with the
//          right size when there are more than a few.
// Threads: one writer (Add), any number of readers without a lock; a key is found by every read
//          that begins after its Add has returned.
class MembershipFilter {
 public:
  explicit MembershipFilter(std::uint64_t expected_keys);
  ~MembershipFilter();
  MembershipFilter(const MembershipFilter&) = delete;
  MembershipFilter& operator=(const MembershipFilter&) = delete;

  void Add(std::uint64_t key);
  void AddMany(std::span<const std::uint64_t> keys);

  bool MayContain(std::uint64_t key) const;
  // MayContainMany fetches the lines of all keys before it looks: for batches of a request.
  // out[i] becomes 1 when keys[i] may have been added, else 0; same sizes.
  void MayContainMany(std::span<const std::uint64_t> keys, std::span<std::uint8_t> out) const;

  std::uint64_t key_count() const { return key_count_.load(std::memory_order_acquire); }
  std::uint64_t memory_bytes() const;
  int generation_count() const { return generations_.load(std::memory_order_acquire); }

 private:
  struct Line;
  struct Generation;
  static constexpr int kMaxGenerations = 40;

  void Grow(std::uint64_t keys);

  std::array<std::unique_ptr<Generation>, kMaxGenerations> filters_;
  std::atomic<int> generations_{0};
  std::uint64_t room_ = 0;  // keys that the newest generation still takes; the writer's
  std::atomic<std::uint64_t> key_count_{0};
};

}  // namespace salus::storage
