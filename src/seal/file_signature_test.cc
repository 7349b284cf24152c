// Signatures beside a file: round trips with each kind of key, every change noticed, and who
// signed. Other implementations judge in pki/cms_test.cc and tests/judges/jose.
#include "seal/file_signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "base/test_folder.h"
#include "codec/json.h"
#include "pki/authority.h"
#include "pki/identity_directory.h"
#include "seal/known_key.h"
#include "seal/signer_proof.h"

namespace salus::seal {
namespace {

using std::chrono::days;
using ::testing::HasSubstr;

const Timestamp kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 20);

class UnloggedIssuance final : public pki::IssuanceLog {
 public:
  Result<void> Record(ByteSpan, const pki::Identity&, bool) override { return {}; }
};

class FileSignatureTest : public ::testing::Test {
 protected:
  // Ada's key with a chain to root_.
  Signer Ada() {
    root_.emplace(pki::RootAuthority::Create(
                      folder_ / "root",
                      {.name = "Root", .validity = {kNow - days(2), kNow + days(99)}}, random_)
                      .value());
    auto issuing = pki::IssuingAuthority::Create(
                       folder_ / "issuing", *root_,
                       {.name = "Issuing", .validity = {kNow - days(2), kNow + days(50)}}, random_)
                       .value();
    const pki::IssueProfile profile = {
        .identity = pki::Identity::Create("h/o", pki::Role::kPatient, "a 1").value(),
        .validity = {kNow - days(1), kNow + days(10)},
        .name = "Ada"};
    auto directory = pki::IdentityDirectory::Create(folder_ / "ada",
                                                    {.name = "Ada", .identity = profile.identity})
                         .value();
    UnloggedIssuance log;
    auto certificate = issuing.Issue(directory.request(), profile, random_, log).value();
    return {.key = directory.signing_key().Clone(), .chain = {certificate, issuing.certificate()}};
  }

  static std::string Sign(const Signer& signer, std::string_view content) {
    MemorySource source(AsBytes(content));
    auto made = SignFileJws(source, signer, kNow);
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return made.value();
  }
  static Result<VerifiedSignature> Verify(std::string_view jws, std::string_view content,
                                          const std::optional<crypto::PublicKey>& key = {}) {
    MemorySource source(AsBytes(content));
    return VerifyFileJws(jws, source, key);
  }

