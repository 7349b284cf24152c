#include "pki/pinned_key.h"

#include <gtest/gtest.h>

#include "pki/certificate.h"
#include "pki/forged_certificate.h"

namespace salus::pki {
namespace {

Bytes Forged() {
  ForgeProfile profile;
  profile.common_name = "holder";
  return ToBytes(Forge(profile, ForgeP256(), nullptr).certificate->der());
}

TEST(PinnedKey, IsTheKeyThatTheWholeCertificateHas) {
  const Bytes der = Forged();
  EXPECT_EQ(PinnedP256Key(der).value(), Certificate::FromDer(der)->p256_public_key().value());
}

TEST(PinnedKey, RefusesCutAndLongerBytes) {
  const Bytes der = Forged();
  for (std::size_t size = 0; size < der.size(); ++size) {
    EXPECT_FALSE(PinnedP256Key(ByteSpan(der).first(size)).has_value()) << size;
  }
  Bytes longer = der;
  longer.push_back(0);
  EXPECT_FALSE(PinnedP256Key(longer).has_value());
  EXPECT_FALSE(PinnedP256Key(Bytes(70'000, 0x30)).has_value());
  EXPECT_FALSE(PinnedP256Key(Bytes{0x30, 0x80, 0, 0}).has_value());  // an indefinite length
}

// Whatever one octet becomes: the same key as of the whole certificate, where that is one.
TEST(PinnedKey, AgreesWithTheWholeCertificateAfterAnyChange) {
  const Bytes der = Forged();
  for (std::size_t at = 0; at < der.size(); ++at) {
    for (const std::uint8_t change : {0x01, 0x20, 0x80}) {
      Bytes other = der;
      other[at] ^= change;
      const auto whole = Certificate::FromDer(other);
      if (!whole || !whole->p256_public_key()) continue;
      const auto pinned = PinnedP256Key(other);
      ASSERT_TRUE(pinned.has_value()) << at;
      EXPECT_EQ(*pinned, *whole->p256_public_key()) << at;
    }
  }
}

}  // namespace
}  // namespace salus::pki
