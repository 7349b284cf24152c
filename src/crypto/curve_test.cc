// P-256 and Ed25519 beyond the outside vectors: encodings, refusals, round trips between OpenSSL's
// two interfaces.
#include <gtest/gtest.h>

#include <thread>

#include "base/random.h"
#include "crypto/ed25519.h"
#include "crypto/p256.h"
#include "crypto/secret_mint.h"
#include "crypto/vector_files.h"

namespace salus::crypto {
namespace {

using testing::Hex;
using testing::Unhex;

// RFC 5903 section 8.1.
constexpr std::string_view kScalarI =
    "C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433";
constexpr std::string_view kScalarR =
    "C6EF9C5D78AE012A011164ACB397CE2088685D8F06BF9BE0B283AB46476BEE53";
constexpr std::string_view kPointI =
    "04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c37725811805271a0461cdb8252d61f1c456fa3"
    "e"
    "59ab1f45b33accf5f58389e0577b8990bb3";

TEST(P256Test, Rfc5903) {
  const auto i = P256PrivateKey::FromScalar(ByteSpan(Unhex(kScalarI)));
  const auto r = P256PrivateKey::FromScalar(ByteSpan(Unhex(kScalarR)));
  ASSERT_TRUE(i.has_value() && r.has_value());
  EXPECT_EQ(Hex(i->public_key().sec1()), kPointI);
  const auto one = i->Ecdh(r->public_key());
  const auto two = r->Ecdh(i->public_key());
  ASSERT_TRUE(one.has_value() && two.has_value());
  EXPECT_EQ(Hex(one->view(CryptoSecrets::Token())),
            "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de");
  EXPECT_EQ(Hex(two->view(CryptoSecrets::Token())), Hex(one->view(CryptoSecrets::Token())));
  EXPECT_EQ(Hex(i->scalar().view(CryptoSecrets::Token())), Hex(Unhex(kScalarI)));
}

TEST(P256Test, PointEncodings) {
  const Bytes point = Unhex(kPointI);
  const auto key = P256PublicKey::FromSec1(point);
  ASSERT_TRUE(key.has_value());
  const auto compressed = P256PublicKey::FromSec1(key->sec1_compressed());
  ASSERT_TRUE(compressed.has_value());
  EXPECT_EQ(*compressed, *key);
  const auto coordinates = P256PublicKey::FromCoordinates(key->x(), key->y());
  ASSERT_TRUE(coordinates.has_value());
  EXPECT_EQ(*coordinates, *key);

  Bytes hybrid = point;
  hybrid[0] = static_cast<std::uint8_t>(6 + (point[64] & 1));
  Bytes off_curve = point;
  off_curve[64] ^= 1;
  Bytes too_large(65, 0xff);
  too_large[0] = 4;
  for (const Bytes& bad : {Bytes{}, Bytes{0}, hybrid, off_curve, too_large, Bytes(65, 0),
                           Bytes(point.begin(), point.end() - 1)}) {
    EXPECT_FALSE(P256PublicKey::FromSec1(bad).has_value());
  }
}

TEST(P256Test, ScalarRange) {
  const Bytes order = Unhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  Bytes last = order;
  last[31] -= 1;
  EXPECT_TRUE(P256PrivateKey::FromScalar(ByteSpan(last)).has_value());
  EXPECT_FALSE(P256PrivateKey::FromScalar(ByteSpan(order)).has_value());
  EXPECT_FALSE(P256PrivateKey::FromScalar(ByteSpan(Bytes(32, 0))).has_value());
  EXPECT_FALSE(P256PrivateKey::FromScalar(ByteSpan(Bytes(31, 1))).has_value());
}

TEST(P256Test, SignAndVerify) {
  const P256PrivateKey key = P256PrivateKey::Generate();
  const P256PrivateKey other = P256PrivateKey::Generate();
  const Bytes message = ToBytes("message");
  for (int round = 0; round < 20; ++round) {
    const Bytes der = key.SignDer(message);
    const P256Signature raw = key.Clone().SignP1363(message);
    EXPECT_TRUE(key.public_key().VerifyDer(message, der).has_value());
    EXPECT_TRUE(key.public_key().VerifyP1363(message, raw).has_value());
    EXPECT_FALSE(other.public_key().VerifyDer(message, der).has_value());
    EXPECT_FALSE(key.public_key().VerifyDer(AsBytes("massage"), der).has_value());
    EXPECT_FALSE(key.public_key().VerifyP1363(message, der).has_value());
    EXPECT_FALSE(key.public_key().VerifyDer(message, raw).has_value());
    const P256Signature hashed = key.SignDigest(Sha256(message));
    EXPECT_TRUE(key.public_key().VerifyP1363(message, hashed).has_value());
  }
}

TEST(P256Test, OneKeyInManyThreads) {
  const P256PrivateKey key = P256PrivateKey::Generate();
  const P256PrivateKey peer = P256PrivateKey::Generate();
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      const Bytes message = ToBytes("message");
      EXPECT_TRUE(key.public_key().VerifyDer(message, key.SignDer(message)).has_value());
      EXPECT_TRUE(key.Ecdh(peer.public_key()).has_value());
    });
  }
}

