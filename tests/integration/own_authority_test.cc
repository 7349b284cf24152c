// The certificates that `salus proxy --ca` has its own authority issue, at times of our choosing.
#include "apps/salus/proxy_authority.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <stop_token>

#include "base/test_program.h"
#include "codec/rfc3339.h"
#include "node_fixture.h"
#include "pki/authority.h"
#include "proxy/acme_certificates.h"

namespace salus::integration {
namespace {

using cli::kRevocationListPath;
using cli::OwnAuthorityCertificates;
using proxy::RenewalCause;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;

class OwnAuthority : public ::testing::Test {
 protected:
  OwnAuthority() {
    MakeDataDirectory(data_, clock_, random_);
    EXPECT_TRUE(proxy::MakeStateFolder(state_));
  }
  // Another one is another front door of the same state.
  std::unique_ptr<OwnAuthorityCertificates> Door() {
    return std::make_unique<OwnAuthorityCertificates>(
        cli::OwnAuthorityOptions{.data_directory = data_,
                                 .state = state_,
                                 .lock = scratch_.path() / "own.lock",
                                 .domains = {"front.example.test"},
                                 .plain_url = "http://front.example.test"},
        clock_, random_);
  }
  proxy::RenewalStep Renew(OwnAuthorityCertificates& door,
                           RenewalCause cause = RenewalCause::kTime) {
    const proxy::RenewalStep step = door.Renew(cause, std::stop_token());
    EXPECT_LE(step.wait, minutes(1)) << "another front door's renewal is noticed";
    return step;
  }
  static http::Response List(const OwnAuthorityCertificates& door) {
    return door.AnswerPlain(kRevocationListPath).value();
  }
  // The list's number, as the openssl program reads it.
  std::uint64_t NumberOf(const http::Response& list) {
    const std::string path = (scratch_.path() / "list.crl").string();
    std::ofstream(path, std::ios::binary) << list.body;
    const std::string said =
        RunOpenssl({"crl", "-inform", "DER", "-in", path, "-noout", "-crlnumber"}).output;
    return std::strtoull(said.c_str() + said.find('=') + 1, nullptr, 16);
  }
  static pki::Certificate LeafOf(const http::ServerIdentity& identity) {
    return pki::Certificate::FromPemBundle(identity.certificate_chain_pem).value().front();
  }
  void MoveAuthorityAway() { std::filesystem::rename(data_ + "/ca", data_ + "/ca.away"); }
  void MoveAuthorityBack() { std::filesystem::rename(data_ + "/ca.away", data_ + "/ca"); }

