#include "pki/path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "pki/forged_certificate.h"

namespace salus::pki {
namespace {

using ::testing::HasSubstr;

class PathTest : public ::testing::Test {
 protected:
  PathTest() {
    root_ = Forge(AuthorityForgery("root"), ForgeP256(), nullptr);
    issuing_ = Forge(AuthorityForgery("issuing"), ForgeP256(), &root_);
    trust_.emplace(TrustStore::Create({{*root_.certificate}}).value());
  }

  Result<Certificate> Validate(const ForgeParty& leaf, Purpose purpose = Purpose::kClient,
                               Timestamp time = kForgeNow) {
    return ValidatePath({{*leaf.certificate, *issuing_.certificate}}, *trust_, time, purpose);
  }
  void ExpectRefused(const ForgeParty& leaf, const char* reason, Purpose purpose = Purpose::kClient,
                     Timestamp time = kForgeNow) {
    auto outcome = Validate(leaf, purpose, time);
    ASSERT_FALSE(outcome.has_value()) << "accepted; expected: " << reason;
    EXPECT_EQ(outcome.error().code, ErrorCode::kVerificationFailed) << outcome.error().message;
    EXPECT_THAT(outcome.error().message, HasSubstr(reason));
  }
  ForgeParty Leaf(const ForgeProfile& profile) { return Forge(profile, ForgeP256(), &issuing_); }

