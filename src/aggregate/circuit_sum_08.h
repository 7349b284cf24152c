// Sum08Circuit accepts the numbers of 0 to a maximum, as draft-08 checks them.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "aggregate/gadget.h"
#include "aggregate/range_integer.h"

namespace salus::aggregate {

// Sum08Circuit checks that a random combination of x * x - x over all bits x is 0.
//
// Source: VDAF draft-08 section 7.4.2.
// Shape:  the bits, the lowest first; the maximum is one less than a power of two.
template <class F>
class Sum08Circuit {
 public:
  using Field = F;
  using Gadget = RangeGadget<F>;

  explicit Sum08Circuit(std::uint64_t maximum) : range_(maximum) {}

  Gadget gadget() const { return {}; }
  std::size_t gadget_calls() const { return range_.bits(); }
  std::size_t measurement_length() const { return range_.bits(); }
  std::size_t joint_rand_length() const { return 1; }
  std::size_t eval_output_length() const { return 1; }
  std::size_t output_length() const { return 1; }
  std::size_t numbers() const { return 1; }
  unsigned __int128 largest_output() const { return range_.maximum(); }
  std::string limits() const {
    return "a measurement is 0 to " + std::to_string(range_.maximum()) + " here";
  }

  template <class Calls>
  void Eval(std::span<const F> measurement, std::span<const F> joint_rand, const F&, Calls& calls,
            std::span<F> out) const {
    F factor = joint_rand[0];
    out[0] = F::Zero();
    for (const F& bit : measurement) {
      calls.inputs()[0] = bit;
      out[0] += factor * calls.Output();
      factor *= joint_rand[0];
    }
  }

  [[nodiscard]] bool Encode(std::span<const std::uint64_t> numbers, std::span<F> out) const {
    return range_.Encode(numbers[0], out);
  }
  void Truncate(std::span<const F> measurement, std::span<F> out) const {
    out[0] = range_.Decode(measurement);
  }

 private:
  RangeInteger<F> range_;
};

}  // namespace salus::aggregate
