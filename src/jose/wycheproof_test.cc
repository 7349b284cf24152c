// Project Wycheproof's families for JOSE. Every test is judged: a valid one that Salus refuses
// stands in the policy list with its reason, an invalid one is never accepted.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "codec/hex.h"
#include "codec/json.h"
#include "jose/jwe.h"
#include "jose/jwk.h"
#include "jose/jws.h"

namespace salus::jose {
namespace {

constexpr SignatureAlgorithms kAllSignatures = {
    SignatureAlgorithm::kEs256, SignatureAlgorithm::kPs256, SignatureAlgorithm::kEdDsa,
    SignatureAlgorithm::kRs256, SignatureAlgorithm::kHs256};
constexpr KeyManagements kAllManagements = {
    KeyManagement::kEcdhEs,     KeyManagement::kEcdhEsA128Kw, KeyManagement::kEcdhEsA256Kw,
    KeyManagement::kRsaOaep256, KeyManagement::kRsaOaep,      KeyManagement::kA128Kw,
    KeyManagement::kA256Kw,     KeyManagement::kDirect};
constexpr ContentEncryptions kAllEncryptions = {
    ContentEncryption::kA128Gcm, ContentEncryption::kA256Gcm, ContentEncryption::kA128CbcHs256,
    ContentEncryption::kA256CbcHs512};

// Policy maps the tcId of a valid test that is refused to the reason.
using Policy = std::map<std::int64_t, std::string_view>;

void Refuse(Policy& policy, std::string_view reason, std::initializer_list<std::int64_t> ids) {
  for (const std::int64_t id : ids) policy.emplace(id, reason);
}

Result<codec::Json> ReadVectors(const std::string& name) {
  const char* folder = std::getenv("SALUS_VECTORS");
  std::ifstream in(std::string(folder != nullptr ? folder : SALUS_VECTORS_DEFAULT) +
                   "/wycheproof/" + name);
  if (!in) return NotFound("vectors");
  std::ostringstream text;
  text << in.rdbuf();
  return codec::ParseJson(text.str());
}

void ExpectMembers(const codec::JsonObject& object, const std::set<std::string_view>& read) {
  for (const auto& [name, value] : object) {
    EXPECT_TRUE(read.contains(name)) << "a field that the test does not read: " << name;
  }
}

// TokenText is the token as the attacker sends it: a compact string, nothing, or a JSON form.
std::string TokenText(const codec::Json& token) {
  if (token.is_null()) return "";
  if (token.is_string()) return std::string(token.as_string());
  return codec::WriteJson(token);
}

Result<Bytes> Verify(const codec::Json& key, std::string_view token) {
  if (key.as_object().contains("keys")) {
    TRY(const JwkSet keys, JwkSet::FromJson(key));
    TRY(VerifiedJws verified, VerifyCompact(token, keys, kAllSignatures));
    return std::move(verified.payload);
  }
  TRY(const Jwk parsed, Jwk::FromJson(key));
  TRY(VerifiedJws verified, VerifyCompact(token, parsed, kAllSignatures));
  return std::move(verified.payload);
}

Result<Bytes> Decrypt(const codec::Json& key, std::string_view token, std::string_view encryption) {
  ContentEncryptions encryptions = kAllEncryptions;
  if (!encryption.empty()) {
    TRY(const ContentEncryption pinned, ParseContentEncryption(encryption));
    encryptions = {pinned};
  }
  TRY(const Jwk parsed, Jwk::FromJson(key));
  TRY(DecryptedJwe opened, DecryptCompact(token, parsed, JweRules{kAllManagements, encryptions}));
  return std::move(opened.plaintext);
}

Result<Bytes> Judge(const codec::JsonObject& group, const codec::JsonObject& test) {
  if (const codec::Json* jws = test.if_contains("jws")) {
    const codec::Json* key = group.if_contains("public");
    if (key == nullptr) key = group.if_contains("private");
    return Verify(*key, TokenText(*jws));
  }
  const codec::Json* encryption = test.if_contains("enc");
  return Decrypt(group.at("private"), TokenText(test.at("jwe")),
                 encryption != nullptr ? std::string_view(encryption->as_string()) : "");
}

void RunFamily(const std::string& name, const Policy& policy) {
  const auto vectors = ReadVectors(name);
  if (!vectors) GTEST_SKIP() << "skipped: vectors not found";
  const codec::JsonObject& file = vectors->as_object();
  ExpectMembers(file,
                {"numberOfTests", "header", "schema", "notes", "testGroups", "generatorVersion"});
  std::int64_t judged = 0;
  std::set<std::int64_t> deviations;
  for (const codec::Json& group_value : file.at("testGroups").as_array()) {
    const codec::JsonObject& group = group_value.as_object();
    ExpectMembers(group, {"comment", "private", "public", "source", "tests", "type"});
    for (const codec::Json& test_value : group.at("tests").as_array()) {
      const codec::JsonObject& test = test_value.as_object();
      ExpectMembers(test, {"comment", "enc", "flags", "jwe", "jws", "pt", "result", "tcId"});
      const std::int64_t id = test.at("tcId").as_int64();
      const std::string_view expected = test.at("result").as_string();
      SCOPED_TRACE(name + " tcId " + std::to_string(id) + " " +
                   std::string(test.at("comment").as_string()));
      ++judged;
      const auto plaintext = Judge(group, test);
      if (expected == "invalid") {
        EXPECT_FALSE(plaintext.has_value()) << "an invalid token is accepted";
        continue;
      }
      ASSERT_EQ(expected, "valid");
      if (!plaintext) {
        EXPECT_TRUE(policy.contains(id)) << plaintext.error().message;
        deviations.insert(id);
        continue;
      }
      if (const codec::Json* text = test.if_contains("pt")) {
        EXPECT_EQ(codec::HexEncode(*plaintext), std::string_view(text->as_string()));
      }
    }
  }
  EXPECT_EQ(judged, file.at("numberOfTests").as_int64());
  for (const auto& [id, reason] : policy) {
    EXPECT_TRUE(deviations.contains(id)) << "stale policy: tcId " << id << ", " << reason;
  }
}

constexpr std::string_view kNotOffered = "an algorithm or curve that Salus does not offer";

TEST(WycheproofTest, JsonWebSignature) {
  Policy policy;
  RunFamily("json_web_signature_test.json", policy);
}

TEST(WycheproofTest, JsonWebEncryption) {
  Policy policy;
  RunFamily("json_web_encryption_test.json", policy);
}

TEST(WycheproofTest, JsonWebCrypto) { RunFamily("json_web_crypto_test.json", {}); }

TEST(WycheproofTest, JsonWebKey) {
  Policy policy;
  Refuse(policy, kNotOffered, {});
  RunFamily("json_web_key_test.json", policy);
}

}  // namespace
}  // namespace salus::jose
