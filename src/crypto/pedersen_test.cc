#include "crypto/pedersen.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>

#include "crypto/secret_mint.h"
#include "crypto/sha512.h"

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
    const auto bytes = commitment.bytes();
    EXPECT_EQ(ToBytes(ByteSpan(bytes).first(32)), Hex(multiples[blind])) << int{blind};
    EXPECT_EQ(PedersenCommitment::FromBytes(bytes), commitment) << int{blind};
  }
}

// libsodium is the reference: it shares no code with this but the generators' hash.
Bytes CommitBySodium(std::string_view label, ByteSpan values, ByteSpan blind) {
  std::array<std::uint8_t, 32> sum{};
  EXPECT_EQ(crypto_scalarmult_ristretto255_base(sum.data(), blind.data()), 0);
  for (std::uint8_t i = 0; 24u * i < values.size(); ++i) {
    const Hash64 hash = Sha512({AsBytes(label), Bytes{0, 0, 0, i}});
    std::array<std::uint8_t, 32> point, factor{}, term;
    EXPECT_EQ(crypto_core_ristretto255_from_hash(point.data(), hash.data()), 0);
    std::ranges::copy(values.subspan(24u * i, 24), factor.begin());
    // It refuses the point that adds nothing, but writes it.
    [[maybe_unused]] const int is_zero =
        crypto_scalarmult_ristretto255(term.data(), factor.data(), point.data());
    EXPECT_EQ(crypto_core_ristretto255_add(sum.data(), sum.data(), term.data()), 0);
  }
  return ToBytes(sum);
}

TEST(Pedersen, CommitsAsLibsodiumDoes) {
  ASSERT_GE(sodium_init(), 0);
  SeededRandom random(3);
  const PedersenBase base("as libsodium", 2);
  for (int i = 0; i < 300; ++i) {
    Bytes values = ToBytes(random.Array<48>());
    // Digits that carry into each other, and none.
    if (i % 5 == 1) std::ranges::fill(values, std::uint8_t{0xff});
    if (i % 5 == 2) std::ranges::fill(values, std::uint8_t{0x88});
    if (i % 5 == 3) std::ranges::fill(values, std::uint8_t{0x77});
    if (i % 5 == 4) std::ranges::fill(values, std::uint8_t{0});
    if (i % 7 == 1) values[random.Below(48)] = 0x80;
    const PedersenBlind blind = PedersenBlind::Generate(random);
    const auto bytes = base.Commit(SecretBytes(values), blind).bytes();
    ASSERT_EQ(ToBytes(ByteSpan(bytes).first(32)),
              CommitBySodium("as libsodium", values, BytesOf(blind)))
        << i;
    ASSERT_TRUE(PedersenCommitment::FromBytes(bytes).has_value()) << i;
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
  // RFC 9496 appendix A.2: a non-canonical field element, a negative one, a non-square x^2; roots
  // are tried at RistrettoPoint.
  for (const char* bad : {"00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                          "0100000000000000000000000000000000000000000000000000000000000000",
                          "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371"}) {
    Bytes bytes = Hex(bad);
    EXPECT_FALSE(PedersenCommitment::FromBytes(bytes).has_value()) << bad;
    bytes.resize(PedersenCommitment::kBytes);
    EXPECT_FALSE(PedersenCommitment::FromBytes(bytes).has_value()) << bad;
  }
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
