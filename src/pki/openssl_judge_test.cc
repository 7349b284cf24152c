// The openssl command line as judge: what this module issues must be what another program reads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/test_folder.h"
#include "base/test_program.h"
#include "codec/hex.h"
#include "pki/authority.h"
#include "pki/identity_directory.h"
#include "pki/self_signed.h"

namespace salus::pki {
namespace {

using std::chrono::days;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class UnloggedIssuance final : public IssuanceLog {
 public:
  Result<void> Record(ByteSpan, const Identity&, bool) override { return {}; }
};

class OpensslJudgeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (RunOpenssl({"version"}).status != 0) GTEST_SKIP() << "skipped: no openssl program";
    const Timestamp now = SystemClock().Now();  // openssl verify looks at its own clock
    root_.emplace(RootAuthority::Create(
                      folder_ / "root",
                      {.name = "Root", .validity = {now - days(2), now + days(99)}}, random_)
                      .value());
    issuing_.emplace(IssuingAuthority::Create(
                         folder_ / "issuing", *root_,
                         {.name = "Issuing", .validity = {now - days(2), now + days(50)}}, random_)
                         .value());
    validity_ = {now - days(1), now + days(10)};
  }

  std::filesystem::path Issue(const char* name, const IssueProfile& profile) {
    auto directory =
        IdentityDirectory::Create(folder_ / name, {.name = "Ada", .identity = profile.identity});
    EXPECT_TRUE(directory.has_value()) << directory.error().message;
    UnloggedIssuance log;
    auto certificate = issuing_->Issue(directory->request(), profile, random_, log);
    EXPECT_TRUE(certificate.has_value()) << certificate.error().message;
    EXPECT_TRUE(directory->Install({*certificate, issuing_->certificate()}).has_value());
    return directory->path();
  }
  ProgramOutcome Verify(const std::filesystem::path& directory, const char* purpose) {
    return RunOpenssl({"verify", "-x509_strict", "-purpose", purpose, "-CAfile",
                       folder_ / "root" / "certificate.pem", "-untrusted",
                       folder_ / "issuing" / "certificate.pem", directory / "certificate.pem"});
  }

  TestFolder folder_;
  SystemRandom random_;
  Validity validity_;
  std::optional<RootAuthority> root_;
  std::optional<IssuingAuthority> issuing_;
};

TEST_F(OpensslJudgeTest, VerifiesALeafForItsPurposeOnly) {
  auto ada = Issue("ada", {.identity = Identity::Create("h/o", Role::kPatient, "a 1").value(),
                           .validity = validity_,
                           .name = "Ada"});
  EXPECT_EQ(Verify(ada, "sslclient").status, 0) << Verify(ada, "sslclient").output;
  EXPECT_NE(Verify(ada, "sslserver").status, 0);
  auto server = Issue("server", {.identity = Identity::Create("h/o", Role::kServer, "s").value(),
                                 .validity = validity_,
                                 .purpose = Purpose::kServer,
                                 .dns_names = {"salus.example"},
                                 .ip_names = {"127.0.0.1"}});
  EXPECT_EQ(Verify(server, "sslserver").status, 0) << Verify(server, "sslserver").output;
  EXPECT_NE(Verify(server, "sslclient").status, 0);
}

