// Keys that are made here, with age-keygen and openssl as the judges.
#include "seal/new_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/clock.h"
#include "base/test_folder.h"
#include "base/test_program.h"
#include "seal/key_access.h"
#include "seal/own_keys.h"
#include "seal/recipient_source.h"

namespace salus::seal {
namespace {

using ::testing::MatchesRegex;
using ::testing::StartsWith;

constexpr KeyType kAllTypes[] = {KeyType::kX25519, KeyType::kP256, KeyType::kRsa2048,
                                 KeyType::kEd25519};

class NewKeyTest : public ::testing::Test {
 protected:
  static std::string_view TextOf(const NewKey& key) {
    return AsText(key.file.view(KeyAccess::Token()));
  }
  std::string Write(const NewKey& key) {
    const std::string path = folder_ / "key";
    std::ofstream(path, std::ios::binary) << TextOf(key);
    std::filesystem::permissions(path, std::filesystem::perms(0600));
    return path;
  }
  Result<SecretBytes> Phrase(std::string_view text) { return SecretBytes(AsBytes(text)); }

  TestFolder folder_;
  SystemRandom random_;
  Timestamp now_ = SystemClock().Now();
};

TEST_F(NewKeyTest, OtherProgramsReadThem) {
  if (RunProgram({"age-keygen", "-version"}).status < 0) GTEST_SKIP() << "skipped: no age-keygen";
  for (const KeyType type : kAllTypes) {
    const auto key = NewKey::Make(type, now_, nullptr, random_);
    ASSERT_TRUE(key.has_value());
    const std::string path = Write(*key);
    const ProgramOutcome read = type == KeyType::kX25519
                                    ? RunProgram({"age-keygen", "-y", path})
                                    : RunProgram({"openssl", "pkey", "-in", path, "-pubout"});
    EXPECT_EQ(read.status, 0) << read.output;
    EXPECT_EQ(read.output, key->public_text);
  }
}

TEST_F(NewKeyTest, HasTheFormOfAgeKeygens) {
  const auto key = NewKey::Make(
      KeyType::kX25519,
      std::chrono::sys_days(std::chrono::year(2026) / 3 / 2) + std::chrono::milliseconds(1234),
      nullptr, random_);
  ASSERT_TRUE(key.has_value());
  EXPECT_THAT(std::string(TextOf(*key)),
              MatchesRegex("# created: 2026-03-02T00:00:01Z\n# public key: age1[a-z0-9]*\n"
                           "AGE-SECRET-KEY-1[A-Z0-9]*\n"));
}

TEST_F(NewKeyTest, AreReadHereWithAndWithoutPassphrase) {
  const SecretBytes passphrase(AsBytes("correct horse"));
  for (const KeyType type : kAllTypes) {
    for (const SecretBytes* phrase : {static_cast<const SecretBytes*>(nullptr), &passphrase}) {
      const auto key = NewKey::Make(type, now_, phrase, random_);
      ASSERT_TRUE(key.has_value());
      int asked = 0;
      const auto own = OwnKeys::Read(Write(*key), [&] {
        ++asked;
        return Phrase("correct horse");
      });
      ASSERT_TRUE(own.has_value()) << own.error().message;
      EXPECT_EQ(asked, phrase == nullptr ? 0 : 1);
      EXPECT_EQ(own->PublicText(), key->public_text);
      if (type == KeyType::kEd25519) {
        EXPECT_EQ(key->name, "");
        continue;
      }
      const auto recipient = ParseRecipient(key->name, now_);
      ASSERT_TRUE(recipient.has_value());
      const auto same = ParseRecipientsFile(key->public_text, now_);
      ASSERT_TRUE(same.has_value());
      EXPECT_EQ(recipient->front()->Name(), same->front()->Name());
    }
  }
}

TEST_F(NewKeyTest, SealedOnesShowNothing) {
  const SecretBytes passphrase(AsBytes("correct horse"));
  const auto age = NewKey::Make(KeyType::kX25519, now_, &passphrase, random_);
  EXPECT_THAT(std::string(TextOf(*age)), StartsWith("-----BEGIN AGE ENCRYPTED FILE-----\n"));
  const auto pem = NewKey::Make(KeyType::kP256, now_, &passphrase, random_);
  EXPECT_THAT(std::string(TextOf(*pem)), StartsWith("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
  const SecretBytes empty;
  for (const KeyType type : kAllTypes) {
    EXPECT_FALSE(NewKey::Make(type, now_, &empty, random_).has_value());
  }
}

TEST(KeyTypeTest, Names) {
  EXPECT_EQ(*ParseKeyType("rsa4096"), KeyType::kRsa4096);
  EXPECT_EQ(ParseKeyType("rsa1024").error().message,
            "the types of keys are x25519, p256, rsa2048, rsa3072, rsa4096, ed25519");
}

}  // namespace
}  // namespace salus::seal
