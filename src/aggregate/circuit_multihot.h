// MultihotCircuit accepts lists of yes and no with a limited number of yes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include "aggregate/bit_chunks.h"
#include "aggregate/range_integer.h"

namespace salus::aggregate {

// MultihotCircuit checks that each element is 0 or 1, and that there are as many 1 as the encoded
// weight says, which can't be more than the maximum.
//
// Source: VDAF draft-20 section 7.4.5.
// Shape:  one element an entry, then the weight as RangeInteger.
template <class F>
class MultihotCircuit {
 public:
  using Field = F;
  using Gadget = ParallelMulGadget<F>;

  MultihotCircuit(std::size_t length, std::uint64_t max_weight, std::size_t chunk_length)
      : weight_(max_weight), length_(length), chunks_(length + weight_.bits(), chunk_length) {}

  Gadget gadget() const { return chunks_.gadget(); }
  std::size_t gadget_calls() const { return chunks_.calls(); }
  std::size_t measurement_length() const { return chunks_.elements(); }
  std::size_t joint_rand_length() const { return chunks_.calls(); }
  std::size_t eval_output_length() const { return 2; }
  std::size_t output_length() const { return length_; }
  std::size_t numbers() const { return length_; }
  unsigned __int128 largest_output() const { return 1; }
  std::string limits() const {
    return "each entry is 0 or 1, and at most " + std::to_string(weight_.maximum()) +
           " of them are 1 here";
  }

  template <class Calls>
  void Eval(std::span<const F> measurement, std::span<const F> joint_rand, const F& shares_inverse,
            Calls& calls, std::span<F> out) const {
    out[0] = chunks_.template Eval<RangeRand::kOfEachChunk>(measurement, joint_rand, shares_inverse,
                                                            calls);
    out[1] = -weight_.Decode(measurement.subspan(length_));
    for (const F& entry : measurement.first(length_)) out[1] += entry;
  }

  [[nodiscard]] bool Encode(std::span<const std::uint64_t> numbers, std::span<F> out) const {
    std::uint64_t weight = 0, seen = 0;
    for (std::size_t i = 0; i < length_; ++i) {
      seen |= numbers[i];
      weight += numbers[i] & 1;
      out[i] = F::FromBit(numbers[i] & 1);
    }
    const bool in_range = weight_.Encode(weight, out.subspan(length_));
    return in_range & (seen >> 1 == 0);
  }
  void Truncate(std::span<const F> measurement, std::span<F> out) const {
    std::ranges::copy(measurement.first(length_), out.begin());
  }

 private:
  RangeInteger<F> weight_;
  std::size_t length_;
  BitChunks<F> chunks_;
};

}  // namespace salus::aggregate
