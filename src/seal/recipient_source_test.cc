// Recipients and identities out of the files of other programs: openssl, ssh-keygen and age-keygen
// make them.
#include "seal/recipient_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/clock.h"
#include "base/random.h"
#include "base/test_folder.h"
#include "base/test_program.h"
#include "codec/base64.h"
#include "codec/bech32.h"
#include "codec/json.h"
#include "jose/jwk.h"
#include "pki/authority.h"
#include "pki/identity_directory.h"
#include "seal/key_access.h"
#include "seal/own_keys.h"
#include "seal/recipient_text.h"
#include "seal/secret_text.h"

namespace salus::seal {
namespace {

using std::chrono::days;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Result<SecretBytes> NoPassphrase() { return FailedPrecondition("no passphrase was expected"); }

class UnloggedIssuance final : public pki::IssuanceLog {
 public:
  Result<void> Record(ByteSpan, const pki::Identity&, bool) override { return {}; }
};

class RecipientSourceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* program : {"age-keygen", "openssl", "ssh-keygen"}) {
      if (RunProgram({program, "--help"}).status < 0) GTEST_SKIP() << "skipped: no " << program;
    }
  }

  std::string Path(const std::string& name) const { return folder_.path() / name; }

  std::string Write(const std::string& name, std::string_view text) {
    std::ofstream(Path(name), std::ios::binary) << text;
    std::filesystem::permissions(Path(name), std::filesystem::perms(0600));
    return Path(name);
  }

  void Run(std::vector<std::string> arguments) {
    const ProgramOutcome done = RunProgram(std::move(arguments));
    ASSERT_EQ(done.status, 0) << done.output;
  }

  // A self-signed certificate beside its key; what is in more is openssl req's.
  std::string MakeCertificate(const std::string& name, std::vector<std::string> more) {
    std::vector<std::string> line = {"openssl", "req",
                                     "-x509",   "-nodes",
                                     "-subj",   "/CN=x",
                                     "-days",   "30",
                                     "-keyout", Path(name + ".key"),
                                     "-out",    Path(name + ".pem")};
    line.insert(line.end(), more.begin(), more.end());
    Run(std::move(line));
    std::filesystem::permissions(Path(name + ".key"), std::filesystem::perms(0600));
    return Path(name + ".pem");
  }

  std::string MessageOf(const std::string& given) {
    const auto parsed = ParseRecipient(given, now_);
    return parsed ? "no error" : parsed.error().message;
  }

  std::string NameOf(const std::string& given) {
    const auto parsed = ParseRecipient(given, now_);
    return !parsed ? parsed.error().message : parsed->size() == 1 ? parsed->front()->Name() : "";
  }

  // What is sealed to the one opens with the other, and they have one name.
  void ExpectPair(const std::string& recipient, const std::string& identity,
                  std::string_view type) {
    const auto recipients = ParseRecipient(recipient, now_);
    ASSERT_TRUE(recipients.has_value()) << recipients.error().message;
    const auto identities = ReadIdentityFile(identity, NoPassphrase);
    ASSERT_TRUE(identities.has_value()) << identities.error().message;
    ASSERT_EQ(recipients->size(), 1u);
    ASSERT_EQ(identities->size(), 1u);
    EXPECT_EQ(recipients->front()->Name(), identities->front()->Name());
    FileKey key;
    random_.Fill(key.mutable_view(KeyAccess::Token()));
    const auto stanza = recipients->front()->Wrap(key, random_);
    ASSERT_TRUE(stanza.has_value());
    EXPECT_EQ(stanza->type, type);
    const auto opened = identities->front()->Unwrap({&*stanza, 1});
    ASSERT_TRUE(opened.has_value() && opened->has_value());
    EXPECT_TRUE(
        ConstantTimeEqual((*opened)->view(KeyAccess::Token()), key.view(KeyAccess::Token())));
  }

  TestFolder folder_;
  SystemRandom random_;
  Timestamp now_ = SystemClock().Now() + std::chrono::minutes(1);
};

