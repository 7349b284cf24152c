#include "aggregate/peer_message.h"

#include <gtest/gtest.h>

#include "aggregate/peer_body.h"
#include "aggregate/peer_transcript.h"
#include "base/format_example.h"
#include "codec/hex.h"

namespace salus::aggregate {
namespace {

Bytes Example(const std::string& name) {
  std::string text;
  for (const std::string& line : FormatExample(SALUS_FORMATS "/peer-session.md", name))
    text += line;
  return *codec::HexDecode(text);
}

// The message of the worked example, which was made without this code.
PeerMessage ExampleMessage() {
  PeerMessage out;
  out.session.fill(7);
  out.roster.fill(0x11);
  out.step = PeerStep::kCoin;
  out.sender = 2;
  out.previous.fill(0x22);
  out.seen.fill(0x33);
  CoinBody body;
  body.coin.fill(1);
  body.blind.fill(2);
  body.senders = {0, 1, 2};
  out.body = body.Encode();
  return out;
}

TEST(PeerMessage, IsAsTheFormatSays) {
  const auto key = crypto::P256PrivateKey::Generate();
  const PeerEnvelope envelope = PeerEnvelope::Sign(ExampleMessage(), key);
  EXPECT_EQ(ToBytes(envelope.hash), Example("peer-hash"));
  // COSE_Sign1: [h'a10126', {}, payload, signature of 64 bytes].
  Bytes expected = {0x84, 0x43, 0xa1, 0x01, 0x26, 0xa0, 0x58};
  const Bytes payload = Example("peer-payload");
  expected.push_back(static_cast<std::uint8_t>(payload.size()));
  Append(expected, payload);
  expected.insert(expected.end(), {0x58, 0x40});
  const ByteSpan bytes = envelope.bytes;
  EXPECT_TRUE(Equal(bytes.first(expected.size()), expected));
  ASSERT_EQ(bytes.size(), expected.size() + 64);
  EXPECT_TRUE(key.public_key().VerifyP1363(Example("peer-signed"), bytes.last(64)).has_value());
}

TEST(PeerMessage, ComesBackAsItWasSigned) {
  const auto key = crypto::P256PrivateKey::Generate();
  PeerMessage message = ExampleMessage();
  for (const auto& recipient :
       {std::optional<PeerId>(), std::optional<PeerId>(0), std::optional<PeerId>(kPeerHost)}) {
    message.recipient = recipient;
    const PeerEnvelope made = PeerEnvelope::Sign(message, key);
    const auto read = PeerEnvelope::Parse(made.bytes);
    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_EQ(read->message, message);
    EXPECT_EQ(read->hash, made.hash);
    EXPECT_TRUE(read->Verify(key.public_key()).has_value());
    EXPECT_FALSE(read->Verify(crypto::P256PrivateKey::Generate().public_key()).has_value());
  }
}

TEST(PeerMessage, EachByteCounts) {
  const auto key = crypto::P256PrivateKey::Generate();
  const PeerEnvelope made = PeerEnvelope::Sign(ExampleMessage(), key);
  for (std::size_t i = 0; i < made.bytes.size(); ++i) {
    Bytes bytes = made.bytes;
    bytes[i] ^= 1;
    const auto read = PeerEnvelope::Parse(bytes);
    EXPECT_FALSE(read && read->Verify(key.public_key())) << i;
    EXPECT_FALSE(PeerEnvelope::Parse(ByteSpan(made.bytes).first(i)).has_value()) << i;
  }
}

TEST(PeerMessage, RefusesStepsAndPartiesThatAreNone) {
  const auto key = crypto::P256PrivateKey::Generate();
  PeerMessage message = ExampleMessage();
  for (const int step : {0, 8, 14, 16}) {
    message.step = static_cast<PeerStep>(step);
    EXPECT_FALSE(PeerEnvelope::Parse(PeerEnvelope::Sign(message, key).bytes).has_value()) << step;
  }
}

TEST(PeerBody, PartiesStandInOrderOnce) {
  for (const auto& parties : {std::vector<PeerId>{1, 0}, {1, 1}, {255}}) {
    EXPECT_FALSE(CoinBody::Parse(CoinBody{{}, {}, parties}.Encode()).has_value());
    EXPECT_FALSE(VerdictBody::Parse(VerdictBody{parties, {}}.Encode()).has_value());
  }
  EXPECT_TRUE(CoinBody::Parse(CoinBody{{}, {}, {0, 254}}.Encode()).has_value());
  const ReceiptBody twice{{}, {{3, std::nullopt}, {3, Bytes{1}}}};
  EXPECT_FALSE(ReceiptBody::Parse(twice.Encode()).has_value());
}

TEST(PeerBody, ReasonsAreTextsThatCanBeShown) {
  EXPECT_TRUE(AbortBody::Parse(AbortBody{"no board in time"}.Encode()).has_value());
  EXPECT_FALSE(AbortBody::Parse(AbortBody{"\x1b[2J"}.Encode()).has_value());
  EXPECT_FALSE(AbortBody::Parse(AbortBody{std::string(1025, 'a')}.Encode()).has_value());
  std::string umlauts = "a";
  for (int i = 0; i < 600; ++i) umlauts += "\xc3\xa4";
  const auto cut = AbortBody::Parse(AbortBody::Of(umlauts).Encode());
  ASSERT_TRUE(cut.has_value()) << cut.error().message;
  EXPECT_EQ(cut->reason.size(), 1023u);
}

TEST(PeerTranscript, IsASequenceOfByteStrings) {
  Bytes transcript;
  for (const std::size_t size : {0, 1, 23, 24, 255, 256, 65'535, 65'536}) {
    AppendToTranscript(Bytes(size, 7), transcript);
  }
  const auto items = ReadTranscript(transcript);
  ASSERT_TRUE(items.has_value()) << items.error().message;
  ASSERT_EQ(items->size(), 8u);
  EXPECT_EQ((*items)[7].size(), 65'536u);
  EXPECT_FALSE(ReadTranscript(ByteSpan(transcript).first(transcript.size() - 1)).has_value());
  EXPECT_FALSE(ReadTranscript({}).has_value());
  EXPECT_FALSE(ReadTranscript(Bytes{0x58, 0x01, 0x07}).has_value());  // a longer form than needed
  EXPECT_FALSE(ReadTranscript(Bytes{0x61, 'a'}).has_value());
  EXPECT_FALSE(ReadTranscript(Bytes{0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}));
}

}  // namespace
}  // namespace salus::aggregate
