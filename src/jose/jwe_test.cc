#include "jose/jwe.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "codec/base64.h"
#include "jose/content_cipher.h"
#include "jose/content_key.h"
#include "jose/key_access.h"

namespace salus::jose {
namespace {

constexpr ContentEncryptions kGcm = {ContentEncryption::kA128Gcm, ContentEncryption::kA256Gcm};

Jwk BobsKey() {  // RFC 7518 appendix C
  return Jwk::Parse(R"({"kty":"EC","crv":"P-256",)"
                    R"("x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",)"
                    R"("y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",)"
                    R"("d":"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"})")
      .value();
}

// RFC 7516 appendix A.3.3.
constexpr std::string_view kLiveLongKey = R"({"kty":"oct","k":"GawgguFyGrWKav7AX4VKUg"})";

TEST(JweTest, KeyAgreementOfTheSpecification) {
  // RFC 7518 appendix C: ECDH-ES with A128GCM.
  const codec::Json header =
      codec::ParseJson(R"({"alg":"ECDH-ES","enc":"A128GCM","apu":"QWxpY2U","apv":"Qm9i","epk":)"
                       R"({"kty":"EC","crv":"P-256",)"
                       R"("x":"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",)"
                       R"("y":"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps"}})")
          .value();
  const Jwk bob = BobsKey();
  const SecretBytes key =
      OpenContentKey(bob.ForDecrypting(KeyManagement::kEcdhEs).value(), KeyManagement::kEcdhEs,
                     ContentEncryption::kA128Gcm, header.as_object(), {})
          .value();
  EXPECT_EQ(codec::Base64UrlEncode(key.view(KeyAccess::Token())), "VqqN6vgjbSBcIijNcacQGg");
}

TEST(JweTest, EphemeralKeyIsPublicAndOfTheReadersCurve) {
  const Jwk bob = BobsKey();
  const auto view = bob.ForDecrypting(KeyManagement::kEcdhEs).value();
  const auto opens = [&](codec::Json epk) {
    const codec::JsonObject header = {{"epk", std::move(epk)}};
    return OpenContentKey(view, KeyManagement::kEcdhEs, ContentEncryption::kA128Gcm, header, {})
        .has_value();
  };
  SystemRandom random;
  const codec::Json good = bob.PublicJson().value();
  ASSERT_TRUE(opens(good));
  codec::Json with_private = good;
  with_private.as_object()["d"] = "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw";
  EXPECT_FALSE(opens(with_private));
  EXPECT_FALSE(
      opens(Jwk(crypto::X25519PrivateKey::Generate(random).public_key()).PublicJson().value()));
  EXPECT_FALSE(opens(codec::JsonObject{{"kty", "RSA"}, {"n", "AQAB"}, {"e", "AQAB"}}));
  EXPECT_FALSE(opens("none"));
}

TEST(JweTest, ReadsTheExamplesOfTheSpecification) {
  const Jwk key = Jwk::Parse(kLiveLongKey).value();
  // RFC 7516 appendix A.3.
  const auto a3 = DecryptCompact(
      "eyJhbGciOiJBMTI4S1ciLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0."
      "6KB707dM9YTIgHtLvtgWQ8mKwboJW3of9locizkDT"
      "HzBC2IlrT1oOQ.AxY8DCtDaGlsbGljb3RoZQ.KDlTtXchhZTGufMYmOYGS4HffxPSUrfmqCHXaI9wOGY.U0m_"
      "YmjN04DJ"
      "vceFICbCVQ",
      key, {{KeyManagement::kA128Kw}, {ContentEncryption::kA128CbcHs256}});
  ASSERT_TRUE(a3) << a3.error().message;
  EXPECT_EQ(AsText(a3->plaintext), "Live long and prosper.");
  // RFC 7516 appendix A.4, the first recipient's encrypted key cut short: it is another's.
  constexpr std::string_view kGeneral =
      R"({"protected":"eyJlbmMiOiJBMTI4Q0JDLUhTMjU2In0",)"
      R"("unprotected":{"jku":"https://server.example.com/keys.jwks"},"recipients":[)"
      R"({"header":{"alg":"RSA1_5","kid":"2011-04-29"},"encrypted_key":"UGhIOguC7Iu"},)"
      R"({"header":{"alg":"A128KW","kid":"7"},)"
      R"("encrypted_key":"6KB707dM9YTIgHtLvtgWQ8mKwboJW3of9locizkDTHzBC2IlrT1oOQ"}],)"
      R"("iv":"AxY8DCtDaGlsbGljb3RoZQ",)"
      R"("ciphertext":"KDlTtXchhZTGufMYmOYGS4HffxPSUrfmqCHXaI9wOGY",)"
      R"("tag":"Mz-VPPyU4RlcuYv1IwIvzw"})";
  const JweReader reader{key.ForDecrypting(KeyManagement::kA128Kw).value(), "7"};
  const JweRules rules{{KeyManagement::kA128Kw}, {ContentEncryption::kA128CbcHs256}};
  const auto a4 = DecryptGeneral(kGeneral, reader, {}, rules);
  ASSERT_TRUE(a4) << a4.error().message;
  EXPECT_EQ(AsText(a4->plaintext), "Live long and prosper.");
  EXPECT_FALSE(a4->header.contains("jku")) << "what was not protected is not handed out";
  EXPECT_TRUE(DecryptGeneral(kGeneral, JweReader{reader.key}, {}, rules));
  EXPECT_FALSE(DecryptGeneral(kGeneral, JweReader{reader.key, "8"}, {}, rules));
  EXPECT_FALSE(DecryptGeneral(kGeneral, reader, AsBytes("aad"), rules));
}

// Pair is both halves of a key and an algorithm that it serves.
struct Pair {
  KeyManagement algorithm;
  EncryptionKeyView sender;
  DecryptionKeyView recipient;
};

class JwePairsTest : public testing::Test {
 protected:
  SystemRandom random_;
  crypto::P256PrivateKey p256_ = crypto::P256PrivateKey::Generate();
  crypto::X25519PrivateKey x25519_ = crypto::X25519PrivateKey::Generate(random_);
  crypto::X25519PublicKey x25519_public_ = x25519_.public_key();
  crypto::RsaPrivateKey rsa_ = crypto::RsaPrivateKey::Generate(2048).value();
  crypto::RsaPublicKey rsa_public_ = rsa_.public_key();
  SecretBytes secret_{Bytes(32, 9)};
  SecretBytes small_secret_{Bytes(16, 9)};
  std::vector<Pair> pairs_ = {
      {KeyManagement::kEcdhEs, p256_.public_key(), p256_},
      {KeyManagement::kEcdhEs, x25519_public_, x25519_},
      {KeyManagement::kEcdhEsA128Kw, p256_.public_key(), p256_},
      {KeyManagement::kEcdhEsA256Kw, p256_.public_key(), p256_},
      {KeyManagement::kEcdhEsA256Kw, x25519_public_, x25519_},
      {KeyManagement::kRsaOaep256, rsa_public_, rsa_},
      {KeyManagement::kA256Kw, secret_, secret_},
      {KeyManagement::kA128Kw, small_secret_, small_secret_},
      {KeyManagement::kDirect, secret_, secret_},
  };
};

TEST_F(JwePairsTest, OpenWithTheirOwnKeyAndAlgorithmOnly) {
  const ContentEncryption enc = ContentEncryption::kA256Gcm;
  for (const Pair& pair : pairs_) {
    const std::string name(NameOf(pair.algorithm));
    const std::string token = EncryptCompact(AsBytes("record"), pair.sender, pair.algorithm, enc,
                                             random_, {{"cty", "text/plain"}})
                                  .value();
    const auto opened = DecryptCompact(token, pair.recipient, {{pair.algorithm}, {enc}});
    ASSERT_TRUE(opened) << name;
    EXPECT_EQ(AsText(opened->plaintext), "record");
    EXPECT_EQ(opened->header.at("cty").as_string(), "text/plain");
    const auto secret = DecryptCompactSecret(token, pair.recipient, {{pair.algorithm}, {enc}});
    ASSERT_TRUE(secret) << name;
    EXPECT_EQ(AsText(secret->plaintext.view(KeyAccess::Token())), "record");

    EXPECT_FALSE(
        DecryptCompact(token, pair.recipient, {{pair.algorithm}, {ContentEncryption::kA128Gcm}}));
    EXPECT_FALSE(DecryptCompact(token, pair.recipient, {{KeyManagement::kRsaOaep}, {enc}}));
    const auto stranger = crypto::P256PrivateKey::Generate();
    const auto refused = DecryptCompact(token, stranger, {{pair.algorithm}, {enc}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kVerificationFailed);
  }
}

TEST_F(JwePairsTest, WrongKeysAreRefusedBySender) {
  for (const Pair& pair : pairs_) {
    for (const Pair& other : pairs_) {
      const bool both_ecdh =
          NameOf(pair.algorithm).starts_with("ECDH") && NameOf(other.algorithm).starts_with("ECDH");
      const bool same_secret =
          pair.algorithm == other.algorithm || (other.recipient.As<SecretBytes>() != nullptr &&
                                                pair.recipient.As<SecretBytes>() != nullptr);
      if (both_ecdh || same_secret) continue;
      EXPECT_FALSE(
          EncryptCompact({}, other.sender, pair.algorithm, ContentEncryption::kA256Gcm, random_))
          << NameOf(pair.algorithm) << " with a key for " << NameOf(other.algorithm);
    }
  }
  EXPECT_FALSE(EncryptCompact({}, rsa_public_, KeyManagement::kRsaOaep, ContentEncryption::kA256Gcm,
                              random_));
  EXPECT_FALSE(EncryptCompact({}, p256_.public_key(), KeyManagement::kEcdhEsA256Kw,
                              ContentEncryption::kA128CbcHs256, random_));
  EXPECT_FALSE(EncryptCompact({}, small_secret_, KeyManagement::kDirect,
                              ContentEncryption::kA256Gcm, random_));
  for (const char* name : {"alg", "enc", "epk", "zip", "crit", "apu"}) {
    EXPECT_FALSE(EncryptCompact({}, secret_, KeyManagement::kDirect, ContentEncryption::kA256Gcm,
                                random_, {{name, "x"}}));
  }
}

TEST_F(JwePairsTest, EveryChangedCharacterIsNoticed) {
  const JweRules rules{{KeyManagement::kEcdhEsA256Kw}, kGcm};
  const std::string token =
      EncryptCompact(AsBytes("0"), p256_.public_key(), KeyManagement::kEcdhEsA256Kw,
                     ContentEncryption::kA256Gcm, random_)
          .value();
  ASSERT_TRUE(DecryptCompact(token, p256_, rules));
  for (std::size_t i = 0; i < token.size(); ++i) {
    for (const char other : {'A', 'Q', '.', '='}) {
      if (token[i] == other) continue;
      std::string changed = token;
      changed[i] = other;
      const auto opened = DecryptCompact(changed, p256_, rules);
      ASSERT_FALSE(opened) << i;
      EXPECT_EQ(opened.error().code, ErrorCode::kVerificationFailed);
    }
    EXPECT_FALSE(DecryptCompact(token.substr(0, i), p256_, rules));
  }
}

// DirectToken seals under any header with the key of secret_, without our own writer's checks.
std::string DirectToken(std::string_view header, const SecretBytes& key) {
  const std::string encoded = codec::Base64UrlEncode(AsBytes(header));
  const Bytes nonce(12, 1);
  const Bytes sealed =
      SealContent(ContentEncryption::kA256Gcm, key, nonce, AsBytes(encoded), AsBytes("x")).value();
  const ByteSpan view = sealed;
  return encoded + ".." + codec::Base64UrlEncode(nonce) + "." +
         codec::Base64UrlEncode(view.first(1)) + "." + codec::Base64UrlEncode(view.last(16));
}

TEST_F(JwePairsTest, RefusesZipAndUnknownCriticalMembers) {
  const JweRules rules{{KeyManagement::kDirect}, {ContentEncryption::kA256Gcm}};
  ASSERT_TRUE(
      DecryptCompact(DirectToken(R"({"alg":"dir","enc":"A256GCM"})", secret_), secret_, rules));
  for (const char* header :
       {R"({"alg":"dir","enc":"A256GCM","zip":"DEF"})", R"({"alg":"dir","enc":"A256GCM","zip":""})",
        R"({"alg":"dir","enc":"A256GCM","crit":["x"],"x":1})",
        R"({"alg":"dir","alg":"dir","enc":"A256GCM"})", R"({"alg":"dir"})",
        R"({"alg":"dir","enc":"a256gcm"})", R"({"alg":"none","enc":"A256GCM"})"}) {
    EXPECT_FALSE(DecryptCompact(DirectToken(header, secret_), secret_, rules)) << header;
  }
  // An encrypted key where `dir` has none.
  std::string extra = DirectToken(R"({"alg":"dir","enc":"A256GCM"})", secret_);
  extra.insert(extra.find("..") + 1, "AAAA");
  EXPECT_FALSE(DecryptCompact(extra, secret_, rules));
}

TEST_F(JwePairsTest, GeneralFormServesEachRecipient) {
  std::vector<JweRecipient> recipients;
  for (const Pair& pair : pairs_) {
    if (!GivesContentKey(pair.algorithm)) {
      recipients.push_back({pair.sender, pair.algorithm, std::to_string(recipients.size())});
    }
  }
  const std::string json = EncryptGeneral(AsBytes("record"), recipients,
                                          ContentEncryption::kA256Gcm, AsBytes("aad"), random_)
                               .value();
  for (const Pair& pair : pairs_) {
    if (GivesContentKey(pair.algorithm)) continue;
    const JweRules rules{{pair.algorithm}, {ContentEncryption::kA256Gcm}};
    const auto opened = DecryptGeneral(json, JweReader{pair.recipient}, AsBytes("aad"), rules);
    ASSERT_TRUE(opened) << NameOf(pair.algorithm);
    EXPECT_EQ(AsText(opened->plaintext), "record");
    EXPECT_FALSE(DecryptGeneral(json, JweReader{pair.recipient}, AsBytes("AAD"), rules));
    EXPECT_FALSE(DecryptGeneral(json, JweReader{pair.recipient}, {}, rules));
  }
  const auto stranger = crypto::P256PrivateKey::Generate();
  EXPECT_FALSE(DecryptGeneral(json, JweReader{stranger}, AsBytes("aad"),
                              {{KeyManagement::kEcdhEsA256Kw}, kGcm}));
  const std::vector<JweRecipient> direct = {{secret_, KeyManagement::kDirect},
                                            {secret_, KeyManagement::kA256Kw}};
  EXPECT_FALSE(EncryptGeneral({}, direct, ContentEncryption::kA256Gcm, {}, random_));
  const std::string single = EncryptGeneral(AsBytes("one"), std::span(direct).first(1),
                                            ContentEncryption::kA256Gcm, {}, random_)
                                 .value();
  EXPECT_TRUE(DecryptGeneral(single, JweReader{secret_}, {}, {{KeyManagement::kDirect}, kGcm}));
  EXPECT_FALSE(EncryptGeneral({}, {}, ContentEncryption::kA256Gcm, {}, random_));
}

TEST_F(JwePairsTest, GeneralFormRefusesHeadersInTwoPlaces) {
  const std::vector<JweRecipient> recipients = {{secret_, KeyManagement::kA256Kw, "1"}};
  const std::string json =
      EncryptGeneral(AsBytes("x"), recipients, ContentEncryption::kA256Gcm, {}, random_).value();
  const JweRules rules{{KeyManagement::kA256Kw}, kGcm};
  const auto opens = [&](const auto& change) {
    codec::Json value = codec::ParseJson(json).value();
    change(value.as_object());
    return DecryptGeneral(codec::WriteJson(value), JweReader{secret_}, {}, rules).has_value();
  };
  using codec::JsonObject;
  ASSERT_TRUE(opens([](JsonObject&) {}));
  EXPECT_TRUE(opens([](JsonObject& m) { m["unprotected"] = JsonObject{{"jku", "x"}}; }));
  EXPECT_FALSE(opens([](JsonObject& m) { m["unprotected"] = JsonObject{{"enc", "A256GCM"}}; }));
  EXPECT_FALSE(opens([](JsonObject& m) { m["unprotected"] = JsonObject{{"alg", "A256KW"}}; }));
  EXPECT_FALSE(opens([](JsonObject& m) { m["unprotected"] = JsonObject{{"zip", "DEF"}}; }));
  EXPECT_FALSE(opens([](JsonObject& m) { m["unprotected"] = JsonObject{{"crit", "x"}}; }));
  EXPECT_FALSE(opens([](JsonObject& m) { m["header"] = JsonObject{{"alg", "A256KW"}}; }));
  EXPECT_FALSE(opens([](JsonObject& m) { m["aad"] = "QQ"; }));
  EXPECT_FALSE(opens([](JsonObject& m) { m.erase("tag"); }));
  EXPECT_FALSE(opens([](JsonObject& m) { m.erase("protected"); }));
  EXPECT_FALSE(opens([](JsonObject& m) { m["recipients"] = codec::JsonArray(); }));
  EXPECT_FALSE(opens([](JsonObject& m) { m["recipients"] = 1; }));
  // The flattened form of the same message.
  EXPECT_TRUE(opens([](JsonObject& m) {
    const JsonObject entry = m["recipients"].as_array()[0].as_object();
    m.erase("recipients");
    m["header"] = entry.at("header");
    m["encrypted_key"] = entry.at("encrypted_key");
  }));
}

}  // namespace
}  // namespace salus::jose
