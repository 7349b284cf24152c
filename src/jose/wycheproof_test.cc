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

// Policy is where Salus and the file disagree, with the reason.
struct Policy {
  std::map<std::int64_t, std::string_view> refused;  // valid tests, by tcId
  // Defects of the file: invalid tests that are, byte for byte, the valid test of the second tcId.
  std::map<std::int64_t, std::int64_t> twins;
};

void Refuse(Policy& policy, std::string_view reason, std::initializer_list<std::int64_t> ids) {
  for (const std::int64_t id : ids) policy.refused.emplace(id, reason);
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

// Family judges one file.
class Family {
 public:
  Family(std::string name, const Policy& policy) : name_(std::move(name)), policy_(policy) {}

  void Run() {
    const auto vectors = ReadVectors(name_);
    if (!vectors) GTEST_SKIP() << "skipped: vectors not found";
    const codec::JsonObject& file = vectors->as_object();
    ExpectMembers(file, {"numberOfTests", "header", "schema", "notes", "testGroups"});
    for (const codec::Json& group_value : file.at("testGroups").as_array()) {
      const codec::JsonObject& group = group_value.as_object();
      ExpectMembers(group, {"comment", "private", "public", "source", "tests", "type"});
      std::map<std::int64_t, std::string> valid_tokens;
      for (const codec::Json& test : group.at("tests").as_array()) {
        RunTest(group, test.as_object(), valid_tokens);
      }
    }
    EXPECT_EQ(judged_, file.at("numberOfTests").as_int64());
    for (const auto& [id, reason] : policy_.refused) {
      EXPECT_TRUE(deviations_.contains(id)) << "stale policy: tcId " << id << ", " << reason;
    }
    for (const auto& [id, twin] : policy_.twins) {
      EXPECT_TRUE(deviations_.contains(id)) << "stale policy: tcId " << id << " as " << twin;
    }
  }

 private:
  void RunTest(const codec::JsonObject& group, const codec::JsonObject& test,
               std::map<std::int64_t, std::string>& valid_tokens) {
    ExpectMembers(test, {"comment", "enc", "flags", "jwe", "jws", "pt", "result", "tcId"});
    const std::int64_t id = test.at("tcId").as_int64();
    const std::string_view expected = test.at("result").as_string();
    SCOPED_TRACE(name_ + " tcId " + std::to_string(id) + " " +
                 std::string(test.at("comment").as_string()));
    ++judged_;
    const std::string token = TokenText(test.at(test.contains("jws") ? "jws" : "jwe"));
    const auto plaintext = Judge(group, test);
    if (expected == "invalid") {
      if (!plaintext) return;
      deviations_.insert(id);
      const auto twin = policy_.twins.find(id);
      ASSERT_NE(twin, policy_.twins.end()) << "an invalid token is accepted";
      EXPECT_EQ(token, valid_tokens[twin->second]);
      return;
    }
    ASSERT_EQ(expected, "valid");
    valid_tokens[id] = token;
    if (!plaintext) {
      EXPECT_TRUE(policy_.refused.contains(id)) << plaintext.error().message;
      deviations_.insert(id);
    } else if (const codec::Json* text = test.if_contains("pt")) {
      EXPECT_EQ(codec::HexEncode(*plaintext), std::string_view(text->as_string()));
    }
  }

  const std::string name_;
  const Policy& policy_;
  std::int64_t judged_ = 0;
  std::set<std::int64_t> deviations_;
};

TEST(WycheproofTest, JsonWebSignature) {
  Policy policy;
  Refuse(policy, "RS384 and RS512 are not offered", {264, 265, 266, 267, 268, 269, 270, 271});
  Refuse(policy, "PS384 and PS512 are not offered",
         {320, 321, 322, 323, 325, 326, 327, 328, 346, 350});
  Refuse(policy, "ES512 on P-521 is not offered", {347, 351});
  Refuse(policy, "a character outside base64url is refused, not skipped (RFC 7515 section 2)",
         {372, 373});
  policy.twins = {{367, 357}, {370, 357}};  // the file lost the padding that they are about
  Family("json_web_signature_test.json", policy).Run();
}

TEST(WycheproofTest, JsonWebEncryption) {
  Policy policy;
  Refuse(policy, "RSA1_5 is a padding oracle and is not offered",
         {100, 101, 102, 103, 104, 105, 112, 128});
  Refuse(policy, "AES-192 is not offered",
         {28, 31, 53, 56, 60, 61, 70, 72, 77, 80, 83, 86, 89, 92});
  Refuse(policy, "AES-GCM key wrap is not offered", {71, 73, 74, 75, 133});
  Refuse(policy, "P-384 is not offered", {130});
  Refuse(policy, "compressed content is refused", {135});
  Family("json_web_encryption_test.json", policy).Run();
}

TEST(WycheproofTest, JsonWebCrypto) {
  const Policy policy;
  Family("json_web_crypto_test.json", policy).Run();
}

TEST(WycheproofTest, JsonWebKey) {
  Policy policy;
  Refuse(policy, "HS384 and HS512 are not offered", {14, 15});
  Family("json_web_key_test.json", policy).Run();
}

}  // namespace
}  // namespace salus::jose
