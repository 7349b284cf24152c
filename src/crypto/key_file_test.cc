// PKCS#8, SubjectPublicKeyInfo and RSA keys: round trips, refusals, and files of other tools.
#include <gtest/gtest.h>

#include "base/random.h"
#include "crypto/pkcs8.h"
#include "crypto/rsa.h"
#include "crypto/secret_mint.h"
#include "crypto/vector_files.h"

namespace salus::crypto {
namespace {

using testing::Hex;
using testing::Unhex;

ByteSpan View(const SecretBytes& secret) { return secret.view(CryptoSecrets::Token()); }

const RsaPrivateKey& SharedRsaKey() {
  static const RsaPrivateKey key = *RsaPrivateKey::Generate(2048);
  return key;
}

std::vector<PrivateKey> OneOfEach() {
  SystemRandom random;
  std::vector<PrivateKey> keys;
  keys.emplace_back(P256PrivateKey::Generate());
  keys.emplace_back(Ed25519PrivateKey::Generate(random));
  keys.emplace_back(SharedRsaKey().Clone());
  return keys;
}

// RFC 8410 section 10.3, the first example, and section 10.1.
constexpr std::string_view kEd25519Pem =
    "-----BEGIN PRIVATE"
    " KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
    "-----END PRIVATE"
    " KEY-----\n";
constexpr std::string_view kEd25519PublicPem =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
    "-----END PUBLIC KEY-----\n";

TEST(Pkcs8Test, Rfc8410) {
  const auto key = DecodePrivateKeyPem(AsBytes(kEd25519Pem));
  ASSERT_TRUE(key.has_value()) << key.error().message;
  EXPECT_EQ(Hex(std::get<Ed25519PrivateKey>(*key).seed().view(CryptoSecrets::Token())),
            "d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842");
  EXPECT_EQ(EncodePublicKeyPem(PublicKeyOf(*key)), kEd25519PublicPem);
  EXPECT_EQ(AsText(View(*EncodePrivateKeyPem(*key))), kEd25519Pem);
  const auto public_key = DecodePublicKeyPem(kEd25519PublicPem);
  ASSERT_TRUE(public_key.has_value());
  EXPECT_EQ(std::get<Ed25519PublicKey>(*public_key),
            std::get<Ed25519PrivateKey>(*key).public_key());
}

TEST(RsaTest, ExponentsFromPrimes) {
  const RsaPrivateKey& key = SharedRsaKey();
  RsaPrivateComponents parts = key.components();
  const RsaPrivateComponents whole = key.components();
  parts.dp = SecretBytes();
  parts.dq = SecretBytes(AsBytes("not looked at"));
  const auto again = RsaPrivateKey::FromPrimes(std::move(parts));
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_TRUE(Equal(View(again->components().dp), View(whole.dp)));
  EXPECT_TRUE(Equal(View(again->components().dq), View(whole.dq)));

  for (const Bytes& prime : {Bytes(), Bytes{0}, Bytes{1}, Bytes{2}, Bytes(1200, 0xff)}) {
    RsaPrivateComponents bad = key.components();
    bad.p = SecretBytes(prime);
    EXPECT_FALSE(RsaPrivateKey::FromPrimes(std::move(bad)).has_value()) << prime.size();
  }
}

TEST(Pkcs8Test, RoundTrips) {
  const SecretBytes passphrase(AsBytes("correct horse"));
  const SecretBytes wrong(AsBytes("battery staple"));
  for (const PrivateKey& key : OneOfEach()) {
    const SecretBytes der = *EncodePrivateKeyDer(key);
    const Bytes public_der = EncodePublicKeyDer(PublicKeyOf(key));
    const SecretBytes pem = *EncodePrivateKeyPem(key);
    const SecretBytes sealed = *EncodePrivateKeyPem(key, &passphrase);
    EXPECT_TRUE(AsText(View(sealed)).starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));

    for (const auto& back : {DecodePrivateKeyDer(View(der)), DecodePrivateKeyPem(View(pem)),
                             DecodePrivateKeyPem(View(sealed), &passphrase)}) {
      ASSERT_TRUE(back.has_value()) << back.error().message;
      EXPECT_EQ(back->index(), key.index());
      EXPECT_EQ(Hex(View(*EncodePrivateKeyDer(*back))), Hex(View(der)));
      EXPECT_EQ(EncodePublicKeyDer(PublicKeyOf(*back)), public_der);
    }
    const auto public_back = DecodePublicKeyDer(public_der);
    ASSERT_TRUE(public_back.has_value());
    EXPECT_EQ(EncodePublicKeyDer(*public_back), public_der);

    const auto no_phrase = DecodePrivateKeyPem(View(sealed));
    ASSERT_FALSE(no_phrase.has_value());
    EXPECT_EQ(no_phrase.error().code, ErrorCode::kFailedPrecondition);
    const auto bad_phrase = DecodePrivateKeyPem(View(sealed), &wrong);
    ASSERT_FALSE(bad_phrase.has_value());
  }
  const SecretBytes empty;
  EXPECT_FALSE(EncodePrivateKeyPem(OneOfEach()[1], &empty).has_value());
}

TEST(Pkcs8Test, RefusesWhatIsNotExactlyOneKey) {
  const std::string good(kEd25519Pem);
  for (const std::string& bad :
       {std::string(), std::string("MC4CAQAwBQYDK2Vw"), "# comment\n" + good, good + good,
        good + "x", std::string(kEd25519PublicPem), good.substr(0, 40),
        std::string(40000, '\n') + good,
        std::string("-----BEGIN PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n") +
            "DEK-Info: AES-256-CBC,00000000000000000000000000000000\n\n" +
            good.substr(good.find('\n') + 1)}) {
    EXPECT_FALSE(DecodePrivateKeyPem(AsBytes(bad)).has_value()) << bad.substr(0, 60);
  }
  EXPECT_TRUE(DecodePrivateKeyPem(AsBytes("\r\n" + good + "\n \n")).has_value());
  EXPECT_FALSE(DecodePublicKeyPem(kEd25519Pem).has_value());
}

TEST(Pkcs8Test, RefusesTrailingBytes) {
  for (const PrivateKey& key : OneOfEach()) {
    Bytes der = ToBytes(View(*EncodePrivateKeyDer(key)));
    der.push_back(0);
    EXPECT_FALSE(DecodePrivateKeyDer(der).has_value());
    Bytes public_der = EncodePublicKeyDer(PublicKeyOf(key));
    public_der.push_back(0);
    EXPECT_FALSE(DecodePublicKeyDer(public_der).has_value());
  }
}

// The public key inside of RFC 5915's structure must be that of the private one: taking it unseen
// would let a forged file leak the private key through signatures.
TEST(Pkcs8Test, RefusesForeignPublicKeyInside) {
  const PrivateKey key(P256PrivateKey::Generate());
  Bytes der = ToBytes(View(*EncodePrivateKeyDer(key)));
  const auto other = P256PrivateKey::Generate().public_key();
  std::copy(other.sec1().begin(), other.sec1().end(), der.end() - 65);
  EXPECT_FALSE(DecodePrivateKeyDer(der).has_value());
}

TEST(RsaTest, SignAndEncrypt) {
  const RsaPrivateKey& key = SharedRsaKey();
  const RsaPublicKey public_key = key.public_key();
  EXPECT_EQ(public_key.size_bits(), 2048u);
  const Bytes message = ToBytes("message");
  const Bytes pss = key.SignPss(message);
  const Bytes pkcs1 = key.SignPkcs1(message);
  EXPECT_TRUE(public_key.VerifyPss(message, pss).has_value());
  EXPECT_TRUE(public_key.VerifyPss(message, key.SignPssDigest(Sha256(message))).has_value());
  EXPECT_TRUE(public_key.VerifyPkcs1(message, pkcs1).has_value());
  EXPECT_FALSE(public_key.VerifyPss(message, pkcs1).has_value());
  EXPECT_FALSE(public_key.VerifyPkcs1(message, pss).has_value());
  EXPECT_FALSE(public_key.VerifyPss(AsBytes("massage"), pss).has_value());
  for (const RsaOaepHash hash : {RsaOaepHash::kSha1, RsaOaepHash::kSha256}) {
    const auto sealed = public_key.EncryptOaep(hash, message, AsBytes("label"));
    ASSERT_TRUE(sealed.has_value());
    const auto opened = key.DecryptOaep(hash, *sealed, AsBytes("label"));
    ASSERT_TRUE(opened.has_value());
    EXPECT_TRUE(Equal(View(*opened), message));
    EXPECT_FALSE(key.DecryptOaep(hash, *sealed).has_value());
    const auto other = hash == RsaOaepHash::kSha1 ? RsaOaepHash::kSha256 : RsaOaepHash::kSha1;
    EXPECT_FALSE(key.DecryptOaep(other, *sealed, AsBytes("label")).has_value());
  }
  EXPECT_FALSE(public_key.EncryptOaep(RsaOaepHash::kSha256, Bytes(191)).has_value());
}

TEST(RsaTest, ComponentsRoundTripAndBelongTogether) {
  const RsaPrivateKey& key = SharedRsaKey();
  const auto again = RsaPrivateKey::FromComponents(key.components());
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(Hex(again->public_key().components().n), Hex(key.public_key().components().n));
  RsaPrivateComponents wrong = key.components();
  wrong.d.mutable_view(CryptoSecrets::Token())[5] ^= 1;
  EXPECT_FALSE(RsaPrivateKey::FromComponents(wrong).has_value());
  RsaPrivateComponents incomplete = key.components();
  incomplete.p = SecretBytes();
  EXPECT_FALSE(RsaPrivateKey::FromComponents(incomplete).has_value());
}

TEST(RsaTest, RefusesWeakKeys) {
  EXPECT_FALSE(RsaPrivateKey::Generate(1024).has_value());
  RsaPublicComponents numbers = SharedRsaKey().public_key().components();
  EXPECT_TRUE(RsaPublicKey::FromComponents(numbers).has_value());
  RsaPublicComponents small = numbers;
  small.n.resize(128);
  small.n.back() |= 1;
  EXPECT_FALSE(RsaPublicKey::FromComponents(small).has_value()) << "1024 bits";
  RsaPublicComponents even = numbers;
  even.n.back() &= 0xfe;
  EXPECT_FALSE(RsaPublicKey::FromComponents(even).has_value()) << "an even modulus";
  for (const Bytes& e : {Bytes{}, Bytes{1}, Bytes{3}, Bytes{1, 0, 0}, Bytes{1, 0, 2},
                         Bytes{1, 0, 0, 0, 1}, Bytes(8, 0xff)}) {
    EXPECT_FALSE(RsaPublicKey::FromComponents({numbers.n, e}).has_value()) << Hex(e);
  }
  EXPECT_FALSE(RsaPublicKey::FromComponents({}).has_value());
}

}  // namespace
}  // namespace salus::crypto
