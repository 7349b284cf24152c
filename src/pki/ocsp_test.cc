// The openssl program asks and judges; the requests that it would not make are written byte by
// byte.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/test_folder.h"
#include "base/test_program.h"
#include "pki/authority.h"

namespace salus::pki {
namespace {

using std::chrono::days;
using std::chrono::hours;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class UnloggedIssuance final : public IssuanceLog {
 public:
  Result<void> Record(ByteSpan, const Identity&, bool) override { return {}; }
};

class OcspTest : public ::testing::Test {
 protected:
  OcspTest() : root_(MakeRoot()), issuing_(MakeIssuing("issuing", root_)), leaf_(Issue(issuing_)) {
    std::ofstream(folder_ / "leaf.pem") << leaf_.ToPem();
  }
  void SetUp() override {
    if (RunOpenssl({"version"}).status != 0) GTEST_SKIP() << "skipped: no openssl program";
  }

  RootAuthority MakeRoot() {
    const AuthorityProfile profile{.name = "Root", .validity = {now_ - days(2), now_ + days(99)}};
    return *RootAuthority::Create(folder_ / "root", profile, random_);
  }
  IssuingAuthority MakeIssuing(const char* folder, const RootAuthority& root) {
    const AuthorityProfile profile{.name = "Issuing",
                                   .validity = {now_ - days(2), now_ + days(50)}};
    return *IssuingAuthority::Create(folder_ / folder, root, profile, random_);
  }
  Certificate Issue(const IssuingAuthority& authority) {
    const auto identity = *Identity::Create("h/o", Role::kServer, "s");
    const auto request = *CertificationRequest::Create({.name = "S", .identity = identity},
                                                       crypto::P256PrivateKey::Generate(), nullptr);
    UnloggedIssuance log;
    return *authority.Issue(request,
                            {.identity = identity,
                             .validity = {now_ - days(1), now_ + days(10)},
                             .purpose = Purpose::kServer,
                             .dns_names = {"salus.example"},
                             .ocsp_urls = {"http://salus.example/ocsp"}},
                            random_, log);
  }

  std::string Path(const std::string& name) { return (folder_.path() / name).string(); }
  Bytes Read(const std::string& name) {
    std::ifstream file(Path(name), std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    return ToBytes(AsBytes(text));
  }
  // What the program asks about the leaf.
  Bytes Ask(std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"ocsp"};
    words.insert(words.end(), more.begin(), more.end());
    words.insert(words.end(), {"-issuer", Path("issuing/certificate.pem"), "-cert",
                               Path("leaf.pem"), "-reqout", Path("request.der")});
    const ProgramOutcome made = RunOpenssl(words);
    EXPECT_EQ(made.status, 0) << made.output;
    return Read("request.der");
  }
  // What the program makes of a response about the leaf.
  std::string Judge(ByteSpan response) {
    std::ofstream(Path("response.der"), std::ios::binary) << AsText(response);
    return RunOpenssl({"ocsp", "-respin", Path("response.der"), "-issuer",
                       Path("issuing/certificate.pem"), "-cert", Path("leaf.pem"), "-CAfile",
                       Path("root/certificate.pem"), "-resp_text", "-no_nonce"})
        .output;
  }
  OcspStatusProfile Profile() const {
    return {.produced_at = now_, .this_update = now_ - hours(1), .next_update = now_ + days(7)};
  }

