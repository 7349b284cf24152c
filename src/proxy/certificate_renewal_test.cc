#include "proxy/certificate_renewal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <future>

#include "base/test_folder.h"
#include "crypto/pkcs8.h"
#include "pki/key_file.h"
#include "pki/self_signed.h"

namespace salus::proxy {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Written steps, one for each look; then it has nothing to do any more.
class ScriptedSource final : public CertificateSource {
 public:
  explicit ScriptedSource(std::vector<RenewalStep> steps) : steps_(std::move(steps)) {}
  Result<http::ServerIdentity> Load() override {
    if (fails) return NotFound("there is no file");
    return http::ServerIdentity{"chain", SecretBytes(AsBytes("key"))};
  }
  RenewalStep Renew(RenewalCause cause, const std::stop_token&) override {
    std::lock_guard lock(mutex_);
    causes.push_back(cause);
    changed_.notify_all();
    const std::size_t at = causes.size() - 1;
    return at < steps_.size() ? steps_[at] : RenewalStep{.wait = std::chrono::hours(1)};
  }
  void WaitForLooks(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return causes.size() >= count; });
  }

  std::atomic<bool> fails = false;
  std::vector<RenewalCause> causes;  // guarded by mutex_

 private:
  const std::vector<RenewalStep> steps_;
  std::mutex mutex_;
  std::condition_variable changed_;
};

TEST(CertificateRenewalTest, InstallsWhatChangedAndTellsIt) {
  ScriptedSource source({{.has_changed = true, .said = "issued", .wait = std::chrono::seconds(0)},
                         {.wait = std::chrono::hours(1)}});
  std::vector<std::string> installed;
  std::vector<std::string> said;
  {
    CertificateRenewal renewal(
        source,
        [&](const http::ServerIdentity& identity) -> Result<void> {
          installed.push_back(identity.certificate_chain_pem);
          return {};
        },
        [&](std::string_view text, bool) { said.emplace_back(text); });
    source.WaitForLooks(2);
    renewal.Wake();
    source.WaitForLooks(3);
    renewal.Wake();
    source.WaitForLooks(4);
  }
  // The last look may be given up at the end, the one before was an operator's: installed as well.
  ASSERT_GE(installed.size(), 2u);
  EXPECT_EQ(installed[0], "chain");
  ASSERT_GE(said.size(), 3u);
  EXPECT_EQ(said[0], "issued");
  EXPECT_EQ(said[1], "the certificate was replaced; open connections go on");
  EXPECT_EQ(said[2], "the certificate was read again; open connections go on");
  EXPECT_EQ(source.causes.at(1), RenewalCause::kTime);
  EXPECT_EQ(source.causes.at(2), RenewalCause::kOperator);
}

TEST(CertificateRenewalTest, InstallsAnewWhenTheClientsAuthoritiesChange) {
  const TestFolder folder;
  const std::filesystem::path authorities = folder / "authorities.pem";
  std::ofstream(authorities) << "one";
  ScriptedSource source({{.wait = std::chrono::hours(1)}, {.wait = std::chrono::hours(1)}});
  std::promise<std::string> told;
  CertificateRenewal renewal(
      source, [](const http::ServerIdentity&) -> Result<void> { return {}; },
      [&](std::string_view text, bool) { told.set_value(std::string(text)); }, authorities,
      std::chrono::milliseconds(1));
  source.WaitForLooks(1);
  std::ofstream(authorities) << "another";
  EXPECT_EQ(told.get_future().get(),
            "the clients' authorities were read again; open connections go on");
}

TEST(CertificateRenewalTest, KeepsTheOldOneWhenTheNewOneIsBad) {
  ScriptedSource source({{.has_changed = true, .wait = std::chrono::hours(1)},
                         {.has_changed = true, .wait = std::chrono::hours(1)}});
  source.fails = true;
  std::vector<std::string> said;
  {
    CertificateRenewal renewal(
        source,
        [&](const http::ServerIdentity&) -> Result<void> { return InvalidArgument("no match"); },
        [&](std::string_view text, bool is_trouble) {
          EXPECT_TRUE(is_trouble);
          said.emplace_back(text);
          source.fails = false;
        });
    source.WaitForLooks(1);
    renewal.Wake();
    source.WaitForLooks(2);
    renewal.Wake();
    source.WaitForLooks(3);
  }
  ASSERT_GE(said.size(), 2u);
  EXPECT_THAT(said[0], HasSubstr("the old one stays: there is no file"));
  EXPECT_THAT(said[1], HasSubstr("the old one stays: no match"));
}

