// BitChunks checks that many elements are all 0 or 1, a chunk of them with each call of a gadget.
#pragma once

#include <cstddef>
#include <span>

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
    F factor = rand[0], power = factor;
    for (std::size_t from = 0; from < elements_; from += chunk_length_) {
      if constexpr (kRand == RangeRand::kOfEachChunk) {
        factor = power = rand[from / chunk_length_];
      }
      F* in = calls.inputs();
      for (std::size_t i = 0; i < chunk_length_; ++i) {
        const F element = from + i < elements_ ? measurement[from + i] : F::Zero();
        in[2 * i] = power * element;
        in[2 * i + 1] = element - shares_inverse;
        power *= factor;
      }
      sum += calls.Output();
    }
    return sum;
  }

 private:
  std::size_t elements_;
  std::size_t chunk_length_;
};

}  // namespace salus::aggregate
