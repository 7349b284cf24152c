// Key files that are sealed with a passphrase; the other forms are in recipient_source_test.cc.
#include "seal/own_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "codec/bech32.h"
#include "seal/age_file.h"
#include "seal/scrypt_recipient.h"
#include "seal/x25519_recipient.h"

namespace salus::seal {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kPassphrase = "correct horse";

class SealedKeysTest : public ::testing::Test {
 protected:
  Bytes Seal(std::string_view text, std::unique_ptr<Recipient> recipient, bool is_armored) {
    Recipients recipients;
    recipients.push_back(std::move(recipient));
    MemorySink out;
    MemorySource in(AsBytes(text));
    SealSettings settings;
    settings.is_armored = is_armored;
    auto sealer = AgeSealer::Start(out, recipients, settings, random_);
    EXPECT_TRUE(sealer.has_value() && (*sealer)->SealAll(in).has_value());
    return out.bytes();
  }

  Bytes SealWithPassphrase(std::string_view text, bool is_armored) {
    return Seal(text, std::make_unique<ScryptRecipient>(SecretBytes(AsBytes(kPassphrase)), 4),
                is_armored);
  }

  Result<OwnKeys> Parse(ByteSpan content, std::string_view passphrase = kPassphrase) {
    return OwnKeys::Parse(
        content, [&]() -> Result<SecretBytes> { return SecretBytes(AsBytes(passphrase)); });
  }

  SystemRandom random_;
  const std::string text_ =
      "# mine\n" + codec::Bech32Encode("AGE-SECRET-KEY-", Bytes(32, 7)) + "\n";
};

TEST_F(SealedKeysTest, OpensWithThePassphrase) {
  for (const bool is_armored : {false, true}) {
    const auto keys = Parse(SealWithPassphrase(text_, is_armored));
    ASSERT_TRUE(keys.has_value()) << keys.error().message;
    EXPECT_EQ(keys->keys().size(), 1u);
    EXPECT_EQ(keys->PublicText(), Parse(AsBytes(text_))->PublicText());
  }
}

TEST_F(SealedKeysTest, AWrongPassphraseIsNobodysForgery) {
  const auto keys = Parse(SealWithPassphrase(text_, true), "battery staple");
  ASSERT_FALSE(keys.has_value());
  EXPECT_EQ(keys.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(keys.error().message, HasSubstr("passphrase"));
}

TEST_F(SealedKeysTest, WhatIsChangedIsFound) {
  Bytes sealed = SealWithPassphrase(text_, false);
  sealed.back() ^= 1;
  const auto keys = Parse(sealed);
  ASSERT_FALSE(keys.has_value());
  EXPECT_EQ(keys.error().code, ErrorCode::kVerificationFailed);
}

TEST_F(SealedKeysTest, RefusesWhatIsSealedToKeysOrTwiceOrTooLarge) {
  const auto key = crypto::X25519PrivateKey::Generate(random_);
  const Bytes to_key = Seal(text_, std::make_unique<X25519Recipient>(key.public_key()), false);
  EXPECT_THAT(Parse(to_key).error().message, HasSubstr("sealed to other keys"));
  const Bytes twice = SealWithPassphrase(AsText(SealWithPassphrase(text_, false)), false);
  EXPECT_FALSE(Parse(twice).has_value());
  EXPECT_THAT(Parse(SealWithPassphrase(std::string(70'000, '#'), false)).error().message,
              HasSubstr("64 KiB"));
}

}  // namespace
}  // namespace salus::seal