class CertificateFilesTest : public ::testing::Test {
 protected:
  void Write(std::chrono::hours validity) {
    const Timestamp now = clock_.Now();
    auto made = pki::SelfSignedCertificate::Make(
        "front.example", {now - std::chrono::hours(1), now + validity}, random_);
    std::ofstream(chain_) << made->certificate_pem;
    std::filesystem::remove(key_);
    ASSERT_TRUE(pki::WriteKeyFile(key_, made->private_key_pem));
  }
  TestFolder folder_;
  const std::filesystem::path chain_ = folder_ / "chain.pem";
  const std::filesystem::path key_ = folder_ / "key.pem";
  FakeClock clock_{SystemClock().Now()};
  SystemRandom random_;
  CertificateFiles files_{chain_, key_, clock_};
};

TEST_F(CertificateFilesTest, NoticesANewFile) {
  Write(std::chrono::days(30));
  ASSERT_TRUE(files_.Load());
  EXPECT_FALSE(files_.Renew(RenewalCause::kTime, {}).has_changed);
  EXPECT_TRUE(files_.Renew(RenewalCause::kOperator, {}).has_changed);
  Write(std::chrono::days(31));
  EXPECT_TRUE(files_.Renew(RenewalCause::kTime, {}).has_changed);
  ASSERT_TRUE(files_.Load());
  EXPECT_FALSE(files_.Renew(RenewalCause::kTime, {}).has_changed);
}

TEST_F(CertificateFilesTest, PassesOverTextBesideTheBlocks) {
  Write(std::chrono::days(30));
  const auto plain = ReadServerIdentity(chain_, key_);
  ASSERT_TRUE(plain);
  std::ofstream(chain_) << "Certificate:\n    Data:\n"
                        << plain->certificate_chain_pem
                        << "subject=CN = between\n-----BEGIN DH PARAMETERS-----\nMAYCAQUCAQI=\n"
                           "-----END DH PARAMETERS-----\n"
                        << plain->certificate_chain_pem << "# the end\n";
  const auto read = ReadServerIdentity(chain_, key_);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->certificate_chain_pem,
            plain->certificate_chain_pem + plain->certificate_chain_pem);
  for (const std::string_view bad :
       {"no block", "-----BEGIN CERTIFICATE-----\nAAAA", "-----END CERTIFICATE-----\n"}) {
    std::ofstream(chain_) << bad;
    EXPECT_FALSE(ReadServerIdentity(chain_, key_)) << bad;
  }
}

TEST_F(CertificateFilesTest, WarnsOnceADayBeforeTheEnd) {
  Write(std::chrono::days(8));
  ASSERT_TRUE(files_.Load());
  EXPECT_THAT(files_.Renew(RenewalCause::kTime, {}).said, IsEmpty());
  clock_.Advance(std::chrono::days(2));
  EXPECT_THAT(files_.Renew(RenewalCause::kTime, {}).said, HasSubstr("is valid only until"));
  EXPECT_THAT(files_.Renew(RenewalCause::kTime, {}).said, IsEmpty());
  clock_.Advance(std::chrono::days(1));
  EXPECT_THAT(files_.Renew(RenewalCause::kTime, {}).said, HasSubstr("is valid only until"));
}

TEST_F(CertificateFilesTest, FollowsALinkButRefusesAKeyThatOthersCanRead) {
  Write(std::chrono::days(30));
  std::filesystem::create_symlink(key_, folder_ / "link.pem");
  EXPECT_TRUE(ReadServerIdentity(chain_, folder_ / "link.pem"));
  ASSERT_EQ(::chmod(key_.c_str(), 0644), 0);
  const auto refused = ReadServerIdentity(chain_, folder_ / "link.pem");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("link.pem"));
  EXPECT_FALSE(ReadServerIdentity(folder_ / "none.pem", key_));
  EXPECT_FALSE(ReadServerIdentity(chain_, folder_ / "none.pem"));
}

}  // namespace
}  // namespace salus::proxy