TEST_F(RecipientSourceTest, AgeKeygensFilesAndLists) {
  Run({"age-keygen", "-o", Path("age.key")});
  const ProgramOutcome made = RunProgram({"age-keygen", "-y", Path("age.key")});
  const std::string recipient = made.output.substr(0, made.output.size() - 1);
  ExpectPair(recipient, Path("age.key"), "X25519");
  EXPECT_EQ(NameOf(recipient), recipient);
  const auto keys = OwnKeys::Read(Path("age.key"), NoPassphrase);
  ASSERT_TRUE(keys.has_value());
  EXPECT_EQ(keys->PublicText(), made.output);

  Run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", Path("ssh")});
  ExpectPair(Path("ssh.pub"), Path("ssh"), "ssh-ed25519");
  const std::string list = Write("list", "# team\r\n\r\n  " + recipient + "  \r\n" +
                                             ReadAll(Path("ssh.pub")) + "#" + recipient);
  const auto parsed = ReadRecipientsFile(list, now_);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  ASSERT_EQ(parsed->size(), 2u);
  EXPECT_EQ((*parsed)[0]->Name(), recipient);
  EXPECT_TRUE((*parsed)[1]->Name().starts_with("ssh-ed25519 "));

  EXPECT_THAT(MessageOf(Write("bad", "# x\n" + recipient + "\nage1garbled\n")),
              AllOf(HasSubstr("/bad: line 3: "), Not(HasSubstr("age1garbled"))));
  EXPECT_THAT(MessageOf(Write("empty", "\n# nothing\n")), HasSubstr("no key in it"));
  EXPECT_THAT(MessageOf(Path("age.key")), AllOf(HasSubstr("line 3"), HasSubstr("secret key")));
  const auto missing = ParseRecipient(Path("missing"), now_);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
}

TEST_F(RecipientSourceTest, SshKeysBesideEachOther) {
  Run({"ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", Path("ssh")});
  ExpectPair(Path("ssh.pub"), Path("ssh"), "ssh-rsa");
  std::string line = ReadAll(Path("ssh.pub"));
  ExpectPair(line, Path("ssh"), "ssh-rsa");
  const auto keys = OwnKeys::Read(Path("ssh"), NoPassphrase);
  ASSERT_TRUE(keys.has_value());
  EXPECT_TRUE(line.starts_with(keys->PublicText().substr(0, keys->PublicText().size() - 1)));
}

TEST_F(RecipientSourceTest, TellsFilesFromKeys) {
  EXPECT_FALSE(IsRecipientText("ssh-team.pub"));
  EXPECT_FALSE(IsRecipientText("age1.txt"));
  EXPECT_FALSE(IsRecipientText("./age1team"));
  EXPECT_TRUE(IsRecipientText("age1team"));
  EXPECT_TRUE(IsRecipientText("ssh-rsa AAAA"));
  EXPECT_TRUE(IsRecipientText("AGE-SECRET-KEY-1"));
}

TEST_F(RecipientSourceTest, RefusesByName) {
  const std::string zeros = codec::Bech32Encode("age1pq", Bytes(1216, 0));
  EXPECT_THAT(MessageOf(zeros), HasSubstr("needs ML-KEM, which no library of Debian 12 has"));
  EXPECT_THAT(MessageOf(codec::Bech32Encode("age1tagpq", Bytes(9, 0))), HasSubstr("ML-KEM"));
  EXPECT_THAT(MessageOf(codec::Bech32Encode("age1tag", Bytes(33, 2))), HasSubstr("age1tag1"));
  EXPECT_THAT(MessageOf(codec::Bech32Encode("age1yubikey", Bytes(33, 2))),
              HasSubstr("plugin yubikey"));
  EXPECT_THAT(MessageOf(codec::Bech32Encode("age", Bytes(31, 2))), HasSubstr("length"));
  const std::string secret = codec::Bech32Encode("AGE-SECRET-KEY-", Bytes(32, 2));
  EXPECT_THAT(MessageOf(secret), AllOf(HasSubstr("secret key"), Not(HasSubstr(secret))));

  const auto identity = [&](std::string_view text) {
    const auto read = ReadIdentityFile(Write("identity", text), NoPassphrase);
    return read ? "no error" : read.error().message;
  };
  EXPECT_THAT(identity(codec::Bech32Encode("AGE-SECRET-KEY-PQ-", Bytes(32, 0))),
              HasSubstr("needs ML-KEM, which no library of Debian 12 has"));
  EXPECT_THAT(identity(codec::Bech32Encode("AGE-PLUGIN-YUBIKEY-", Bytes(32, 0))),
              HasSubstr("plugin yubikey"));
  EXPECT_THAT(identity("AGE-SECRET-KEY-1GARBLED"),
              AllOf(HasSubstr("line 1"), Not(HasSubstr("GARBLED"))));
  EXPECT_THAT(identity("hunter2"), Not(HasSubstr("hunter2")));
  EXPECT_THAT(identity(zeros), HasSubstr("public key"));
}

