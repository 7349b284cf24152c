#include "codec/base64.h"

#include <gtest/gtest.h>

#include <array>

#include "base/random.h"
#include "codec/hex.h"

namespace salus::codec {
namespace {

struct Rfc4648Case {
  const char* text;
  const char* base64;
  const char* base64url;
  const char* hex;
};

// RFC 4648 section 10; base64url is the same without padding.
constexpr Rfc4648Case kRfc4648[] = {
    {"", "", "", ""},
    {"f", "Zg==", "Zg", "66"},
    {"fo", "Zm8=", "Zm8", "666F"},
    {"foo", "Zm9v", "Zm9v", "666F6F"},
    {"foob", "Zm9vYg==", "Zm9vYg", "666F6F62"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE", "666F6F6261"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy", "666F6F626172"},
};

TEST(Base64Test, Rfc4648Vectors) {
  for (const Rfc4648Case& c : kRfc4648) {
    EXPECT_EQ(Base64Encode(AsBytes(c.text)), c.base64);
    EXPECT_EQ(AsText(Base64Decode(c.base64).value()), c.text);
    EXPECT_EQ(Base64UrlEncode(AsBytes(c.text)), c.base64url);
    EXPECT_EQ(AsText(Base64UrlDecode(c.base64url).value()), c.text);
    EXPECT_EQ(AsText(HexDecode(c.hex).value()), c.text);
  }
}

TEST(Base64Test, AlphabetsDifferInTwoCharacters) {
  const Bytes bytes = {0xfb, 0xff, 0xfe};
  EXPECT_EQ(Base64Encode(bytes), "+//+");
  EXPECT_EQ(Base64UrlEncode(bytes), "-__-");
  EXPECT_FALSE(Base64Decode("-__-"));
  EXPECT_FALSE(Base64UrlDecode("+//+"));
}

TEST(Base64Test, RefusesEveryOtherTextOfAValue) {
  for (const char* bad : {"Zg", "Zg=", "Zh==", "Zm9=", "Zg==\n", " Zg==", "Z===", "====", "=",
                          "Zg==Zg==", "Zm9v=", "Zm 9v", "Zm9*", "\xc3\xa9==", "Zg=g"}) {
    EXPECT_FALSE(Base64Decode(bad)) << bad;
  }
  for (const char* bad : {"Z", "Zg==", "Zh", "Zm9", "Zm9vY", "Zg\n", "Zm9v="}) {
    EXPECT_FALSE(Base64UrlDecode(bad)) << bad;
  }
  EXPECT_EQ(Base64Decode("Zm9vYm*y").error().message, "base64: byte 6 is not of the alphabet");
}

TEST(Base64Test, IntoBuffersOfTheCaller) {
  SeededRandom random(1);
  for (std::size_t n = 0; n < 70; ++n) {
    Bytes bytes(n);
    random.Fill(bytes);
    Bytes text(Base64UrlSize(n));
    Base64UrlEncodeInto(bytes, text);
    EXPECT_EQ(AsText(text), Base64UrlEncode(bytes));
    Bytes back(n + 1, 0xaa);
    EXPECT_EQ(Base64UrlDecodeInto(AsText(text), back).value(), n);
    EXPECT_EQ(back.back(), 0xaa);
    back.pop_back();
    EXPECT_EQ(back, bytes);
    if (n == 0) continue;
    EXPECT_FALSE(Base64UrlDecodeInto(AsText(text), MutableByteSpan(back).first(n - 1)));
  }
}

TEST(HexTest, LowerCaseOutEitherCaseIn) {
  const Bytes bytes = {0x00, 0x9a, 0xff};
  EXPECT_EQ(HexEncode(bytes), "009aff");
  EXPECT_EQ(HexDecode("009Aff").value(), bytes);
  EXPECT_EQ(HexDecode("0").error().message, "hex: an odd number of digits");
  EXPECT_EQ(HexDecode("0g").error().message, "hex: byte 1 is no digit");
  EXPECT_FALSE(HexDecode("0x12"));
  std::array<std::uint8_t, 2> two{};
  EXPECT_TRUE(HexDecodeInto("beef", two));
  EXPECT_EQ(two[0], 0xbe);
  EXPECT_FALSE(HexDecodeInto("beefbe", two));
}

}  // namespace
}  // namespace salus::codec
