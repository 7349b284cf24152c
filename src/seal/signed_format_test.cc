// The worked examples of docs/formats/signed-files.md, which examples.py made without this code: we
// read them, and, Ed25519 being deterministic, write the same bytes.
#include <gtest/gtest.h>

#include <fstream>

#include "base/endian.h"
#include "seal/file_signature.h"
#include "seal/signed_content.h"

namespace salus::seal {
namespace {

constexpr std::string_view kContent = "content";
constexpr Timestamp kTime = Timestamp(std::chrono::milliseconds(1'772'439'330'250));

Signer ExampleSigner() {
  const Bytes seed(32, 7);
  const std::span<const std::uint8_t, 32> fixed(seed.data(), 32);
  return {.key = crypto::Ed25519PrivateKey::FromSeed(SecretArray<32>(fixed))};
}

// The block behind `<!-- example NAME -->`, its lines joined.
std::string Example(const std::string& name) {
  std::ifstream file(SALUS_FORMATS "/signed-files.md");
  std::string line;
  while (std::getline(file, line) && line != "<!-- example " + name + " -->") continue;
  std::getline(file, line);
  std::string text;
  while (std::getline(file, line) && line != "```") text += line;
  EXPECT_FALSE(text.empty()) << name;
  return text;
}

class ExampleRecipient final : public Recipient {
 public:
  Result<Stanza> Wrap(const FileKey&, RandomSource&) const override { return Stanza{}; }
  std::string Name() const override { return "age1example"; }
};

TEST(SignedFormatTest, FileJws) {
  const std::string example = Example("file-jws");
  MemorySource content(AsBytes(kContent));
  const auto verified = VerifyFileJws(example, content, {});
  ASSERT_TRUE(verified.has_value()) << verified.error().message;
  EXPECT_EQ(verified->claimed_time, std::chrono::floor<std::chrono::seconds>(kTime));
  MemorySource again(AsBytes(kContent));
  EXPECT_EQ(SignFileJws(again, ExampleSigner(), kTime).value(), example);
}

TEST(SignedFormatTest, SealedSignature) {
  const std::string example = Example("sealed-signature");
  Bytes payload = ToBytes(kContent);
  Append(payload, AsBytes(example));
  AppendBe(payload, static_cast<std::uint32_t>(example.size()));
  Append(payload, AsBytes("SALUSIG1"));
  MemorySink sink;
  SignedContentReader reader(sink);
  ASSERT_TRUE(reader.Write(payload).has_value());
  const auto verified = reader.Finish({.own_name = "age1example", .recipient_count = 1});
  ASSERT_TRUE(verified.has_value()) << verified.error().message;
  EXPECT_EQ(AsText(sink.bytes()), kContent);
  EXPECT_EQ(verified->claimed_time, kTime);

  MemorySink written;
  SignedContentWriter writer(written, Holds::kFile);
  ASSERT_TRUE(writer.Write(AsBytes(kContent)).has_value());
  Recipients recipients;
  recipients.push_back(std::make_unique<ExampleRecipient>());
  ASSERT_TRUE(writer.Finish(ExampleSigner(), recipients, kTime).has_value());
  EXPECT_EQ(AsText(written.bytes()), AsText(payload));
}

}  // namespace
}  // namespace salus::seal