TEST_F(RecipientSourceTest, CertificatesOfOpenssl) {
  const std::string rsa = MakeCertificate("rsa", {"-newkey", "rsa:2048"});
  ExpectPair(rsa, Path("rsa.key"), "ssh-rsa");
  const std::vector<std::string> p256 = {"-newkey", "ec", "-pkeyopt",
                                         "ec_paramgen_curve:prime256v1"};
  const std::string ec = MakeCertificate("ec", p256);
  ExpectPair(ec, Path("ec.key"), "salus/p256");
  Run({"openssl", "x509", "-in", ec, "-outform", "DER", "-out", Path("ec.der")});
  ExpectPair(Path("ec.der"), Path("ec.key"), "salus/p256");
  Run({"openssl", "pkey", "-in", Path("ec.key"), "-pubout", "-out", Path("ec.pub")});
  ExpectPair(Path("ec.pub"), Path("ec.key"), "salus/p256");
  const std::string named = NameOf(ec);
  EXPECT_TRUE(named.starts_with("p256:")) << named;
  ExpectPair(named, Path("ec.key"), "salus/p256");

  // The old form of an RSA key opens what is sealed to its public half in that form.
  Run({"openssl", "rsa", "-in", Path("rsa.key"), "-traditional", "-out", Path("old.key")});
  Run({"openssl", "rsa", "-in", Path("rsa.key"), "-RSAPublicKey_out", "-out", Path("old.pub")});
  ExpectPair(Path("old.pub"), Path("old.key"), "ssh-rsa");

  const Timestamp now = now_;
  now_ = now + days(31);
  EXPECT_THAT(MessageOf(ec), AllOf(HasSubstr("ec.pem: the certificate expired at 20"),
                                   HasSubstr("Z: ask its holder")));
  now_ = now - days(1);
  EXPECT_THAT(MessageOf(ec), HasSubstr("the certificate is valid from 20"));
  now_ = now;

  std::vector<std::string> signing = p256;
  signing.insert(signing.end(), {"-addext", "keyUsage=critical,digitalSignature"});
  EXPECT_THAT(MessageOf(MakeCertificate("signing", signing)), HasSubstr("no keyAgreement"));
  EXPECT_THAT(MessageOf(MakeCertificate(
                  "rsa-signing", {"-newkey", "rsa:2048", "-addext", "keyUsage=digitalSignature"})),
              HasSubstr("no keyEncipherment"));
  std::vector<std::string> agreeing = p256;
  agreeing.insert(agreeing.end(), {"-addext", "keyUsage=critical,keyAgreement"});
  ExpectPair(MakeCertificate("agreeing", agreeing), Path("agreeing.key"), "salus/p256");
  EXPECT_THAT(MessageOf(MakeCertificate("ed", {"-newkey", "ed25519"})), HasSubstr("signing key"));
  EXPECT_THAT(MessageOf(MakeCertificate(
                  "p384", {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"})),
              HasSubstr("the certificate's key"));
  EXPECT_THAT(MessageOf(Path("ec.key")), HasSubstr("private key"));
  EXPECT_THAT(ReadIdentityFile(Path("ed.key"), NoPassphrase).error().message,
              HasSubstr("for signing"));

  // Two authorities' and nobody else's.
  EXPECT_THAT(MessageOf(Write("two", ReadAll(rsa) + ReadAll(ec))), HasSubstr("authorities"));
}

TEST_F(RecipientSourceTest, SalusIdentitiesStandForTheirEncryptionKey) {
  UnloggedIssuance log;
  auto root = pki::RootAuthority::Create(
      folder_ / "root", {.name = "Root", .validity = {now_ - days(2), now_ + days(99)}}, random_);
  ASSERT_TRUE(root.has_value());
  auto issuing = pki::IssuingAuthority::Create(
      folder_ / "issuing", *root,
      {.name = "Issuing", .validity = {now_ - days(2), now_ + days(50)}}, random_);
  ASSERT_TRUE(issuing.has_value());
  auto ada = pki::IdentityDirectory::Create(folder_ / "ada", {.name = "Ada"});
  ASSERT_TRUE(ada.has_value());
  EXPECT_THAT(MessageOf(Path("ada")), HasSubstr("salus identity certify"));
  const auto name = pki::Identity::Create("host/org", pki::Role::kPatient, "p-1");
  auto leaf = issuing->Issue(ada->request(),
                             {.identity = *name, .validity = {now_ - days(1), now_ + days(9)}},
                             random_, log);
  ASSERT_TRUE(leaf.has_value()) << leaf.error().message;
  ASSERT_TRUE(ada->Install(std::vector{*leaf, issuing->certificate()}).has_value());
  ExpectPair(Path("ada"), Path("ada"), "salus/p256");
  ExpectPair(Path("ada/chain.pem"), Path("ada/encrypt.key"), "salus/p256");
  ExpectPair(Path("ada/certificate.pem"), Path("ada"), "salus/p256");
  const auto own = OwnKeys::Read(Path("ada"), NoPassphrase);
  ASSERT_TRUE(own.has_value());
  EXPECT_EQ(own->PublicText(), crypto::EncodePublicKeyPem(ada->encryption_key().public_key()));
}

TEST_F(RecipientSourceTest, Jwks) {
  const auto write_pair = [&](const std::string& name, jose::Jwk::Material material) {
    const jose::Jwk jwk(std::move(material));
    Write(name + ".jwk", AsText(jwk.PrivateJson()->view(KeyAccess::Token())));
    const std::string text = codec::WriteJson(*jwk.PublicJson());
    Write(name + ".pub.jwk", text);
    return text;
  };
  const std::string p256 = write_pair("p256", crypto::P256PrivateKey::Generate());
  ExpectPair(Path("p256.pub.jwk"), Path("p256.jwk"), "salus/p256");
  const std::string x25519 = write_pair("x", crypto::X25519PrivateKey::Generate(random_));
  ExpectPair(Path("x.pub.jwk"), Path("x.jwk"), "X25519");
  write_pair("rsa", *crypto::RsaPrivateKey::Generate(2048));
  ExpectPair(Path("rsa.pub.jwk"), Path("rsa.jwk"), "ssh-rsa");
  const std::string ed = write_pair("ed", crypto::Ed25519PrivateKey::Generate(random_));
  EXPECT_THAT(MessageOf(Path("ed.pub.jwk")), HasSubstr("not for encryption"));
  EXPECT_THAT(ReadIdentityFile(Path("ed.jwk"), NoPassphrase).error().message,
              HasSubstr("for signing"));
  EXPECT_THAT(MessageOf(Path("p256.jwk")), HasSubstr("secret key"));

  std::string signing = p256;
  signing.insert(1, R"("use":"sig",)");
  EXPECT_THAT(MessageOf(Write("sig", signing)), HasSubstr("not for encryption"));
  std::string derive = p256;
  derive.insert(1, R"("alg":"ECDH-ES+A256KW",)");
  EXPECT_THAT(NameOf(Write("derive", derive)), HasSubstr("p256:"));

  const std::string set = "{\"keys\":[" + p256 + "," + ed + "," + x25519 + "," + signing + "]}";
  const auto parsed = ParseRecipient(Write("set", set), now_);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_EQ(parsed->size(), 2u);
  EXPECT_THAT(MessageOf(Write("none", "{\"keys\":[" + ed + "]}")), HasSubstr("no key for enc"));
  EXPECT_THAT(MessageOf(Write("json", "{\"a\":1}")), HasSubstr("/json: "));
}

TEST_F(RecipientSourceTest, IdentityFilesAreTheirOwnersOnly) {
  Run({"age-keygen", "-o", Path("age.key")});
  std::filesystem::permissions(Path("age.key"), std::filesystem::perms(0644));
  const auto read = ReadIdentityFile(Path("age.key"), NoPassphrase);
  ASSERT_FALSE(read.has_value());
  EXPECT_THAT(read.error().message, AllOf(HasSubstr("age.key: "), HasSubstr("chmod 600")));
}

TEST_F(RecipientSourceTest, IdentitiesByLinksAndPipes) {
  Run({"age-keygen", "-o", Path("age.key")});
  std::filesystem::create_symlink("age.key", Path("link"));
  EXPECT_TRUE(ReadIdentityFile(Path("link"), NoPassphrase).has_value());
  std::filesystem::permissions(Path("age.key"), std::filesystem::perms(0640));
  EXPECT_THAT(ReadIdentityFile(Path("link"), NoPassphrase).error().message, HasSubstr("chmod 600"));

  const std::string content = ReadAll(Path("age.key"));
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], content.data(), content.size()), static_cast<ssize_t>(content.size()));
  ::close(ends[1]);
  // What a shell makes of <(command).
  const auto piped = ReadIdentityFile("/dev/fd/" + std::to_string(ends[0]), NoPassphrase);
  ::close(ends[0]);
  EXPECT_TRUE(piped.has_value()) << piped.error().message;
  EXPECT_FALSE(ReadIdentityFile("/dev/zero", NoPassphrase).has_value());
}

