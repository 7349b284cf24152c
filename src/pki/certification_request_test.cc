#include "pki/certification_request.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace salus::pki {
namespace {

TEST(CertificationRequestTest, ComesBackWithBothKeysAndAllNames) {
  RequestSubject subject{.name = "J\xC3\xBCrgen",
                         .identity = Identity::Create("h:1/o", Role::kServer, "s 1").value(),
                         .dns_names = {"salus.example", "localhost"},
                         .ip_names = {"127.0.0.1", "2001:db8::1"}};
  const auto encryption = crypto::P256PrivateKey::Generate();
  std::vector<crypto::PrivateKey> keys;
  keys.emplace_back(crypto::P256PrivateKey::Generate());
  keys.emplace_back(crypto::RsaPrivateKey::Generate(2048).value());
  SystemRandom random;
  keys.emplace_back(crypto::Ed25519PrivateKey::Generate(random));
  for (const crypto::PrivateKey& key : keys) {
    auto made = CertificationRequest::Create(subject, key, &encryption);
    ASSERT_TRUE(made.has_value()) << made.error().message;
    auto read = CertificationRequest::FromPem(made->ToPem());
    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_EQ(read->subject().name, subject.name);
    EXPECT_EQ(read->subject().identity, subject.identity);
    EXPECT_EQ(read->subject().dns_names, subject.dns_names);
    EXPECT_EQ(read->subject().ip_names, subject.ip_names);
    EXPECT_EQ(read->encryption_key(), encryption.public_key());
    EXPECT_TRUE(read->proves_encryption_key());
    EXPECT_EQ(read->subject_public_key_info(),
              crypto::EncodePublicKeyDer(crypto::PublicKeyOf(key)));
  }
}

TEST(CertificationRequestTest, EveryFlippedBitIsNoticed) {
  const auto encryption = crypto::P256PrivateKey::Generate();
  auto made =
      CertificationRequest::Create({.name = "N"}, crypto::P256PrivateKey::Generate(), &encryption)
          .value();
  for (std::size_t at = 0; at < made.der().size(); ++at) {
    Bytes der = ToBytes(made.der());
    der[at] ^= 0x04;
    EXPECT_FALSE(CertificationRequest::FromDer(der).has_value()) << at;
  }
}

TEST(CertificationRequestTest, RefusesCutAndLongerBytes) {
  auto made =
      CertificationRequest::Create({.name = "N"}, crypto::P256PrivateKey::Generate(), nullptr)
          .value();
  for (std::size_t size = 0; size < made.der().size(); ++size) {
    EXPECT_FALSE(CertificationRequest::FromDer(made.der().first(size)).has_value());
  }
  Bytes longer = ToBytes(made.der());
  longer.push_back(0);
  EXPECT_FALSE(CertificationRequest::FromDer(longer).has_value());
  EXPECT_FALSE(CertificationRequest::FromPem(made.ToPem() + made.ToPem()).has_value());
  EXPECT_FALSE(CertificationRequest::FromPem("text\n" + made.ToPem()).has_value());
  EXPECT_FALSE(CertificationRequest::FromPem("").has_value());
}

TEST(CertificationRequestTest, RefusesOneKeyForBothUses) {
  auto key = crypto::P256PrivateKey::Generate();
  const auto same = key.Clone();
  EXPECT_FALSE(CertificationRequest::Create({.name = "N"}, std::move(key), &same).has_value());
}

TEST(CertificationRequestTest, RefusesMalformedNames) {
  const auto make = [](const RequestSubject& subject) {
    return CertificationRequest::Create(subject, crypto::P256PrivateKey::Generate(), nullptr)
        .has_value();
  };
  EXPECT_TRUE(make({}));
  EXPECT_TRUE(make({.name = std::string(64, 'x')}));
  EXPECT_FALSE(make({.name = std::string(65, 'x')}));
  EXPECT_FALSE(make({.name = "a\nb"}));
  EXPECT_FALSE(make({.name = "\xFF"}));
  EXPECT_FALSE(make({.dns_names = {"a,URI:urn:salus:a:officer:b"}}));
  EXPECT_FALSE(make({.ip_names = {"1.2.3"}}));
  EXPECT_FALSE(make({.identity = Identity{"", Role::kPatient, "x"}}));
}

}  // namespace
}  // namespace salus::pki
