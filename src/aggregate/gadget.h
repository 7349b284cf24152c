// The gadgets: the only places where a circuit multiplies what it does not know.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace salus::aggregate {

// MulGadget multiplies its two inputs.
//
// Source: VDAF draft-20 appendix A.1.
template <class F>
class MulGadget {
 public:
  static constexpr std::size_t kDegree = 2;
  std::size_t arity() const { return 2; }
  F Eval(const F* in) const { return in[0] * in[1]; }
};

// RangeGadget is x^2 - x: zero for 0 and 1 only.
//
// Source: VDAF draft-20 appendix A.2, with the one polynomial that Prio3Sum uses.
template <class F>
class RangeGadget {
 public:
  static constexpr std::size_t kDegree = 2;
  std::size_t arity() const { return 1; }
  F Eval(const F* in) const { return in[0] * in[0] - in[0]; }
};

// ParallelMulGadget adds up the products of `count` pairs.
//
// Source: VDAF draft-20 appendix A.3 over Mul.
template <class F>
class ParallelMulGadget {
 public:
  static constexpr std::size_t kDegree = 2;
  explicit ParallelMulGadget(std::size_t count) : count_(count) {}
  std::size_t arity() const { return 2 * count_; }
  F Eval(const F* in) const {
    typename F::Sum sum;
    for (std::size_t i = 0; i < count_; ++i) sum.Add(in[2 * i], in[2 * i + 1]);
    return sum.Reduced();
  }

 private:
  std::size_t count_;
};

}  // namespace salus::aggregate