TEST_F(OpensslJudgeTest, ReadsWhatTheProfileSays) {
  auto ada = Issue("ada", {.identity = Identity::Create("h/o", Role::kPatient, "a 1").value(),
                           .validity = validity_,
                           .name = "Ada"});
  ProgramOutcome text = RunOpenssl({"x509", "-in", ada / "certificate.pem", "-noout", "-text"});
  EXPECT_THAT(
      text.output,
      AllOf(HasSubstr("Version: 3"), HasSubstr("ecdsa-with-SHA256"),
            HasSubstr("URI:urn:salus:h/o:patient:a%201"), HasSubstr("CA:FALSE"),
            HasSubstr("X509v3 Basic Constraints: critical"),
            HasSubstr("X509v3 Key Usage: critical"), HasSubstr("Digital Signature"),
            HasSubstr("TLS Web Client Authentication"), HasSubstr("X509v3 Subject Key Identifier"),
            HasSubstr("X509v3 Authority Key Identifier"), HasSubstr(kEncryptionKeyOid),
            HasSubstr("Subject: CN = Ada"), HasSubstr("Issuer: CN = Issuing")));
  EXPECT_THAT(text.output, AllOf(Not(HasSubstr("DNS:")), Not(HasSubstr("Key Encipherment"))));
  ProgramOutcome issuing =
      RunOpenssl({"x509", "-in", folder_ / "issuing" / "certificate.pem", "-noout", "-text"});
  EXPECT_THAT(issuing.output, AllOf(HasSubstr("CA:TRUE, pathlen:0"),
                                    HasSubstr("Digital Signature, Certificate Sign, CRL Sign"),
                                    Not(HasSubstr("Extended Key Usage"))));
}

TEST_F(OpensslJudgeTest, AnEmptyNameMakesTheAlternativeNameCritical) {
  auto ada = Issue("ada", {.identity = Identity::Create("h/o", Role::kPatient, "a").value(),
                           .validity = validity_});
  ProgramOutcome text = RunOpenssl({"x509", "-in", ada / "certificate.pem", "-noout", "-text"});
  EXPECT_THAT(text.output, HasSubstr("X509v3 Subject Alternative Name: critical"));
  EXPECT_EQ(Verify(ada, "sslclient").status, 0);
}

TEST_F(OpensslJudgeTest, ReadsWhereTheRevocationListIsServed) {
  IssueProfile profile{.identity = Identity::Create("h/o", Role::kServer, "s").value(),
                       .validity = validity_,
                       .purpose = Purpose::kServer,
                       .dns_names = {"salus.example"},
                       .revocation_list_urls = {"http://salus.example/ca.crl", "http://b/c"}};
  const auto server = Issue("server", profile);
  const ProgramOutcome text =
      RunOpenssl({"x509", "-in", server / "certificate.pem", "-noout", "-text"});
  EXPECT_THAT(text.output, AllOf(HasSubstr("CRL Distribution Points"),
                                 HasSubstr("URI:http://salus.example/ca.crl"),
                                 HasSubstr("URI:http://b/c"), Not(HasSubstr("CRL Issuer"))));
  EXPECT_EQ(Verify(server, "sslserver").status, 0);
  profile.revocation_list_urls = {"https://salus.example/ca.crl"};
  auto directory = IdentityDirectory::Create(folder_ / "x", {.identity = profile.identity});
  UnloggedIssuance log;
  EXPECT_FALSE(issuing_->Issue(directory->request(), profile, random_, log).has_value());
}

TEST_F(OpensslJudgeTest, ReadsTheAnswerToAnAcmeChallenge) {
  crypto::Hash32 digest;
  for (std::size_t i = 0; i < digest.size(); ++i) digest[i] = static_cast<std::uint8_t>(i);
  const auto made = SelfSignedCertificate::Make("front.example", validity_, random_, digest);
  ASSERT_TRUE(made.has_value()) << made.error().message;
  std::ofstream(folder_ / "c.pem") << made->certificate_pem;
  const ProgramOutcome text = RunOpenssl({"x509", "-in", folder_ / "c.pem", "-noout", "-text"});
  EXPECT_THAT(text.output, AllOf(HasSubstr("1.3.6.1.5.5.7.1.31: critical"),
                                 HasSubstr("X509v3 Subject Alternative Name: critical"),
                                 HasSubstr("DNS:front.example\n"), HasSubstr("prime256v1")));
  // RFC 8737 section 3: an OCTET STRING of 32 bytes is the extension's value.
  const ProgramOutcome tree = RunOpenssl({"asn1parse", "-in", folder_ / "c.pem"});
  EXPECT_THAT(tree.output,
              HasSubstr("[HEX DUMP]:0420000102030405060708090A0B0C0D0E0F101112131415161718191A"
                        "1B1C1D1E1F"));
  EXPECT_EQ(RunOpenssl({"verify", "-CAfile", folder_ / "c.pem", folder_ / "c.pem"}).status, 2)
      << "the extension is critical: who doesn't know it must refuse the certificate";
  const auto plain = SelfSignedCertificate::Make("front.example", validity_, random_);
  std::ofstream(folder_ / "p.pem") << plain->certificate_pem;
  EXPECT_EQ(RunOpenssl({"verify", "-CAfile", folder_ / "p.pem", folder_ / "p.pem"}).status, 0);
  EXPECT_FALSE(SelfSignedCertificate::Make("Front", validity_, random_).has_value());
}

