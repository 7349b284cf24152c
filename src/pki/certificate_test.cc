#include "pki/certificate.h"

#include <gtest/gtest.h>

#include "pki/forged_certificate.h"

namespace salus::pki {
namespace {

TEST(CertificateTest, ReadsWhatOpensslWrote) {
  ForgeProfile profile;
  profile.common_name = "holder";
  profile.subject_alternative_name =
      "URI:urn:salus:host/org/2026:server:s-1,DNS:salus.example,IP:127.0.0.1,email:a@example.org";
  ForgeKey key = ForgeP256();
  Certificate certificate = *Forge(profile, key, nullptr).certificate;
  EXPECT_EQ(certificate.subject(), "CN=holder");
  EXPECT_EQ(certificate.not_before(), profile.not_before);
  EXPECT_EQ(certificate.not_after(), profile.not_after);
  EXPECT_EQ(certificate.identity()->id, "s-1");
  EXPECT_EQ(certificate.dns_names(), std::vector<std::string>{"salus.example"});
  EXPECT_EQ(certificate.ip_names(), (std::vector<Bytes>{{127, 0, 0, 1}}));
  EXPECT_EQ(certificate.fingerprint(), crypto::Sha256(certificate.der()));
  EXPECT_FALSE(certificate.is_authority());
  EXPECT_TRUE(certificate.p256_public_key().has_value());
  EXPECT_EQ(certificate.encryption_key().value(), std::nullopt);
}

TEST(CertificateTest, PemComesBackAndIsStrict) {
  Certificate certificate = *Forge({}, ForgeP256(), nullptr).certificate;
  std::string pem = certificate.ToPem();
  EXPECT_EQ(Certificate::FromPem(pem).value(), certificate);
  EXPECT_EQ(Certificate::FromPem("\r\n" + pem + "\n \n").value(), certificate);
  EXPECT_EQ(Certificate::FromPemBundle(pem + pem)->size(), 2U);
  std::string many;
  for (int i = 0; i < 17; ++i) many += pem;
  for (const std::string& bad : std::vector<std::string>{
           std::string(), pem + pem, "x" + pem, pem + "x", pem.substr(1), pem.substr(0, 60), many,
           "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
           "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"}) {
    EXPECT_FALSE(Certificate::FromPem(bad).has_value());
  }
  EXPECT_FALSE(Certificate::FromPemBundle(many).has_value());
  EXPECT_FALSE(Certificate::FromPemBundle(pem + "x" + pem).has_value());
}

TEST(CertificateTest, RefusesCutAndLongerBytes) {
  Certificate certificate = *Forge({}, ForgeP256(), nullptr).certificate;
  for (std::size_t size = 0; size < certificate.der().size(); ++size) {
    EXPECT_FALSE(Certificate::FromDer(certificate.der().first(size)).has_value());
  }
  Bytes longer = ToBytes(certificate.der());
  longer.push_back(0);
  EXPECT_FALSE(Certificate::FromDer(longer).has_value());
  EXPECT_FALSE(Certificate::FromDer(Bytes(70'000, 0x30)).has_value());
}

TEST(CertificateTest, RefusesALengthThatIsNotMinimal) {
  Certificate certificate = *Forge({}, ForgeP256(), nullptr).certificate;
  // 30 82 LL LL becomes 30 83 00 LL LL: valid BER, not DER, and another fingerprint.
  Bytes ber = {0x30, 0x83, 0x00};
  ASSERT_EQ(certificate.der()[1], 0x82);
  Append(ber, certificate.der().subspan(2));
  EXPECT_FALSE(Certificate::FromDer(ber).has_value());
}

TEST(CertificateTest, EncryptionKeyIsP256OrRefused) {
  ForgeProfile profile;
  profile.more = {{kEncryptionKeyOid, "DER:0500"}};
  Certificate certificate = *Forge(profile, ForgeP256(), nullptr).certificate;
  ASSERT_FALSE(certificate.encryption_key().has_value());
  EXPECT_EQ(certificate.encryption_key().error().code, ErrorCode::kVerificationFailed);
  profile.more = {{kEncryptionKeyOid, "DER:0500"}, {kEncryptionKeyOid, "DER:0500"}};
  EXPECT_EQ(Forge(profile, ForgeP256(), nullptr).certificate, nullptr);
}

}  // namespace
}  // namespace salus::pki
