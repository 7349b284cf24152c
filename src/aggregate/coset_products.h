// CosetProducts is the prover's inner loop for long vectors; internal to the module.
#pragma once

#include <cstddef>
#include <span>

#include "aggregate/field128.h"
#include "aggregate/ntt.h"

namespace salus::aggregate {

// CosetProducts takes the values of `arity` polynomials (rows of a matrix, as in Ntt), two by two,
// and gives at each point of the coset that `twists` leads to the sum of the products of the pairs:
// what Ntt::ToCoefficients, the twists, Ntt::ToValues and ParallelMulGadget give, eight at a time.
// It is false, and nothing is done, where that would not pay or IFMA is not enabled.
bool CosetProducts(const Ntt<Field128>& ntt, std::span<const Field128> wires, std::size_t arity,
                   std::span<const Field128> twists, std::span<Field128> out);

}  // namespace salus::aggregate