TEST_F(OpensslJudgeTest, TakesOurRequestsAndKeys) {
  SecretBytes passphrase(AsBytes("opensesame"));
  auto made = IdentityDirectory::Create(folder_ / "ada", {.name = "Ada"}, &passphrase);
  ASSERT_TRUE(made.has_value());
  ProgramOutcome request =
      RunOpenssl({"req", "-in", made->path() / "request.pem", "-noout", "-verify", "-text"});
  EXPECT_EQ(request.status, 0);
  EXPECT_THAT(request.output, AllOf(HasSubstr("OK"), HasSubstr(kEncryptionKeyOid)));
  for (const char* file : {"sign.key", "encrypt.key"}) {
    EXPECT_EQ(RunOpenssl({"pkey", "-in", made->path() / file, "-passin", "pass:opensesame",
                          "-noout", "-check"})
                  .status,
              0);
    EXPECT_NE(
        RunOpenssl({"pkey", "-in", made->path() / file, "-passin", "pass:other", "-noout"}).status,
        0);
  }
}

TEST_F(OpensslJudgeTest, WeTakeItsRequests) {
  ProgramOutcome made =
      RunOpenssl({"req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                  "-keyout", folder_ / "k.pem", "-out", folder_ / "r.pem", "-subj", "/CN=ehr",
                  "-addext", "subjectAltName=URI:urn:salus:h/o:source:ehr-1"});
  ASSERT_EQ(made.status, 0) << made.output;
  std::ifstream file(folder_ / "r.pem");
  std::string pem(std::istreambuf_iterator<char>(file), {});
  auto request = CertificationRequest::FromPem(pem);
  ASSERT_TRUE(request.has_value()) << request.error().message;
  EXPECT_EQ(request->subject().name, "ehr");
  EXPECT_EQ(request->subject().identity->id, "ehr-1");
  EXPECT_EQ(request->encryption_key(), std::nullopt);

  for (const char* curve : {"P-384", "secp256k1"}) {
    ASSERT_EQ(RunOpenssl({"req", "-new", "-newkey", "ec", "-pkeyopt",
                          std::string("ec_paramgen_curve:") + curve, "-nodes", "-keyout",
                          folder_ / "k.pem", "-out", folder_ / "r.pem", "-subj", "/CN=x"})
                  .status,
              0);
    std::ifstream weak(folder_ / "r.pem");
    EXPECT_FALSE(
        CertificationRequest::FromPem(std::string(std::istreambuf_iterator<char>(weak), {}))
            .has_value());
  }
  for (const char* weakness : {"rsa:1024", "rsa:2048"}) {
    bool is_small = std::string(weakness) == "rsa:1024";
    ASSERT_EQ(
        RunOpenssl({"req", "-new", "-newkey", weakness, is_small ? "-sha256" : "-sha1", "-nodes",
                    "-keyout", folder_ / "k.pem", "-out", folder_ / "r.pem", "-subj", "/CN=x"})
            .status,
        0);
    std::ifstream weak(folder_ / "r.pem");
    EXPECT_FALSE(
        CertificationRequest::FromPem(std::string(std::istreambuf_iterator<char>(weak), {}))
            .has_value());
  }
}

