#include "codec/bech32.h"

#include <gtest/gtest.h>

#include <array>

#include "base/random.h"
#include "codec/hex.h"

namespace salus::codec {
namespace {

struct ValidCase {
  const char* text;
  const char* prefix;
  const char* hex;
};

// BIP 173, "Test vectors": what is valid, with its data as bytes.
constexpr ValidCase kValid[] = {
    {"A12UEL5L", "a", ""},
    {"a12uel5l", "a", ""},
    {"an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
     "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio", ""},
    {"abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "abcdef",
     "00443214c74254b635cf84653a56d7c675be77df"},
    {"11qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqc8247j",
     "1",
     "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "00000000000000"},
    {"split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w", "split",
     "c5f38b70305f519bf66d85fb6cf03058f3dde463ecd7918f2dc743918f2d"},
    {"?1ezyfcl", "?", ""},
};

// What is not; the one of 91 characters is left out, as there is no limit here.
constexpr std::string_view kInvalid[] = {
    "\x20"
    "1nwldj5",
    "\x7f"
    "1axkwrx",
    "\x80"
    "1eym55h",
    "pzry9x0s0muk",
    "1pzry9x0s0muk",
    "x1b4n0q5v",
    "li1dgmt3",
    "de1lg7wt\xff",
    "A1G7SGD8",
    "10a06t8",
    "1qzzfhee",
};

TEST(Bech32Test, Bip173Valid) {
  for (const ValidCase& c : kValid) {
    const auto decoded = Bech32Decode(c.text);
    ASSERT_TRUE(decoded.has_value()) << c.text << ": " << decoded.error().message;
    EXPECT_EQ(decoded->prefix, c.prefix);
    EXPECT_EQ(HexEncode(decoded->bytes), c.hex) << c.text;
    if (c.text[0] != 'A') {
      EXPECT_EQ(Bech32Encode(c.prefix, decoded->bytes), c.text);
    } else {
      EXPECT_EQ(Bech32Encode("A", decoded->bytes), c.text);
    }
  }
}

TEST(Bech32Test, Bip173Invalid) {
  for (const std::string_view text : kInvalid) {
    EXPECT_FALSE(Bech32Decode(text).has_value()) << text;
  }
}

TEST(Bech32Test, CaseIsNotMixed) {
  EXPECT_TRUE(Bech32Decode("ABCDEF1QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LMQQQXW").has_value());
  EXPECT_FALSE(Bech32Decode("ABCDEF1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw").has_value());
  EXPECT_FALSE(Bech32Decode("abcdef1Qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw").has_value());
}

TEST(Bech32Test, EveryLengthComesBackAndUnusedBitsAreZero) {
  SeededRandom random(1);
  for (std::size_t size = 0; size < 200; ++size) {
    Bytes bytes(size);
    random.Fill(bytes);
    const std::string text = Bech32Encode("AGE-SECRET-KEY-", bytes);
    EXPECT_EQ(text.size(), Bech32Size(15, size));
    Bytes back(size);
    const auto written = Bech32DecodeInto("age-secret-key-", text, back);
    ASSERT_TRUE(written.has_value());
    EXPECT_EQ(*written, size);
    EXPECT_EQ(back, bytes);
    if (size > 0) {
      Bytes small(size - 1);
      EXPECT_FALSE(Bech32DecodeInto("age-secret-key-", text, small).has_value());
    }
    EXPECT_FALSE(Bech32DecodeInto("age", text, back).has_value());
  }
}

// BIP 173: any error of up to four characters is found.
TEST(Bech32Test, EveryChangedCharacterIsFound) {
  const std::string text = "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw";
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (char c = '!'; c <= '~'; ++c) {
      std::string changed = text;
      if (changed[at] == c) continue;
      changed[at] = c;
      EXPECT_FALSE(Bech32Decode(changed).has_value()) << changed;
    }
  }
}

// The checksums of all of these are right: two digits with their unused bits zero and not, then one
// and three digits, which leave more bits than a digit holds.
TEST(Bech32Test, DataAreWholeBytes) {
  EXPECT_TRUE(Bech32Decode("a1qqqd87cq").has_value());
  EXPECT_FALSE(Bech32Decode("a1qpamnt9j").has_value());
  EXPECT_FALSE(Bech32Decode("a1q3g6mn3").has_value());
  EXPECT_FALSE(Bech32Decode("a1qqqd87cpp").has_value());
}

}  // namespace
}  // namespace salus::codec
