// RandomSource is where unpredictable bytes come from, so that tests can replay a seed.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace salus {

class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual void Fill(MutableByteSpan out) = 0;

  template <std::size_t N>
  std::array<std::uint8_t, N> Array() {
    std::array<std::uint8_t, N> out;
    Fill(out);
    return out;
  }
};

// SystemRandom reads getrandom(2) in blocks of 4 KiB per thread, because a call per nonce would
// cost more than sealing the record. Bytes handed out are wiped from the block.
//
// Errors: a failing getrandom aborts the process: there is no second source.
// Threads: safe to share.
class SystemRandom final : public RandomSource {
 public:
  void Fill(MutableByteSpan out) override;
};

// SeededRandom is SplitMix64: repeatable, for tests, traces and benchmarks, never for keys.
class SeededRandom final : public RandomSource {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void Fill(MutableByteSpan out) override;
  std::uint64_t Next();
  // Below returns a number in [0, bound); bound > 0. The bias below 2^-32 is of no concern in
  // tests.
  std::uint64_t Below(std::uint64_t bound) { return Next() % bound; }

 private:
  std::uint64_t state_;
};

}  // namespace salus