// As docs/formats/identity.md says: the encryption key signs both keys, once. Without that, or with
// somebody else's, nobody is certified with a key that they only know.
TEST_F(OpensslJudgeTest, WeTakeItsProofOfTheEncryptionKey) {
  UnloggedIssuance log;
  const auto path = [this](const std::string& name) { return (folder_.path() / name).string(); };
  const auto read = [&](const std::string& name) {
    std::ifstream file(path(name), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  for (const std::string name : {"dora", "mallory", "enc"}) {
    ASSERT_EQ(RunOpenssl({"ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out",
                          path(name + ".pem")})
                  .status,
              0);
    ASSERT_EQ(RunOpenssl({"pkey", "-in", path(name + ".pem"), "-pubout", "-outform", "DER", "-out",
                          path(name + ".spki")})
                  .status,
              0);
  }
  std::ofstream(path("pair")) << "salus/encryption-key" << read("dora.spki") << read("enc.spki");
  ASSERT_EQ(
      RunOpenssl({"dgst", "-sha256", "-sign", path("enc.pem"), "-out", path("proof"), path("pair")})
          .status,
      0);
  const std::string arc = "2.25.332264752617119678298286052505968283430.";
  const auto request = [&](const std::string& who, bool is_proven) {
    std::vector<std::string> arguments = {
        "req",     "-new",
        "-key",    path(who + ".pem"),
        "-subj",   "/CN=" + who,
        "-addext", arc + "1=DER:" + codec::HexEncode(AsBytes(read("enc.spki")))};
    if (is_proven) {
      arguments.insert(arguments.end(),
                       {"-addext", arc + "2=DER:" + codec::HexEncode(AsBytes(read("proof")))});
    }
    const std::string file = path("r.pem");
    arguments.insert(arguments.end(), {"-out", file});
    const ProgramOutcome made = RunOpenssl(arguments);
    EXPECT_EQ(made.status, 0) << made.output;
    return CertificationRequest::FromPem(read("r.pem"));
  };
  const IssueProfile profile{.identity = Identity::Create("h/o", Role::kPatient, "a").value(),
                             .validity = validity_};
  const auto proven = request("dora", true);
  ASSERT_TRUE(proven.has_value()) << proven.error().message;
  EXPECT_TRUE(proven->proves_encryption_key());
  EXPECT_TRUE(issuing_->Issue(*proven, profile, random_, log).has_value());
  const auto unproven = request("mallory", false);
  ASSERT_TRUE(unproven.has_value()) << unproven.error().message;
  const auto refused = issuing_->Issue(*unproven, profile, random_, log);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("does not prove"));
  EXPECT_EQ(request("mallory", true).error().code, ErrorCode::kVerificationFailed);
}

TEST_F(OpensslJudgeTest, RevocationListsWork) {
  auto ada = Issue("ada", {.identity = Identity::Create("h/o", Role::kPatient, "a").value(),
                           .validity = validity_});
  auto serial = IdentityDirectory::Open(ada)->chain().front().serial_number();
  const Timestamp now = SystemClock().Now();
  for (bool revokes : {false, true}) {
    RevocationProfile profile{
        .number = 7, .this_update = now - days(1), .next_update = now + days(1)};
    if (revokes) profile.revoked = {{serial, now - days(1), RevocationReason::kSuperseded}};
    std::ofstream(folder_ / "list.pem") << issuing_->Revoke(profile)->ToPem();
    ProgramOutcome outcome =
        RunOpenssl({"verify", "-crl_check", "-CRLfile", folder_ / "list.pem", "-CAfile",
                    folder_ / "root" / "certificate.pem", "-untrusted",
                    folder_ / "issuing" / "certificate.pem", ada / "certificate.pem"});
    EXPECT_EQ(outcome.status == 0, !revokes) << outcome.output;
    EXPECT_EQ(outcome.output.find("revoked") != std::string::npos, revokes);
  }
}

}  // namespace
}  // namespace salus::pki