  ForgeParty root_;
  ForgeParty issuing_;
  std::optional<TrustStore> trust_;
};

TEST_F(PathTest, AcceptsAnHonestPath) {
  ForgeParty leaf = Leaf({});
  auto outcome = Validate(leaf);
  ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
  EXPECT_EQ(*outcome, *leaf.certificate);
  EXPECT_EQ(outcome->identity()->id, "p-1");
}

TEST_F(PathTest, AcceptsEachAlgorithmOfThePolicy) {
  for (const ForgeKey& key : {ForgeP256(), ForgeEd25519(), ForgeRsa(2048)}) {
    ForgeParty middle = Forge(AuthorityForgery("middle"), key, &root_);
    ForgeParty leaf = Forge({}, key, &middle);
    auto outcome = ValidatePath({{*leaf.certificate, *middle.certificate}}, *trust_, kForgeNow,
                                Purpose::kClient);
    EXPECT_TRUE(outcome.has_value()) << outcome.error().message;
  }
}

TEST_F(PathTest, TimeIsTheCallers) {
  ForgeParty leaf = Leaf({});
  ExpectRefused(leaf, "expired at 2026-11-21T00:00:00", Purpose::kClient,
                kForgeNow + std::chrono::days(1) + std::chrono::seconds(1));
  ExpectRefused(leaf, "not yet valid before 2026-11-19T00:00:00", Purpose::kClient,
                kForgeNow - std::chrono::days(1) - std::chrono::seconds(1));
  EXPECT_TRUE(Validate(leaf, Purpose::kClient, kForgeNow - std::chrono::days(1)).has_value());
}

TEST_F(PathTest, RefusesExpiredAndFutureLeavesAndAuthorities) {
  ExpectRefused(Leaf({.not_before = kForgeNow - std::chrono::days(9),
                      .not_after = kForgeNow - std::chrono::seconds(1)}),
                "the certificate expired at");
  ExpectRefused(Leaf({.not_before = kForgeNow + std::chrono::seconds(1),
                      .not_after = kForgeNow + std::chrono::days(9)}),
                "the certificate is not yet valid");
  ForgeProfile old = AuthorityForgery("old");
  old.not_after = kForgeNow - std::chrono::seconds(1);
  ForgeParty authority = Forge(old, ForgeP256(), &root_);
  ForgeParty leaf = Forge({}, ForgeP256(), &authority);
  auto outcome = ValidatePath({{*leaf.certificate, *authority.certificate}}, *trust_, kForgeNow,
                              Purpose::kClient);
  ASSERT_FALSE(outcome.has_value());
  EXPECT_THAT(outcome.error().message, HasSubstr("the authority at depth 1 expired"));
}

TEST_F(PathTest, RefusesOtherAuthorities) {
  ForgeParty other_root = Forge(AuthorityForgery("root"), ForgeP256(), nullptr);
  ForgeParty other_issuing = Forge(AuthorityForgery("issuing"), ForgeP256(), &other_root);
  ForgeParty leaf = Forge({}, ForgeP256(), &other_issuing);
  // Same names, other keys: the helper certificate that matches by name must not help.
  ExpectRefused(leaf, "the certificate ");
  auto outcome =
      ValidatePath({{*leaf.certificate, *other_issuing.certificate, *other_root.certificate}},
                   *trust_, kForgeNow, Purpose::kClient);
  ASSERT_FALSE(outcome.has_value());
  // Without the issuing authority there is no path, even though the root is trusted.
  ForgeParty honest = Leaf({});
  outcome = ValidatePath({{*honest.certificate}}, *trust_, kForgeNow, Purpose::kClient);
  ASSERT_FALSE(outcome.has_value());
  EXPECT_THAT(outcome.error().message, HasSubstr("unknown issuer"));
}

TEST_F(PathTest, RefusesASignatureThatWasTouched) {
  ForgeParty leaf = Leaf({});
  Bytes der = ToBytes(leaf.certificate->der());
  der.back() ^= 1;
  auto touched = Certificate::FromDer(der);
  ASSERT_TRUE(touched.has_value());
  auto outcome =
      ValidatePath({{*touched, *issuing_.certificate}}, *trust_, kForgeNow, Purpose::kClient);
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, ErrorCode::kVerificationFailed);
}

TEST_F(PathTest, RefusesSelfSignedLeaves) {
  ExpectRefused(Forge({}, ForgeP256(), nullptr), "self-signed");
}

TEST_F(PathTest, RefusesTheRootAndAuthoritiesAsLeaves) {
  ExpectRefused(root_, "");
  ExpectRefused(issuing_, "");
  ForgeProfile profile;
  profile.basic_constraints = "critical,CA:TRUE";
  ExpectRefused(Leaf(profile), "is an authority's");
  profile.key_usage = "critical,digitalSignature,keyCertSign";
  ExpectRefused(Leaf(profile), "is an authority's");
}

TEST_F(PathTest, ALeafCanNotIssue) {
  ForgeParty leaf = Leaf({});
  ForgeParty below = Forge({}, ForgeP256(), &leaf);
  auto outcome = ValidatePath({{*below.certificate, *leaf.certificate, *issuing_.certificate}},
                              *trust_, kForgeNow, Purpose::kClient);
  ASSERT_FALSE(outcome.has_value());
  EXPECT_THAT(outcome.error().message, HasSubstr("may not issue certificates"));
}

TEST_F(PathTest, RefusesTheWrongPurpose) {
  ForgeParty client = Leaf({});
  ExpectRefused(client, "wrong purpose", Purpose::kServer);
  ForgeProfile server;
  server.extended_key_usage = "serverAuth";
  ExpectRefused(Leaf(server), "wrong purpose");
  for (const char* usage : {"", "codeSigning", "anyExtendedKeyUsage", "emailProtection"}) {
    ForgeProfile profile;
    profile.extended_key_usage = usage;
    ExpectRefused(Leaf(profile), "wrong purpose");
  }
  for (const char* usage : {"", "critical,keyEncipherment", "critical,keyAgreement"}) {
    ForgeProfile profile;
    profile.key_usage = usage;
    ExpectRefused(Leaf(profile), "wrong purpose");
  }
  ForgeProfile both;
  both.extended_key_usage = "serverAuth,clientAuth";
  EXPECT_TRUE(Validate(Leaf(both)).has_value());
  EXPECT_TRUE(Validate(Leaf(both), Purpose::kServer).has_value());
}

TEST_F(PathTest, IdentityIsOneUriNameAndNothingElse) {
  ForgeProfile profile;
  // The common name claims what the subject alternative name does not.
  profile.common_name = "urn:salus:host/org/2026:officer:o-1";
  profile.subject_alternative_name = "";
  ExpectRefused(Leaf(profile), "exactly one URI");
  profile.subject_alternative_name = "DNS:officer.example,email:o@example.org";
  ExpectRefused(Leaf(profile), "exactly one URI");
  profile.subject_alternative_name = "URI:urn:salus:host/org/2026:patient:p-1";
  EXPECT_EQ(Validate(Leaf(profile))->identity()->role, Role::kPatient);

  profile.subject_alternative_name =
      "URI:urn:salus:host/org/2026:patient:p-1,URI:urn:salus:host/org/2026:officer:o-1";
  ExpectRefused(Leaf(profile), "exactly one URI");
  profile.subject_alternative_name = "URI:urn:salus:host/org/2026:patient:p-1,URI:http://x.example";
  ExpectRefused(Leaf(profile), "exactly one URI");
  profile.subject_alternative_name = "URI:urn:salus:host/org/2026:doctor:p-1";
  ExpectRefused(Leaf(profile), "unknown role");
}

TEST_F(PathTest, NamesWithControlCharactersAreNoCertificate) {
  using namespace std::literals;
  for (const std::string& uri :
       {"urn:salus:host/org/2026:patient:p-1\0officer"s, "urn:salus:host:patient:p-1\n"s,
        "urn:salus:host:patient:\xC3\xBC"s, " urn:salus:host:patient:p-1"s}) {
    ForgeProfile profile;
    profile.raw_uri = uri;
    EXPECT_EQ(Leaf(profile).certificate, nullptr);
  }
}

TEST_F(PathTest, RefusesWeakAlgorithms) {
  ForgeProfile sha1;
  sha1.digest = "SHA1";
  ExpectRefused(Leaf(sha1), "");
  ForgeProfile md5;
  md5.digest = "MD5";
  ForgeParty rsa_issuing = Forge(AuthorityForgery("rsa"), ForgeRsa(2048), &root_);
  for (const ForgeProfile& weak : {sha1, md5}) {
    ForgeParty leaf = Forge(weak, ForgeP256(), &rsa_issuing);
    auto outcome = ValidatePath({{*leaf.certificate, *rsa_issuing.certificate}}, *trust_, kForgeNow,
                                Purpose::kClient);
    EXPECT_FALSE(outcome.has_value());
  }
  ExpectRefused(Forge({}, ForgeRsa(1024), &issuing_), "key");
  ExpectRefused(Forge({}, ForgeP384(), &issuing_), "key that is refused");
  // Also above the leaf.
  for (const ForgeKey& key : {ForgeRsa(1024), ForgeP384()}) {
    ForgeParty weak = Forge(AuthorityForgery("weak"), key, &root_);
    ForgeParty leaf = Forge({}, ForgeP256(), &weak);
    auto outcome = ValidatePath({{*leaf.certificate, *weak.certificate}}, *trust_, kForgeNow,
                                Purpose::kClient);
    ASSERT_FALSE(outcome.has_value());
    EXPECT_THAT(outcome.error().message, HasSubstr("key"));
  }
}

TEST_F(PathTest, RefusesAUnknownCriticalExtension) {
  ForgeProfile profile;
  profile.more = {{"1.2.3.4", "critical,ASN1:UTF8String:x"}};
  ExpectRefused(Leaf(profile), "unknown critical extension");
  profile.more = {{"1.2.3.4", "ASN1:UTF8String:x"}};
  EXPECT_TRUE(Validate(Leaf(profile)).has_value());
}

TEST_F(PathTest, RefusesAVersion1Certificate) {
  ForgeProfile profile;
  profile.version = 0;
  ExpectRefused(Leaf(profile), "");
}

TEST_F(PathTest, LimitsDepth) {
  const auto chain_of = [this](int authorities) {
    std::vector<Certificate> chain;
    ForgeParty issuer = root_;
    for (int i = 0; i < authorities; ++i) {
      ForgeParty next = Forge(AuthorityForgery("level " + std::to_string(i)), ForgeP256(), &issuer);
      chain.insert(chain.begin(), *next.certificate);
      issuer = next;
    }
    chain.insert(chain.begin(), *Forge({}, ForgeP256(), &issuer).certificate);
    return chain;
  };
  EXPECT_TRUE(ValidatePath(chain_of(0), *trust_, kForgeNow, Purpose::kClient).has_value());
  EXPECT_TRUE(ValidatePath(chain_of(2), *trust_, kForgeNow, Purpose::kClient).has_value());
  for (int authorities : {3, 12}) {
    auto outcome = ValidatePath(chain_of(authorities), *trust_, kForgeNow, Purpose::kClient);
    ASSERT_FALSE(outcome.has_value());
    EXPECT_THAT(outcome.error().message, HasSubstr("too many authorities"));
  }
  auto outcome = ValidatePath(chain_of(16), *trust_, kForgeNow, Purpose::kClient);
  EXPECT_EQ(outcome.error().code, ErrorCode::kInvalidArgument);
  outcome = ValidatePath({}, *trust_, kForgeNow, Purpose::kClient);
  EXPECT_EQ(outcome.error().code, ErrorCode::kInvalidArgument);
}

TEST_F(PathTest, KeepsPathLengths) {
  ForgeProfile bounded = AuthorityForgery("bounded");
  bounded.basic_constraints = "critical,CA:TRUE,pathlen:0";
  ForgeParty first = Forge(bounded, ForgeP256(), &root_);
  ForgeParty second = Forge(AuthorityForgery("second"), ForgeP256(), &first);
  ForgeParty leaf = Forge({}, ForgeP256(), &second);
  auto outcome = ValidatePath({{*leaf.certificate, *second.certificate, *first.certificate}},
                              *trust_, kForgeNow, Purpose::kClient);
  ASSERT_FALSE(outcome.has_value());
  EXPECT_THAT(outcome.error().message, HasSubstr("path length"));
}

TEST_F(PathTest, AsksForTheOrigin) {
  ForgeParty leaf = Leaf({});
  std::vector<Certificate> chain = {*leaf.certificate, *issuing_.certificate};
  EXPECT_TRUE(
      ValidatePath(chain, *trust_, kForgeNow, Purpose::kClient, "host/org/2026").has_value());
  for (const char* origin : {"host/org/2027", "host/org", ""}) {
    auto outcome = ValidatePath(chain, *trust_, kForgeNow, Purpose::kClient, origin);
    ASSERT_FALSE(outcome.has_value());
    EXPECT_THAT(outcome.error().message, HasSubstr("another origin"));
  }
}

TEST_F(PathTest, TrustStoreTakesSelfSignedAuthoritiesOnly) {
  EXPECT_FALSE(TrustStore::Create({}).has_value());
  EXPECT_FALSE(TrustStore::Create({{*issuing_.certificate}}).has_value());
  EXPECT_FALSE(TrustStore::Create({{*Leaf({}).certificate}}).has_value());
  EXPECT_FALSE(TrustStore::Create({{*Forge({}, ForgeP256(), nullptr).certificate}}).has_value());
  for (const ForgeKey& key : {ForgeRsa(1024), ForgeP384()}) {
    ForgeParty weak = Forge(AuthorityForgery("weak"), key, nullptr);
    EXPECT_FALSE(TrustStore::Create({{*weak.certificate}}).has_value());
  }
  ForgeProfile sha1 = AuthorityForgery("sha1");
  sha1.digest = "SHA1";
  EXPECT_FALSE(TrustStore::Create({{*Forge(sha1, ForgeP256(), nullptr).certificate}}).has_value());
}

// For the thread sanitizer: one store, many validations.
TEST_F(PathTest, ThreadsShareATrustStore) {
  std::vector<Certificate> chain = {*Leaf({}).certificate, *issuing_.certificate};
  std::atomic<int> accepted = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int round = 0; round < 25; ++round) {
          accepted += ValidatePath(chain, *trust_, kForgeNow, Purpose::kClient).has_value();
        }
      });
    }
  }
  EXPECT_EQ(accepted, 100);
}

TEST_F(PathTest, ServerNamesComeFromTheAlternativeNames) {
  ForgeProfile profile;
  profile.common_name = "common.example";
  profile.subject_alternative_name =
      "URI:urn:salus:host/org/2026:server:s,DNS:salus.example,DNS:*.wild.example,IP:127.0.0.1,"
      "IP:2001:db8::1";
  ForgeParty server = Leaf(profile);
  const auto fits = [&](std::string_view host) {
    return CheckServerName(*server.certificate, host).has_value();
  };
  using namespace std::literals;
  EXPECT_TRUE(fits("salus.example"));
  EXPECT_TRUE(fits("SALUS.example"));
  EXPECT_TRUE(fits("127.0.0.1"));
  EXPECT_TRUE(fits("2001:db8:0::1"));
  for (std::string_view host :
       {"common.example"sv, "a.wild.example"sv, "sub.salus.example"sv, "127.0.0.2"sv, ""sv,
        ".example"sv, "salus.example\0.evil"sv, "salus.exampl"sv}) {
    EXPECT_FALSE(fits(host)) << host;
  }
}

}  // namespace
}  // namespace salus::pki
