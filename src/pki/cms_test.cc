// CMS signatures, judged by the openssl program: it verifies ours, and we verify its.
#include "pki/cms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/random.h"
#include "base/test_folder.h"
#include "base/test_program.h"
#include "pki/key_file.h"
#include "pki/path.h"
#include "pki/pem.h"

namespace salus::pki {
namespace {

using namespace std::literals;
using ::testing::HasSubstr;

const Timestamp kTime = std::chrono::sys_days(std::chrono::year(2026) / 11 / 20);

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}
void WriteAll(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

class CmsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (RunOpenssl({"version"}).status != 0) GTEST_SKIP() << "skipped: no openssl program";
    Make("root", {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-addext",
                  "keyUsage=critical,keyCertSign,cRLSign"});
    MakeSigner("ec", {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"});
    MakeSigner("rsa", {"-newkey", "rsa:2048"});
    content_ = "line\n\r\nbinary \0 \xff end"s + std::string(100'000, 'x');
    WriteAll(folder_ / "content", content_);
  }

  void Make(const std::string& name, std::vector<std::string> more) {
    std::vector<std::string> arguments = {"req",
                                          "-x509",
                                          "-nodes",
                                          "-subj",
                                          "/CN=" + name,
                                          "-days",
                                          "90",
                                          "-keyout",
                                          File(name + ".key"),
                                          "-out",
                                          File(name + ".pem")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramOutcome made = RunOpenssl(arguments);
    ASSERT_EQ(made.status, 0) << made.output;
  }
  void MakeSigner(const std::string& name, std::vector<std::string> more,
                  const std::string& key_usage = "critical,digitalSignature") {
    const std::vector<std::string> issued = {"-CA",     File("root.pem"),
                                             "-CAkey",  File("root.key"),
                                             "-addext", "basicConstraints=critical,CA:FALSE",
                                             "-addext", "keyUsage=" + key_usage};
    more.insert(more.end(), issued.begin(), issued.end());
    Make(name, more);
  }
  std::string File(const std::string& name) const { return folder_.path() / name; }

  Certificate Cert(const std::string& name) const {
    return Certificate::FromPem(ReadAll(File(name + ".pem"))).value();
  }
  crypto::PrivateKey Key(const std::string& name) const {
    return crypto::DecodePrivateKeyPem(AsBytes(ReadAll(File(name + ".key"))), nullptr).value();
  }
  Bytes Sign(const std::string& name) const {
    const std::vector<Certificate> chain = {Cert(name), Cert("root")};
    auto made = SignCms(crypto::Sha256(AsBytes(content_)), Key(name), chain, kTime);
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return made.value();
  }
  static Result<CmsSignature> Verify(ByteSpan file, std::string_view content,
                                     std::span<const Certificate> more = {}) {
    TRY(CmsVerifier verifier, CmsVerifier::Parse(file));
    for (; !content.empty(); content.remove_prefix(std::min<std::size_t>(content.size(), 4096))) {
      verifier.Update(AsBytes(content.substr(0, 4096)));
    }
    return verifier.Finish(more);
  }
  ProgramOutcome OpensslVerify(const std::string& signature, const std::string& form,
                               const std::string& content) {
    return RunOpenssl({"cms", "-verify", "-binary", "-inform", form, "-in", File(signature),
                       "-content", File(content), "-CAfile", File("root.pem"), "-out",
                       File("verified")});
  }
  std::string OpensslSign(const std::string& name, std::vector<std::string> more) {
    std::vector<std::string> arguments = {"cms",
                                          "-sign",
                                          "-binary",
                                          "-in",
                                          File("content"),
                                          "-signer",
                                          File(name + ".pem"),
                                          "-inkey",
                                          File(name + ".key"),
                                          "-out",
                                          File("theirs")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramOutcome made = RunOpenssl(arguments);
    EXPECT_EQ(made.status, 0) << made.output;
    return ReadAll(File("theirs"));
  }

  TestFolder folder_;
  std::string content_;
};

TEST_F(CmsTest, OpensslVerifiesOurs) {
  for (const char* const name : {"ec", "rsa"}) {
    const Bytes der = Sign(name);
    WriteAll(File("ours.der"), AsText(der));
    WriteAll(File("ours.pem"), PemEncode(kCmsPemLabel, der));
    EXPECT_EQ(OpensslVerify("ours.der", "DER", "content").status, 0)
        << OpensslVerify("ours.der", "DER", "content").output;
    EXPECT_EQ(OpensslVerify("ours.pem", "PEM", "content").status, 0);
    EXPECT_EQ(ReadAll(File("verified")), content_);
    WriteAll(File("other"), content_ + "x");
    EXPECT_NE(OpensslVerify("ours.der", "DER", "other").status, 0);
  }
  const ProgramOutcome text =
      RunOpenssl({"cms", "-cmsout", "-print", "-inform", "PEM", "-in", File("ours.pem")});
  EXPECT_THAT(text.output, HasSubstr("signingTime"));
  EXPECT_THAT(text.output, HasSubstr("Nov 20 00:00:00 2026 GMT"));
  EXPECT_THAT(text.output, HasSubstr("rsassaPss"));
  EXPECT_THAT(text.output, HasSubstr("id-smime-aa-signingCertificateV2"));
}

TEST_F(CmsTest, WeVerifyOurs) {
  const Bytes der = Sign("ec");
  const auto verified = Verify(der, content_);
  ASSERT_TRUE(verified.has_value()) << verified.error().message;
  EXPECT_EQ(verified->certificates.front(), Cert("ec"));
  EXPECT_EQ(verified->certificates.size(), 2u);
  EXPECT_EQ(verified->claimed_time, kTime);
  EXPECT_EQ(verified->algorithm, "ECDSA with SHA-256");
  EXPECT_EQ(Verify(Sign("rsa"), content_)->algorithm, "RSA-PSS with SHA-256");
}

TEST_F(CmsTest, WeVerifyOpenssls) {
  for (const char* const name : {"ec", "rsa"}) {
    for (const char* const form : {"DER", "PEM"}) {
      for (const char* const hash : {"sha256", "sha384", "sha512"}) {
        const std::string theirs = OpensslSign(name, {"-outform", form, "-md", hash});
        const auto verified = Verify(AsBytes(theirs), content_);
        ASSERT_TRUE(verified.has_value()) << name << hash << ": " << verified.error().message;
        EXPECT_EQ(verified->certificates.front(), Cert(name));
        EXPECT_TRUE(verified->claimed_time.has_value());
        EXPECT_EQ(Verify(AsBytes(theirs), content_ + "x").error().code,
                  ErrorCode::kVerificationFailed);
      }
    }
  }
  const std::string pss =
      OpensslSign("rsa", {"-outform", "DER", "-keyopt", "rsa_padding_mode:pss"});
  EXPECT_EQ(Verify(AsBytes(pss), content_)->algorithm, "RSA-PSS with SHA-256");
  const std::string cades = OpensslSign("ec", {"-outform", "DER", "-cades"});
  EXPECT_TRUE(Verify(AsBytes(cades), content_).has_value());
}

TEST_F(CmsTest, RefusesByName) {
  const auto refusal = [this](std::vector<std::string> more) {
    const std::string theirs = OpensslSign("rsa", std::move(more));
    const auto verified = Verify(AsBytes(theirs), content_);
    EXPECT_FALSE(verified.has_value());
    return verified.has_value() ? std::string() : verified.error().message;
  };
  EXPECT_THAT(refusal({"-outform", "DER", "-md", "sha1"}), HasSubstr("SHA-1"));
  EXPECT_THAT(refusal({"-outform", "DER", "-noattr"}), HasSubstr("-noattr"));
  EXPECT_THAT(refusal({"-outform", "DER", "-nodetach"}), HasSubstr("holds its content"));
  EXPECT_THAT(refusal({"-outform", "SMIME"}), HasSubstr("-outform DER or PEM"));
  EXPECT_THAT(refusal({"-outform", "DER", "-signer", File("ec.pem"), "-inkey", File("ec.key")}),
              HasSubstr("exactly one signer"));
  EXPECT_THAT(refusal({"-outform", "DER", "-nocerts"}), HasSubstr("carries no certificate"));
  // With the certificate at hand it verifies; another one is not the signer's.
  const std::string bare = OpensslSign("rsa", {"-outform", "DER", "-nocerts"});
  EXPECT_TRUE(Verify(AsBytes(bare), content_, {{Cert("rsa")}}).has_value());
  EXPECT_FALSE(Verify(AsBytes(bare), content_, {{Cert("ec")}}).has_value());

  MakeSigner("small", {"-newkey", "rsa:1024"});
  const std::string small = OpensslSign("small", {"-outform", "DER"});
  EXPECT_THAT(Verify(AsBytes(small), content_).error().message, HasSubstr("2048 bits"));
}

TEST_F(CmsTest, RefusesPairsThatDoNotBelongTogether) {
  const crypto::Hash32 digest{};
  EXPECT_THAT(SignCms(digest, Key("ec"), {{Cert("rsa")}}, kTime).error().message,
              HasSubstr("not the key's"));
  EXPECT_THAT(SignCms(digest, Key("ec"), {}, kTime).error().message, HasSubstr("certificate"));
  SystemRandom random;
  EXPECT_THAT(SignCms(digest, crypto::Ed25519PrivateKey::Generate(random), {{Cert("ec")}}, kTime)
                  .error()
                  .message,
              HasSubstr("Ed25519"));
}

// Every bit that is flipped, and every cut, is noticed, or touches nothing that was signed: the
// certificates beside the signer's.
TEST_F(CmsTest, NoticesEveryChange) {
  const Bytes der =
      SignCms(crypto::Sha256(AsBytes("content")), Key("ec"), {{Cert("ec")}}, kTime).value();
  ASSERT_TRUE(Verify(der, "content").has_value());
  for (std::size_t at = 0; at < der.size(); ++at) {
    EXPECT_FALSE(Verify(ByteSpan(der).first(at), "content").has_value()) << at;
    Bytes changed = der;
    changed[at] ^= 1;
    const auto verified = Verify(changed, "content");
    if (!verified.has_value()) continue;
    EXPECT_EQ(verified->certificates.front(), Cert("ec")) << "byte " << at;
    EXPECT_EQ(verified->claimed_time, kTime) << "byte " << at;
  }
}

TEST_F(CmsTest, SignersOfForeignAuthoritiesHaveAPath) {
  const TrustStore trust = TrustStore::Create({{Cert("root")}}).value();
  const auto path = [&](const std::string& name) {
    // Now: the openssl program may have made it a moment ago.
    return ValidatePath({{Cert(name)}}, trust, SystemClock().Now(), Purpose::kSigning);
  };
  const Timestamp now = SystemClock().Now();
  EXPECT_TRUE(path("ec").has_value()) << path("ec").error().message;
  EXPECT_TRUE(path("rsa").has_value());
  const std::vector<std::string> ec = {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"};
  const auto with = [&ec](std::vector<std::string> more) {
    more.insert(more.end(), ec.begin(), ec.end());
    return more;
  };
  MakeSigner("legal", ec, "critical,nonRepudiation");
  EXPECT_TRUE(path("legal").has_value());
  MakeSigner("document", with({"-addext", "extendedKeyUsage=1.3.6.1.5.5.7.3.36"}));
  EXPECT_TRUE(path("document").has_value()) << path("document").error().message;
  MakeSigner("mail", with({"-addext", "extendedKeyUsage=emailProtection"}));
  EXPECT_TRUE(path("mail").has_value());
  MakeSigner("server", with({"-addext", "extendedKeyUsage=serverAuth"}));
  EXPECT_THAT(path("server").error().message, HasSubstr("extended key usage"));
  MakeSigner("agree", ec, "critical,keyAgreement");
  EXPECT_THAT(path("agree").error().message, HasSubstr("key usage does not allow signing"));
  EXPECT_THAT(ValidatePath({{Cert("ec")}}, trust, now + std::chrono::days(91), Purpose::kSigning)
                  .error()
                  .message,
              HasSubstr("expired at "));
  EXPECT_FALSE(ValidatePath({{Cert("ec")}}, trust, now, Purpose::kSigning, "h/o").has_value());
  EXPECT_FALSE(ValidatePath({{Cert("ec")}}, trust, now, Purpose::kClient).has_value());
}

}  // namespace
}  // namespace salus::pki
