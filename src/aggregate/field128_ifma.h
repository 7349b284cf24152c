// Field128 eight elements at a time, with AVX-512 IFMA; internal to the module.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "aggregate/field128.h"

namespace salus::aggregate {

// IfmaDetected asks the CPU. IfmaEnabled is that answer, unless a test or benchmark turned it off
// with SetIfmaEnabled to see the portable path.
bool IfmaDetected();
bool IfmaEnabled();
void SetIfmaEnabled(bool enabled);

// Limbs is a number of 52 bits a limb, the lowest first.
struct Limbs {
  std::uint64_t limb[3];
};
struct alignas(64) LimbLanes {
  std::uint64_t limb[3][8];
};

// IfmaCosetJob is what the file built for AVX-512 IFMA takes: plain memory, so that no inline
// function of another header is compiled for a CPU that may not be there.
struct IfmaCosetJob {
  int log2_points;
  std::size_t pairs;
  const std::uint64_t* wires;  // two words an element, in Montgomery form
  const Limbs* inverse_powers;
  const Limbs* powers;
  const Limbs* twists;
  LimbLanes* rows;  // two a point
  LimbLanes* sums;  // one a point
};
void IfmaCosetProducts(const IfmaCosetJob& job);

// LimbSums adds up products of eight lanes before they are reduced.
struct alignas(64) LimbSums {
  std::uint64_t limb[6][8];
};

// IfmaChunkJob adds weight * r^(i+1) * x[i] to the even sums and weight * x[i] to the odd ones.
struct IfmaChunkJob {
  std::size_t count;
  const std::uint64_t* elements;  // two words each, in Montgomery form
  Limbs r;
  Limbs weight;
  LimbSums* even;  // one for eight elements
  LimbSums* odd;
};
void IfmaAddChunk(const IfmaChunkJob& job);
// IfmaReduce gives the eight sums as they are stored in elements, not reduced to the end.
void IfmaReduce(const LimbSums& sums, LimbLanes& out);

// IfmaFactor is an element in the form that lanes multiply by: a product of lanes is divided by
// 2^156, that of elements by 2^128.
Limbs IfmaFactor(const Field128& element);
std::vector<Limbs> IfmaFactors(std::span<const Field128> elements);
// IfmaWords views elements as they are stored.
const std::uint64_t* IfmaWords(std::span<const Field128> elements);
// FromIfma is the element that is stored as the number of these limbs modulo p.
Field128 FromIfma(const std::uint64_t (&limb)[3]);

}  // namespace salus::aggregate
