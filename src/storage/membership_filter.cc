#include "storage/membership_filter.h"

#include <algorithm>
#include <bit>
#include <new>

#include "base/check.h"

namespace salus::storage {
namespace {

constexpr int kWordsPerLine = 8;
constexpr int kBitsPerKey = 6;
// 512 bits a line / 10.4 bits a key: 49.2 keys a line.
constexpr std::uint64_t kLinesPer1000Keys = 21;
constexpr std::uint64_t kLeastKeys = 4096;
constexpr std::size_t kBatch = 64;

// The line comes from the key's upper bits (the key is random); the bits within it from a product
// that every bit of the key reaches.
std::uint64_t Spread(std::uint64_t key) {
  key ^= key >> 32;
  return key * 0x9E3779B97F4A7C15u;
}

}  // namespace

struct alignas(64) MembershipFilter::Line {
  std::atomic<std::uint64_t> words[kWordsPerLine];
};

struct MembershipFilter::Generation {
  explicit Generation(std::uint64_t line_count)
      : count(line_count), lines(std::make_unique<Line[]>(line_count)) {}

  Line& LineOf(std::uint64_t key) const {
    return lines[static_cast<std::uint64_t>((static_cast<unsigned __int128>(key) * count) >> 64)];
  }

  void Add(std::uint64_t key) {
    Line& line = LineOf(key);
    std::uint64_t bits = Spread(key);
    for (int i = 0; i < kBitsPerKey; ++i, bits <<= 9) {
      std::atomic<std::uint64_t>& word = line.words[bits >> 61];
      const std::uint64_t bit = std::uint64_t{1} << ((bits >> 55) & 63);
      // One writer: no other store can come between.
      word.store(word.load(std::memory_order_relaxed) | bit, std::memory_order_relaxed);
    }
  }

  bool MayContain(std::uint64_t key) const {
    const Line& line = LineOf(key);
    std::uint64_t bits = Spread(key);
    for (int i = 0; i < kBitsPerKey; ++i, bits <<= 9) {
      const std::uint64_t word = line.words[bits >> 61].load(std::memory_order_relaxed);
      if (((word >> ((bits >> 55) & 63)) & 1) == 0) return false;
    }
    return true;
  }

  const std::uint64_t count;
  const std::unique_ptr<Line[]> lines;
};

MembershipFilter::MembershipFilter(std::uint64_t expected_keys) {
  Grow(std::max(expected_keys, kLeastKeys));
}

MembershipFilter::~MembershipFilter() = default;

void MembershipFilter::Grow(std::uint64_t keys) {
  const int generation = generations_.load(std::memory_order_relaxed);
  CHECK(generation < kMaxGenerations);
  filters_[static_cast<std::size_t>(generation)] =
      std::make_unique<Generation>(std::max<std::uint64_t>(
          1, keys / 1000 * kLinesPer1000Keys + keys % 1000 * kLinesPer1000Keys / 1000));
  room_ = keys;
  generations_.store(generation + 1, std::memory_order_release);
}

void MembershipFilter::Add(std::uint64_t key) {
  // All generations together hold room for what was added so far: the next one doubles that.
  if (room_ == 0) Grow(key_count());
  filters_[static_cast<std::size_t>(generations_.load(std::memory_order_relaxed) - 1)]->Add(key);
  --room_;
  key_count_.store(key_count() + 1, std::memory_order_release);
}

void MembershipFilter::AddMany(std::span<const std::uint64_t> keys) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i + 8 < keys.size()) {
      const auto newest =
          static_cast<std::size_t>(generations_.load(std::memory_order_relaxed) - 1);
      __builtin_prefetch(&filters_[newest]->LineOf(keys[i + 8]), 1);
    }
    Add(keys[i]);
  }
}

bool MembershipFilter::MayContain(std::uint64_t key) const {
  for (int i = generation_count(); i-- > 0;) {
    if (filters_[static_cast<std::size_t>(i)]->MayContain(key)) return true;
  }
  return false;
}

void MembershipFilter::MayContainMany(std::span<const std::uint64_t> keys,
                                      std::span<std::uint8_t> out) const {
  CHECK(keys.size() == out.size());
  const auto generations = static_cast<std::size_t>(generation_count());
  for (std::size_t begin = 0; begin < keys.size(); begin += kBatch) {
    const std::size_t end = std::min(begin + kBatch, keys.size());
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(begin),
              out.begin() + static_cast<std::ptrdiff_t>(end), std::uint8_t{0});
    for (std::size_t g = 0; g < generations; ++g) {
      const Generation& generation = *filters_[g];
      for (std::size_t i = begin; i < end; ++i) __builtin_prefetch(&generation.LineOf(keys[i]));
      for (std::size_t i = begin; i < end; ++i) {
        if (out[i] == 0) out[i] = generation.MayContain(keys[i]) ? 1 : 0;
      }
    }
  }
}

std::uint64_t MembershipFilter::memory_bytes() const {
  std::uint64_t lines = 0;
  for (int i = generation_count(); i-- > 0;) lines += filters_[static_cast<std::size_t>(i)]->count;
  return lines * sizeof(Line);
}

}  // namespace salus::storage
