// Keys that ssh-keygen made, read here; and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/random.h"
#include "base/test_folder.h"
#include "base/test_program.h"
#include "codec/base64.h"
#include "crypto/private_pem.h"
#include "seal/key_access.h"
#include "seal/pem_key.h"
#include "seal/ssh_private_key.h"
#include "seal/ssh_public_key.h"
#include "seal/ssh_wire.h"

namespace salus::seal {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Result<SecretBytes> NoPassphrase() { return FailedPrecondition("no passphrase was expected"); }

std::string PublicPem(const SshPublicKey& key) {
  return std::visit([](const auto& one) { return crypto::EncodePublicKeyPem(one); }, key.key());
}

class SshKeygenTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (RunProgram({"ssh-keygen", "-?"}).status < 0) GTEST_SKIP() << "skipped: no ssh-keygen";
  }

  // Make returns the path of the private key.
  std::string Make(const char* name, std::vector<std::string> more) {
    const std::string path = folder_ / name;
    std::vector<std::string> line = {"ssh-keygen", "-q", "-C", "a b c", "-f", path};
    line.insert(line.end(), more.begin(), more.end());
    const ProgramOutcome made = RunProgram(std::move(line));
    EXPECT_EQ(made.status, 0) << made.output;
    return path;
  }

  Result<crypto::PrivateKey> Read(const std::string& path) {
    return DecodePemKey(AsBytes(ReadAll(path)), NoPassphrase);
  }

  TestFolder folder_;
};

TEST_F(SshKeygenTest, ReadsWhatItWrites) {
  const std::vector<std::vector<std::string>> kinds = {
      {"-N", "", "-t", "ed25519"},
      {"-N", "", "-t", "rsa", "-b", "2048"},
      {"-N", "", "-t", "rsa", "-b", "3072"},
      {"-N", "", "-t", "rsa", "-b", "2048", "-m", "PEM"},
      {"-N", "", "-t", "rsa", "-b", "2048", "-m", "PKCS8"},
  };
  int number = 0;
  for (const auto& kind : kinds) {
    const std::string path = Make(("key" + std::to_string(number++)).c_str(), kind);
    const auto private_key = Read(path);
    ASSERT_TRUE(private_key.has_value()) << path << ": " << private_key.error().message;
    const std::string line = ReadAll(path + ".pub");
    const auto public_key = SshPublicKey::ParseLine(line);
    ASSERT_TRUE(public_key.has_value()) << public_key.error().message;
    EXPECT_EQ(public_key->ToText() + " a b c\n", line);
    EXPECT_EQ(PublicPem(*public_key),
              crypto::EncodePublicKeyPem(crypto::PublicKeyOf(*private_key)));
    // ssh-keygen's own translation of the public key is what we make of it.
    if (public_key->type() == "ssh-rsa") {
      const ProgramOutcome pem =
          RunProgram({"ssh-keygen", "-e", "-m", "PKCS8", "-f", path + ".pub"});
      EXPECT_EQ(pem.output, PublicPem(*public_key));
    }
  }
}

TEST_F(SshKeygenTest, SaysHowToReadAKeyWithAPassphrase) {
  for (const std::vector<std::string>& kind :
       {std::vector<std::string>{"-t", "ed25519"}, {"-t", "rsa", "-b", "2048"}}) {
    std::vector<std::string> line = {"-N", "correct horse"};
    line.insert(line.end(), kind.begin(), kind.end());
    const std::string path = Make(("sealed-" + kind[1]).c_str(), line);
    const auto sealed = Read(path);
    ASSERT_FALSE(sealed.has_value());
    EXPECT_EQ(sealed.error().code, ErrorCode::kFailedPrecondition);
    EXPECT_THAT(sealed.error().message, HasSubstr("ssh-keygen -p -N \"\" -f COPY"));
    // What the message says works.
    const std::string copy = path + ".copy";
    std::filesystem::copy_file(path, copy);
    const ProgramOutcome freed =
        RunProgram({"ssh-keygen", "-p", "-P", "correct horse", "-N", "", "-f", copy});
    EXPECT_EQ(freed.status, 0) << freed.output;
    EXPECT_TRUE(Read(copy).has_value());
  }
  const auto old = Read(Make("old", {"-N", "correct horse", "-t", "rsa", "-m", "PEM"}));
  ASSERT_FALSE(old.has_value());
  EXPECT_THAT(old.error().message, HasSubstr("openssl pkcs8 -topk8"));
}

