#include "jose/jws.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "codec/base64.h"

namespace salus::jose {
namespace {

constexpr std::string_view kPayload =
    "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
constexpr std::string_view kHmacKey =
    R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuT)"
    R"(wjAzZr1Z9CAow"})";

std::string Token(std::string_view header, std::string_view payload, ByteSpan signature) {
  return codec::Base64UrlEncode(AsBytes(header)) + "." + codec::Base64UrlEncode(AsBytes(payload)) +
         "." + codec::Base64UrlEncode(signature);
}

// SignWith makes a token with any header, signed by a P-256 key without our own writer's checks.
std::string SignWith(const crypto::P256PrivateKey& key, std::string_view header,
                     std::string_view payload) {
  const std::string input =
      codec::Base64UrlEncode(AsBytes(header)) + "." + codec::Base64UrlEncode(AsBytes(payload));
  return input + "." + codec::Base64UrlEncode(key.SignP1363(AsBytes(input)));
}

TEST(JwsTest, ExamplesOfTheSpecifications) {
  const Jwk hmac = Jwk::Parse(kHmacKey).value();
  // RFC 7515 appendix A.1.
  const auto a1 = VerifyCompact(
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0"
      "dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
      hmac, {SignatureAlgorithm::kHs256});
  ASSERT_TRUE(a1) << a1.error().message;
  EXPECT_EQ(AsText(a1->payload), kPayload);
  EXPECT_EQ(a1->header.at("typ").as_string(), "JWT");
  // RFC 7515 appendix A.3.
  const Jwk p256 = Jwk::Parse(R"({"kty":"EC","crv":"P-256",)"
                              R"("x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
                              R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})")
                       .value();
  const auto a3 = VerifyCompact(
      "eyJhbGciOiJFUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNv"
      "bS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-"
      "F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxf"
      "KTUJqPP3-Kg6NU1Q",
      p256, {SignatureAlgorithm::kEs256});
  ASSERT_TRUE(a3) << a3.error().message;
  EXPECT_EQ(AsText(a3->payload), kPayload);
  // RFC 8037 appendix A.4: Ed25519 is deterministic, so signing must give the same text.
  const Jwk ed25519 =
      Jwk::Parse(
          R"({"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",)"
          R"("x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})")
          .value();
  EXPECT_EQ(
      SignCompact(AsBytes("Example of Ed25519 signing"),
                  ed25519.ForSigning(SignatureAlgorithm::kEdDsa).value(),
                  SignatureAlgorithm::kEdDsa)
          .value(),
      "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09"
      "PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
  // RFC 7797 section 4.2.
  constexpr std::string_view kUnencoded =
      "eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19..A5dxf2s96_n5FLueVuW1Z_"
      "vh161FwXZC4YL"
      "Pff6dmDY";
  const auto view = hmac.ForSigning(SignatureAlgorithm::kHs256).value();
  EXPECT_EQ(
      SignDetached(AsBytes("$.02"), view, SignatureAlgorithm::kHs256, PayloadForm::kRaw).value(),
      kUnencoded);
  const auto verify = hmac.ForVerifying(SignatureAlgorithm::kHs256).value();
  EXPECT_TRUE(VerifyDetached(kUnencoded, AsBytes("$.02"), verify, {{SignatureAlgorithm::kHs256}}));
  EXPECT_FALSE(VerifyDetached(kUnencoded, AsBytes("$.03"), verify, {{SignatureAlgorithm::kHs256}}));
}

TEST(JwsTest, PairsOfKeyAndAlgorithmAreFixed) {
  SystemRandom random;
  const auto p256 = crypto::P256PrivateKey::Generate();
  const auto ed25519 = crypto::Ed25519PrivateKey::Generate(random);
  const auto rsa = crypto::RsaPrivateKey::Generate(2048).value();
  const SecretBytes hmac(Bytes(32, 7));
  struct Pair {
    SignatureAlgorithm algorithm;
    SigningKeyView signer;
    VerificationKeyView verifier;
  };
  const auto ed25519_public = ed25519.public_key();
  const auto rsa_public = rsa.public_key();
  const Pair pairs[] = {{SignatureAlgorithm::kEs256, p256, p256.public_key()},
                        {SignatureAlgorithm::kEdDsa, ed25519, ed25519_public},
                        {SignatureAlgorithm::kPs256, rsa, rsa_public},
                        {SignatureAlgorithm::kHs256, hmac, hmac}};
  for (const Pair& pair : pairs) {
    const std::string token = SignCompact(AsBytes("payload"), pair.signer, pair.algorithm).value();
    EXPECT_EQ(AsText(VerifyCompact(token, pair.verifier, {pair.algorithm}).value().payload),
              "payload");
    for (const Pair& other : pairs) {
      if (other.algorithm == pair.algorithm) continue;
      EXPECT_FALSE(SignCompact(AsBytes("payload"), other.signer, pair.algorithm));
      // Even a caller that accepts all algorithms can't be led to another kind of key.
      const SignatureAlgorithms all = {SignatureAlgorithm::kEs256, SignatureAlgorithm::kEdDsa,
                                       SignatureAlgorithm::kPs256, SignatureAlgorithm::kHs256};
      EXPECT_FALSE(VerifyCompact(token, other.verifier, all));
      EXPECT_FALSE(VerifyCompact(token, pair.verifier, {other.algorithm}));
    }
  }
  EXPECT_FALSE(SignCompact({}, rsa, SignatureAlgorithm::kRs256)) << "RS256 is verified only";
  EXPECT_FALSE(SignCompact({}, SecretBytes(Bytes(31, 7)), SignatureAlgorithm::kHs256));
}

