// HKDF, Argon2id, VRF, X25519 and secret sharing: the examples of their documents.
#include <gtest/gtest.h>

#include "base/random.h"
#include "crypto/hkdf.h"
#include "crypto/password_hash.h"
#include "crypto/pbkdf2.h"
#include "crypto/scrypt.h"
#include "crypto/secret_mint.h"
#include "crypto/shamir.h"
#include "crypto/vector_files.h"
#include "crypto/vrf.h"
#include "crypto/x25519.h"

namespace salus::crypto {
namespace {

using testing::Hex;
using testing::Unhex;

SecretArray<32> Secret32(std::string_view hex) {
  const Bytes bytes = Unhex(hex);
  return SecretArray<32>(std::span<const std::uint8_t, 32>(bytes));
}

// RFC 5869 appendix A.1 to A.3.
TEST(HkdfTest, Rfc5869) {
  const struct {
    std::string_view ikm, salt, info, okm;
  } cases[] = {
      {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
       "f0f1f2f3f4f5f6f7f8f9",
       "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
      {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2"
       "d2e"
       "2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
       "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8"
       "d8e"
       "8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
       "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcd"
       "dde"
       "dfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
       "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e5"
       "90e"
       "09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
      {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
       "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"}};
  for (const auto& c : cases) {
    Bytes out(c.okm.size() / 2);
    ASSERT_TRUE(HkdfSha256(Unhex(c.ikm), Unhex(c.salt), Unhex(c.info), out).has_value());
    EXPECT_EQ(Hex(out), c.okm);
  }
  Bytes too_long(255 * 32 + 1);
  EXPECT_FALSE(HkdfSha256({}, {}, {}, too_long).has_value());
}

// RFC 7914 section 11.
TEST(Pbkdf2Test, Rfc7914) {
  Bytes out(64);
  ASSERT_TRUE(Pbkdf2HmacSha256(AsBytes("passwd"), AsBytes("salt"), 1, out).has_value());
  EXPECT_EQ(
      Hex(out),
      "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d"
      "77ef317c71b845b1e30bd509112041d3a19783");
  EXPECT_FALSE(Pbkdf2HmacSha256({}, {}, 0, out).has_value());
  EXPECT_FALSE(Pbkdf2HmacSha256({}, {}, 1, {}).has_value());
}

// RFC 7914 section 12; the first 32 of the 64 bytes there.
TEST(ScryptTest, Rfc7914) {
  struct Case {
    const char* passphrase;
    const char* salt;
    ScryptCost cost;
    const char* key;
  };
  const Case cases[] = {
      {"password",
       "NaCl",
       {10, 8, 16},
       "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"},
      {"pleaseletmein",
       "SodiumChloride",
       {14, 8, 1},
       "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"},
  };
  for (const Case& c : cases) {
    const auto key = Scrypt(SecretBytes(AsBytes(c.passphrase)), AsBytes(c.salt), c.cost);
    ASSERT_TRUE(key.has_value());
    EXPECT_EQ(Hex(key->view(CryptoSecrets::Token())), c.key);
  }
  EXPECT_FALSE(Scrypt(SecretBytes(AsBytes("a")), AsBytes("b"), {31, 8, 1}).has_value());
  EXPECT_FALSE(Scrypt(SecretBytes(AsBytes("a")), AsBytes("b"), {0, 8, 1}).has_value());
}

// The values are those of the reference implementation of RFC 9106 (libargon2, by argon2-cffi
// 25.1), not of libsodium.
TEST(Argon2idTest, AgreesWithReferenceImplementation) {
  std::array<std::uint8_t, 16> salt;
  for (std::uint8_t i = 0; i < 16; ++i) salt[i] = i;
  Bytes out(32);
  ASSERT_TRUE(Argon2id(AsBytes("passphrase"), salt, out, {.passes = 1, .memory_kib = 64}));
  EXPECT_EQ(Hex(out), "0e40e8291684807a00ec6b92fffd55ce37a00b91bfa5b41a18ed7802b707cda8");
  ASSERT_TRUE(Argon2id(AsBytes("passphrase"), salt, out, {.passes = 3, .memory_kib = 1024}));
  EXPECT_EQ(Hex(out), "164f5f3edd2f4d247236a17e4d5fe4b9c8e7a42c5b3f7958ec64771e55ba777c");
  EXPECT_FALSE(Argon2id({}, salt, out, {.passes = 0}).has_value());
  EXPECT_FALSE(Argon2id({}, salt, out, {.memory_kib = 7}).has_value());
  Bytes short_out(15);
  EXPECT_FALSE(Argon2id({}, salt, short_out).has_value());
}

// RFC 7748 section 6.1.
TEST(X25519Test, Rfc7748) {
  const auto alice = X25519PrivateKey::FromBytes(
      Secret32("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
  const auto bob = X25519PrivateKey::FromBytes(
      Secret32("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
  EXPECT_EQ(Hex(alice.public_key()),
            "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  EXPECT_EQ(Hex(bob.public_key()),
            "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  const std::string expected = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
  EXPECT_EQ(Hex(alice.Agree(bob.public_key())->view(CryptoSecrets::Token())), expected);
  EXPECT_EQ(Hex(bob.Agree(alice.public_key())->view(CryptoSecrets::Token())), expected);
  EXPECT_FALSE(alice.Agree(X25519PublicKey{}).has_value());
}

struct VrfExample {
  std::string_view seed, public_key, alpha, proof, output;
};

// RFC 9381 appendix B.3, examples 16, 17 and 18.
constexpr VrfExample kVrfExamples[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "8657106690b5526245a92b003bb079ccd1a92130477671f6fc01ad16f26f723f26f8a57ccaed74ee1b190bed1f479"
     "d97"
     "27d2d0f9b005a6e456a35d4fb0daab1268a1b0db10836d9826a528ca76567805",
     "90cf1df3b703cce59e2a35b925d411164068269d7b2d29f3301c03dd757876ff66b71dda49d2de59d03450451af02"
     "679"
     "8e8f81cd2e333de5cdf4f3e140fdd8ae"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "f3141cd382dc42909d19ec5110469e4feae18300e94f304590abdced48aed5933bf0864a62558b3ed7f2fea45c92a"
     "465"
     "301b3bbf5e3e54ddf2d935be3b67926da3ef39226bbc355bdc9850112c8f4b02",
     "eb4440665d3891d668e7e0fcaf587f1b4bd7fbfe99d0eb2211ccec90496310eb5e33821bc613efb94db5e5b54c70a"
     "848"
     "a0bef4553a41befc57663b56373a5031"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "9bc0f79119cc5604bf02d23b4caede71393cedfbb191434dd016d30177ccbf8096bb474e53895c362d8628ee9f9ea"
     "3c0"
     "e52c7a5c691b6c18c9979866568add7a2d41b00b05081ed0f58ee5e31b3a970e",
     "645427e5d00c62a23fb703732fa5d892940935942101e456ecca7bb217c61c452118fec1219202a0edcf038bb6373"
     "241"
     "578be7217ba85a2687f7a0310b2df19f"}};

TEST(VrfTest, Rfc9381) {
  for (const VrfExample& example : kVrfExamples) {
    const auto key = VrfPrivateKey::FromSeed(Secret32(example.seed));
    EXPECT_EQ(Hex(key.public_key().bytes()), example.public_key);
    const Bytes alpha = Unhex(example.alpha);
    const VrfProof proof = key.Prove(alpha);
    EXPECT_EQ(Hex(proof.bytes), example.proof);
    const auto public_key = VrfPublicKey::FromBytes(Unhex(example.public_key));
    ASSERT_TRUE(public_key.has_value());
    const auto output = public_key->Verify(alpha, proof);
    ASSERT_TRUE(output.has_value());
    EXPECT_EQ(Hex(*output), example.output);
    const auto own = ProofToHash(proof);
    ASSERT_TRUE(own.has_value());
    EXPECT_EQ(Hex(*own), example.output);
  }
}

TEST(VrfTest, EveryBitCounts) {
  const VrfExample& example = kVrfExamples[2];
  const auto public_key = VrfPublicKey::FromBytes(Unhex(example.public_key));
  const auto proof = VrfProof::FromBytes(Unhex(example.proof));
  ASSERT_TRUE(public_key.has_value() && proof.has_value());
  EXPECT_FALSE(public_key->Verify(AsBytes("x"), *proof).has_value());
  for (std::size_t bit = 0; bit < 640; ++bit) {
    VrfProof broken = *proof;
    broken.bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    const auto output = public_key->Verify(Unhex(example.alpha), broken);
    ASSERT_FALSE(output.has_value()) << "bit " << bit;
    EXPECT_EQ(output.error().code, ErrorCode::kVerificationFailed);
  }
}

// s + L is the same scalar in another encoding; a proof has one encoding only.
TEST(VrfTest, RefusesLargeS) {
  const VrfExample& example = kVrfExamples[0];
  VrfProof proof = *VrfProof::FromBytes(Unhex(example.proof));
  const Bytes order = Unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += proof.bytes[48 + i] + order[i];
    proof.bytes[48 + i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  ASSERT_EQ(carry, 0u);
  EXPECT_FALSE(VrfPublicKey::FromBytes(Unhex(example.public_key))->Verify({}, proof).has_value());
  EXPECT_FALSE(ProofToHash(proof).has_value());
}

// The low-order points and their non-canonical encodings (listed in RFC 7748's and RFC 8032's
// discussion; CCTV names them all), as a key and as Gamma.
TEST(VrfTest, RefusesLowOrderAndNonCanonicalPoints) {
  for (const std::string_view hex :
       {"0000000000000000000000000000000000000000000000000000000000000000",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}) {
    EXPECT_FALSE(VrfPublicKey::FromBytes(Unhex(hex)).has_value()) << hex;
    VrfProof proof = *VrfProof::FromBytes(Unhex(kVrfExamples[0].proof));
    const Bytes gamma = Unhex(hex);
    std::copy(gamma.begin(), gamma.end(), proof.bytes.begin());
    EXPECT_FALSE(ProofToHash(proof).has_value()) << hex;
  }
  EXPECT_FALSE(VrfPublicKey::FromBytes(Bytes(31)).has_value());
  EXPECT_FALSE(VrfProof::FromBytes(Bytes(79)).has_value());
}

// Many messages go through many tries of try-and-increment; prover and verifier must agree on each.
TEST(VrfTest, ManyMessages) {
  SeededRandom random(9);
  const auto key = VrfPrivateKey::Generate(random);
  for (std::uint8_t i = 0; i < 64; ++i) {
    const Bytes alpha(i, i);
    const VrfProof proof = key.Prove(alpha);
    EXPECT_TRUE(key.public_key().Verify(alpha, proof).has_value());
  }
}

std::string Joined(std::span<const SecretShare> shares) {
  const auto secret = JoinSecret(shares);
  return secret.has_value() ? Hex(secret->view(CryptoSecrets::Token())) : secret.error().message;
}

TEST(ShamirTest, AnyThresholdOfSharesJoins) {
  SystemRandom random;
  const SecretBytes secret(AsBytes("a private key of 32 bytes, or so"));
  const std::string expected = Hex(secret.view(CryptoSecrets::Token()));
  auto shares = SplitSecret(secret, 3, 5, random);
  ASSERT_TRUE(shares.has_value());
  int joins = 0;
  for (unsigned mask = 0; mask < 32; ++mask) {
    std::vector<SecretShare> some;
    for (std::size_t i = 0; i < 5; ++i) {
      if (mask >> i & 1) some.push_back({(*shares)[i].x, (*shares)[i].y.Clone()});
    }
    if (some.size() < 2) continue;
    if (some.size() >= 3) {
      EXPECT_EQ(Joined(some), expected);
      ++joins;
    } else {
      EXPECT_NE(Joined(some), expected);
    }
  }
  EXPECT_EQ(joins, 16);
}

// With a fixed polynomial the shares can be worked out by hand: f(x) = 0x53 + 0xca x, and
// 0x53 * 0xca = 1 in this field (FIPS 197's own example of an inverse is the pair 53, ca).
TEST(ShamirTest, ByHand) {
  class FixedRandom final : public RandomSource {
   public:
    void Fill(MutableByteSpan out) override { std::fill(out.begin(), out.end(), 0xca); }
  };
  FixedRandom random;
  const auto shares = SplitSecret(SecretBytes(Bytes{0x53}), 2, 255, random);
  ASSERT_TRUE(shares.has_value());
  const auto y = [&](std::size_t x) { return (*shares)[x - 1].y.view(CryptoSecrets::Token())[0]; };
  EXPECT_EQ(y(1), 0x53 ^ 0xca);
  EXPECT_EQ(y(0x53), 0x53 ^ 0x01);
  EXPECT_EQ(y(2), 0x53 ^ (0xca << 1 & 0xff) ^ 0x1b);
}

TEST(ShamirTest, Refusals) {
  SystemRandom random;
  const SecretBytes secret(Bytes(32));
  EXPECT_FALSE(SplitSecret(secret, 1, 5, random).has_value());
  EXPECT_FALSE(SplitSecret(secret, 6, 5, random).has_value());
  EXPECT_FALSE(SplitSecret(secret, 2, 256, random).has_value());
  EXPECT_FALSE(SplitSecret(SecretBytes(), 2, 3, random).has_value());
  std::vector<SecretShare> shares;
  shares.push_back({1, SecretBytes(Bytes(4))});
  EXPECT_FALSE(JoinSecret(shares).has_value());
  shares.push_back({1, SecretBytes(Bytes(4))});
  EXPECT_FALSE(JoinSecret(shares).has_value());
  shares[1].x = 0;
  EXPECT_FALSE(JoinSecret(shares).has_value());
  shares[1] = {2, SecretBytes(Bytes(5))};
  EXPECT_FALSE(JoinSecret(shares).has_value());
}

}  // namespace
}  // namespace salus::crypto
