// A circuit with a gadget of degree 3; test code only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

namespace salus::aggregate::testing {

template <class F>
class CubicGadget {
 public:
  static constexpr std::size_t kDegree = 3;
  std::size_t arity() const { return 1; }
  F Eval(const F* in) const { return in[0] * (in[0] - F::One()) * (in[0] - F::FromUint64(2)); }
};

// CubicCircuit accepts lists of 0, 1 and 2. With one number it is HigherDegree of the draft's
// reference code.
template <class F>
class CubicCircuit {
 public:
  using Field = F;
  using Gadget = CubicGadget<F>;

  explicit CubicCircuit(std::size_t numbers) : numbers_(numbers) {}
  Gadget gadget() const { return {}; }
  std::size_t gadget_calls() const { return numbers_; }
  std::size_t measurement_length() const { return numbers_; }
  std::size_t joint_rand_length() const { return 0; }
  std::size_t eval_output_length() const { return numbers_; }
  std::size_t output_length() const { return numbers_; }
  std::size_t numbers() const { return numbers_; }
  unsigned __int128 largest_output() const { return 2; }
  std::string limits() const { return "each number is 0 to 2"; }
  template <class Calls>
  void Eval(std::span<const F> measurement, std::span<const F>, const F&, Calls& calls,
            std::span<F> out) const {
    for (std::size_t i = 0; i < numbers_; ++i) {
      calls.inputs()[0] = measurement[i];
      out[i] = calls.Output();
    }
  }
  bool Encode(std::span<const std::uint64_t> numbers, std::span<F> out) const {
    for (std::size_t i = 0; i < numbers_; ++i) out[i] = F::FromUint64(numbers[i]);
    return std::ranges::all_of(numbers, [](std::uint64_t n) { return n <= 2; });
  }
  void Truncate(std::span<const F> measurement, std::span<F> out) const {
    std::ranges::copy(measurement, out.begin());
  }

 private:
  std::size_t numbers_;
};

}  // namespace salus::aggregate::testing