// RFC 8032 section 7.1, tests 1 to 3.
TEST(Ed25519Test, Rfc8032) {
  const struct {
    std::string_view seed, public_key, message, signature;
  } cases[] = {{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc6"
                "1e39701cf9"
                "b46bd25bf5f0595bbe24655141438e7a100b"},
               {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e45"
                "8f3613d0f1"
                "1d8c387b2eaeb4302aeeb00d291612bb0c00"},
               {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae"
                "67f760984d"
                "c6594a7c15e9716ed28dc027beceea1ec40a"}};
  for (const auto& c : cases) {
    const Bytes seed = Unhex(c.seed);
    const auto key =
        Ed25519PrivateKey::FromSeed(SecretArray<32>(std::span<const std::uint8_t, 32>(seed)));
    EXPECT_EQ(Hex(key.public_key().bytes()), c.public_key);
    const Bytes message = Unhex(c.message);
    EXPECT_EQ(Hex(key.Sign(message)), c.signature);
    EXPECT_EQ(Hex(key.Clone().seed().view(CryptoSecrets::Token())), c.seed);
    const auto parsed = Ed25519PublicKey::FromBytes(Unhex(c.public_key));
    ASSERT_TRUE(parsed.has_value());
    EXPECT_TRUE(parsed->Verify(message, Unhex(c.signature)).has_value());
    EXPECT_FALSE(parsed->Verify(AsBytes("other"), Unhex(c.signature)).has_value());
    EXPECT_FALSE(parsed->Verify(message, ByteSpan(Unhex(c.signature)).first(63)).has_value());
  }
}

// The flags of each vector say which rules it breaks; ours are those of verify_strict, and keys of
// mixed order are refused too.
// RFC 7748 section 4.1 gives both base points: y = 4/5 maps to u = 9. Other keys: the two halves
// map to one pair.
TEST(Ed25519Test, MapsToTheMontgomeryCurve) {
  Bytes base(32, 0x66);
  base[0] = 0x58;
  X25519PublicKey nine{};
  nine[0] = 9;
  EXPECT_EQ(Ed25519PublicKey::FromBytes(base)->ToX25519(), nine);
  SeededRandom random(1);
  for (int i = 0; i < 20; ++i) {
    const auto key = Ed25519PrivateKey::Generate(random);
    EXPECT_EQ(key.ToX25519().public_key(), key.public_key().ToX25519());
  }
}

TEST(Ed25519Test, CctvEdgeCases) {
  SKIP_WITHOUT_VECTORS("parsers/cctv/ed25519");
  const auto file =
      testing::ReadJsonFile(testing::VectorFolder() / "parsers/cctv/ed25519/ed25519vectors.json");
  int accepted = 0;
  for (const auto& item : file.as_array()) {
    testing::Fields fields(item.as_object());
    const std::string where = "vector " + std::to_string(fields.Number("number"));
    bool expected = true;
    for (const auto& flag : fields.Has("flags") && !fields.At("flags").is_null()
                                ? fields.At("flags").as_array()
                                : boost::json::array()) {
      const std::string_view name = flag.as_string();
      static const std::set<std::string_view> kRefused = {
          "low_order_A",           "low_order_R",       "non_canonical_A", "non_canonical_R",
          "low_order_component_A", "low_order_residue", "reencoded_k"};
      EXPECT_TRUE(kRefused.contains(name) || name == "low_order_component_R") << name;
      if (kRefused.contains(name)) expected = false;
    }
    const auto key = Ed25519PublicKey::FromBytes(fields.HexBytes("key"));
    const Bytes signature = fields.HexBytes("sig");
    const std::string message = fields.Text("msg");
    const bool ok = key.has_value() && key->Verify(AsBytes(message), signature).has_value();
    EXPECT_EQ(ok, expected) << where;
    accepted += ok;
    fields.ExpectAllRead(where);
  }
  RecordProperty("accepted", accepted);
}

}  // namespace
}  // namespace salus::crypto