TEST_F(RecipientSourceTest, APublicKeyNeedsNoSecrecy) {
  Run({"age-keygen", "-o", Path("age.key")});
  Run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", Path("ssh")});
  Run({"openssl", "genpkey", "-algorithm", "ED25519", "-out", Path("ed.key")});
  Run({"openssl", "pkey", "-in", Path("ed.key"), "-pubout", "-out", Path("ed.pub")});
  const std::string age = RunProgram({"age-keygen", "-y", Path("age.key")}).output;
  const std::string certificate = MakeCertificate("rsa", {"-newkey", "rsa:2048"});
  Write("team", "# team\n" + age);
  Write("jwk", R"({"kty":"OKP","crv":"X25519","x":"AA"})");
  for (const std::string& path :
       {Path("team"), Path("ssh.pub"), Path("ed.pub"), certificate, Path("jwk")}) {
    std::filesystem::permissions(path, std::filesystem::perms(0644));
    EXPECT_THAT(ReadIdentityFile(path, NoPassphrase).error().message,
                AllOf(HasSubstr("a public key opens nothing"), Not(HasSubstr("chmod"))));
  }
  Write("secret.jwk", R"({"kty":"OKP","crv":"X25519","x":"AA","d":"AA"})");
  for (const char* name : {"secret.jwk", "ssh", "age.key", "ed.key"}) {
    std::filesystem::permissions(Path(name), std::filesystem::perms(0644));
    EXPECT_THAT(ReadIdentityFile(Path(name), NoPassphrase).error().message,
                HasSubstr("replace the key"));
  }
}

