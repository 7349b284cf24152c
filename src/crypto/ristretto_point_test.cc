#include "crypto/ristretto_point.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <vector>

#include "base/random.h"

namespace salus::crypto {
namespace {

using Encoded = std::array<std::uint8_t, RistrettoPoint::kBytes>;

Encoded Hex(std::string_view text) {
  Encoded out{};
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<std::uint8_t>(16 * digit(text[2 * i]) + digit(text[2 * i + 1]));
  }
  return out;
}

// libsodium is the reference: it shares no code with this.
Encoded RandomPoint(SeededRandom& random) {
  const auto seed = random.Array<64>();
  Encoded out{};
  EXPECT_EQ(crypto_core_ristretto255_from_hash(out.data(), seed.data()), 0);
  return out;
}

Encoded SumBySodium(const Encoded& a, const Encoded& b) {
  Encoded out{};
  EXPECT_EQ(crypto_core_ristretto255_add(out.data(), a.data(), b.data()), 0);
  return out;
}

// RFC 9496 appendix A.1.
constexpr const char* kMultiples[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76",
    "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919",
    "94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259"};

TEST(RistrettoPoint, AddsUpMultiplesOfTheGenerator) {
  const auto generator = RistrettoPoint::Decode(Hex(kMultiples[1]));
  ASSERT_TRUE(generator.has_value());
  RistrettoPoint sum;
  for (const char* const multiple : kMultiples) {
    EXPECT_EQ(sum.Encode(), Hex(multiple));
    sum.Add(*generator);
  }
}

// Of each kind of RFC 9496 appendix A.2.
TEST(RistrettoPoint, RefusesWhatEncodesNoPoint) {
  for (const char* const bad :
       {"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
        "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
    EXPECT_FALSE(RistrettoPoint::Decode(Hex(bad)).has_value()) << bad;
    // Even with what would be taken for its root, right or up to a root of -1.
    const Field25519 s = Field25519::Load(Hex(bad));
    const Field25519 u2 = Field25519::One() + s.Square();
    const Field25519 u1 = Field25519::One() - s.Square();
    const Field25519 v = (kEdwardsD * u1.Square()).Negated() - u2.Square();
    Bytes rooted = ToBytes(Hex(bad));
    Append(rooted, InverseRoot::Of(v * u2.Square()).value.Store());
    EXPECT_FALSE(RistrettoPoint::DecodeRooted(rooted).has_value()) << bad;
  }
  EXPECT_FALSE(RistrettoPoint::Decode(Bytes(31)).has_value());
}

// What decoding makes of the encoding alone, it makes of the rooted one; and nothing else is taken
// in the place of the root, whatever its sign or form.
TEST(RistrettoPoint, TakesTheOneRootOfAPointOnly) {
  SeededRandom random(9);
  std::vector<Encoded> points = {Hex(kMultiples[0]), Hex(kMultiples[1]), Hex(kMultiples[2])};
  for (int i = 0; i < 200; ++i) points.push_back(RandomPoint(random));
  for (const Encoded& bytes : points) {
    const auto point = RistrettoPoint::Decode(bytes);
    ASSERT_TRUE(point.has_value());
    const auto rooted = point->EncodeRooted();
    ASSERT_TRUE(std::ranges::equal(bytes, ByteSpan(rooted).first(32)));
    const auto again = RistrettoPoint::DecodeRooted(rooted);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(*again, *point);
    EXPECT_EQ(again->Encode(), bytes);
    const Field25519 root = Field25519::Load(ByteSpan(rooted).subspan(32));
    for (const Field25519& other :
         {root.Negated(), root * kSqrtM1, root + root, Field25519(), Field25519::One()}) {
      auto wrong = rooted;
      std::ranges::copy(other.Store(), wrong.begin() + 32);
      if (wrong == rooted) continue;
      EXPECT_FALSE(RistrettoPoint::DecodeRooted(wrong).has_value());
      wrong[63] |= 0x80;
      EXPECT_FALSE(RistrettoPoint::DecodeRooted(wrong).has_value());
    }
    auto high = rooted;
    high[63] |= 0x80;
    EXPECT_FALSE(RistrettoPoint::DecodeRooted(high).has_value());
    EXPECT_FALSE(RistrettoPoint::DecodeRooted(bytes).has_value());
  }
}

// Two representations of a point, and points that differ.
TEST(RistrettoPoint, IsEqualInAnyRepresentation) {
  SeededRandom random(10);
  const RistrettoPoint a = *RistrettoPoint::Decode(RandomPoint(random));
  const RistrettoPoint b = *RistrettoPoint::Decode(RandomPoint(random));
  RistrettoPoint ab = a, ba = b;
  ab.Add(b);
  ba.Add(a);
  EXPECT_EQ(ab, ba);
  EXPECT_EQ(ab, *RistrettoPoint::Decode(ab.Encode()));
  EXPECT_NE(ab, a);
  EXPECT_NE(a, b);
  EXPECT_NE(a, RistrettoPoint());
  EXPECT_EQ(RistrettoPoint(), *RistrettoPoint::Decode(Encoded{}));
  EXPECT_EQ(RistrettoPoint::Generator().Encode(), Hex(kMultiples[1]));
}

TEST(RistrettoPoint, DoesAsLibsodiumDoes) {
  ASSERT_GE(sodium_init(), 0);
  SeededRandom random(7);
  RistrettoPoint sum;
  Encoded sum_by_sodium{};
  for (int i = 0; i < 2'000; ++i) {
    const Encoded bytes = RandomPoint(random);
    const auto point = RistrettoPoint::Decode(bytes);
    ASSERT_TRUE(point.has_value()) << i;
    ASSERT_EQ(point->Encode(), bytes) << i;
    sum.Add(*point);
    sum_by_sodium = SumBySodium(sum_by_sodium, bytes);
    ASSERT_EQ(sum.Encode(), sum_by_sodium) << i;
    // Doubling, and what takes a point away, are additions too.
    RistrettoPoint twice = *point;
    twice.Add(*point);
    ASSERT_EQ(twice.Encode(), SumBySodium(bytes, bytes)) << i;
    Encoded negative{};
    const Encoded zero{};
    ASSERT_EQ(crypto_core_ristretto255_sub(negative.data(), zero.data(), bytes.data()), 0);
    RistrettoPoint nothing = *point;
    nothing.Add(*RistrettoPoint::Decode(negative));
    ASSERT_EQ(nothing.Encode(), zero) << i;
  }
}

TEST(RistrettoPoint, TakesWhatLibsodiumTakes) {
  ASSERT_GE(sodium_init(), 0);
  SeededRandom random(8);
  int points = 0;
  for (int i = 0; i < 20'000; ++i) {
    Encoded bytes = random.Array<32>();
    // Most are refused for their sign or their highest bit, without these.
    if (i % 4 != 0) bytes[0] &= 0xfe;
    if (i % 4 != 0) bytes[31] &= 0x7f;
    // Near the ends of the range, where one encoding must not stand for another.
    if (i % 8 == 1) std::fill(bytes.begin() + 2, bytes.end() - 1, std::uint8_t{0});
    if (i % 8 == 2) std::fill(bytes.begin() + 1, bytes.end() - 1, std::uint8_t{0xff});
    const bool is_point = RistrettoPoint::Decode(bytes).has_value();
    // libsodium 1.0.18 passes over the highest bit, which RFC 9496 section 4.3.1 has us refuse.
    const bool is_taken = crypto_core_ristretto255_is_valid_point(bytes.data()) == 1;
    ASSERT_EQ(is_point, is_taken && bytes[31] < 0x80) << i;
    points += is_point ? 1 : 0;
  }
  EXPECT_GT(points, 1'000);
}

}  // namespace
}  // namespace salus::crypto