  TestFolder folder_;
  SystemRandom random_;
  const Timestamp now_ = SystemClock().Now();  // openssl looks at its own clock
  RootAuthority root_;
  IssuingAuthority issuing_;
  Certificate leaf_;
};

TEST_F(OcspTest, FindsTheCertificateThatIsAsked) {
  const std::pair<const char*, CertificateIdHash> hashes[] = {
      {"-sha1", CertificateIdHash::kSha1},
      {"-sha256", CertificateIdHash::kSha256},
      {"-sha384", CertificateIdHash::kSha384},
      {"-sha512", CertificateIdHash::kSha512}};
  for (const auto& [flag, hash] : hashes) {
    OcspStatusProfile profile = Profile();
    profile.hash = hash;
    const auto status = issuing_.SignStatus(leaf_, profile);
    ASSERT_TRUE(status.has_value()) << status.error().message;
    const auto request = OcspRequest::FromDer(Ask({flag}));
    ASSERT_TRUE(request.has_value()) << request.error().message;
    ASSERT_EQ(request->certificates().size(), 1U);
    EXPECT_EQ(request->certificates().front(), status->id);
    EXPECT_EQ(status->id.hash, hash);
    EXPECT_EQ(status->id.serial_number, leaf_.serial_number());
  }
  const auto other = OcspRequest::FromDer(Ask({"-sha224"}));
  ASSERT_TRUE(other.has_value());
  EXPECT_EQ(other->certificates().front().hash, CertificateIdHash::kOther);
}

TEST_F(OcspTest, PassesOverANonceAndASigner) {
  const auto plain = OcspRequest::FromDer(Ask({"-no_nonce"}));
  EXPECT_EQ(OcspRequest::FromDer(Ask({"-nonce"}))->certificates(), plain->certificates());
  const auto sign_with =
      Ask({"-signer", Path("issuing/certificate.pem"), "-signkey", Path("issuing/authority.key")});
  EXPECT_EQ(OcspRequest::FromDer(sign_with)->certificates(), plain->certificates());
}

TEST_F(OcspTest, AnotherIssuerOfTheSameNameIsAnother) {
  const Bytes mine = Ask();
  const IssuingAuthority other = MakeIssuing("other", root_);
  const Certificate foreign = Issue(other);
  const auto status = other.SignStatus(foreign, Profile());
  const auto id = OcspRequest::FromDer(mine)->certificates().front();
  EXPECT_EQ(status->id.issuer_name_hash, id.issuer_name_hash);
  EXPECT_NE(status->id.issuer_key_hash, id.issuer_key_hash);
  EXPECT_EQ(issuing_.SignStatus(foreign, Profile()).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(issuing_.SignStatus(issuing_.certificate(), Profile()).error().code,
            ErrorCode::kInvalidArgument);
}

TEST_F(OcspTest, TheProgramTakesAGoodResponse) {
  const auto status = issuing_.SignStatus(leaf_, Profile());
  ASSERT_TRUE(status.has_value()) << status.error().message;
  const std::string text = Judge(status->response_der);
  EXPECT_THAT(text, AllOf(HasSubstr("Response verify OK"), HasSubstr("leaf.pem: good"),
                          HasSubstr("ecdsa-with-SHA256"), HasSubstr("Hash Algorithm: sha1"),
                          Not(HasSubstr("WARNING")), Not(HasSubstr("Certificate:"))));
  EXPECT_LT(status->response_der.size(), 300U);
  // One bit of what is signed.
  Bytes touched = status->response_der;
  touched[touched.size() / 2] ^= 1;
  EXPECT_THAT(Judge(touched), Not(HasSubstr("Response verify OK")));
  // Too old, and by somebody else.
  OcspStatusProfile old = Profile();
  old.this_update = now_ - days(20);
  old.next_update = now_ - days(13);
  EXPECT_THAT(Judge(issuing_.SignStatus(leaf_, old)->response_der), HasSubstr("Status times"));
}

TEST_F(OcspTest, TheProgramTakesARevocation) {
  OcspStatusProfile profile = Profile();
  profile.revoked = OcspRevocation{now_ - days(1), RevocationReason::kKeyCompromise};
  EXPECT_THAT(Judge(issuing_.SignStatus(leaf_, profile)->response_der),
              AllOf(HasSubstr("Response verify OK"), HasSubstr("leaf.pem: revoked"),
                    HasSubstr("Reason: keyCompromise"), HasSubstr("Revocation Time:")));
  profile.revoked->reason = RevocationReason::kUnspecified;
  EXPECT_THAT(
      Judge(issuing_.SignStatus(leaf_, profile)->response_der),
      AllOf(HasSubstr("leaf.pem: revoked"), Not(HasSubstr("Reason:")), HasSubstr("verify OK")));
}

TEST_F(OcspTest, TheProfilesTimesAreWhatItSays) {
  OcspStatusProfile profile;
  const std::chrono::sys_days day = std::chrono::year(2031) / 2 / 3;
  profile.produced_at = day + hours(4);
  profile.this_update = day + hours(3);
  profile.next_update = day + hours(27);
  EXPECT_THAT(Judge(issuing_.SignStatus(leaf_, profile)->response_der),
              AllOf(HasSubstr("Produced At: Feb  3 04:00:00 2031 GMT"),
                    HasSubstr("This Update: Feb  3 03:00:00 2031 GMT"),
                    HasSubstr("Next Update: Feb  4 03:00:00 2031 GMT")));
  profile.next_update = profile.this_update;
  EXPECT_EQ(issuing_.SignStatus(leaf_, profile).error().code, ErrorCode::kInvalidArgument);
  profile = Profile();
  profile.hash = CertificateIdHash::kOther;
  EXPECT_EQ(issuing_.SignStatus(leaf_, profile).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(OcspTest, TheCertificateSaysWhereToAsk) {
  const auto said = RunOpenssl({"x509", "-in", Path("leaf.pem"), "-noout", "-ocsp_uri"});
  EXPECT_EQ(said.output, "http://salus.example/ocsp\n");
}

// Source: RFC 6960 section 4.2.1: OCSPResponseStatus; X.690 gives each one encoding.
TEST(OcspFailures, AreFiveBytes) {
  EXPECT_EQ(OcspFailureDer(OcspFailure::kMalformedRequest), (Bytes{0x30, 3, 0x0a, 1, 1}));
  EXPECT_EQ(OcspFailureDer(OcspFailure::kTryLater), (Bytes{0x30, 3, 0x0a, 1, 3}));
  EXPECT_EQ(OcspFailureDer(OcspFailure::kUnauthorized), (Bytes{0x30, 3, 0x0a, 1, 6}));
}

// Requests by hand. Source: RFC 6960 appendix B.1 (the module), X.690.
Bytes Tlv(std::uint8_t tag, std::initializer_list<Bytes> parts) {
  Bytes content;
  for (const Bytes& part : parts) Append(content, part);
  Bytes out = {tag};
  if (content.size() > 0xff) {
    Append(out, Bytes{0x82, static_cast<std::uint8_t>(content.size() >> 8)});
  } else if (content.size() > 0x7f) {
    out.push_back(0x81);
  }
  out.push_back(static_cast<std::uint8_t>(content.size()));
  Append(out, content);
  return out;
}
const Bytes kSha1Algorithm = {0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00};

Bytes Asked(const Bytes& name_hash, const Bytes& key_hash, const Bytes& serial,
            const Bytes& extensions = {}) {
  return Tlv(0x30, {Tlv(0x30, {kSha1Algorithm, Tlv(0x04, {name_hash}), Tlv(0x04, {key_hash}),
                               Tlv(0x02, {serial})}),
                    extensions});
}
Bytes RequestOf(const Bytes& list, const Bytes& extensions = {}) {
  return Tlv(0x30, {Tlv(0x30, {Tlv(0x30, {list}), extensions})});
}
// Extensions of one, of an OID of ours, under an explicit tag.
Bytes OneExtension(std::uint8_t tag, bool is_critical) {
  const Bytes critical = is_critical ? Bytes{0x01, 0x01, 0xff} : Bytes{};
  return Tlv(tag, {Tlv(0x30, {Tlv(0x30, {Bytes{0x06, 0x03, 0x2a, 0x03, 0x04}, critical,
                                         Bytes{0x04, 0x01, 0x00}})})});
}

std::string Refusal(const Bytes& der) {
  const auto request = OcspRequest::FromDer(der);
  return request ? "taken" : request.error().message;
}

TEST(OcspRequests, ByHand) {
  const Bytes hash(20, 7);
  const auto one = OcspRequest::FromDer(RequestOf(Asked(hash, hash, {0x00, 0x80, 0x01})));
  ASSERT_TRUE(one.has_value()) << one.error().message;
  const CertificateId wanted{CertificateIdHash::kSha1, hash, hash, {0x80, 0x01}};
  EXPECT_EQ(one->certificates(), std::vector<CertificateId>{wanted});
  EXPECT_TRUE(OcspRequest::FromDer(RequestOf(Asked(hash, hash, {1}, OneExtension(0xa0, false)),
                                             OneExtension(0xa2, false)))
                  .has_value());

  Bytes hundred;
  for (std::uint8_t i = 1; i <= 100; ++i) Append(hundred, Asked(hash, hash, {i}));
  EXPECT_EQ(OcspRequest::FromDer(RequestOf(hundred))->certificates().size(), 100U);

  EXPECT_THAT(Refusal({}), HasSubstr("one DER object"));
  EXPECT_THAT(Refusal(RequestOf({})), HasSubstr("no certificate"));
  EXPECT_THAT(Refusal(RequestOf(Asked(hash, Bytes(19, 7), {1}))), HasSubstr("as long as"));
  EXPECT_THAT(Refusal(RequestOf(Asked(Bytes(32, 7), hash, {1}))), HasSubstr("as long as"));
  EXPECT_THAT(Refusal(RequestOf(Asked(hash, hash, {0xff}))), HasSubstr("negative"));
  EXPECT_THAT(Refusal(RequestOf(Asked(hash, hash, {1}, OneExtension(0xa0, true)))),
              HasSubstr("critical"));
  EXPECT_THAT(Refusal(RequestOf(Asked(hash, hash, {1}), OneExtension(0xa2, true))),
              HasSubstr("critical"));
  EXPECT_THAT(Refusal(Bytes(kMaxOcspRequestBytes + 1, 0x30)), HasSubstr("16 KiB"));
  const Bytes whole = RequestOf(Asked(hash, hash, {1}));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(Refusal(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))),
                HasSubstr("one DER object"));
  }
  Bytes longer = whole;
  longer.push_back(0);
  EXPECT_THAT(Refusal(longer), HasSubstr("one DER object"));
}

TEST(OcspRequests, HaveOneEncoding) {
  const Bytes hash(20, 7);
  const Bytes asked = Asked(hash, hash, {1});
  const Bytes whole = RequestOf(asked);
  ASSERT_EQ(Refusal(whole), "taken");
  // Lengths without end, and longer than they need to be: BER, not DER.
  const Bytes inside(whole.begin() + 2, whole.end());
  Bytes endless = {0x30, 0x80};
  Append(endless, inside);
  Append(endless, Bytes{0, 0});
  EXPECT_THAT(Refusal(endless), HasSubstr("canonical DER"));
  Bytes long_form = {0x30, 0x81, static_cast<std::uint8_t>(inside.size())};
  Append(long_form, inside);
  EXPECT_THAT(Refusal(long_form), HasSubstr("canonical DER"));
  // A string in pieces.
  const Bytes pieces = Tlv(0x24, {Tlv(0x04, {Bytes(10, 7)}), Tlv(0x04, {Bytes(10, 7)})});
  const Bytes in_pieces =
      Tlv(0x30, {Tlv(0x30, {kSha1Algorithm, pieces, Tlv(0x04, {hash}), Tlv(0x02, {Bytes{1}})})});
  EXPECT_THAT(Refusal(RequestOf(in_pieces)), HasSubstr("canonical DER"));
}

TEST(OcspRequests, AreOfVersion1) {
  const Bytes hash(20, 7);
  const Bytes list = Tlv(0x30, {Asked(hash, hash, {1})});
  const auto of_version = [&](const Bytes& version) {
    return Refusal(Tlv(0x30, {Tlv(0x30, {Tlv(0xa0, {Tlv(0x02, {version})}), list})}));
  };
  EXPECT_EQ(of_version({0}), "taken");
  EXPECT_THAT(of_version({1}), HasSubstr("version is not 1"));
  EXPECT_THAT(of_version({4}), HasSubstr("version is not 1"));
  EXPECT_THAT(of_version({0xff}), HasSubstr("version is not 1"));
  EXPECT_THAT(of_version({1, 0}), HasSubstr("version is not 1"));
}

}  // namespace
}  // namespace salus::pki
