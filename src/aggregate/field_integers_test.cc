#include "aggregate/field_integers.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace salus::aggregate {
namespace {

using U128 = unsigned __int128;

TEST(FieldIntegers, ModuliAreThoseOfTheDraft) {
  EXPECT_EQ(FieldModulus(8), U128{0xffff'ffff'0000'0001});
  EXPECT_EQ(FieldModulus(16), ~U128{0} - (U128{7} << 66) + 2);
}

// Adding up one by one with the remainder taken each time, which is slow and plain.
TEST(FieldIntegers, SumsDivideAsTheyShould) {
  SeededRandom random(5);
  for (const std::size_t size : {8u, 16u}) {
    const U128 modulus = FieldModulus(size);
    Bytes integer(kIntegerBytes);
    U128 remainder = 0;
    std::uint32_t quotient = 0;
    for (int i = 0; i < 500; ++i) {
      Bytes element(size);
      FillElements(element, size, random);
      const U128 value = LoadElement(element);
      ASSERT_LT(value, modulus);
      AddToIntegers(integer, element, size);
      if (value >= modulus - remainder) {
        remainder = value - (modulus - remainder);
        ++quotient;
      } else {
        remainder += value;
      }
      const Division division = DivideByModulus(integer, size);
      ASSERT_EQ(division.remainder, remainder);
      ASSERT_EQ(division.quotient, quotient);
    }
    Bytes rest(size);
    StoreElement(remainder, rest);
    Bytes whole = MultipleOfModulus(quotient, size);
    AddToIntegers(whole, rest, size);
    EXPECT_EQ(whole, integer);
  }
}

TEST(FieldIntegers, SmallOnesAreSafeToDivide) {
  for (const std::size_t size : {8u, 16u}) {
    EXPECT_TRUE(IsSmall(MultipleOfModulus(512, size), size));
    EXPECT_TRUE(IsSmall(MultipleOfModulus(4000, size), size));
    EXPECT_FALSE(IsSmall(MultipleOfModulus(4100, size), size));
    EXPECT_FALSE(IsSmall(Bytes(kIntegerBytes, 0xff), size));
    Bytes largest(kIntegerBytes);
    std::fill_n(largest.begin(), size, 0xff);
    largest[size] = 0xfe;
    largest[size + 1] = 0x0f;
    ASSERT_TRUE(IsSmall(largest, size));
    EXPECT_LT(DivideByModulus(largest, size).quotient, 1u << 12);
  }
}

TEST(FieldIntegers, TheNegatedSumBringsTheRowsToAMultiple) {
  SeededRandom random(6);
  for (const std::size_t size : {8u, 16u}) {
    for (const std::size_t count : {1u, 2u, 7u, 254u}) {
      std::vector<Bytes> rows(count, Bytes(3 * size));
      std::vector<ByteSpan> views;
      for (Bytes& row : rows) {
        FillElements(row, size, random);
        StoreElement(0, MutableByteSpan(row).first(size));  // whose sum needs nothing
        views.push_back(row);
      }
      Bytes own(3 * size);
      const auto quotients = NegatedSum(views, size, own);
      ASSERT_EQ(quotients.size(), 3u);
      EXPECT_EQ(quotients[0], 0u);
      Bytes sums(3 * kIntegerBytes);
      for (const ByteSpan row : views) AddToIntegers(sums, row, size);
      AddToIntegers(sums, own, size);
      for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_LT(LoadElement(ByteSpan(own).subspan(i * size, size)), FieldModulus(size));
        const auto sum = ByteSpan(sums).subspan(i * kIntegerBytes, kIntegerBytes);
        EXPECT_TRUE(Equal(sum, MultipleOfModulus(quotients[i], size))) << count << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace salus::aggregate
