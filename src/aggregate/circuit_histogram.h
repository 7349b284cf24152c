// HistogramCircuit accepts one bucket of many.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include "aggregate/bit_chunks.h"

namespace salus::aggregate {

// HistogramCircuit checks that each element is 0 or 1, and that they add up to 1.
//
// Source: VDAF draft-20 section 7.4.4.
// Shape:  one element a bucket, 1 for the measured one.
template <class F>
class HistogramCircuit {
 public:
  using Field = F;
  using Gadget = ParallelMulGadget<F>;

  HistogramCircuit(std::size_t length, std::size_t chunk_length) : chunks_(length, chunk_length) {}

  Gadget gadget() const { return chunks_.gadget(); }
  std::size_t gadget_calls() const { return chunks_.calls(); }
  std::size_t measurement_length() const { return chunks_.elements(); }
  std::size_t joint_rand_length() const { return chunks_.calls(); }
  std::size_t eval_output_length() const { return 2; }
  std::size_t output_length() const { return chunks_.elements(); }
  std::size_t numbers() const { return 1; }
  unsigned __int128 largest_output() const { return 1; }
  std::string limits() const {
    return "a bucket is 0 to " + std::to_string(chunks_.elements() - 1) + " here";
  }

  template <class Calls>
  void Eval(std::span<const F> measurement, std::span<const F> joint_rand, const F& shares_inverse,
            Calls& calls, std::span<F> out) const {
    out[0] = chunks_.template Eval<RangeRand::kOfEachChunk>(measurement, joint_rand, shares_inverse,
                                                            calls);
    out[1] = -shares_inverse;
    for (const F& bucket : measurement) out[1] += bucket;
  }

  [[nodiscard]] bool Encode(std::span<const std::uint64_t> numbers, std::span<F> out) const {
    std::uint64_t found = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::uint64_t difference = numbers[0] ^ i;
      const std::uint64_t is_equal = ((difference | (0 - difference)) >> 63) ^ 1;
      out[i] = F::FromBit(is_equal);
      found |= is_equal;
    }
    return found != 0;
  }
  void Truncate(std::span<const F> measurement, std::span<F> out) const {
    std::ranges::copy(measurement, out.begin());
  }

 private:
  BitChunks<F> chunks_;
};

}  // namespace salus::aggregate
