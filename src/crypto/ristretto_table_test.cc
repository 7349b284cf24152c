#include "crypto/ristretto_table.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include "base/random.h"

namespace salus::crypto {
namespace {

using Encoded = std::array<std::uint8_t, 32>;

// libsodium is the reference, for factors that fit a scalar.
Encoded ProductBySodium(const Encoded& factor, const Encoded& point) {
  Encoded out{};
  // It refuses the point that adds nothing, but writes it.
  [[maybe_unused]] const int is_zero =
      crypto_scalarmult_ristretto255(out.data(), factor.data(), point.data());
  return out;
}

Encoded PointOf(std::uint64_t seed) {
  SeededRandom random(seed);
  const auto bytes = random.Array<64>();
  Encoded out{};
  EXPECT_EQ(crypto_core_ristretto255_from_hash(out.data(), bytes.data()), 0);
  return out;
}

Encoded Product(const RistrettoTable& table, ByteSpan factor) {
  const RistrettoTable::Term term{&table, factor};
  return RistrettoTable::SumOf({&term, 1}).Encode();
}

TEST(RistrettoTable, MultipliesByEachDigitAtEachPlace) {
  ASSERT_GE(sodium_init(), 0);
  const Encoded point = PointOf(1);
  const RistrettoTable table(*RistrettoPoint::Decode(point), 32);
  for (std::size_t place = 0; place < 63; ++place) {
    for (std::uint8_t digit = 0; digit < 16; ++digit) {
      Encoded factor{};
      factor[place / 2] = static_cast<std::uint8_t>(place % 2 == 0 ? digit : digit << 4);
      // libsodium takes the highest bit off.
      if (factor[31] >= 0x80) continue;
      ASSERT_EQ(Product(table, factor), ProductBySodium(factor, point)) << place << " " << +digit;
    }
  }
}

TEST(RistrettoTable, MultipliesAsLibsodiumDoes) {
  ASSERT_GE(sodium_init(), 0);
  SeededRandom random(2);
  const Encoded point = PointOf(2);
  const RistrettoTable long_table(*RistrettoPoint::Decode(point), 32);
  const RistrettoTable short_table(*RistrettoPoint::Decode(point), 3);
  for (int i = 0; i < 500; ++i) {
    Encoded factor = random.Array<32>();
    factor[31] &= 0x7f;
    if (i % 4 == 1) std::fill(factor.begin(), factor.end() - 1, std::uint8_t{0x88});
    if (i % 4 == 2) std::fill(factor.begin(), factor.end() - 1, std::uint8_t{0xff});
    ASSERT_EQ(Product(long_table, factor), ProductBySodium(factor, point)) << i;
    std::fill(factor.begin() + 3, factor.end(), std::uint8_t{0});
    ASSERT_EQ(Product(short_table, ByteSpan(factor).first(3)), ProductBySodium(factor, point)) << i;
  }
}

TEST(RistrettoTable, SumsTermsOfSeveralLengths) {
  const RistrettoPoint a = *RistrettoPoint::Decode(PointOf(3));
  const RistrettoPoint b = *RistrettoPoint::Decode(PointOf(4));
  const RistrettoTable one(a, 1), two(b, 2);
  const Bytes seven = {7}, many = {0, 1};
  const RistrettoTable::Term terms[] = {{&one, seven}, {&two, many}, {&one, seven}};
  RistrettoPoint expected;
  for (int i = 0; i < 14; ++i) expected.Add(a);
  for (int i = 0; i < 256; ++i) expected.Add(b);
  EXPECT_EQ(RistrettoTable::SumOf(terms), expected);
  EXPECT_EQ(RistrettoTable::SumOf({}), RistrettoPoint());
}

}  // namespace
}  // namespace salus::crypto
