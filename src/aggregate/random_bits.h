// RandomBits draws uniform integers of any size from a RandomSource. Not a public header.
#pragma once

#include <array>
#include <cstdint>

#include "aggregate/big_fraction.h"
#include "base/random.h"

namespace salus::aggregate {

// RandomBits takes bytes from the source 512 at a time and wipes them behind itself.
//
// Source: our own; the order of draws is the one of the published samples (exact_sampler.h).
// Shape:  an integer below a bound of b bits is ceil(b / 32) little-endian words of 4 bytes, least
//         significant first; of the last word the high bits are taken where b is no multiple of 32.
//         What is not below the bound is thrown away and drawn again.
class RandomBits {
 public:
  explicit RandomBits(RandomSource& source) : source_(source) {}
  RandomBits(const RandomBits&) = delete;
  RandomBits& operator=(const RandomBits&) = delete;
  ~RandomBits();

  // Below is uniform in [0, bound); bound > 0.
  std::uint64_t Below(std::uint64_t bound);
  BigInteger Below(const BigInteger& bound);

 private:
  static constexpr std::size_t kBlockSize = 512;

  std::uint32_t Word();
  // Words reads bits bits, at most 64.
  std::uint64_t Words(unsigned bits);

  RandomSource& source_;
  std::array<std::uint8_t, kBlockSize> block_{};
  std::size_t used_ = kBlockSize;
};

}  // namespace salus::aggregate
