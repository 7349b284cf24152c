// One key is the same key in every form. tests/judges/seal/sign_judge.py has openssl and ssh-keygen
// make the forms.
#include "seal/known_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "codec/hex.h"
#include "crypto/pkcs8.h"
#include "seal/recipient_key.h"
#include "seal/signer.h"
#include "seal/ssh_public_key.h"

namespace salus::seal {
namespace {

using ::testing::HasSubstr;

Bytes Canonical(std::string_view content) {
  const auto known = ParseKnownKey(content);
  EXPECT_TRUE(known.has_value()) << known.error().message;
  return known ? CanonicalKey(*known).value() : Bytes();
}

std::string Json(const crypto::PublicKey& key) {
  const jose::Jwk jwk = std::visit([](const auto& one) { return jose::Jwk(one); }, key);
  return codec::WriteJson(jwk.PublicJson().value());
}

TEST(KnownKeyTest, OneKeyInEveryForm) {
  const crypto::PublicKey p256 = crypto::P256PrivateKey::Generate().public_key();
  const crypto::RsaPublicKey rsa = crypto::RsaPrivateKey::Generate(2048)->public_key();
  SystemRandom random;
  const crypto::Ed25519PublicKey ed25519 = crypto::Ed25519PrivateKey::Generate(random).public_key();
  const std::string named = RecipientOf(p256).value()->Name();
  for (const std::string& form :
       {named, "# ours\n" + named + "\n", Json(p256), R"({"keys":[)" + Json(p256) + "]}"}) {
    EXPECT_EQ(Canonical(form), crypto::EncodePublicKeyDer(p256)) << form;
  }
  for (const std::string& form :
       {SshPublicKey(rsa).ToText() + " ana@ward", Json(rsa), crypto::EncodePublicKeyPem(rsa)}) {
    EXPECT_EQ(Canonical(form), crypto::EncodePublicKeyDer(rsa)) << form;
  }
  for (const std::string& form :
       {SshPublicKey(ed25519).ToText(), Json(ed25519), crypto::EncodePublicKeyPem(ed25519)}) {
    EXPECT_EQ(Canonical(form), crypto::EncodePublicKeyDer(ed25519)) << form;
  }
}

// The public key of RFC 7748 section 6.1 (Alice's), as openssl pkey -pubout writes it.
TEST(KnownKeyTest, X25519IsAsOpensslEncodesIt) {
  constexpr char kDer[] =
      "302a300506032b656e032100"
      "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
  const std::string jwk =
      R"({"kty":"OKP","crv":"X25519","x":"hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo"})";
  EXPECT_EQ(codec::HexEncode(Canonical(jwk)), kDer);
  const auto name = RecipientOf(jose::Jwk::Parse(jwk).value()).value()->Name();
  EXPECT_EQ(codec::HexEncode(Canonical(name)), kDer);
  EXPECT_EQ(codec::HexEncode(Canonical("# made by age-keygen\n" + name + "\n")), kDer);
}

TEST(KnownKeyTest, RefusesWhatIsNotOnePublicKey) {
  const auto refusal = [](std::string_view content) {
    return ParseKnownKey(content).error().message;
  };
  const auto key = crypto::P256PrivateKey::Generate();
  const std::string public_json = Json(key.public_key());
  const std::string name = RecipientOf(crypto::PublicKey(key.public_key())).value()->Name();
  EXPECT_THAT(refusal("-----BEGIN PRIVATE KEY-----\n"), HasSubstr("private key"));
  EXPECT_THAT(refusal(name + "\n" + name), HasSubstr("second key"));
  EXPECT_THAT(refusal("# nothing\n"), HasSubstr("no key"));
  EXPECT_THAT(refusal(R"({"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAA"})"), HasSubstr("secret JWK"));
  EXPECT_FALSE(ParseKnownKey("").has_value());
  EXPECT_FALSE(ParseKnownKey("report").has_value());
}

// RFC 7517 sections 4.2 to 4.4: a key is for what its owner says.
TEST(KnownKeyTest, PurposeOfAJwkIsKept) {
  const auto with = [](const std::string& members) {
    std::string json = Json(crypto::P256PrivateKey::Generate().public_key());
    json.insert(1, members + ",");
    const auto known = ParseKnownKey(json);
    EXPECT_TRUE(known.has_value()) << members << ": " << known.error().message;
    return VerifyingKeyOf(known->key);
  };
  EXPECT_TRUE(with(R"("kid":"a")").has_value());
  EXPECT_TRUE(with(R"("use":"sig")").has_value());
  EXPECT_TRUE(with(R"("key_ops":["verify"],"alg":"ES256")").has_value());
  for (const char* const other :
       {R"("use":"enc")", R"("alg":"ECDH-ES")", R"("key_ops":["deriveKey"])", R"("key_ops":[])"}) {
    const auto refused = with(other);
    ASSERT_FALSE(refused.has_value()) << other;
    EXPECT_THAT(refused.error().message, HasSubstr("not for signatures"));
  }
}

TEST(KnownKeyTest, PurposeOfAPrivateJwkIsKept) {
  jose::Jwk jwk(crypto::P256PrivateKey::Generate());
  EXPECT_TRUE(SigningKeyOf(jwk).has_value());
  jwk.set_use(jose::JwkUse::kSignature);
  EXPECT_TRUE(SigningKeyOf(jwk).has_value());
  jwk.set_use(jose::JwkUse::kEncryption);
  EXPECT_THAT(SigningKeyOf(jwk).error().message, HasSubstr("not for signatures"));
}

}  // namespace
}  // namespace salus::seal
