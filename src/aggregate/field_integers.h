// Field elements as integers that do not wrap: what Pedersen commitments hold. Not a public header.
//
// Shape: elements of 8 or 16 bytes, integers of 24 bytes; little-endian both, one after another.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/secret.h"

namespace salus::aggregate {

inline constexpr std::size_t kIntegerBytes = 24;

// FieldModulus is that of Field64 or Field128, by the size of an element.
unsigned __int128 FieldModulus(std::size_t element_bytes);

// AddToIntegers adds each element to its integer.
void AddToIntegers(MutableByteSpan integers, ByteSpan elements, std::size_t element_bytes);

// IsSmall says that the modulus goes into an integer less than 2^12 times, which is what sums of
// all shares of a session are.
bool IsSmall(ByteSpan integer, std::size_t element_bytes);

// DivideByModulus splits an integer into what is left of it and how often the modulus went in.
// Takes time in proportion to the quotient, which must be below 2^16, a CHECK.
struct Division {
  unsigned __int128 remainder;
  std::uint32_t quotient;
};
Division DivideByModulus(ByteSpan integer, std::size_t element_bytes);
// MultipleOfModulus is quotient times the modulus, as an integer of 24 bytes.
Bytes MultipleOfModulus(std::uint32_t quotient, std::size_t element_bytes);

// NegatedSum writes, for each place, the element that brings the sum of the rows to a multiple of
// the modulus, and returns those multiples' quotients; in constant time. Rows have equal sizes.
std::vector<std::uint8_t> NegatedSum(std::span<const ByteSpan> rows, std::size_t element_bytes,
                                     MutableByteSpan out);

void StoreElement(unsigned __int128 value, MutableByteSpan element);
unsigned __int128 LoadElement(ByteSpan element);

// FillElements draws uniform elements.
void FillElements(MutableByteSpan elements, std::size_t element_bytes, RandomSource& random);

}  // namespace salus::aggregate
