#include "jose/jwk.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "codec/base64.h"
#include "jose/key_access.h"

namespace salus::jose {
namespace {

std::string ThumbprintText(std::string_view jwk) {
  return codec::Base64UrlEncode(Jwk::Parse(jwk).value().Thumbprint().value());
}

std::string Private(const Jwk& key) {
  const SecretBytes text = key.PrivateJson().value();
  return std::string(AsText(text.view(KeyAccess::Token())));
}

// RFC 8037 appendix A.1.
constexpr std::string_view kEd25519 =
    R"({"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",)"
    R"("x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
// RFC 7515 appendix A.3.1.
constexpr std::string_view kP256 =
    R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",)"
    R"("d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"})";
constexpr std::string_view kOct = R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMko"})";

std::string Replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out(text);
  const std::size_t at = out.find(from);
  EXPECT_NE(at, std::string::npos);
  return out.replace(at, from.size(), to);
}

TEST(JwkTest, ThumbprintsOfTheSpecifications) {
  // RFC 7638 section 3.1.
  const std::string modulus =
      "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1"
      "L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4"
      "QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbO"
      "pbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csF"
      "Cur-kEgU8awapJzKnqDKgw";
  EXPECT_EQ(ThumbprintText(R"({"kty":"RSA","n":")" + modulus +
                           R"(","e":"AQAB","alg":"RS256","kid":"2011-04-29"})"),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  // RFC 8037 appendix A.3; the private and the public key have the same.
  EXPECT_EQ(ThumbprintText(kEd25519), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
  EXPECT_EQ(Jwk::Parse(kEd25519).value().ToPublic().value().Thumbprint().value(),
            Jwk::Parse(kEd25519).value().Thumbprint().value());
}

TEST(JwkTest, EveryTypeSurvivesWritingAndReading) {
  SystemRandom random;
  std::vector<Jwk> keys;
  keys.emplace_back(crypto::P256PrivateKey::Generate());
  keys.emplace_back(crypto::Ed25519PrivateKey::Generate(random));
  keys.emplace_back(crypto::X25519PrivateKey::Generate(random));
  keys.emplace_back(crypto::RsaPrivateKey::Generate(2048).value());
  for (Jwk& key : keys) {
    key.set_key_id("k-1 \"quoted\"");
    const std::string text = Private(key);
    const Jwk again = Jwk::Parse(text).value();
    EXPECT_TRUE(again.is_private());
    EXPECT_EQ(again.key_id(), key.key_id());
    EXPECT_EQ(Private(again), text);
    EXPECT_EQ(again.Thumbprint().value(), key.Thumbprint().value());
    const codec::Json open = key.PublicJson().value();
    for (const char* secret : {"d", "p", "q", "dp", "dq", "qi", "k"}) {
      EXPECT_FALSE(open.as_object().contains(secret)) << secret;
    }
    const Jwk half = Jwk::FromJson(open).value();
    EXPECT_FALSE(half.is_private());
    EXPECT_FALSE(half.PrivateJson());
  }
  const Jwk oct = Jwk::Parse(kOct).value();
  EXPECT_EQ(Private(oct), R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMko"})");
  EXPECT_EQ(oct.PublicJson().error().code, ErrorCode::kFailedPrecondition);
}

TEST(JwkTest, RefusesWhatIsNoKey) {
  const std::string x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
  const std::vector<std::string> bad = {
      "",
      "[]",
      "{}",
      R"({"kty":7})",
      R"({"kty":"EC"})",
      Replaced(kP256, "P-256", "P-384"),
      Replaced(kP256, "P-256", "p-256"),
      Replaced(kP256, x, "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEV"),   // unused bits
      Replaced(kP256, x, "g83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),   // off the curve
      Replaced(kP256, x, x + "="),                                         // padding
      Replaced(kP256, x, "AH_NzidwxoxdQYPL7m_bS3tYBzM1e-nvE7rPbjx70VRF"),  // 33 bytes
      Replaced(kP256, "jps", "jpt"),                                       // d of another key
      Replaced(kP256, "{", R"({"kty":"EC",)"),                             // repeated member
      Replaced(kP256, "{", R"({"use":"seal",)"),
      Replaced(kP256, "{", R"({"kid":5,)"),
      Replaced(kP256, "{", R"({"key_ops":"sign",)"),
      Replaced(kP256, "{", R"({"key_ops":["sign","sign"],)"),
      Replaced(kP256, "{", R"({"use":"sig","key_ops":["deriveKey"],)"),
      Replaced(kP256, "{", R"({"use":"enc","key_ops":["sign"],)"),
      Replaced(kP256, "{", R"({"alg":"PS256",)"),
      Replaced(kP256, "{", R"({"alg":"A256KW",)"),
      Replaced(kP256, "{", R"({"use":"enc","alg":"ES256",)"),
      Replaced(kEd25519, "Ed25519", "Ed448"),
      Replaced(kEd25519, "nWG", "nWH"),
      R"({"kty":"oct","k":""})",
      R"({"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAA"})",
      R"({"kty":"RSA","n":"AQAB","e":"AQAB"})",
      R"({"kty":"RSA","n":"","e":"AQAB"})",
  };
  for (const std::string& text : bad) {
    const auto key = Jwk::Parse(text);
    ASSERT_FALSE(key.has_value()) << text;
    EXPECT_EQ(key.error().code, ErrorCode::kInvalidArgument) << text;
  }
}

TEST(JwkTest, MessagesNeverShowSecrets) {
  const auto key = Jwk::Parse(Replaced(kP256, "jps", "jpt"));
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().message.find("jpt"), std::string::npos);
}

TEST(JwkTest, ServesOnlyWhatItIsFor) {
  const Jwk any = Jwk::Parse(kP256).value();
  EXPECT_TRUE(any.ForSigning(SignatureAlgorithm::kEs256));
  EXPECT_TRUE(any.ForDecrypting(KeyManagement::kEcdhEsA256Kw));
  EXPECT_FALSE(any.ForSigning(SignatureAlgorithm::kPs256));
  EXPECT_FALSE(any.ForVerifying(SignatureAlgorithm::kEs256)) << "the private half does not verify";
  EXPECT_FALSE(any.ForDecrypting(KeyManagement::kA256Kw));

  const Jwk signer = Jwk::Parse(Replaced(kP256, "{", R"({"use":"sig",)")).value();
  EXPECT_FALSE(signer.ForDecrypting(KeyManagement::kEcdhEs));
  EXPECT_TRUE(signer.ToPublic().value().ForVerifying(SignatureAlgorithm::kEs256));

  const Jwk pinned = Jwk::Parse(Replaced(kP256, "{", R"({"alg":"ECDH-ES",)")).value();
  EXPECT_TRUE(pinned.ForDecrypting(KeyManagement::kEcdhEs));
  EXPECT_FALSE(pinned.ForDecrypting(KeyManagement::kEcdhEsA256Kw));
  EXPECT_FALSE(pinned.ForSigning(SignatureAlgorithm::kEs256));

  const Jwk limited = Jwk::Parse(Replaced(kP256, "{", R"({"key_ops":["sign"],)")).value();
  EXPECT_TRUE(limited.ForSigning(SignatureAlgorithm::kEs256));
  EXPECT_FALSE(limited.ForDecrypting(KeyManagement::kEcdhEs));
  EXPECT_TRUE(limited.ToPublic().value().ForVerifying(SignatureAlgorithm::kEs256));
  EXPECT_FALSE(limited.ToPublic().value().ForEncrypting(KeyManagement::kEcdhEs));
}

std::string SetOf(std::initializer_list<std::string> keys) {
  std::string out = R"({"keys":[)";
  for (const std::string& key : keys) out.append(out.back() == '[' ? "" : ",").append(key);
  return out + "]}";
}

TEST(JwkSetTest, FindsByKidAndRefusesConfusion) {
  const std::string one = Replaced(kP256, "{", R"({"kid":"1",)");
  const std::string two = Replaced(kEd25519, "{", R"({"kid":"2",)");
  const JwkSet set = JwkSet::Parse(SetOf({one, two})).value();
  EXPECT_EQ(set.Find("2"), &set.keys()[1]);
  EXPECT_EQ(set.Find("3"), nullptr);
  EXPECT_EQ(set.Find(std::nullopt), nullptr);
  EXPECT_NE(JwkSet::Parse(SetOf({one})).value().Find(std::nullopt), nullptr);
  // A key of a future type is skipped, a broken one is not.
  EXPECT_EQ(JwkSet::Parse(SetOf({one, R"({"kty":"AKP","alg":"ML-DSA-44"})"})).value().keys().size(),
            1U);
  EXPECT_FALSE(JwkSet::Parse(SetOf({one, R"({"kty":"EC","crv":"P-256"})"})));
  EXPECT_FALSE(JwkSet::Parse(SetOf({one, one})));
  EXPECT_FALSE(JwkSet::Parse(SetOf({one, std::string(kOct)})));
  EXPECT_FALSE(JwkSet::Parse(SetOf({})));
  EXPECT_FALSE(JwkSet::Parse(R"({"keys":{}})"));
}

}  // namespace
}  // namespace salus::jose