TEST_F(SshKeygenTest, RefusesOtherTypesByName) {
  const auto line = [&](const std::string& path) {
    return SshPublicKey::ParseLine(ReadAll(path + ".pub"));
  };
  const std::string ecdsa = Make("ecdsa", {"-N", "", "-t", "ecdsa"});
  EXPECT_THAT(line(ecdsa).error().message, HasSubstr("type ecdsa-sha2-nistp256"));
  EXPECT_THAT(Read(ecdsa).error().message, HasSubstr("type ecdsa-sha2-nistp256"));
  const std::string small = Make("small", {"-N", "", "-t", "rsa", "-b", "1024"});
  EXPECT_THAT(line(small).error().message, HasSubstr("2048"));
  EXPECT_THAT(Read(small).error().message, HasSubstr("2048"));
}

// Each byte of an unencrypted file changed: another comment or another key of its own, or refused;
// never a key that differs from its public half.
TEST_F(SshKeygenTest, EveryByteOfThePrivateFileIsChecked) {
  const std::string path = Make("flipped", {"-N", "", "-t", "ed25519"});
  const auto pem = crypto::DecodePrivatePem(AsBytes(ReadAll(path)));
  ASSERT_TRUE(pem.has_value());
  const Bytes good = ToBytes(pem->der.view(KeyAccess::Token()));
  ASSERT_TRUE(DecodeSshPrivateKey(good).has_value());
  std::size_t passed = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    Bytes changed = good;
    changed[at] ^= 1;
    passed += DecodeSshPrivateKey(changed).has_value() ? 1 : 0;
    EXPECT_FALSE(DecodeSshPrivateKey(ByteSpan(good).first(at)).has_value()) << at;
  }
  EXPECT_EQ(passed, std::string_view("a b c").size());
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(DecodeSshPrivateKey(longer).has_value());
}

TEST(SshPublicKeyTest, OneEncodingOnly) {
  SeededRandom random(3);
  const SshPublicKey key(crypto::Ed25519PrivateKey::Generate(random).public_key());
  const std::string text = key.ToText();
  EXPECT_TRUE(SshPublicKey::ParseLine(text).has_value());
  EXPECT_TRUE(SshPublicKey::ParseLine(text + " x y").has_value());
  EXPECT_TRUE(SshPublicKey::ParseLine(text + "\r\n").has_value());
  EXPECT_FALSE(SshPublicKey::ParseLine(text.substr(0, text.size() - 1)).has_value());
  EXPECT_FALSE(SshPublicKey::ParseLine("ssh-rsa" + text.substr(11)).has_value());
  EXPECT_FALSE(SshPublicKey::ParseLine("ssh-ed25519").has_value());
  EXPECT_FALSE(SshPublicKey::ParseLine("").has_value());
  Bytes longer = key.wire();
  longer.push_back(0);
  EXPECT_FALSE(SshPublicKey::FromWire(longer).has_value());

  // RSA: an integer with a zero byte too many, or without the one that it needs.
  const SshPublicKey rsa(crypto::RsaPrivateKey::Generate(2048)->public_key());
  const auto numbers = std::get<crypto::RsaPublicKey>(rsa.key()).components();
  for (const std::size_t zeros : {0u, 1u, 2u}) {
    Bytes wire;
    AppendSshString(wire, AsBytes("ssh-rsa"));
    AppendSshInteger(wire, numbers.e);
    Bytes n(zeros, 0);
    Append(n, numbers.n);
    AppendSshString(wire, n);
    EXPECT_EQ(SshPublicKey::FromWire(wire).has_value(), zeros == 1) << zeros;
  }
}

TEST(SshPublicKeyTest, NeverRepeatsWhatItWasGiven) {
  const auto parsed = SshPublicKey::ParseLine("hunter2 hunter2");
  ASSERT_FALSE(parsed.has_value());
  EXPECT_THAT(parsed.error().message, Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace salus::seal
