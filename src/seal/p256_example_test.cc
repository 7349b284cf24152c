// The worked example of docs/formats/seal-keys.md, which examples.py made without this code.
#include <gtest/gtest.h>

#include "base/format_example.h"
#include "codec/hex.h"
#include "seal/age_file.h"
#include "seal/p256_recipient.h"
#include "seal/recipient_text.h"

namespace salus::seal {
namespace {

std::vector<std::string> Example(const std::string& name) {
  return FormatExample(std::string(SALUS_FORMATS) + "/seal-keys.md", name);
}

TEST(P256ExampleTest, Opens) {
  Bytes file;
  for (const std::string& line : Example("seal-header")) Append(file, AsBytes(line + "\n"));
  for (const std::string& line : Example("seal-payload")) {
    Append(file, codec::HexDecode(line.substr(0, line.find(' '))).value());
  }
  Identities identities;
  identities.push_back(std::make_unique<P256Identity>(
      *crypto::P256PrivateKey::FromScalar(ByteSpan(Bytes(32, 0x07)))));
  const std::string name = Example("seal-recipient").front();
  EXPECT_EQ(identities.front()->Name(), name);
  EXPECT_EQ(ParseRecipientText(name).value()->Name(), name);

  MemorySource source(file);
  auto opener = AgeOpener::Start(source);
  ASSERT_TRUE(opener.has_value()) << opener.error().message;
  ASSERT_TRUE((*opener)->Unlock(identities).has_value());
  MemorySink out;
  ASSERT_TRUE((*opener)->OpenAll(out).has_value());
  EXPECT_EQ(AsText(out.bytes()), "for the reader only\n");
}

}  // namespace
}  // namespace salus::seal
