#include "aggregate/field_integers.h"

#include <array>

#include "base/check.h"

namespace salus::aggregate {

namespace {

using U128 = unsigned __int128;
using Limbs = std::array<std::uint64_t, 3>;

std::uint64_t LoadLe64(ByteSpan bytes) {
  std::uint64_t out = 0;
  for (std::size_t i = 8; i-- > 0;) out = out << 8 | bytes[i];
  return out;
}

void StoreLe64(std::uint64_t value, MutableByteSpan bytes) {
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

Limbs Load(ByteSpan integer) {
  return {LoadLe64(integer.first(8)), LoadLe64(integer.subspan(8, 8)),
          LoadLe64(integer.subspan(16, 8))};
}

void Store(const Limbs& limbs, MutableByteSpan integer) {
  for (std::size_t i = 0; i < 3; ++i) StoreLe64(limbs[i], integer.subspan(8 * i, 8));
}

Limbs Sum(const Limbs& a, const Limbs& b) {
  Limbs out;
  U128 carry = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    carry += static_cast<U128>(a[i]) + b[i];
    out[i] = static_cast<std::uint64_t>(carry);
    carry >>= 64;
  }
  return out;
}

Limbs LimbsOf(U128 value) {
  return {static_cast<std::uint64_t>(value), static_cast<std::uint64_t>(value >> 64), 0};
}

}  // namespace

U128 FieldModulus(std::size_t element_bytes) {
  CHECK(element_bytes == 8 || element_bytes == 16);
  if (element_bytes == 8) return (U128{1} << 32) * 4'294'967'295u + 1;
  return (U128{1} << 66) * 4'611'686'018'427'387'897u + 1;
}

void AddToIntegers(MutableByteSpan integers, ByteSpan elements, std::size_t element_bytes) {
  const std::size_t count = elements.size() / element_bytes;
  CHECK(integers.size() == count * kIntegerBytes);
  for (std::size_t i = 0; i < count; ++i) {
    const MutableByteSpan integer = integers.subspan(i * kIntegerBytes, kIntegerBytes);
    const U128 element = LoadElement(elements.subspan(i * element_bytes, element_bytes));
    Store(Sum(Load(integer), LimbsOf(element)), integer);
  }
}

bool IsSmall(ByteSpan integer, std::size_t element_bytes) {
  // Both moduli fill their words: the words above count them, or one less.
  const Limbs limbs = Load(integer);
  if (element_bytes == 8) return limbs[2] == 0 && limbs[1] < (1u << 12) - 1;
  return limbs[2] < (1u << 12) - 1;
}

Division DivideByModulus(ByteSpan integer, std::size_t element_bytes) {
  const U128 modulus = FieldModulus(element_bytes);
  const Limbs limbs = Load(integer);
  std::uint64_t high = limbs[2];
  U128 low = static_cast<U128>(limbs[1]) << 64 | limbs[0];
  if (element_bytes == 8 && high == 0) {
    const U128 quotient = low / modulus;
    CHECK(quotient < (1u << 16));
    return {low % modulus, static_cast<std::uint32_t>(quotient)};
  }
  std::uint32_t quotient = 0;
  while (high != 0 || low >= modulus) {
    CHECK(quotient + 1 < (1u << 16));
    high -= low < modulus ? 1 : 0;
    low -= modulus;
    ++quotient;
  }
  return {low, quotient};
}

Bytes MultipleOfModulus(std::uint32_t quotient, std::size_t element_bytes) {
  const Limbs modulus = LimbsOf(FieldModulus(element_bytes));
  Limbs product;
  U128 carry = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    carry += static_cast<U128>(modulus[i]) * quotient;
    product[i] = static_cast<std::uint64_t>(carry);
    carry >>= 64;
  }
  Bytes out(kIntegerBytes);
  Store(product, out);
  return out;
}

std::vector<std::uint8_t> NegatedSum(std::span<const ByteSpan> rows, std::size_t element_bytes,
                                     MutableByteSpan out) {
  CHECK(rows.size() < 255);
  const U128 modulus = FieldModulus(element_bytes);
  std::vector<std::uint8_t> quotients;
  for (std::size_t at = 0; at < out.size(); at += element_bytes) {
    U128 sum = 0;
    unsigned quotient = 0;
    for (const ByteSpan row : rows) {
      const U128 before = sum;
      sum += LoadElement(row.subspan(at, element_bytes));
      const unsigned is_over = static_cast<unsigned>(sum < before) | (sum >= modulus);
      sum -= modulus & (U128{0} - is_over);
      quotient += is_over;
    }
    const unsigned is_set = sum != 0;
    StoreElement((modulus - sum) & (U128{0} - is_set), out.subspan(at, element_bytes));
    quotients.push_back(static_cast<std::uint8_t>(quotient + is_set));
  }
  return quotients;
}

void StoreElement(U128 value, MutableByteSpan element) {
  for (std::uint8_t& byte : element) {
    byte = static_cast<std::uint8_t>(value);
    value >>= 8;
  }
}

U128 LoadElement(ByteSpan element) {
  U128 out = 0;
  for (std::size_t i = element.size(); i-- > 0;) out = out << 8 | element[i];
  return out;
}

void FillElements(MutableByteSpan elements, std::size_t element_bytes, RandomSource& random) {
  const U128 modulus = FieldModulus(element_bytes);
  random.Fill(elements);
  for (std::size_t i = 0; i < elements.size(); i += element_bytes) {
    const MutableByteSpan element = elements.subspan(i, element_bytes);
    while (LoadElement(element) >= modulus) random.Fill(element);
  }
}

}  // namespace salus::aggregate
