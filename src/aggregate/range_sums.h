// RangeSums is the verifier's inner loop for long vectors; internal to the module.
#pragma once

#include <cstddef>
#include <span>

#include "aggregate/element_vector.h"
#include "aggregate/field128.h"
#include "aggregate/field128_ifma.h"

namespace salus::aggregate {

// RangeSums adds up, eight columns at a time, what BitChunks feeds into a ParallelMulGadget times a
// weight of each call: sum of w * r^(j+1) * x[j] for the even inputs, and of w * (x[j] - s) for the
// odd ones, where s is one share's part of 1.
class RangeSums {
 public:
  explicit RangeSums(std::size_t pairs);

  // IsWorthIt says whether the CPU can, and whether it pays for so many pairs and calls.
  static bool IsWorthIt(std::size_t pairs, std::size_t calls);

  void AddChunk(std::span<const Field128> elements, const Field128& r, const Field128& weight);
  // AddTo adds the sums to two elements a pair.
  void AddTo(const Field128& shares_inverse, std::span<Field128> out) const;

 private:
  std::size_t pairs_;
  Field128 weights_ = Field128::Zero();
  ElementVector<LimbSums> even_;
  ElementVector<LimbSums> odd_;
};

}  // namespace salus::aggregate
