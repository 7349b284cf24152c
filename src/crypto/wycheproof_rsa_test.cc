#include <gtest/gtest.h>

#include "crypto/pkcs8.h"
#include "crypto/rsa.h"
#include "crypto/secret_mint.h"
#include "crypto/wycheproof_runner.h"

namespace salus::crypto::testing {

namespace {

// Vectors write numbers as signed integers, with a zero in front where the top bit is set.
Bytes WithoutSign(Bytes number) {
  if (!number.empty() && number.front() == 0) number.erase(number.begin());
  return number;
}

Bytes JwkNumber(Fields& jwk, std::string_view name) {
  const auto bytes = Unbase64Url(jwk.Text(name));
  EXPECT_TRUE(bytes.has_value()) << name;
  return *bytes;
}

// The public key of a group, compared in all the forms that the group writes it; nothing when our
// policy refuses the key itself, which all forms must agree on.
std::optional<RsaPublicKey> GroupKey(WycheproofGroup& group, std::string_view jwk_name,
                                     std::string_view algorithm) {
  Fields& fields = group.fields();
  Fields numbers(fields.At("publicKey").as_object());
  const RsaPublicComponents components{WithoutSign(numbers.HexBytes("modulus")),
                                       numbers.HexBytes("publicExponent")};
  numbers.ExpectAllRead("publicKey");
  const auto key = RsaPublicKey::FromComponents(components);
  const auto asn = RsaPublicKey::FromDer(fields.HexBytes("publicKeyAsn"));
  const auto der = DecodePublicKeyDer(fields.HexBytes("publicKeyDer"));
  const auto pem = DecodePublicKeyPem(fields.Text("publicKeyPem"));
  EXPECT_EQ(key.has_value(), asn.has_value());
  EXPECT_EQ(key.has_value(), der.has_value());
  EXPECT_EQ(key.has_value(), pem.has_value());
  EXPECT_EQ(fields.Text("sha"), "SHA-256");
  const std::int64_t size_bits = fields.Number("keySize");
  if (fields.Has(jwk_name)) {
    Fields jwk(fields.At(jwk_name).as_object());
    jwk.Ignore({"kid"});
    EXPECT_EQ(jwk.Text("kty"), "RSA");
    EXPECT_EQ(jwk.Text("alg"), algorithm);
    EXPECT_EQ(JwkNumber(jwk, "n"), components.n);
    EXPECT_EQ(JwkNumber(jwk, "e"), WithoutSign(components.e));
    jwk.ExpectAllRead("jwk");
  }
  if (!key.has_value()) return std::nullopt;
  EXPECT_EQ(static_cast<std::int64_t>(key->size_bits()), size_bits);
  EXPECT_EQ(asn->components().n, components.n);
  EXPECT_EQ(std::get<RsaPublicKey>(*der).components().n, components.n);
  EXPECT_EQ(std::get<RsaPublicKey>(*pem).components().e, key->components().e);
  return *key;
}

Outcome Verdict(const Result<void>& result) {
  return result.has_value() ? Outcome::kAccepted : Outcome::kRefused;
}

void Pkcs1(WycheproofGroup& group) {
  const auto key = GroupKey(group, "keyJwk", "RS256");
  group.Each([&](Fields& test) {
    const Bytes message = test.HexBytes("msg");
    const Bytes signature = test.HexBytes("sig");
    return key ? Verdict(key->VerifyPkcs1(message, signature)) : Outcome::kRefused;
  });
}

void Pss(WycheproofGroup& group) {
  const auto key = GroupKey(group, "publicKeyJwk", "PS256");
  EXPECT_EQ(group.fields().Text("mgf"), "MGF1");
  EXPECT_EQ(group.fields().Text("mgfSha"), "SHA-256");
  EXPECT_EQ(group.fields().Number("sLen"), 32);
  group.Each([&](Fields& test) {
    const Bytes message = test.HexBytes("msg");
    const Bytes signature = test.HexBytes("sig");
    if (!key) return Outcome::kRefused;
    const Outcome verdict = Verdict(key->VerifyPss(message, signature));
    EXPECT_EQ(Verdict(key->VerifyPssDigest(Sha256(message), signature)), verdict);
    return verdict;
  });
}

SecretBytes Secret(Bytes bytes) { return SecretBytes(ByteSpan(bytes)); }

template <RsaOaepHash kHash>
void Oaep(WycheproofGroup& group) {
  Fields& fields = group.fields();
  const std::string sha = kHash == RsaOaepHash::kSha1 ? "SHA-1" : "SHA-256";
  EXPECT_EQ(fields.Text("sha"), sha);
  EXPECT_EQ(fields.Text("mgf"), "MGF1");
  EXPECT_EQ(fields.Text("mgfSha"), sha);
  const auto key = DecodePrivateKeyDer(fields.HexBytes("privateKeyPkcs8"));
  ASSERT_TRUE(key.has_value()) << key.error().message;
  const RsaPrivateKey& rsa = std::get<RsaPrivateKey>(*key);
  EXPECT_EQ(static_cast<std::int64_t>(rsa.public_key().size_bits()), fields.Number("keySize"));

  Fields numbers(fields.At("privateKey").as_object());
  const auto from_numbers = RsaPrivateKey::FromComponents(
      {WithoutSign(numbers.HexBytes("modulus")), numbers.HexBytes("publicExponent"),
       Secret(numbers.HexBytes("privateExponent")), Secret(numbers.HexBytes("prime1")),
       Secret(numbers.HexBytes("prime2")), Secret(numbers.HexBytes("exponent1")),
       Secret(numbers.HexBytes("exponent2")), Secret(numbers.HexBytes("coefficient"))});
  numbers.ExpectAllRead("privateKey");
  Fields jwk(fields.At("privateKeyJwk").as_object());
  jwk.Ignore({"kty", "alg", "kid"});
  const auto from_jwk = RsaPrivateKey::FromComponents(
      {JwkNumber(jwk, "n"), JwkNumber(jwk, "e"), Secret(JwkNumber(jwk, "d")),
       Secret(JwkNumber(jwk, "p")), Secret(JwkNumber(jwk, "q")), Secret(JwkNumber(jwk, "dp")),
       Secret(JwkNumber(jwk, "dq")), Secret(JwkNumber(jwk, "qi"))});
  jwk.ExpectAllRead("privateKeyJwk");
  ASSERT_TRUE(from_numbers.has_value() && from_jwk.has_value());
  EXPECT_EQ(from_numbers->public_key().components().n, rsa.public_key().components().n);

  group.Each([&](Fields& test) {
    const Bytes label = test.HexBytes("label");
    const Bytes expected = test.HexBytes("msg");
    const auto opened = from_jwk->DecryptOaep(kHash, test.HexBytes("ct"), label);
    if (!opened.has_value()) return Outcome::kRefused;
    return AcceptedIf(Equal(opened->view(CryptoSecrets::Token()), expected));
  });
}

}  // namespace

WycheproofHandlers RsaHandlers() {
  return {{"rsa_signature_2048_sha256_test.json", Pkcs1},
          {"rsa_signature_3072_sha256_test.json", Pkcs1},
          {"rsa_pss_2048_sha256_mgf1_32_test.json", Pss},
          {"rsa_pss_3072_sha256_mgf1_32_test.json", Pss},
          {"rsa_oaep_2048_sha1_mgf1sha1_test.json", Oaep<RsaOaepHash::kSha1>},
          {"rsa_oaep_2048_sha256_mgf1sha256_test.json", Oaep<RsaOaepHash::kSha256>},
          {"rsa_oaep_3072_sha256_mgf1sha256_test.json", Oaep<RsaOaepHash::kSha256>}};
}

}  // namespace salus::crypto::testing
