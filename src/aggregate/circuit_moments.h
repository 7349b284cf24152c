// MomentsCircuit accepts numbers of 0 to a maximum together with all their products.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "aggregate/element_vector.h"
#include "aggregate/gadget.h"
#include "aggregate/range_integer.h"

namespace salus::aggregate {

// MomentsCircuit is what means, variances and a linear regression need: it checks that each element
// of the encoded numbers is 0 or 1, and that each product is that of the two numbers.
//
// Source: ours, after the Sum circuit of VDAF draft-20 section 7.4.2: a random combination of the
//         many outputs, and no joint randomness.
// Shape:  the numbers as RangeInteger, then the products z[i] * z[j] for i <= j in the order (0,0),
//         (0,1), ... (0,n-1), (1,1), ... The output is the numbers, then the products.
template <class F>
class MomentsCircuit {
 public:
  using Field = F;
  using Gadget = MulGadget<F>;

  // Precondition: maximum < 2^63.
  MomentsCircuit(std::size_t numbers, std::uint64_t maximum) : range_(maximum), numbers_(numbers) {}

  Gadget gadget() const { return {}; }
  std::size_t gadget_calls() const { return measurement_length(); }
  std::size_t measurement_length() const { return bits() + products(); }
  std::size_t joint_rand_length() const { return 0; }
  std::size_t eval_output_length() const { return measurement_length(); }
  std::size_t output_length() const { return numbers_ + products(); }
  std::size_t numbers() const { return numbers_; }
  unsigned __int128 largest_output() const {
    return static_cast<unsigned __int128>(range_.maximum()) * range_.maximum();
  }
  std::string limits() const {
    return "each number is 0 to " + std::to_string(range_.maximum()) + " here";
  }

  template <class Calls>
  void Eval(std::span<const F> measurement, std::span<const F>, const F&, Calls& calls,
            std::span<F> out) const {
    for (std::size_t i = 0; i < bits(); ++i) {
      F* in = calls.inputs();
      in[0] = in[1] = measurement[i];
      out[i] = calls.Output() - measurement[i];
    }
    ElementVector<F> z(numbers_);
    for (std::size_t i = 0; i < numbers_; ++i) z.all()[i] = Number(measurement, i);
    std::size_t at = bits();
    for (std::size_t i = 0; i < numbers_; ++i) {
      for (std::size_t j = i; j < numbers_; ++j, ++at) {
        F* in = calls.inputs();
        in[0] = z.all()[i];
        in[1] = z.all()[j];
        out[at] = calls.Output() - measurement[at];
      }
    }
  }

  [[nodiscard]] bool Encode(std::span<const std::uint64_t> numbers, std::span<F> out) const {
    bool in_range = true;
    std::size_t at = bits();
    for (std::size_t i = 0; i < numbers_; ++i) {
      in_range &= range_.Encode(numbers[i], out.subspan(i * range_.bits(), range_.bits()));
      for (std::size_t j = i; j < numbers_; ++j) {
        out[at++] = F::FromUint64(numbers[i]) * F::FromUint64(numbers[j]);
      }
    }
    return in_range;
  }
  void Truncate(std::span<const F> measurement, std::span<F> out) const {
    for (std::size_t i = 0; i < numbers_; ++i) out[i] = Number(measurement, i);
    std::ranges::copy(measurement.subspan(bits()), out.begin() + numbers_);
  }

 private:
  std::size_t bits() const { return numbers_ * range_.bits(); }
  std::size_t products() const { return numbers_ * (numbers_ + 1) / 2; }
  F Number(std::span<const F> measurement, std::size_t i) const {
    return range_.Decode(measurement.subspan(i * range_.bits(), range_.bits()));
  }

  RangeInteger<F> range_;
  std::size_t numbers_;
};

}  // namespace salus::aggregate
