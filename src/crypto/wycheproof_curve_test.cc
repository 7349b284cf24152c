#include <gtest/gtest.h>

#include "crypto/ed25519.h"
#include "crypto/p256.h"
#include "crypto/p384.h"
#include "crypto/pkcs8.h"
#include "crypto/secret_mint.h"
#include "crypto/wycheproof_runner.h"
#include "crypto/x25519.h"

namespace salus::crypto::testing {

namespace {

// The vectors write private keys as signed integers: up to one zero in front, or shorter than 32.
Result<P256PrivateKey> PrivateFromInteger(Bytes number) {
  while (number.size() > 32 && number.front() == 0) number.erase(number.begin());
  while (number.size() < 32) number.insert(number.begin(), 0);
  return P256PrivateKey::FromScalar(ByteSpan(number));
}

Outcome JudgeEcdh(const Result<P256PrivateKey>& key, const Result<P256PublicKey>& peer,
                  const Bytes& expected) {
  if (!key.has_value() || !peer.has_value()) return Outcome::kRefused;
  const auto shared = key->Ecdh(*peer);
  if (!shared.has_value()) return Outcome::kRefused;
  return AcceptedIf(Equal(shared->view(CryptoSecrets::Token()), expected));
}

void EcdhPoint(WycheproofGroup& group) {
  EXPECT_EQ(group.fields().Text("curve"), "secp256r1");
  EXPECT_EQ(group.fields().Text("encoding"), "ecpoint");
  group.Each([](Fields& test) {
    return JudgeEcdh(PrivateFromInteger(test.HexBytes("private")),
                     P256PublicKey::FromSec1(test.HexBytes("public")), test.HexBytes("shared"));
  });
}

Result<P256PublicKey> P256FromDer(const Bytes& der) {
  TRY(const PublicKey key, DecodePublicKeyDer(der));
  const auto* p256 = std::get_if<P256PublicKey>(&key);
  if (p256 == nullptr) return InvalidArgument("not P-256");
  return *p256;
}

void EcdhAsn(WycheproofGroup& group) {
  EXPECT_EQ(group.fields().Text("curve"), "secp256r1");
  EXPECT_EQ(group.fields().Text("encoding"), "asn");
  group.Each([](Fields& test) {
    return JudgeEcdh(PrivateFromInteger(test.HexBytes("private")),
                     P256FromDer(test.HexBytes("public")), test.HexBytes("shared"));
  });
}

// A member as bytes; empty where it is missing or not base64url, which no key of ours can be.
Bytes JwkBytes(Fields& jwk, std::string_view name) {
  if (!jwk.Has(name)) return {};
  return Unbase64Url(jwk.Text(name)).value_or(Bytes{});
}

bool JwkIs(Fields& jwk, std::string_view kty, std::string_view crv) {
  jwk.Ignore({"kid", "y"});
  return jwk.Has("kty") && jwk.Text("kty") == kty && jwk.Has("crv") && jwk.Text("crv") == crv;
}

void EcdhJwk(WycheproofGroup& group) {
  EXPECT_EQ(group.fields().Text("curve"), "P-256");
  EXPECT_EQ(group.fields().Text("encoding"), "webcrypto");
  group.Each([](Fields& test) {
    Fields peer_jwk(test.At("public").as_object());
    Fields own_jwk(test.At("private").as_object());
    const Bytes expected = test.HexBytes("shared");
    const auto own = P256PrivateKey::FromScalar(ByteSpan(JwkBytes(own_jwk, "d")));
    EXPECT_TRUE(JwkIs(own_jwk, "EC", "P-256"));
    const auto own_public =
        P256PublicKey::FromCoordinates(JwkBytes(own_jwk, "x"), JwkBytes(own_jwk, "y"));
    EXPECT_TRUE(own.has_value() && own_public.has_value() && own->public_key() == *own_public);
    own_jwk.ExpectAllRead("private");
    const auto peer =
        P256PublicKey::FromCoordinates(JwkBytes(peer_jwk, "x"), JwkBytes(peer_jwk, "y"));
    const bool is_p256 = JwkIs(peer_jwk, "EC", "P-256");
    peer_jwk.ExpectAllRead("public");
    return is_p256 ? JudgeEcdh(own, peer, expected) : Outcome::kRefused;
  });
}

Outcome JudgeX25519(const Bytes& own, const Bytes& peer, const Bytes& expected) {
  if (own.size() != 32 || peer.size() != 32) return Outcome::kRefused;
  const auto key =
      X25519PrivateKey::FromBytes(SecretArray<32>(std::span<const std::uint8_t, 32>(own)));
  const auto shared = key.Agree(std::span<const std::uint8_t, 32>(peer));
  if (!shared.has_value()) return Outcome::kRefused;
  return AcceptedIf(Equal(shared->view(CryptoSecrets::Token()), expected));
}

void X25519Raw(WycheproofGroup& group) {
  EXPECT_EQ(group.fields().Text("curve"), "curve25519");
  group.Each([](Fields& test) {
    return JudgeX25519(test.HexBytes("private"), test.HexBytes("public"), test.HexBytes("shared"));
  });
}

void X25519Jwk(WycheproofGroup& group) {
  EXPECT_EQ(group.fields().Text("curve"), "curve25519");
  group.Each([](Fields& test) {
    Fields own(test.At("private").as_object());
    Fields peer(test.At("public").as_object());
    const Bytes expected = test.HexBytes("shared");
    const Bytes private_bytes = JwkBytes(own, "d");
    const Bytes public_bytes = JwkBytes(peer, "x");
    EXPECT_TRUE(JwkIs(own, "OKP", "X25519"));
    EXPECT_EQ(private_bytes.size(), 32u);
    const auto key = X25519PrivateKey::FromBytes(
        SecretArray<32>(std::span<const std::uint8_t, 32>(private_bytes)));
    EXPECT_EQ(ToBytes(key.public_key()), JwkBytes(own, "x"));
    own.ExpectAllRead("private");
    if (!JwkIs(peer, "OKP", "X25519")) return Outcome::kRefused;
    peer.ExpectAllRead("public");
    return JudgeX25519(private_bytes, public_bytes, expected);
  });
}

// The same key in all the forms that the group writes it.
P256PublicKey EcdsaGroupKey(WycheproofGroup& group) {
  Fields key(group.fields().At("publicKey").as_object());
  EXPECT_EQ(key.Text("type"), "EcPublicKey");
  EXPECT_EQ(key.Text("curve"), "secp256r1");
  EXPECT_EQ(key.Number("keySize"), 256);
  EXPECT_EQ(group.fields().Text("sha"), "SHA-256");
  const auto point = P256PublicKey::FromSec1(key.HexBytes("uncompressed"));
  const auto der = P256FromDer(group.fields().HexBytes("publicKeyDer"));
  const auto pem = DecodePublicKeyPem(group.fields().Text("publicKeyPem"));
  EXPECT_TRUE(point.has_value() && der.has_value() && pem.has_value());
  EXPECT_EQ(*point, *der);
  EXPECT_EQ(*point, std::get<P256PublicKey>(*pem));
  const Bytes x = key.HexBytes("wx");
  EXPECT_TRUE(Equal(ByteSpan(x).last(std::min<std::size_t>(x.size(), 32)),
                    point->x().last(std::min<std::size_t>(x.size(), 32))));
  const Bytes y = key.HexBytes("wy");
  EXPECT_TRUE(Equal(ByteSpan(y).last(std::min<std::size_t>(y.size(), 32)),
                    point->y().last(std::min<std::size_t>(y.size(), 32))));
  key.ExpectAllRead("publicKey");
  if (group.fields().Has("publicKeyJwk")) {
    Fields jwk(group.fields().At("publicKeyJwk").as_object());
    const auto from_jwk = P256PublicKey::FromCoordinates(JwkBytes(jwk, "x"), JwkBytes(jwk, "y"));
    EXPECT_TRUE(JwkIs(jwk, "EC", "P-256"));
    EXPECT_TRUE(from_jwk.has_value() && *from_jwk == *point);
    jwk.ExpectAllRead("publicKeyJwk");
  }
  return *point;
}

Outcome Verdict(const Result<void>& result) {
  return result.has_value() ? Outcome::kAccepted : Outcome::kRefused;
}

void EcdsaDer(WycheproofGroup& group) {
  const P256PublicKey key = EcdsaGroupKey(group);
  group.Each([&](Fields& test) {
    return Verdict(key.VerifyDer(test.HexBytes("msg"), test.HexBytes("sig")));
  });
}

void EcdsaP1363(WycheproofGroup& group) {
  const P256PublicKey key = EcdsaGroupKey(group);
  group.Each([&](Fields& test) {
    const Bytes message = test.HexBytes("msg");
    const Bytes signature = test.HexBytes("sig");
    const Outcome verdict = Verdict(key.VerifyP1363(message, signature));
    EXPECT_EQ(Verdict(key.VerifyDigest(Sha256(message), signature)), verdict);
    return verdict;
  });
}

void EcdsaP384(WycheproofGroup& group) {
  // The other forms of the key are not ours to read: P-384 has no SubjectPublicKeyInfo here.
  group.fields().Ignore({"publicKeyDer", "publicKeyPem"});
  Fields point(group.fields().At("publicKey").as_object());
  point.Ignore({"type", "wx", "wy"});
  EXPECT_EQ(point.Text("curve"), "secp384r1");
  EXPECT_EQ(point.Number("keySize"), 384);
  EXPECT_EQ(group.fields().Text("sha"), "SHA-384");
  const auto key = P384PublicKey::FromSec1(point.HexBytes("uncompressed"));
  ASSERT_TRUE(key.has_value());
  point.ExpectAllRead("publicKey");
  group.Each([&](Fields& test) {
    return Verdict(key->VerifyDer(test.HexBytes("msg"), test.HexBytes("sig")));
  });
}

void Ed25519(WycheproofGroup& group) {
  Fields point(group.fields().At("publicKey").as_object());
  EXPECT_EQ(point.Text("type"), "EDDSAPublicKey");
  EXPECT_EQ(point.Text("curve"), "edwards25519");
  EXPECT_EQ(point.Number("keySize"), 255);
  const auto key = Ed25519PublicKey::FromBytes(point.HexBytes("pk"));
  point.ExpectAllRead("publicKey");
  Fields jwk(group.fields().At("publicKeyJwk").as_object());
  EXPECT_TRUE(JwkIs(jwk, "OKP", "Ed25519"));
  const Bytes jwk_x = JwkBytes(jwk, "x");
  jwk.ExpectAllRead("publicKeyJwk");
  const auto der = DecodePublicKeyDer(group.fields().HexBytes("publicKeyDer"));
  const auto pem = DecodePublicKeyPem(group.fields().Text("publicKeyPem"));
  ASSERT_TRUE(key.has_value() && der.has_value() && pem.has_value());
  EXPECT_EQ(std::get<Ed25519PublicKey>(*der), *key);
  EXPECT_EQ(std::get<Ed25519PublicKey>(*pem), *key);
  EXPECT_EQ(ToBytes(key->bytes()), jwk_x);
  group.Each([&](Fields& test) {
    return Verdict(key->Verify(test.HexBytes("msg"), test.HexBytes("sig")));
  });
}

}  // namespace

WycheproofHandlers CurveHandlers() {
  return {{"ecdh_secp256r1_ecpoint_test.json", EcdhPoint},
          {"ecdh_secp256r1_test.json", EcdhAsn},
          {"ecdh_secp256r1_webcrypto_test.json", EcdhJwk},
          {"ecdsa_secp256r1_sha256_test.json", EcdsaDer},
          {"ecdsa_secp256r1_sha256_p1363_test.json", EcdsaP1363},
          {"ecdsa_secp384r1_sha384_test.json", EcdsaP384},
          {"ed25519_test.json", Ed25519},
          {"x25519_test.json", X25519Raw},
          {"x25519_jwk_test.json", X25519Jwk}};
}

}  // namespace salus::crypto::testing
