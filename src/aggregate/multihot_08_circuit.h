// MultiHotHistogram of draft-08's reference code, which was never in the draft; test code only.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <string>

#include "aggregate/bit_chunks.h"

namespace salus::aggregate::testing {

// Multihot08Circuit proves a count of ones that is shifted so that its bits end at the maximum.
template <class F>
class Multihot08Circuit {
 public:
  using Field = F;
  using Gadget = ParallelMulGadget<F>;

  Multihot08Circuit(std::size_t length, std::uint64_t max_count, std::size_t chunk_length)
      : length_(length),
        bits_(static_cast<std::size_t>(std::bit_width(max_count))),
        offset_((std::uint64_t{1} << bits_) - 1 - max_count),
        chunks_(length + bits_, chunk_length) {}

  Gadget gadget() const { return chunks_.gadget(); }
  std::size_t gadget_calls() const { return chunks_.calls(); }
  std::size_t measurement_length() const { return chunks_.elements(); }
  std::size_t joint_rand_length() const { return 2; }
  std::size_t eval_output_length() const { return 1; }
  std::size_t output_length() const { return length_; }
  std::size_t numbers() const { return length_; }
  unsigned __int128 largest_output() const { return 1; }
  std::string limits() const { return "out of range"; }

  template <class Calls>
  void Eval(std::span<const F> measurement, std::span<const F> joint_rand, const F& shares_inverse,
            Calls& calls, std::span<F> out) const {
    const F range_check =
        chunks_.template Eval<RangeRand::kOfAll>(measurement, joint_rand, shares_inverse, calls);
    F count_check = F::FromUint64(offset_) * shares_inverse;
    for (std::size_t i = 0; i < length_; ++i) count_check += measurement[i];
    for (std::size_t i = 0; i < bits_; ++i) {
      count_check -= F::FromUint64(std::uint64_t{1} << i) * measurement[length_ + i];
    }
    out[0] = joint_rand[1] * (range_check + joint_rand[1] * count_check);
  }
  bool Encode(std::span<const std::uint64_t> numbers, std::span<F> out) const {
    std::uint64_t count = offset_;
    for (std::size_t i = 0; i < length_; ++i) {
      count += numbers[i];
      out[i] = F::FromUint64(numbers[i]);
    }
    for (std::size_t i = 0; i < bits_; ++i) out[length_ + i] = F::FromBit(count >> i & 1);
    return count >> bits_ == 0;
  }
  void Truncate(std::span<const F> measurement, std::span<F> out) const {
    std::ranges::copy(measurement.first(length_), out.begin());
  }

 private:
  std::size_t length_;
  std::size_t bits_;
  std::uint64_t offset_;
  BitChunks<F> chunks_;
};

}  // namespace salus::aggregate::testing