TEST(JwsTest, RefusesAlgNoneAndForeignHeaders) {
  const auto key = crypto::P256PrivateKey::Generate();
  const SignatureAlgorithms es256 = {SignatureAlgorithm::kEs256};
  for (const char* none : {"none", "None", "NONE", "nOnE", ""}) {
    const std::string header = R"({"alg":")" + std::string(none) + R"("})";
    EXPECT_FALSE(VerifyCompact(Token(header, "x", {}), key.public_key(), es256));
    EXPECT_FALSE(VerifyCompact(SignWith(key, header, "x"), key.public_key(), es256));
  }
  ASSERT_TRUE(VerifyCompact(SignWith(key, R"({"alg":"ES256"})", "x"), key.public_key(), es256));
  for (const char* header :
       {R"({"alg":"es256"})", R"({"alg":"ES256","alg":"ES256"})", R"({"alg":["ES256"]})", "{}",
        R"([{"alg":"ES256"}])", R"({"alg":"ES256"} x)", R"({"alg":"ES256","crit":[]})",
        R"({"alg":"ES256","crit":["exp"],"exp":1})", R"({"alg":"ES256","crit":["exp"]})",
        R"({"alg":"ES256","crit":"exp","exp":1})", R"({"alg":"ES256","crit":["alg"]})",
        R"({"alg":"ES256","b64":false,"crit":["b64"]})", R"({"alg":"ES256","b64":false})",
        R"({"alg":"ES256","b64":true})"}) {
    const auto verified = VerifyCompact(SignWith(key, header, "x"), key.public_key(), es256);
    ASSERT_FALSE(verified.has_value()) << header;
    EXPECT_EQ(verified.error().code, ErrorCode::kVerificationFailed) << header;
  }
}

TEST(JwsTest, CriticalMembersPassWhenTheCallerChecksThem) {
  const auto key = crypto::P256PrivateKey::Generate();
  const std::string_view known[] = {"exp"};
  const JwsRules rules{{SignatureAlgorithm::kEs256}, known};
  EXPECT_TRUE(VerifyCompact(SignWith(key, R"({"alg":"ES256","crit":["exp"],"exp":1})", "x"),
                            key.public_key(), rules));
  for (const char* header :
       {R"({"alg":"ES256","crit":["exp"]})", R"({"alg":"ES256","crit":["exp","exp"],"exp":1})",
        R"({"alg":"ES256","crit":["exp","nbf"],"exp":1,"nbf":2})"}) {
    EXPECT_FALSE(VerifyCompact(SignWith(key, header, "x"), key.public_key(), rules)) << header;
  }
}

TEST(JwsTest, EveryChangedCharacterIsNoticed) {
  const auto key = crypto::P256PrivateKey::Generate();
  const std::string token = SignCompact(AsBytes("0"), key, SignatureAlgorithm::kEs256).value();
  for (std::size_t i = 0; i < token.size(); ++i) {
    for (const char other : {'A', 'Q', '.', '=', ' ', '\0'}) {
      if (token[i] == other) continue;
      std::string changed = token;
      changed[i] = other;
      EXPECT_FALSE(VerifyCompact(changed, key.public_key(), {SignatureAlgorithm::kEs256})) << i;
    }
    EXPECT_FALSE(VerifyCompact(token.substr(0, i), key.public_key(), {SignatureAlgorithm::kEs256}));
  }
  EXPECT_FALSE(VerifyCompact(token + ".", key.public_key(), {SignatureAlgorithm::kEs256}));
}

TEST(JwsTest, DetachedInBothForms) {
  const auto key = crypto::P256PrivateKey::Generate();
  const JwsRules rules{{SignatureAlgorithm::kEs256}};
  for (const PayloadForm form : {PayloadForm::kBase64Url, PayloadForm::kRaw}) {
    const std::string token =
        SignDetached(AsBytes("a.b\n"), key, SignatureAlgorithm::kEs256, form).value();
    EXPECT_NE(token.find(".."), std::string::npos);
    EXPECT_TRUE(VerifyDetached(token, AsBytes("a.b\n"), key.public_key(), rules));
    EXPECT_FALSE(VerifyDetached(token, AsBytes("a.b"), key.public_key(), rules));
    EXPECT_FALSE(VerifyCompact(token, key.public_key(), rules));
  }
  // The same signature over the encoded payload must not pass for one over raw bytes.
  EXPECT_FALSE(VerifyDetached(SignCompact(AsBytes("x"), key, SignatureAlgorithm::kEs256).value(),
                              AsBytes("x"), key.public_key(), rules));
}

TEST(JwsTest, TheSetPicksTheKeyByKid) {
  const auto first = crypto::P256PrivateKey::Generate();
  const auto second = crypto::P256PrivateKey::Generate();
  codec::JsonArray keys;
  for (const auto* key : {&first, &second}) {
    Jwk jwk(key->public_key());
    jwk.set_key_id(key == &first ? "1" : "2");
    keys.push_back(jwk.PublicJson().value());
  }
  const JwkSet set = JwkSet::FromJson(codec::JsonObject{{"keys", keys}}).value();
  const auto sign = [&](std::string_view key_id) {
    return SignCompact(AsBytes("x"), second, SignatureAlgorithm::kEs256, {{"kid", key_id}}).value();
  };
  EXPECT_TRUE(VerifyCompact(sign("2"), set, {SignatureAlgorithm::kEs256}));
  EXPECT_FALSE(VerifyCompact(sign("1"), set, {SignatureAlgorithm::kEs256}));
  EXPECT_FALSE(VerifyCompact(sign("3"), set, {SignatureAlgorithm::kEs256}));
  EXPECT_FALSE(VerifyCompact(sign("2"), set, {SignatureAlgorithm::kEdDsa}));
}

}  // namespace
}  // namespace salus::jose
