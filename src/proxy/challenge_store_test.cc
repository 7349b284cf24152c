#include "proxy/challenge_store.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/test_folder.h"
#include "codec/base64.h"
#include "pki/certificate.h"

namespace salus::proxy {
namespace {

constexpr char kToken[] = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA";
// The example of RFC 8555 section 8.3: token, a full stop, the account key's thumbprint.
constexpr char kAnswer[] =
    "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI";
constexpr char kAnswerToken[] = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";

class ChallengeStoreTest : public ::testing::Test {
 protected:
  void Put(const std::string& folder, const std::string& name, std::string_view content) {
    std::ofstream(folder_.path() / folder / name) << content;
  }
  TestFolder folder_;
  SystemClock clock_;
  SystemRandom random_;
  ChallengeStore store_{folder_.path(), clock_, random_};
};

TEST_F(ChallengeStoreTest, AnswersWhileItIsOpen) {
  EXPECT_EQ(store_.HttpAnswer(kAnswerToken), std::nullopt);
  ASSERT_TRUE(store_.Open());
  EXPECT_EQ(store_.HttpAnswer(kAnswerToken), std::nullopt);
  Put("http-01", kAnswerToken, kAnswer);
  EXPECT_EQ(store_.HttpAnswer(kAnswerToken), kAnswer);
  store_.Close();
  EXPECT_EQ(store_.HttpAnswer(kAnswerToken), std::nullopt);
  ASSERT_TRUE(store_.Open());
  EXPECT_EQ(store_.HttpAnswer(kAnswerToken), std::nullopt) << "left over from the last order";
}

TEST_F(ChallengeStoreTest, AnswersNothingElse) {
  ASSERT_TRUE(store_.Open());
  Put(".", "secret", std::string(kToken) + "." + std::string(43, 'A'));
  for (const char* token : {"", ".", "..", "../secret", "/etc/passwd", "a/b", "a.b", "a%2e"}) {
    EXPECT_EQ(store_.HttpAnswer(token), std::nullopt) << token;
  }
  EXPECT_FALSE(ChallengeStore::IsToken(std::string(129, 'a')));
  EXPECT_FALSE(ChallengeStore::IsToken(std::string("a\0b", 3)));
  // What is no answer to this token is not ours to say.
  Put("http-01", "other", kAnswer);
  EXPECT_EQ(store_.HttpAnswer("other"), std::nullopt);
  Put("http-01", "long", "long." + std::string(600, 'A'));
  EXPECT_EQ(store_.HttpAnswer("long"), std::nullopt);
  std::filesystem::create_symlink(folder_ / "secret", folder_.path() / "http-01" / kToken);
  EXPECT_EQ(store_.HttpAnswer(kToken), std::nullopt) << "a link leads out of the folder";
}

TEST_F(ChallengeStoreTest, MakesOneCertificateForEachChallenge) {
  ASSERT_TRUE(store_.Open());
  EXPECT_EQ(store_.AlpnCertificate("front.example"), nullptr);
  const std::string digest = codec::Base64UrlEncode(Bytes(32, 7));
  Put("tls-alpn-01", "front.example", digest);
  const auto first = store_.AlpnCertificate("front.example");
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(store_.AlpnCertificate("front.example"), first);
  EXPECT_EQ(store_.AlpnCertificate("other.example"), nullptr);
  EXPECT_EQ(store_.AlpnCertificate("../tls-alpn-01/front.example"), nullptr);
  const auto parsed = pki::Certificate::FromPem(first->certificate_pem);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->dns_names(), std::vector<std::string>{"front.example"});
  Put("tls-alpn-01", "front.example", codec::Base64UrlEncode(Bytes(32, 8)));
  EXPECT_NE(store_.AlpnCertificate("front.example"), first);
  Put("tls-alpn-01", "front.example", codec::Base64UrlEncode(Bytes(31, 8)));
  EXPECT_EQ(store_.AlpnCertificate("front.example"), nullptr);
  store_.Close();
  EXPECT_EQ(store_.AlpnCertificate("front.example"), nullptr);
}

}  // namespace
}  // namespace salus::proxy