  TestFolder folder_;
  SystemRandom random_;
  std::optional<pki::RootAuthority> root_;
};

TEST_F(FileSignatureTest, RoundTripsWithEachKey) {
  std::vector<Signer> signers;
  signers.push_back({.key = crypto::P256PrivateKey::Generate()});
  signers.push_back({.key = crypto::Ed25519PrivateKey::Generate(random_)});
  signers.push_back({.key = crypto::RsaPrivateKey::Generate(2048).value()});
  const std::string large(1'000'001, 'x');
  for (const Signer& signer : signers) {
    for (const std::string& content : {std::string(), std::string("content"), large}) {
      const std::string jws = Sign(signer, content);
      const auto verified = Verify(jws, content);
      ASSERT_TRUE(verified.has_value()) << verified.error().message;
      EXPECT_EQ(verified->claimed_time, kNow);
      EXPECT_EQ(verified->size_bytes, content.size());
      EXPECT_TRUE(SameKey(verified->key, crypto::PublicKeyOf(signer.key)));
      EXPECT_TRUE(Verify(jws, content, crypto::PublicKeyOf(signer.key)).has_value());
      EXPECT_EQ(Verify(jws, content + "x").error().code, ErrorCode::kVerificationFailed);
      const crypto::PublicKey other = crypto::P256PrivateKey::Generate().public_key();
      EXPECT_THAT(Verify(jws, content, other).error().message, HasSubstr("another key"));
    }
  }
}

TEST_F(FileSignatureTest, HeaderIsAsTheSpecificationsSay) {
  const Signer ada = Ada();
  const codec::Json json = codec::ParseJson(Sign(ada, "content")).value();
  EXPECT_FALSE(json.as_object().contains("payload"));
  const std::string_view encoded = json.at("protected").as_string();
  const auto header = jose::UnverifiedHeader(encoded).value();
  EXPECT_EQ(header.at("alg").as_string(), "ES256");
  EXPECT_EQ(header.at("typ").as_string(), "salus-file");
  EXPECT_EQ(header.at("b64"), codec::Json(false));
  EXPECT_EQ(header.at("crit"), codec::Json(codec::JsonArray{"b64"}));
  EXPECT_EQ(header.at("iat").to_number<std::int64_t>(), ToUnixMillis(kNow) / 1000);
  EXPECT_EQ(header.at("x5c").as_array().size(), 2u);
  EXPECT_FALSE(header.contains("jwk"));
}

TEST_F(FileSignatureTest, NoticesEveryChange) {
  const auto key = crypto::P256PrivateKey::Generate();
  const std::string jws = Sign({.key = key.Clone()}, "content");
  ASSERT_TRUE(Verify(jws, "content").has_value());
  for (std::size_t at = 0; at < jws.size(); ++at) {
    EXPECT_FALSE(Verify(std::string_view(jws).substr(0, at), "content").has_value()) << at;
    for (const int bit : {1, 32, 128}) {
      std::string changed = jws;
      changed[at] = static_cast<char>(changed[at] ^ bit);
      // Without a key, also because none is named any more.
      EXPECT_FALSE(Verify(changed, "content").has_value()) << at;
      const auto verified = Verify(changed, "content", key.public_key());
      ASSERT_FALSE(verified.has_value()) << at;
      EXPECT_EQ(verified.error().code, ErrorCode::kVerificationFailed) << at;
    }
  }
}

TEST_F(FileSignatureTest, ReadsOthersForms) {
  const auto key = crypto::P256PrivateKey::Generate();
  // Nothing of the signer in the header, and the payload as base64url.
  const std::string bare =
      jose::SignDetached(AsBytes("content"), key, jose::SignatureAlgorithm::kEs256,
                         jose::PayloadForm::kBase64Url)
          .value();
  EXPECT_EQ(Verify(bare, "content").error().code, ErrorCode::kFailedPrecondition);
  const auto verified = Verify(bare, "content", key.public_key());
  ASSERT_TRUE(verified.has_value());
  EXPECT_FALSE(verified->claimed_time.has_value());
  const std::string timed =
      jose::SignDetached(AsBytes("content"), key, jose::SignatureAlgorithm::kEs256,
                         jose::PayloadForm::kRaw, {{"iat", "yesterday"}})
          .value();
  EXPECT_THAT(Verify(timed, "content", key.public_key()).error().message, HasSubstr("iat"));
}

// A signature that was made inside a seal, or for a message, is none of a file with those bytes.
TEST_F(FileSignatureTest, OtherUsesAreRefused) {
  const auto key = crypto::P256PrivateKey::Generate();
  const auto with = [&](codec::JsonObject header) {
    return Verify(jose::SignDetached(AsBytes("content"), key, jose::SignatureAlgorithm::kEs256,
                                     jose::PayloadForm::kBase64Url, header)
                      .value(),
                  "content", key.public_key());
  };
  EXPECT_TRUE(with({}).has_value());
  EXPECT_TRUE(with({{"typ", "salus-file"}}).has_value());
  const codec::JsonObject others[] = {{{"typ", "salus-sealed"}},
                                      {{"typ", "salus-message"}},
                                      {{"typ", "JWT"}},
                                      {{"typ", ""}},
                                      {{"typ", 7}}};
  for (const codec::JsonObject& other : others) {
    const auto refused = with(other);
    ASSERT_FALSE(refused.has_value()) << codec::WriteJson(other);
    EXPECT_EQ(refused.error().code, ErrorCode::kVerificationFailed);
    EXPECT_THAT(refused.error().message, HasSubstr("something else than a file"));
  }
}

TEST_F(FileSignatureTest, KeyInTheHeaderIsForSignatures) {
  const auto key = crypto::P256PrivateKey::Generate();
  jose::Jwk jwk(key.public_key());
  for (const jose::JwkUse use : {jose::JwkUse::kSignature, jose::JwkUse::kEncryption}) {
    jwk.set_use(use);
    const std::string jws =
        jose::SignDetached(AsBytes("content"), key, jose::SignatureAlgorithm::kEs256,
                           jose::PayloadForm::kRaw, {{"jwk", jwk.PublicJson().value()}})
            .value();
    const auto verified = Verify(jws, "content");
    EXPECT_EQ(verified.has_value(), use == jose::JwkUse::kSignature);
    if (verified) continue;
    EXPECT_THAT(verified.error().message, HasSubstr("not for signatures"));
  }
}

TEST_F(FileSignatureTest, CertificateMustBeTheKeys) {
  Signer ada = Ada();
  ada.key = crypto::P256PrivateKey::Generate();
  MemorySource source(AsBytes("content"));
  EXPECT_THAT(SignFileJws(source, ada, kNow).error().message, HasSubstr("not the signing key's"));
}

// A number that left the encryption key out would say nothing of who can read what is sealed.
TEST_F(FileSignatureTest, CertificateStandsForBothOfItsKeys) {
  const Signer ada = Ada();
  Bytes both = crypto::EncodePublicKeyDer(crypto::PublicKeyOf(ada.key));
  Append(both, crypto::EncodePublicKeyDer(ada.chain.front().encryption_key().value().value()));
  const std::string chain = ada.chain[0].ToPem() + ada.chain[1].ToPem();
  EXPECT_EQ(CanonicalKey(ParseKnownKey(chain).value()).value(), both);
}

TEST_F(FileSignatureTest, CmsRoundTrip) {
  const Signer ada = Ada();
  MemorySource source(AsBytes("content"));
  const Bytes cms = SignFileCms(source, ada, kNow).value();
  EXPECT_FALSE(IsJws(cms));
  MemorySource again(AsBytes("content"));
  const auto verified = VerifyFileCms(cms, again);
  ASSERT_TRUE(verified.has_value()) << verified.error().message;
  EXPECT_EQ(verified->size_bytes, 7u);
  MemorySource other(AsBytes("Content"));
  EXPECT_EQ(VerifyFileCms(cms, other).error().code, ErrorCode::kVerificationFailed);
  MemorySource unread(AsBytes("content"));
  EXPECT_EQ(VerifyFileCms(AsBytes("no CMS"), unread).error().code, ErrorCode::kVerificationFailed);
}

TEST_F(FileSignatureTest, ProvesWhoSigned) {
  const auto signature = Verify(Sign(Ada(), "content"), "content").value();
  EXPECT_EQ(ProveSigner(signature, {.time = kNow})->kind, SignerProof::Kind::kUnproven);
  EXPECT_EQ(ProveSigner(signature, {.key = signature.key, .time = kNow})->kind,
            SignerProof::Kind::kKey);
  const crypto::PublicKey other = crypto::P256PrivateKey::Generate().public_key();
  EXPECT_FALSE(ProveSigner(signature, {.key = other, .time = kNow}).has_value());

  const auto trust = pki::TrustStore::Create({{root_->certificate()}}).value();
  const auto proof = ProveSigner(signature, {.roots = &trust, .time = kNow});
  ASSERT_TRUE(proof.has_value()) << proof.error().message;
  EXPECT_EQ(proof->kind, SignerProof::Kind::kPath);
  ASSERT_EQ(proof->path.size(), 3u);
  EXPECT_EQ(proof->path.back(), root_->certificate());
  EXPECT_EQ(proof->path.front().identity()->id, "a 1");

  const auto expired = ProveSigner(signature, {.roots = &trust, .time = kNow + days(11)});
  ASSERT_FALSE(expired.has_value());
  EXPECT_EQ(expired.error().code, ErrorCode::kVerificationFailed);
  EXPECT_THAT(expired.error().message, HasSubstr("expired at 2026-11-30"));
  EXPECT_THAT(expired.error().message, HasSubstr("--at claimed"));

  const auto stranger = pki::RootAuthority::Create(
      folder_ / "stranger", {.name = "Root", .validity = {kNow - days(2), kNow + days(99)}},
      random_);
  const auto others = pki::TrustStore::Create({{stranger->certificate()}}).value();
  const auto refused = ProveSigner(signature, {.roots = &others, .time = kNow});
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("certificate path"));

  const auto keyed =
      Verify(Sign({.key = crypto::P256PrivateKey::Generate()}, "content"), "content").value();
  EXPECT_THAT(ProveSigner(keyed, {.roots = &trust, .time = kNow}).error().message,
              HasSubstr("no certificate"));
}

}  // namespace
}  // namespace salus::seal
