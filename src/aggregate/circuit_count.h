// CountCircuit accepts 0 and 1.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "aggregate/gadget.h"

namespace salus::aggregate {

// CountCircuit is x * x - x.
//
// Source: VDAF draft-20 section 7.4.1.
// Shape:  one element.
template <class F>
class CountCircuit {
 public:
  using Field = F;
  using Gadget = MulGadget<F>;

  Gadget gadget() const { return {}; }
  std::size_t gadget_calls() const { return 1; }
  std::size_t measurement_length() const { return 1; }
  std::size_t joint_rand_length() const { return 0; }
  std::size_t eval_output_length() const { return 1; }
  std::size_t output_length() const { return 1; }
  std::size_t numbers() const { return 1; }
  unsigned __int128 largest_output() const { return 1; }
  std::string limits() const { return "a measurement is 0 or 1 here"; }

  template <class Calls>
  void Eval(std::span<const F> measurement, std::span<const F>, const F&, Calls& calls,
            std::span<F> out) const {
    F* in = calls.inputs();
    in[0] = in[1] = measurement[0];
    out[0] = calls.Output() - measurement[0];
  }

  [[nodiscard]] bool Encode(std::span<const std::uint64_t> numbers, std::span<F> out) const {
    out[0] = F::FromBit(numbers[0] & 1);
    return numbers[0] >> 1 == 0;
  }
  void Truncate(std::span<const F> measurement, std::span<F> out) const { out[0] = measurement[0]; }
};

}  // namespace salus::aggregate
