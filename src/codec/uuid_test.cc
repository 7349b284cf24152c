#include "codec/uuid.h"

#include <gtest/gtest.h>

#include "codec/hex.h"

namespace salus::codec {
namespace {

TEST(UuidTest, Rfc9562Examples) {
  // RFC 9562 appendices A.3 (version 4) and A.4 (version 5 of DNS and www.example.com).
  const Uuid v4 = Uuid::Parse("919108f7-52d1-4320-9bac-f847db4148a8").value();
  EXPECT_EQ(HexEncode(v4.bytes()), "919108f752d143209bacf847db4148a8");
  EXPECT_EQ(v4.version(), 4);
  const Bytes sha1 = HexDecode("2ed6657de927468b55e12665a8aea6a22dee3e35").value();
  const Uuid v5 = Uuid::FromHash(std::span<const std::uint8_t, 16>(sha1.data(), 16), 5);
  EXPECT_EQ(v5.ToString(), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

TEST(UuidTest, EitherCaseInLowerCaseOut) {
  EXPECT_EQ(Uuid::Parse("A987FBC9-4BED-3078-CF07-9141BA07C9F3").value().ToString(),
            "a987fbc9-4bed-3078-cf07-9141ba07c9f3");
  EXPECT_EQ(Uuid().ToString(), "00000000-0000-0000-0000-000000000000");
}

TEST(UuidTest, RefusesOtherShapes) {
  for (const char* bad :
       {"", "919108f7-52d1-4320-9bac-f847db4148a", "919108f7-52d1-4320-9bac-f847db4148a88",
        "919108f752d143209bacf847db4148a8", "{919108f7-52d1-4320-9bac-f847db4148a8}",
        "urn:uuid:919108f7-52d1-4320-9bac-f847db4148a8", "919108f7-52d1-4320-9bac_f847db4148a8",
        "919108f7-52d1-4320-9bac-f847db4148ag", "919108f75-2d1-4320-9bac-f847db4148a8",
        "919108f7-52d1-4320--9bacf847db4148a8"}) {
    EXPECT_FALSE(Uuid::Parse(bad)) << bad;
  }
}

TEST(UuidTest, RandomHasVersionFourAndDiffers) {
  SeededRandom random(7);
  const Uuid a = Uuid::Random(random);
  const Uuid b = Uuid::Random(random);
  EXPECT_NE(a, b);
  EXPECT_EQ(a.version(), 4);
  EXPECT_EQ(a.bytes()[8] & 0xc0, 0x80);
  EXPECT_EQ(Uuid::Parse(a.ToString()).value(), a);
}

}  // namespace
}  // namespace salus::codec
