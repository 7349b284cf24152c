// WireTester is what a verifier's evaluation of a circuit leaves; internal to the module.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <type_traits>

#include "aggregate/element_vector.h"
#include "aggregate/field128.h"
#include "aggregate/gadget.h"
#include "aggregate/range_sums.h"

namespace salus::aggregate {

// WireTester evaluates the wires at the random point while they come, and takes the gadget's
// outputs from the proof.
template <class F, class Gadget>
class WireTester {
 public:
  WireTester(std::size_t step, std::span<const F> seeds, std::span<const F> polynomial,
             std::span<const F> basis, const F& shares_inverse)
      : step_(step),
        polynomial_(polynomial),
        basis_(basis),
        shares_inverse_(shares_inverse),
        inputs_(seeds.size()),
        sums_(seeds.size()) {
    if constexpr (kHasLanes) {
      if (RangeSums::IsWorthIt(seeds.size() / 2, basis.size())) lanes_.emplace(seeds.size() / 2);
    }
    std::ranges::copy(seeds, inputs_.all().begin());
    Take(0);
  }
  F* inputs() { return inputs_.all().data(); }
  F Output() {
    Take(++call_);
    return polynomial_[call_ * step_];
  }
  // TakeChunk is what BitChunks would put into inputs(), and then Output(), where that is faster.
  bool TakeChunk(std::span<const F> elements, const F& r, F& output) {
    if constexpr (kHasLanes) {
      if (!lanes_) return false;
      lanes_->AddChunk(elements, r, basis_[++call_]);
      output = polynomial_[call_ * step_];
      return true;
    }
    return false;
  }
  void Wires(std::span<F> out) const {
    for (std::size_t j = 0; j < out.size(); ++j) out[j] = sums_.all()[j].Reduced();
    if constexpr (kHasLanes) {
      if (lanes_) lanes_->AddTo(shares_inverse_, out);
    }
  }

 private:
  static constexpr bool kHasLanes = std::is_same_v<Gadget, ParallelMulGadget<Field128>>;

  void Take(std::size_t row) {
    const F weight = basis_[row];
    const F* input = inputs_.all().data();
    typename F::Sum* sum = sums_.all().data();
    for (std::size_t j = 0; j < inputs_.size(); ++j) sum[j].Add(weight, input[j]);
  }

  std::size_t step_;
  std::span<const F> polynomial_;
  std::span<const F> basis_;
  F shares_inverse_;
  std::size_t call_ = 0;
  ElementVector<F> inputs_;
  ElementVector<typename F::Sum> sums_;
  std::optional<RangeSums> lanes_;
};

}  // namespace salus::aggregate
