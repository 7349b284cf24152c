// Sealed to SSH keys, with Debian's age as the judge in both directions.
#include "seal/ssh_recipient.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/random.h"
#include "base/test_folder.h"
#include "base/test_program.h"
#include "codec/base64.h"
#include "seal/age_file.h"
#include "seal/key_access.h"
#include "seal/pem_key.h"

namespace salus::seal {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kText = "a file for whoever has the key";

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void WriteAll(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

SshIdentity::Key KeyOf(crypto::PrivateKey key) {
  if (auto* rsa = std::get_if<crypto::RsaPrivateKey>(&key)) return std::move(*rsa);
  return std::move(std::get<crypto::Ed25519PrivateKey>(key));
}

class SshRecipientTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (RunProgram({"age", "--version"}).status != 0) GTEST_SKIP() << "skipped: no age";
    path_ = folder_ / "key";
    const ProgramOutcome made =
        RunProgram({"ssh-keygen", "-q", "-t", GetParam(), "-N", "", "-f", path_});
    ASSERT_EQ(made.status, 0) << made.output;
    auto key = DecodePemKey(AsBytes(ReadAll(path_)), {});
    ASSERT_TRUE(key.has_value()) << key.error().message;
    identities_.push_back(std::make_unique<SshIdentity>(KeyOf(*std::move(key))));
    auto line = SshPublicKey::ParseLine(ReadAll(path_ + ".pub"));
    ASSERT_TRUE(line.has_value());
    recipients_.push_back(std::make_unique<SshRecipient>(*std::move(line)));
  }

  std::string Seal() {
    MemorySink out;
    MemorySource in(AsBytes(kText));
    auto sealer = AgeSealer::Start(out, recipients_, {}, random_);
    EXPECT_TRUE(sealer.has_value() && (*sealer)->SealAll(in).has_value());
    return std::string(AsText(out.bytes()));
  }

  TestFolder folder_;
  SystemRandom random_;
  std::string path_;
  Recipients recipients_;
  Identities identities_;
};

TEST_P(SshRecipientTest, AgeOpensOurs) {
  const std::string sealed = folder_ / "sealed";
  WriteAll(sealed, Seal());
  const ProgramOutcome opened = RunProgram({"age", "-d", "-i", path_, sealed});
  EXPECT_EQ(opened.status, 0);
  EXPECT_EQ(opened.output, kText);
}

TEST_P(SshRecipientTest, WeOpenAges) {
  const std::string plain = folder_ / "plain";
  const std::string sealed = folder_ / "sealed";
  WriteAll(plain, kText);
  const ProgramOutcome made = RunProgram({"age", "-R", path_ + ".pub", "-o", sealed, plain});
  ASSERT_EQ(made.status, 0) << made.output;
  const std::string bytes = ReadAll(sealed);
  MemorySource in(AsBytes(bytes));
  auto opener = AgeOpener::Start(in);
  ASSERT_TRUE(opener.has_value());
  ASSERT_TRUE((*opener)->Unlock(identities_).has_value());
  MemorySink out;
  ASSERT_TRUE((*opener)->OpenAll(out).has_value());
  EXPECT_EQ(AsText(out.bytes()), kText);
}

TEST_P(SshRecipientTest, BothEndsHaveOneName) {
  EXPECT_EQ(recipients_[0]->Name(), identities_[0]->Name());
  EXPECT_TRUE(ReadAll(path_ + ".pub").starts_with(recipients_[0]->Name() + " "));
}

TEST_P(SshRecipientTest, PassesOverOthersAndNamesWhatIsChanged) {
  FileKey key;
  random_.Fill(key.mutable_view(KeyAccess::Token()));
  auto own = recipients_[0]->Wrap(key, random_);
  ASSERT_TRUE(own.has_value());
  Stanza other_tag = *own;
  other_tag.arguments[0] = codec::Base64RawEncode(Bytes(4, 1));
  Stanza other_body = *own;
  other_body.body[3] ^= 1;

  // One that has our tag but is not for us does not hide the one that is.
  const Stanza mixed[] = {other_tag, {"X25519", {"nothing"}, {}}, other_body, *own};
  const auto found = identities_[0]->Unwrap(mixed);
  ASSERT_TRUE(found.has_value() && found->has_value());
  EXPECT_TRUE(ConstantTimeEqual((*found)->view(KeyAccess::Token()), key.view(KeyAccess::Token())));

  const auto none = identities_[0]->Unwrap({&other_tag, 1});
  EXPECT_TRUE(none.has_value() && !none->has_value());
  const auto changed = identities_[0]->Unwrap({&other_body, 1});
  ASSERT_FALSE(changed.has_value());
  EXPECT_EQ(changed.error().code, ErrorCode::kVerificationFailed);

  Stanza long_tag = *own;
  long_tag.arguments[0] += "AA";
  Stanza fewer = *own;
  fewer.arguments.pop_back();
  Stanza more = *own;
  more.arguments.emplace_back("AAAA");
  for (const Stanza& bad : {long_tag, fewer, more}) {
    EXPECT_FALSE(identities_[0]->Unwrap({&bad, 1}).has_value());
  }
}

// A header may hold 20,000 stanzas, and each costs the reader a private operation.
TEST_P(SshRecipientTest, TriesFewStanzasOfItsOwnTag) {
  FileKey key;
  const auto own = recipients_[0]->Wrap(key, random_);
  ASSERT_TRUE(own.has_value());
  Stanza broken = *own;
  broken.body[3] ^= 1;
  std::vector<Stanza> stanzas(7, broken);
  stanzas.push_back(*own);
  const auto eighth = identities_[0]->Unwrap(stanzas);
  EXPECT_TRUE(eighth.has_value() && eighth->has_value());
  stanzas.insert(stanzas.begin(), broken);
  const auto ninth = identities_[0]->Unwrap(stanzas);
  ASSERT_FALSE(ninth.has_value());
  EXPECT_EQ(ninth.error().code, ErrorCode::kVerificationFailed);
  EXPECT_THAT(ninth.error().message, HasSubstr("more than 8 times"));
}

INSTANTIATE_TEST_SUITE_P(Types, SshRecipientTest, ::testing::Values("ed25519", "rsa"),
                         [](const auto& kind) { return std::string(kind.param); });

// The share of small order would give everybody the same secret.
TEST(SshEd25519Test, RefusesSharesOfSmallOrder) {
  SystemRandom random;
  auto key = crypto::Ed25519PrivateKey::Generate(random);
  const SshRecipient recipient{SshPublicKey(key.public_key())};
  const SshIdentity identity{SshIdentity::Key(std::move(key))};
  auto stanza = recipient.Wrap(FileKey(), random);
  ASSERT_TRUE(stanza.has_value());
  stanza->arguments[1] = codec::Base64RawEncode(Bytes(32, 0));
  const auto opened = identity.Unwrap({&*stanza, 1});
  ASSERT_FALSE(opened.has_value());
  EXPECT_THAT(opened.error().message, HasSubstr("small order"));
}

}  // namespace
}  // namespace salus::seal