  ScratchFolder scratch_;
  const std::string data_ = (scratch_.path() / "data").string();
  const std::filesystem::path state_ = scratch_.path() / "state";
  FakeClock clock_{*codec::ParseRfc3339("2026-11-30T12:00:00Z")};
  SystemRandom random_;
};

TEST_F(OwnAuthority, SignsAgainWhenTheClockWasAhead) {
  if (RunOpenssl({"version"}).status != 0) GTEST_SKIP() << "skipped: no openssl program";
  const auto door = Door();
  const auto identity = door->Load();
  ASSERT_TRUE(identity) << identity.error().message;
  const Timestamp start = clock_.Now();
  clock_.Advance(days(30));
  ASSERT_FALSE(Renew(*door).is_trouble);
  EXPECT_NE(identity->stapled_status(), "");
  const http::Response ahead = List(*door);
  ASSERT_EQ(ahead.status, 200);
  clock_.JumpUtc(start + minutes(1));
  EXPECT_EQ(identity->stapled_status(), "") << "it begins in a month";
  EXPECT_EQ(List(*door).status, 503);
  ASSERT_FALSE(Renew(*door).is_trouble);
  EXPECT_NE(identity->stapled_status(), "");
  EXPECT_EQ(List(*door).status, 200);
  EXPECT_GT(NumberOf(List(*door)), NumberOf(ahead));
}

TEST_F(OwnAuthority, SignsOnceADay) {
  const auto door = Door();
  const auto identity = door->Load();
  ASSERT_TRUE(identity) << identity.error().message;
  const std::string first = identity->stapled_status();
  clock_.Advance(days(1) - seconds(1));
  EXPECT_FALSE(Renew(*door).is_trouble);
  EXPECT_EQ(identity->stapled_status(), first);
  clock_.Advance(seconds(1));
  EXPECT_FALSE(Renew(*door).is_trouble);
  EXPECT_NE(identity->stapled_status(), first);
}

TEST_F(OwnAuthority, GivesOutNoListThatIsOver) {
  const auto door = Door();
  EXPECT_EQ(List(*door).status, 503) << "none was signed";
  ASSERT_TRUE(door->Load());
  const http::Response list = List(*door);
  EXPECT_EQ(list.status, 200);
  EXPECT_EQ(list.headers.Find("content-type"), "application/pkix-crl");
  EXPECT_EQ(list.headers.Find("last-modified"), "Mon, 30 Nov 2026 11:00:00 GMT");
  EXPECT_EQ(list.headers.Find("expires"), "Mon, 07 Dec 2026 12:00:00 GMT");
  const auto read = pki::RevocationList::FromDer(AsBytes(list.body));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->this_update(), clock_.Now() - hours(1)) << "for clients whose clock is behind";
  EXPECT_EQ(read->next_update(), clock_.Now() + days(7));
  clock_.Advance(days(7) - seconds(1));
  EXPECT_EQ(List(*door).status, 200);
  clock_.Advance(seconds(1));
  EXPECT_EQ(List(*door).status, 503);
  EXPECT_FALSE(door->AnswerPlain("/else"));
}

TEST_F(OwnAuthority, TakesWhatAnotherFrontDoorHadIssued) {
  const auto one = Door();
  const auto two = Door();
  const auto before = one->Load();
  ASSERT_TRUE(before) << before.error().message;
  ASSERT_TRUE(two->Load());
  EXPECT_FALSE(Renew(*two).has_changed);
  clock_.Advance(days(61));
  const proxy::RenewalStep issued = Renew(*one);
  EXPECT_TRUE(issued.has_changed) << issued.said;
  EXPECT_TRUE(Renew(*two).has_changed);
  const auto taken = two->Load();
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(taken->certificate_chain_pem, one->Load()->certificate_chain_pem);
  EXPECT_NE(taken->certificate_chain_pem, before->certificate_chain_pem);
  EXPECT_NE(taken->stapled_status(), "");
  EXPECT_NE(two->responder().StatusOf(LeafOf(*before))(), "") << "clients may still ask";
  EXPECT_FALSE(Renew(*two).has_changed);
}

TEST_F(OwnAuthority, TellsTroubleFourTimesADay) {
  const auto door = Door();
  const auto other = Door();
  ASSERT_TRUE(door->Load());
  ASSERT_TRUE(other->Load());
  clock_.Advance(days(61));
  MoveAuthorityAway();
  EXPECT_THAT(Renew(*door).said, HasSubstr("no new certificate from"));
  EXPECT_EQ(Renew(*door).said, "");
  EXPECT_THAT(Renew(*door, RenewalCause::kOperator).said, HasSubstr("no new certificate from"));
  clock_.Advance(hours(6) - seconds(1));
  EXPECT_EQ(Renew(*door).said, "");
  clock_.Advance(seconds(1));
  EXPECT_TRUE(Renew(*door).is_trouble);
  // In the pause, another front door has one issued.
  MoveAuthorityBack();
  EXPECT_TRUE(Renew(*other).has_changed);
  clock_.Advance(minutes(1));
  const proxy::RenewalStep taken = Renew(*door);
  EXPECT_TRUE(taken.has_changed);
  EXPECT_FALSE(taken.is_trouble);
}

}  // namespace
}  // namespace salus::integration
