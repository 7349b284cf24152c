// SumCircuit accepts the numbers of 0 to a maximum.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include "aggregate/gadget.h"
#include "aggregate/range_integer.h"

namespace salus::aggregate {

// SumCircuit checks that each element of the encoded number is 0 or 1.
//
// Source: VDAF draft-20 section 7.4.2.
// Shape:  as RangeInteger.
template <class F>
class SumCircuit {
 public:
  using Field = F;
  using Gadget = RangeGadget<F>;

  explicit SumCircuit(std::uint64_t maximum) : range_(maximum) {}

  Gadget gadget() const { return {}; }
  std::size_t gadget_calls() const { return range_.bits(); }
  std::size_t measurement_length() const { return range_.bits(); }
  std::size_t joint_rand_length() const { return 0; }
  std::size_t eval_output_length() const { return range_.bits(); }
  std::size_t output_length() const { return 1; }
  std::size_t numbers() const { return 1; }
  unsigned __int128 largest_output() const { return range_.maximum(); }
  std::string limits() const {
    return "a measurement is 0 to " + std::to_string(range_.maximum()) + " here";
  }

  template <class Calls>
  void Eval(std::span<const F> measurement, std::span<const F>, const F&, Calls& calls,
            std::span<F> out) const {
    for (std::size_t i = 0; i < measurement.size(); ++i) {
      calls.inputs()[0] = measurement[i];
      out[i] = calls.Output();
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
