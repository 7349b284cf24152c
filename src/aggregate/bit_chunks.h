// BitChunks checks that many elements are all 0 or 1, a chunk of them with each call of a gadget.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "aggregate/gadget.h"

namespace salus::aggregate {

// RangeRand says where the random factors of the sum come from: each chunk has a number of its own
// whose powers are used, or one number's powers run through all chunks.
enum class RangeRand { kOfEachChunk, kOfAll };

// BitChunks adds up r^k * b * (b - 1) over all elements b: zero if all are 0 or 1, and zero for
// anything else only if the joint randomness is one of few.
//
// Source: VDAF draft-20 section 7.4.3 (a number of each chunk); draft-08 section 7.4.3 (of all).
template <class F>
class BitChunks {
 public:
  BitChunks(std::size_t elements, std::size_t chunk_length)
      : elements_(elements), chunk_length_(chunk_length) {}

  ParallelMulGadget<F> gadget() const { return ParallelMulGadget<F>(chunk_length_); }
  std::size_t elements() const { return elements_; }
  std::size_t calls() const { return (elements_ + chunk_length_ - 1) / chunk_length_; }

  template <RangeRand kRand, class Calls>
  F Eval(std::span<const F> measurement, std::span<const F> rand, const F& shares_inverse,
         Calls& calls) const {
    F sum = F::Zero();
    std::vector<F> powers(chunk_length_);
    if constexpr (kRand == RangeRand::kOfAll) FillPowers(rand[0], powers);
    const F step = powers.back();
    for (std::size_t from = 0; from < elements_; from += chunk_length_) {
      const auto chunk = measurement.subspan(from, std::min(chunk_length_, elements_ - from));
      if constexpr (kRand == RangeRand::kOfEachChunk) {
        const F& r = rand[from / chunk_length_];
        if (F output; calls.TakeChunk(chunk, r, output)) {
          sum += output;
          continue;
        }
        FillPowers(r, powers);
      }
      FillInputs(chunk, powers, shares_inverse, calls.inputs());
      sum += calls.Output();
      if constexpr (kRand == RangeRand::kOfAll) {
        for (F& power : powers) power *= step;
      }
    }
    return sum;
  }

 private:
  void FillInputs(std::span<const F> elements, std::span<const F> powers, const F shares_inverse,
                  F* in) const {
    const F* element = elements.data();
    const F* power = powers.data();
    for (std::size_t i = 0; i < elements.size(); ++i) {
      in[2 * i] = power[i] * element[i];
      in[2 * i + 1] = element[i] - shares_inverse;
    }
    for (std::size_t i = elements.size(); i < chunk_length_; ++i) {
      in[2 * i] = F::Zero();
      in[2 * i + 1] = -shares_inverse;
    }
  }

  // FillPowers makes r, r^2, ... with multiplications that do not wait for each other.
  static void FillPowers(const F& r, std::span<F> powers) {
    F* power = powers.data();
    power[0] = r;
    for (std::size_t known = 1; known < powers.size(); known *= 2) {
      const F highest = power[known - 1];
      const std::size_t count = std::min(known, powers.size() - known);
      for (std::size_t i = 0; i < count; ++i) power[known + i] = power[i] * highest;
    }
  }

  std::size_t elements_;
  std::size_t chunk_length_;
};

}  // namespace salus::aggregate
