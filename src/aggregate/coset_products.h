// CosetProducts is the prover's inner loop for long vectors; internal to the module.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "aggregate/field128.h"
#include "aggregate/ntt.h"

namespace salus::aggregate {

// CosetProductsDetected asks the CPU for AVX-512 IFMA. CosetProductsEnabled is that answer, unless
// a test or benchmark turned it off with SetCosetProductsEnabled to see the portable path.
bool CosetProductsDetected();
bool CosetProductsEnabled();
void SetCosetProductsEnabled(bool enabled);

// CosetProducts takes the values of `arity` polynomials (rows of a matrix, as in Ntt), two by two,
// and gives at each point of the coset that `twists` leads to the sum of the products of the pairs:
// what Ntt::ToCoefficients, the twists, Ntt::ToValues and ParallelMulGadget give, eight at a time.
// It is false, and nothing is done, where that would not pay or the CPU can't.
bool CosetProducts(const Ntt<Field128>& ntt, std::span<const Field128> wires, std::size_t arity,
                   std::span<const Field128> twists, std::span<Field128> out);

// Limbs is a number of 52 bits a limb, the lowest first.
struct Limbs {
  std::uint64_t limb[3];
};
struct alignas(64) LimbLanes {
  std::uint64_t limb[3][8];
};

// IfmaJob is what the file built for AVX-512 IFMA takes: plain memory, so that no inline function
// of another header is compiled for a CPU that may not be there.
struct IfmaJob {
  int log2_points;
  std::size_t pairs;
  const std::uint64_t* wires;  // two words an element, in Montgomery form
  const Limbs* inverse_powers;
  const Limbs* powers;
  const Limbs* twists;
  LimbLanes* rows;  // two a point
  LimbLanes* sums;  // one a point
};
void IfmaCosetProducts(const IfmaJob& job);

}  // namespace salus::aggregate
