// SumVecCircuit accepts lists of numbers of 0 to a maximum.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "aggregate/bit_chunks.h"
#include "aggregate/range_integer.h"

namespace salus::aggregate {

// SumVecCircuit checks that each element of the encoded numbers is 0 or 1.
//
// Source: VDAF draft-20 section 7.4.3; with RangeRand::kOfAll, draft-08 section 7.4.3.
// Shape:  the numbers as RangeInteger, one after the other.
template <class F, RangeRand kRand = RangeRand::kOfEachChunk>
class SumVecCircuit {
 public:
  using Field = F;
  using Gadget = ParallelMulGadget<F>;

  SumVecCircuit(std::size_t length, std::uint64_t maximum, std::size_t chunk_length)
      : range_(maximum), length_(length), chunks_(length * range_.bits(), chunk_length) {}

  Gadget gadget() const { return chunks_.gadget(); }
  std::size_t gadget_calls() const { return chunks_.calls(); }
  std::size_t measurement_length() const { return chunks_.elements(); }
  std::size_t joint_rand_length() const {
    return kRand == RangeRand::kOfEachChunk ? chunks_.calls() : 1;
  }
  std::size_t eval_output_length() const { return 1; }
  std::size_t output_length() const { return length_; }
  std::size_t numbers() const { return length_; }
  unsigned __int128 largest_output() const { return range_.maximum(); }
  std::string limits() const {
    return "each number is 0 to " + std::to_string(range_.maximum()) + " here";
  }

  template <class Calls>
  void Eval(std::span<const F> measurement, std::span<const F> joint_rand, const F& shares_inverse,
            Calls& calls, std::span<F> out) const {
    out[0] = chunks_.template Eval<kRand>(measurement, joint_rand, shares_inverse, calls);
  }

  [[nodiscard]] bool Encode(std::span<const std::uint64_t> numbers, std::span<F> out) const {
    bool in_range = true;
    for (std::size_t i = 0; i < length_; ++i) {
      in_range &= range_.Encode(numbers[i], out.subspan(i * range_.bits(), range_.bits()));
    }
    return in_range;
  }
  void Truncate(std::span<const F> measurement, std::span<F> out) const {
    for (std::size_t i = 0; i < length_; ++i) {
      out[i] = range_.Decode(measurement.subspan(i * range_.bits(), range_.bits()));
    }
  }

 private:
  RangeInteger<F> range_;
  std::size_t length_;
  BitChunks<F> chunks_;
};

}  // namespace salus::aggregate