TEST_F(RecipientSourceTest, NeverRepeatsASecretKey) {
  std::string secret = codec::Bech32Encode("AGE-SECRET-KEY-", Bytes(32, 2));
  for (int times = 0; times < 2; ++times) {
    for (const std::string& given : {secret, " " + secret, "key=" + secret}) {
      EXPECT_TRUE(IsSecretText(given));
      const auto identity = ReadIdentityFile(given, NoPassphrase);
      const auto recipients = ReadRecipientsFile(given, now_);
      ASSERT_FALSE(identity.has_value() || recipients.has_value());
      for (const std::string& message :
           {identity.error().message, recipients.error().message, MessageOf(given)}) {
        EXPECT_THAT(message, AllOf(HasSubstr("shell's history"), Not(HasSubstr(secret))));
      }
    }
    for (char& c : secret) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  }
  EXPECT_TRUE(IsSecretText("-----BEGIN PRIVATE KEY-----\nMC4C"));
  EXPECT_TRUE(IsSecretText(R"( {"kty":"OKP","d":"AA"})"));
  for (const char* name : {"age-secret-key.txt", "./AGE-SECRET-KEY-1.txt", "age-secret-key-1/key",
                           "{d}", "", "key.txt"}) {
    EXPECT_FALSE(IsSecretText(name)) << name;
  }
}

TEST_F(RecipientSourceTest, EncryptedPkcs8AsksForItsPassphrase) {
  Run({"openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
       Path("key"), "-aes-256-cbc", "-pass", "pass:correct horse"});
  std::filesystem::permissions(Path("key"), std::filesystem::perms(0600));
  const auto with = [&](std::string_view passphrase) {
    return ReadIdentityFile(
        Path("key"), [&]() -> Result<SecretBytes> { return SecretBytes(AsBytes(passphrase)); });
  };
  EXPECT_TRUE(with("correct horse").has_value());
  const auto wrong = with("battery staple");
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code, ErrorCode::kFailedPrecondition);
}

}  // namespace
}  // namespace salus::seal
