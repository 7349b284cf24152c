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
// Source: VDAF draft-20 section 7.4.4; with RangeRand::kOfAll, draft-08 section 7.4.4 as its
//         reference code and vectors have it: the text has a factor more.
// Shape:  one element a bucket, 1 for the measured one.
template <class F, RangeRand kRand = RangeRand::kOfEachChunk>
class HistogramCircuit {
 public:
  using Field = F;
  using Gadget = ParallelMulGadget<F>;

  HistogramCircuit(std::size_t length, std::size_t chunk_length) : chunks_(length, chunk_length) {}

  Gadget gadget() const { return chunks_.gadget(); }
  std::size_t gadget_calls() const { return chunks_.calls(); }
  std::size_t measurement_length() const { return chunks_.elements(); }
  std::size_t joint_rand_length() const { return is_combined() ? 2 : chunks_.calls(); }
  std::size_t eval_output_length() const { return is_combined() ? 1 : 2; }
  std::size_t output_length() const { return chunks_.elements(); }
  std::size_t numbers() const { return 1; }
  unsigned __int128 largest_output() const { return 1; }
  std::string limits() const {
    return "a bucket is 0 to " + std::to_string(chunks_.elements() - 1) + " here";
  }

  template <class Calls>
  void Eval(std::span<const F> measurement, std::span<const F> joint_rand, const F& shares_inverse,
            Calls& calls, std::span<F> out) const {
    const F range_check =
        chunks_.template Eval<kRand>(measurement, joint_rand, shares_inverse, calls);
    F sum_check = -shares_inverse;
    for (const F& bucket : measurement) sum_check += bucket;
    if (is_combined()) {
      out[0] = joint_rand[1] * (range_check + joint_rand[1] * sum_check);
    } else {
      out[0] = range_check;
      out[1] = sum_check;
    }
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
  // Draft-08 combines the outputs with joint randomness.
  static constexpr bool is_combined() { return kRand == RangeRand::kOfAll; }

  BitChunks<F> chunks_;
};

}  // namespace salus::aggregate
