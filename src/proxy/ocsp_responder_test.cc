#include "proxy/ocsp_responder.h"

#include <gmock/gmock.h>

#include <fstream>

#include "base/test_folder.h"
#include "base/test_program.h"
#include "codec/base64.h"
#include "http/uri.h"

namespace salus::proxy {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string kMalformed = {0x30, 3, 0x0a, 1, 1};
const std::string kTryLater = {0x30, 3, 0x0a, 1, 3};
const std::string kUnauthorized = {0x30, 3, 0x0a, 1, 6};

class OcspResponderTest : public ::testing::Test {
 protected:
  struct ForgetfulLog final : pki::IssuanceLog {
    Result<void> Record(ByteSpan, const pki::Identity&, bool) override { return {}; }
  };
  struct Authority {
    std::string folder;
    pki::IssuingAuthority issuing;
  };

  void SetUp() override {
    if (RunOpenssl({"version"}).status != 0) GTEST_SKIP() << "skipped: no openssl program";
  }

  Authority MakeAuthority(const std::string& name) {
    const std::string folder = Path(name);
    const auto root = *pki::RootAuthority::Create(
        folder + "-root", {.name = "Root", .validity = {now_ - days(9), now_ + days(99)}}, random_);
    return {folder,
            *pki::IssuingAuthority::Create(
                folder, root, {.name = "Issuing", .validity = {now_ - days(9), now_ + days(90)}},
                random_)};
  }
  pki::Certificate Issue(const Authority& authority, Timestamp not_before) {
    const auto name = *pki::Identity::Create("host/org", pki::Role::kServer, "front");
    const auto request = *pki::CertificationRequest::Create(
        {.name = "F", .identity = name}, crypto::P256PrivateKey::Generate(), nullptr);
    ForgetfulLog log;
    return *authority.issuing.Issue(request,
                                    {.identity = name,
                                     .validity = {not_before, now_ + days(60)},
                                     .purpose = pki::Purpose::kServer,
                                     .dns_names = {"localhost"}},
                                    random_, log);
  }
  std::string Path(const std::string& name) { return (folder_.path() / name).string(); }
  // What the openssl program asks an authority about these.
  Bytes Ask(const Authority& authority, const std::vector<pki::Certificate>& certificates,
            const std::string& hash = "-sha1") {
    std::vector<std::string> words = {"ocsp",    hash,
                                      "-issuer", authority.folder + "/certificate.pem",
                                      "-reqout", Path("request.der")};
    for (std::size_t i = 0; i < certificates.size(); ++i) {
      const std::string file = Path("c" + std::to_string(i) + ".pem");
      std::ofstream(file) << certificates[i].ToPem();
      words.insert(words.end(), {"-cert", file});
    }
    EXPECT_EQ(RunOpenssl(words).status, 0);
    std::ifstream file(Path("request.der"), std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    return ToBytes(AsBytes(text));
  }
  // What the program makes of an answer about a certificate.
  std::string Judge(const Authority& authority, const pki::Certificate& certificate,
                    const std::string& response) {
    std::ofstream(Path("response.der"), std::ios::binary) << response;
    std::ofstream(Path("judged.pem")) << certificate.ToPem();
    return RunOpenssl({"ocsp", "-respin", Path("response.der"), "-issuer",
                       authority.folder + "/certificate.pem", "-cert", Path("judged.pem"),
                       "-CAfile", authority.folder + "/root.pem", "-no_nonce", "-resp_text"})
        .output;
  }

  TestFolder folder_;
  SystemRandom random_;
  const Timestamp now_ = std::chrono::floor<seconds>(SystemClock().Now());
  FakeClock clock_{now_};
  Authority authority_ = MakeAuthority("a");
  pki::Certificate leaf_ = Issue(authority_, now_ - days(1));
  OcspResponder responder_{clock_};
};

TEST_F(OcspResponderTest, SaysGoodToEachHash) {
  ASSERT_TRUE(responder_.Sign(authority_.issuing, {leaf_}));
  for (const char* hash : {"-sha1", "-sha256", "-sha384", "-sha512"}) {
    const http::Response answer = responder_.Answer(Ask(authority_, {leaf_}, hash));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.headers.Find("content-type"), "application/ocsp-response");
    std::ofstream(Path("response.der"), std::ios::binary) << answer.body;
    std::ofstream(Path("judged.pem")) << leaf_.ToPem();
    EXPECT_THAT(RunOpenssl({"ocsp", hash, "-respin", Path("response.der"), "-issuer",
                            authority_.folder + "/certificate.pem", "-cert", Path("judged.pem"),
                            "-CAfile", authority_.folder + "/root.pem", "-no_nonce"})
                    .output,
                AllOf(HasSubstr("Response verify OK"), HasSubstr("judged.pem: good")));
  }
  EXPECT_EQ(responder_.Answer(Ask(authority_, {leaf_}, "-sha224")).body, kUnauthorized);
}

TEST_F(OcspResponderTest, GetIsPost) {
  ASSERT_TRUE(responder_.Sign(authority_.issuing, {leaf_}));
  const Bytes request = Ask(authority_, {leaf_});
  const std::string good = responder_.Answer(request).body;
  const std::string text = codec::Base64Encode(request);
  EXPECT_EQ(responder_.AnswerGet("/salus-ocsp/" + text)->body, good);
  EXPECT_EQ(responder_.AnswerGet("/salus-ocsp/" + http::PercentEncode(text))->body, good);
  for (const char* path : {"/salus-ocsp", "/salus-ocsp/", "/salus-ocsp/***", "/salus-ocsp/%4",
                           "/salus-ocsp/AAAA", "/salus-ocsp/%00"}) {
    EXPECT_EQ(responder_.AnswerGet(path)->body, kMalformed) << path;
  }
  for (const char* path : {"/", "/salus-ocs", "/salus-ocspx", "/x/salus-ocsp/"}) {
    EXPECT_FALSE(responder_.AnswerGet(path)) << path;
  }
}

TEST_F(OcspResponderTest, SaysHowLongToKeepIt) {
  clock_.JumpUtc(std::chrono::sys_days(std::chrono::year(2026) / 11 / 30) + hours(12));
  const pki::Certificate leaf = Issue(authority_, clock_.Now() - days(1));
  ASSERT_TRUE(responder_.Sign(authority_.issuing, {leaf}));
  const Bytes request = Ask(authority_, {leaf});
  const http::Response answer = responder_.Answer(request);
  EXPECT_EQ(answer.headers.Find("last-modified"), "Mon, 30 Nov 2026 11:00:00 GMT");
  EXPECT_EQ(answer.headers.Find("expires"), "Mon, 07 Dec 2026 12:00:00 GMT");
  EXPECT_EQ(answer.headers.Find("cache-control"),
            "max-age=86400, public, no-transform, must-revalidate");
  EXPECT_EQ(answer.headers.Find("etag"), responder_.Answer(request).headers.Find("etag"));
  EXPECT_EQ(answer.headers.Find("etag")->size(), 66U);
  clock_.Advance(days(7) - seconds(5));
  EXPECT_EQ(responder_.Answer(request).headers.Find("cache-control"),
            "max-age=5, public, no-transform, must-revalidate");
  EXPECT_EQ(responder_.Answer(Bytes{}).headers.Find("cache-control"), "no-store");
}

TEST_F(OcspResponderTest, OfNobodyElse) {
  EXPECT_EQ(responder_.Answer(Ask(authority_, {leaf_})).body, kUnauthorized) << "nothing is signed";
  ASSERT_TRUE(responder_.Sign(authority_.issuing, {leaf_}));
  const pki::Certificate unknown = Issue(authority_, now_);
  EXPECT_EQ(responder_.Answer(Ask(authority_, {unknown})).body, kUnauthorized);
  // The same serial number of an authority that has the same name.
  EXPECT_EQ(responder_.Answer(Ask(MakeAuthority("b"), {leaf_})).body, kUnauthorized);
  EXPECT_EQ(responder_.Answer(Ask(authority_, {leaf_, unknown})).body, kUnauthorized);
  EXPECT_EQ(responder_.Answer(Ask(authority_, std::vector(100, leaf_))).body, kUnauthorized);
  EXPECT_EQ(responder_.Answer(Bytes(pki::kMaxOcspRequestBytes + 1, 0x30)).body, kMalformed);
}

TEST_F(OcspResponderTest, TheOneBeforeToo) {
  const pki::Certificate next = Issue(authority_, now_);
  ASSERT_TRUE(responder_.Sign(authority_.issuing, {next, leaf_}));
  for (const pki::Certificate& certificate : {next, leaf_}) {
    const std::string body = responder_.Answer(Ask(authority_, {certificate})).body;
    EXPECT_THAT(Judge(authority_, certificate, body), HasSubstr("judged.pem: good"));
    EXPECT_EQ(responder_.StatusOf(certificate)(), body);
  }
  // A data directory that was set up anew: the one before is of an authority that is gone.
  const Authority other = MakeAuthority("b");
  const pki::Certificate anew = Issue(other, now_);
  ASSERT_TRUE(responder_.Sign(other.issuing, {anew, next}));
  EXPECT_EQ(responder_.StatusOf(next)(), "");
  const std::string kept = responder_.StatusOf(anew)();
  EXPECT_THAT(Judge(other, anew, kept), HasSubstr("judged.pem: good"));
  EXPECT_FALSE(responder_.Sign(other.issuing, {next}));
  EXPECT_EQ(responder_.StatusOf(anew)(), kept) << "what was there stays";
}

TEST_F(OcspResponderTest, AnOldOneIsNotGivenOut) {
  ASSERT_TRUE(responder_.Sign(authority_.issuing, {leaf_}));
  const Bytes request = Ask(authority_, {leaf_});
  const http::StapledStatus staple = responder_.StatusOf(leaf_);
  EXPECT_EQ(staple(), responder_.Answer(request).body);
  clock_.Advance(kOcspValidity);
  EXPECT_EQ(staple(), "");
  EXPECT_EQ(responder_.Answer(request).body, kTryLater);
  ASSERT_TRUE(responder_.Sign(authority_.issuing, {leaf_}));
  EXPECT_NE(staple(), "");
}

TEST_F(OcspResponderTest, OneOfTheFutureIsNotGivenOut) {
  clock_.Advance(days(2));
  ASSERT_TRUE(responder_.Sign(authority_.issuing, {leaf_}));
  const Bytes request = Ask(authority_, {leaf_});
  const http::StapledStatus staple = responder_.StatusOf(leaf_);
  clock_.JumpUtc(now_ + days(2) - kStatusBackdating);
  EXPECT_NE(staple(), "") << "as far back as it was dated";
  clock_.JumpUtc(now_ + days(2) - kStatusBackdating - seconds(1));
  EXPECT_EQ(staple(), "");
  EXPECT_EQ(responder_.Answer(request).body, kTryLater);
  clock_.JumpUtc(now_);
  ASSERT_TRUE(responder_.Sign(authority_.issuing, {leaf_}));
  EXPECT_EQ(staple(), responder_.Answer(request).body);
  EXPECT_THAT(Judge(authority_, leaf_, staple()), HasSubstr("judged.pem: good"));
}

}  // namespace
}  // namespace salus::proxy
