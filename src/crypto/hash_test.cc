// NIST and RFC example values, and the two SHA-256 engines against each other.
#include <gtest/gtest.h>

#include "base/random.h"
#include "crypto/hmac.h"
#include "crypto/secret_mint.h"
#include "crypto/sha1.h"
#include "crypto/sha256.h"
#include "crypto/sha256_engine.h"
#include "crypto/sha512.h"
#include "crypto/vector_files.h"

namespace salus::crypto {
namespace {

using testing::Hex;
using testing::Unhex;

constexpr std::string_view kTwoBlocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
constexpr std::string_view kTwoLongBlocks =
    "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopq"
    "rs"
    "mnopqrstnopqrstu";

// Each test runs with both engines where the CPU has both.
class Sha256Test : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam() && !ShaNiDetected()) GTEST_SKIP() << "skipped: this CPU has no SHA extensions";
    SetShaNiEnabled(GetParam());
  }
  void TearDown() override { SetShaNiEnabled(true); }
};
INSTANTIATE_TEST_SUITE_P(Engines, Sha256Test, ::testing::Bool(), [](const auto& param_info) {
  return param_info.param ? "ShaNi" : "OpenSsl";
});

struct Example {
  std::string message;
  std::string_view hash;
};

// NIST "Examples with intermediate values" for SHA-256, and its long-message examples.
std::vector<Example> NistSha256() {
  return {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {std::string(kTwoBlocks), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {std::string(kTwoLongBlocks),
       "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
      {std::string(1000000, 'a'),
       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
      {std::string(1, '\xbd'), "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b"},
      {std::string(1000, '\0'), "541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53"},
      {std::string(1000, 'A'), "c2e686823489ced2017f6059b8b239318b6364f6dcd835d0a519105a1eadd6e4"},
      {std::string(1005, 'U'), "f4d62ddec0f3dd90ea1380fa16a5ff8dc4c54b21740650f24afc4120903552b0"}};
}

TEST_P(Sha256Test, NistExamples) {
  for (const Example& example : NistSha256()) {
    const ByteSpan message = AsBytes(example.message);
    EXPECT_EQ(Hex(Sha256(message)), example.hash) << example.message.size();
    Sha256Stream stream;
    for (int round = 0; round < 2; ++round) {
      for (std::size_t at = 0; at < message.size(); at += 37) {
        stream.Update(message.subspan(at, std::min<std::size_t>(37, message.size() - at)));
      }
      EXPECT_EQ(Hex(stream.Finish()), example.hash) << "in pieces, round " << round;
    }
  }
}

TEST_P(Sha256Test, NistExamplesSideBySide) {
  const std::vector<Example> examples = NistSha256();
  std::vector<ByteSpan> messages;
  for (const Example& example : examples) messages.push_back(AsBytes(example.message));
  std::vector<Hash32> out(messages.size());
  Sha256Many(messages, out);
  for (std::size_t i = 0; i < out.size(); ++i) EXPECT_EQ(Hex(out[i]), examples[i].hash);
}

// Every length around block borders, and batch sizes around the three lanes and the chunk; the
// reference is OpenSSL, one message at a time.
TEST_P(Sha256Test, ManyAgreesWithOpenSsl) {
  SeededRandom random(1);
  Bytes text(2000);
  random.Fill(text);
  std::vector<ByteSpan> messages;
  for (std::size_t size = 0; size <= 600; ++size) {
    messages.push_back(ByteSpan(text).subspan(random.Below(1000), size));
  }
  for (const std::size_t count : {0u, 1u, 2u, 3u, 4u, 5u, 47u, 48u, 49u, 50u, 51u, 601u}) {
    const std::span<const ByteSpan> some = std::span(messages).last(count);
    std::vector<Hash32> plain(count), prefixed(count);
    Sha256Many(some, plain);
    Sha256ManyPrefixed(0x01, some, prefixed);
    const std::uint8_t prefix[] = {0x01};
    for (std::size_t i = 0; i < count; ++i) {
      const ByteSpan with_prefix[] = {prefix, some[i]};
      ASSERT_EQ(plain[i], Sha256OpenSsl(some.subspan(i, 1))) << some[i].size();
      ASSERT_EQ(prefixed[i], Sha256OpenSsl(with_prefix)) << some[i].size();
      ASSERT_EQ(Sha256({prefix, some[i]}), prefixed[i]);
    }
  }
}

TEST_P(Sha256Test, ManyOfMixedLengthsInAnyOrder) {
  SeededRandom random(2);
  Bytes text(5000);
  random.Fill(text);
  std::vector<ByteSpan> messages;
  for (int i = 0; i < 500; ++i) messages.push_back(ByteSpan(text).first(random.Below(5001)));
  std::vector<Hash32> out(messages.size());
  Sha256Many(messages, out);
  for (std::size_t i = 0; i < out.size(); ++i) {
    ASSERT_EQ(out[i], Sha256OpenSsl(std::span(messages).subspan(i, 1)));
  }
}

// RFC 4231.
TEST_P(Sha256Test, HmacRfc4231) {
  struct Case {
    Bytes key, data;
    std::string_view mac256, mac384, mac512;
  };
  const Case cases[] = {
      {Bytes(20, 0x0b), ToBytes("Hi There"),
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
       "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2f"
       "a"
       "9cb6",
       "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea"
       "3"
       "f4e4be9d914eeb61f1702e696c203a126854"},
      {ToBytes("Jefe"), ToBytes("what do ya want for nothing?"),
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
       "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab"
       "2"
       "1649",
       "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f"
       "0"
       "e6fdcaeab1a34d4a6b4b636e070a38bce737"},
      {Bytes(131, 0xaa), ToBytes("Test Using Larger Than Block-Size Key - Hash Key First"),
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
       "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f"
       "4"
       "4952",
       "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6"
       "a"
       "1e5295e64f73f63f0aec8b915a985d786598"}};
  for (const Case& c : cases) {
    const HmacSha256Key key{ByteSpan(c.key)};
    EXPECT_EQ(Hex(key.Mac(c.data)), c.mac256);
    const ByteSpan data = c.data;
    EXPECT_EQ(Hex(key.Mac({data.first(3), data.subspan(3)})), c.mac256);
    EXPECT_EQ(Hex(HmacSha384(c.key, {data.first(3), data.subspan(3)})), c.mac384);
    EXPECT_EQ(Hex(HmacSha512(c.key, {data})), c.mac512);
  }
}

TEST_P(Sha256Test, HmacManyAgreesWithMac) {
  SeededRandom random(3);
  std::vector<HmacSha256Key> keys;
  std::vector<const HmacSha256Key*> pointers;
  std::vector<Bytes> texts;
  std::vector<ByteSpan> messages;
  for (std::size_t i = 0; i < 100; ++i) {
    Bytes key(random.Below(100));
    random.Fill(key);
    keys.emplace_back(ByteSpan(key));
    texts.emplace_back(random.Below(150));
    random.Fill(texts.back());
  }
  for (std::size_t i = 0; i < 100; ++i) {
    pointers.push_back(&keys[i]);
    messages.emplace_back(texts[i]);
  }
  std::vector<Hash32> out(100);
  HmacSha256Many(pointers, messages, out);
  std::vector<SecretArray<32>> secret(100);
  HmacSha256Many(pointers, messages, secret);
  for (std::size_t i = 0; i < 100; ++i) {
    ASSERT_EQ(out[i], keys[i].Mac(messages[i]));
    ASSERT_TRUE(Equal(secret[i].view(CryptoSecrets::Token()), out[i]));
  }
}

TEST(Sha512Test, NistExamples) {
  EXPECT_EQ(
      Hex(Sha512(AsBytes("abc"))),
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c2"
      "3a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
  EXPECT_EQ(
      Hex(Sha384(AsBytes("abc"))),
      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca1"
      "34c825a7");
  EXPECT_EQ(
      Hex(Sha512({AsBytes(kTwoLongBlocks.substr(0, 50)), AsBytes(kTwoLongBlocks.substr(50))})),
      "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018501d289e4900f7e4331b99de"
      "c4b5433ac7d329eeb6dd26545e96e55b874be909");
  EXPECT_EQ(
      Hex(Sha384(AsBytes(kTwoLongBlocks))),
      "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712fcc7c71a557e2db966c3e9fa"
      "91746039");
}

TEST(Sha1Test, NistExamples) {
  EXPECT_EQ(Hex(Sha1(AsBytes("abc"))), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(Hex(Sha1(AsBytes(kTwoBlocks))), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}

}  // namespace
}  // namespace salus::crypto
