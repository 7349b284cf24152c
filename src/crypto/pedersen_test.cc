#include "crypto/pedersen.h"

#include <gtest/gtest.h>

#include "crypto/secret_mint.h"

namespace salus::crypto {
namespace {

Bytes Integer(std::uint64_t low, std::uint64_t middle = 0, std::uint64_t high = 0) {
  Bytes out;
  for (const std::uint64_t limb : {low, middle, high}) {
    for (int i = 0; i < 8; ++i) out.push_back(static_cast<std::uint8_t>(limb >> (8 * i)));
  }
  return out;
}

Bytes Hex(std::string_view text) {
  Bytes out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    out.push_back(static_cast<std::uint8_t>(16 * digit(text[i]) + digit(text[i + 1])));
  }
  return out;
}

PedersenBlind SmallBlind(std::uint8_t value) {
  Bytes bytes(32);
  bytes[0] = value;
  return *PedersenBlind::FromBytes(bytes);
}

Bytes BytesOf(const PedersenBlind& blind) {
  return ToBytes(blind.scalar.view(CryptoSecrets::Token()));
}

// RFC 9496 appendix A.1: multiples of the generator. A commitment to zero is one of them.
TEST(Pedersen, ZerosUnderABlindAreMultiplesOfTheGenerator) {
  const char* const multiples[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76",
      "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919",
      "94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259"};
  const PedersenBase base("zeros", 2);
  for (std::uint8_t blind = 0; blind < 4; ++blind) {
    const auto commitment = base.Commit(SecretBytes(Bytes(48)), SmallBlind(blind));
    EXPECT_EQ(ToBytes(commitment.bytes()), Hex(multiples[blind])) << int{blind};
  }
}

TEST(Pedersen, TheSumOfCommitmentsOpensToTheSum) {
  SeededRandom random(1);
  const PedersenBase base("sums", 2);
  Bytes first = Integer(~0ull, ~0ull), second = Integer(1);
  Append(first, Integer(7));
  Append(second, Integer(8));
  PedersenBlind blind = PedersenBlind::Generate(random);
  PedersenCommitment sum = base.Commit(SecretBytes(first), blind);
  const PedersenBlind more = PedersenBlind::Generate(random);
  sum.Add(base.Commit(SecretBytes(second), more));
  blind.Add(more);
  Bytes expected = Integer(0, 0, 1);  // 2^128: no wrap
  Append(expected, Integer(15));
  EXPECT_TRUE(base.VerifyOpening(sum, expected, BytesOf(blind)).has_value());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    Bytes other = expected;
    other[i] ^= 1;
    EXPECT_FALSE(base.VerifyOpening(sum, other, BytesOf(blind)).has_value()) << i;
  }
  EXPECT_FALSE(base.VerifyOpening(sum, expected, BytesOf(more)).has_value());
}

TEST(Pedersen, TheOrderOfAListAndItsLabelMatter) {
  const PedersenBase base("one label", 2);
  Bytes ab = Integer(1), ba = Integer(2);
  Append(ab, Integer(2));
  Append(ba, Integer(1));
  const auto commitment = base.Commit(SecretBytes(ab), SmallBlind(1));
  EXPECT_NE(commitment, base.Commit(SecretBytes(ba), SmallBlind(1)));
  EXPECT_NE(commitment, PedersenBase("another", 2).Commit(SecretBytes(ab), SmallBlind(1)));
}

TEST(Pedersen, RefusesWhatIsNoPointOrNoScalar) {
  // RFC 9496 appendix A.2: a non-canonical field element, a negative one, a non-square x^2.
  for (const char* bad : {"00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                          "0100000000000000000000000000000000000000000000000000000000000000",
                          "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371"}) {
    EXPECT_FALSE(PedersenCommitment::FromBytes(Hex(bad)).has_value()) << bad;
  }
  EXPECT_FALSE(PedersenCommitment::FromBytes(Bytes(31)).has_value());
  // The order of the group, and one less.
  Bytes order = Hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  EXPECT_FALSE(PedersenBlind::FromBytes(order).has_value());
  order[0] -= 1;
  EXPECT_TRUE(PedersenBlind::FromBytes(order).has_value());
  EXPECT_FALSE(PedersenBlind::FromBytes(Bytes(33)).has_value());
  const PedersenBase base("sizes", 1);
  EXPECT_FALSE(base.VerifyOpening({}, Bytes(23), Bytes(32)).has_value());
  EXPECT_FALSE(base.VerifyOpening({}, Bytes(24), Bytes(32, 0xff)).has_value());
  EXPECT_TRUE(base.VerifyOpening({}, Bytes(24), Bytes(32)).has_value());
}

}  // namespace
}  // namespace salus::crypto
