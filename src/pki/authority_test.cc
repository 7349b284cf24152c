#include "pki/authority.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <set>

#include "base/test_folder.h"
#include "pki/forged_certificate.h"
#include "pki/identity_directory.h"
#include "pki/self_signed.h"

namespace salus::pki {
namespace {

using std::chrono::days;
using ::testing::HasSubstr;

const Validity kRootYears{kForgeNow - days(10), kForgeNow + days(3650)};
const Validity kIssuingYears{kForgeNow - days(5), kForgeNow + days(1000)};
const Validity kLeafDays{kForgeNow - days(1), kForgeNow + days(90)};

class ListedIssuance final : public IssuanceLog {
 public:
  Result<void> Record(ByteSpan certificate_sha256, const Identity& identity,
                      bool is_person) override {
    if (fails) return Unavailable("the log is full");
    entries.push_back({ToBytes(certificate_sha256), identity, is_person});
    return {};
  }
  struct Entry {
    Bytes sha256;
    Identity identity;
    bool is_person;
  };
  std::vector<Entry> entries;
  bool fails = false;
};

class AuthorityTest : public ::testing::Test {
 protected:
  AuthorityTest() {
    root_.emplace(
        RootAuthority::Create(folder_ / "root", {.name = "Root", .validity = kRootYears}, random_)
            .value());
    issuing_.emplace(IssuingAuthority::Create(folder_ / "issuing", *root_,
                                              {.name = "Issuing", .validity = kIssuingYears},
                                              random_)
                         .value());
    trust_.emplace(TrustStore::Create({{root_->certificate()}}).value());
  }

  Identity Named(Role role) { return Identity::Create("host/org/2026", role, "id-1").value(); }
  CertificationRequest Request(std::optional<Identity> identity, bool with_encryption = true) {
    const auto encryption = crypto::P256PrivateKey::Generate();
    return CertificationRequest::Create({.name = "N", .identity = std::move(identity)},
                                        crypto::P256PrivateKey::Generate(),
                                        with_encryption ? &encryption : nullptr)
        .value();
  }
  IssueProfile Profile(Role role) { return {.identity = Named(role), .validity = kLeafDays}; }
  Result<Certificate> Issue(const CertificationRequest& request, const IssueProfile& profile) {
    return issuing_->Issue(request, profile, random_, log_);
  }

  TestFolder folder_;
  SystemRandom random_;
  ListedIssuance log_;
  std::optional<RootAuthority> root_;
  std::optional<IssuingAuthority> issuing_;
  std::optional<TrustStore> trust_;
};

TEST_F(AuthorityTest, IssuesForEachRoleWhatValidatePathAccepts) {
  for (Role role : kAllRoles) {
    CertificationRequest request = Request(Named(role));
    auto certificate = Issue(request, Profile(role));
    ASSERT_TRUE(certificate.has_value()) << certificate.error().message;
    auto valid = ValidatePath({{*certificate, issuing_->certificate()}}, *trust_, kForgeNow,
                              Purpose::kClient, "host/org/2026");
    ASSERT_TRUE(valid.has_value()) << valid.error().message;
    EXPECT_EQ(valid->identity().value(), Named(role));
    EXPECT_EQ(valid->encryption_key().value(), request.encryption_key());
    EXPECT_EQ(valid->subject_public_key_info(), request.subject_public_key_info());
    EXPECT_FALSE(valid->is_authority());
    EXPECT_EQ(valid->serial_number().size(), 20U);
    EXPECT_EQ(valid->not_before(), kLeafDays.not_before);
    EXPECT_EQ(valid->not_after(), kLeafDays.not_after);
  }
}

TEST_F(AuthorityTest, RecordsBeforeItReleases) {
  auto certificate = Issue(Request(std::nullopt), Profile(Role::kClinician)).value();
  ASSERT_EQ(log_.entries.size(), 1U);
  EXPECT_TRUE(Equal(log_.entries[0].sha256, certificate.fingerprint()));
  EXPECT_EQ(log_.entries[0].identity, Named(Role::kClinician));
  EXPECT_TRUE(log_.entries[0].is_person);
  (void)Issue(Request(std::nullopt), Profile(Role::kSource)).value();
  EXPECT_FALSE(log_.entries[1].is_person);

  log_.fails = true;
  auto refused = Issue(Request(std::nullopt), Profile(Role::kClinician));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
}

TEST_F(AuthorityTest, RefusesWhatDoesNotFitTheRole) {
  EXPECT_FALSE(Issue(Request(std::nullopt, false), Profile(Role::kPatient)).has_value());
  EXPECT_TRUE(Issue(Request(std::nullopt, false), Profile(Role::kSource)).has_value());
  // The request asks to be an officer, the operator certifies a patient, or the other way round.
  EXPECT_FALSE(Issue(Request(Named(Role::kOfficer)), Profile(Role::kPatient)).has_value());

  IssueProfile profile = Profile(Role::kPatient);
  profile.dns_names = {"salus.example"};
  EXPECT_FALSE(Issue(Request(std::nullopt), profile).has_value());
  profile.purpose = Purpose::kServer;
  EXPECT_FALSE(Issue(Request(std::nullopt), profile).has_value());
  profile.identity = Named(Role::kServer);
  EXPECT_TRUE(Issue(Request(std::nullopt), profile).has_value());
  profile.dns_names = {};
  EXPECT_FALSE(Issue(Request(std::nullopt), profile).has_value());
  for (const char* name : {"*.example", "Salus.example", "a,URI:urn:salus:a:officer:b", "a b", "",
                           "a..b", "-a", "a-", ".a", "a."}) {
    profile.dns_names = {name};
    EXPECT_FALSE(Issue(Request(std::nullopt), profile).has_value()) << name;
  }
  profile.dns_names = {};
  profile.ip_names = {"127.0.0.1", "2001:db8::1"};
  auto server = Issue(Request(std::nullopt), profile);
  ASSERT_TRUE(server.has_value());
  EXPECT_TRUE(CheckServerName(*server, "127.0.0.1").has_value());
  EXPECT_TRUE(
      ValidatePath({{*server, issuing_->certificate()}}, *trust_, kForgeNow, Purpose::kServer)
          .has_value());
  profile.ip_names = {"localhost"};
  EXPECT_FALSE(Issue(Request(std::nullopt), profile).has_value());
  EXPECT_EQ(log_.entries.size(), 3U);  // nothing refused was recorded
}

TEST_F(AuthorityTest, NothingOutlivesItsIssuer) {
  IssueProfile profile = Profile(Role::kPatient);
  profile.validity.not_after = kIssuingYears.not_after + std::chrono::seconds(1);
  EXPECT_FALSE(Issue(Request(std::nullopt), profile).has_value());
  profile.validity = {kIssuingYears.not_before - std::chrono::seconds(1), kForgeNow};
  EXPECT_FALSE(Issue(Request(std::nullopt), profile).has_value());
  profile.validity = {kForgeNow, kForgeNow};
  EXPECT_FALSE(Issue(Request(std::nullopt), profile).has_value());
  EXPECT_FALSE(IssuingAuthority::Create(
                   folder_ / "late", *root_,
                   {.name = "Late", .validity = {kForgeNow, kForgeNow + days(9999)}}, random_)
                   .has_value());
}

TEST_F(AuthorityTest, IssuingAuthorityHasPathLengthZeroAndAnotherName) {
  EXPECT_FALSE(IssuingAuthority::Create(folder_ / "same", *root_,
                                        {.name = "Root", .validity = kIssuingYears}, random_)
                   .has_value());
  EXPECT_TRUE(root_->certificate().is_authority());
  EXPECT_TRUE(issuing_->certificate().is_authority());
}

TEST_F(AuthorityTest, SerialNumbersDiffer) {
  std::set<Bytes> seen;
  for (int i = 0; i < 50; ++i) {
    auto certificate = Issue(Request(std::nullopt), Profile(Role::kPatient)).value();
    EXPECT_TRUE(seen.insert(certificate.serial_number()).second);
  }
}

TEST_F(AuthorityTest, OpensAgainAndNoticesForeignFiles) {
  auto again = IssuingAuthority::Open(folder_ / "issuing");
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(again->certificate(), issuing_->certificate());
  EXPECT_EQ(again->root_certificate(), root_->certificate());
  EXPECT_TRUE(RootAuthority::Open(folder_ / "root").has_value());
  EXPECT_EQ(IssuingAuthority::Create(folder_ / "issuing", *root_,
                                     {.name = "Issuing", .validity = kIssuingYears}, random_)
                .error()
                .code,
            ErrorCode::kAlreadyExists);

  struct stat status{};
  ASSERT_EQ(::stat((folder_ / "root").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700U);
  std::filesystem::copy_file(folder_ / "root" / "certificate.pem",
                             folder_ / "issuing" / "certificate.pem",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(IssuingAuthority::Open(folder_ / "issuing").error().code, ErrorCode::kCorruption);
}

TEST_F(AuthorityTest, AnOfflineRootSeesTheRequestOnly) {
  auto request = IssuingAuthority::Prepare(folder_ / "online", "Online");
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(IssuingAuthority::Open(folder_ / "online").error().code, ErrorCode::kNotFound);
  AuthorityProfile profile{.name = "Online", .validity = kIssuingYears};
  auto first = root_->CertifyAuthority(*request, profile, random_).value();
  EXPECT_EQ(
      IssuingAuthority::Install(folder_ / "issuing", first, root_->certificate()).error().code,
      ErrorCode::kCorruption);  // another key
  EXPECT_EQ(
      IssuingAuthority::Install(folder_ / "online", first, issuing_->certificate()).error().code,
      ErrorCode::kCorruption);  // not its issuer
  ASSERT_TRUE(IssuingAuthority::Install(folder_ / "online", first, root_->certificate()));
  profile.validity.not_after += days(100);
  auto renewed = root_->CertifyAuthority(*request, profile, random_).value();
  ASSERT_TRUE(IssuingAuthority::Install(folder_ / "online", renewed, root_->certificate()));
  EXPECT_EQ(IssuingAuthority::Open(folder_ / "online")->certificate(), renewed);
}

TEST_F(AuthorityTest, PassphraseGuardsTheKey) {
  SecretBytes passphrase(AsBytes("opensesame"));
  ASSERT_TRUE(RootAuthority::Create(folder_ / "sealed", {.name = "S", .validity = kRootYears},
                                    random_, &passphrase)
                  .has_value());
  EXPECT_FALSE(RootAuthority::Open(folder_ / "sealed").has_value());
  EXPECT_TRUE(RootAuthority::Open(folder_ / "sealed", &passphrase).has_value());
}

TEST_F(AuthorityTest, NameConstraintsBind) {
  auto bounded = IssuingAuthority::Create(folder_ / "bounded", *root_,
                                          {.name = "Bounded",
                                           .validity = kIssuingYears,
                                           .permitted_dns_names = {"hospital.example"}},
                                          random_)
                     .value();
  IssueProfile profile = Profile(Role::kServer);
  profile.purpose = Purpose::kServer;
  for (bool inside : {true, false}) {
    profile.dns_names = {inside ? "salus.hospital.example" : "salus.other.example"};
    auto leaf = bounded.Issue(Request(std::nullopt), profile, random_, log_).value();
    auto outcome =
        ValidatePath({{leaf, bounded.certificate()}}, *trust_, kForgeNow, Purpose::kServer);
    EXPECT_EQ(outcome.has_value(), inside);
  }
}

TEST_F(AuthorityTest, RevocationListsAreAskedFor) {
  auto good = Issue(Request(std::nullopt), Profile(Role::kPatient)).value();
  auto bad = Issue(Request(std::nullopt), Profile(Role::kPatient)).value();
  RevocationProfile none{
      .number = 1, .this_update = kForgeNow - days(1), .next_update = kForgeNow + days(7)};
  RevocationProfile one = none;
  one.revoked = {{bad.serial_number(), kForgeNow - days(1), RevocationReason::kKeyCompromise}};
  RevocationList of_root = root_->Revoke(none).value();
  RevocationList of_issuing = issuing_->Revoke(one).value();
  EXPECT_EQ(of_issuing.revoked_count(), 1U);
  EXPECT_EQ(RevocationList::FromPem(of_issuing.ToPem())->next_update(), one.next_update);

  const auto check = [&](const Certificate& leaf, std::vector<RevocationList> lists,
                         Timestamp time) {
    auto trust = TrustStore::Create({{root_->certificate()}}, lists).value();
    auto outcome = ValidatePath({{leaf, issuing_->certificate()}}, trust, time, Purpose::kClient);
    return outcome.has_value() ? std::string("valid") : outcome.error().message;
  };
  EXPECT_EQ(check(good, {of_root, of_issuing}, kForgeNow), "valid");
  EXPECT_THAT(check(bad, {of_root, of_issuing}, kForgeNow), HasSubstr("was revoked"));
  EXPECT_THAT(check(good, {of_root}, kForgeNow), HasSubstr("no revocation list"));
  EXPECT_THAT(check(good, {of_issuing}, kForgeNow), HasSubstr("no revocation list"));
  EXPECT_THAT(check(good, {of_root, of_issuing}, kForgeNow + days(8)), HasSubstr("outdated"));

  // A list by someone else with the same name does not count.
  auto other_root = RootAuthority::Create(folder_ / "other_root",
                                          {.name = "Root", .validity = kRootYears}, random_)
                        .value();
  auto other = IssuingAuthority::Create(folder_ / "other", other_root,
                                        {.name = "Issuing", .validity = kIssuingYears}, random_)
                   .value();
  EXPECT_NE(check(bad, {of_root, other.Revoke(none).value()}, kForgeNow), "valid");

  // A revoked issuing authority takes its leaves along.
  RevocationProfile authority = none;
  authority.revoked = {{issuing_->certificate().serial_number(), kForgeNow - days(1)}};
  EXPECT_THAT(
      check(good, {root_->Revoke(authority).value(), issuing_->Revoke(none).value()}, kForgeNow),
      HasSubstr("was revoked"));
}

TEST_F(AuthorityTest, TimesAfter2049AreEncodedToo) {
  Timestamp far = std::chrono::sys_days(std::chrono::year(2080) / 1 / 1);
  auto root = RootAuthority::Create(folder_ / "far", {.name = "Far", .validity = {kForgeNow, far}},
                                    random_);
  ASSERT_TRUE(root.has_value());
  EXPECT_EQ(root->certificate().not_after(), far);
}

class IdentityDirectoryTest : public AuthorityTest {};

TEST_F(IdentityDirectoryTest, FromKeysToCertificate) {
  RequestSubject subject{.name = "Ada", .identity = Named(Role::kPatient)};
  auto made = IdentityDirectory::Create(folder_ / "ada", subject);
  ASSERT_TRUE(made.has_value()) << made.error().message;
  EXPECT_EQ(made->request().subject().name, "Ada");
  EXPECT_EQ(made->request().subject().identity, Named(Role::kPatient));
  EXPECT_FALSE(made->signing_key().public_key() == made->encryption_key().public_key());
  EXPECT_EQ(IdentityDirectory::Create(folder_ / "ada", subject).error().code,
            ErrorCode::kAlreadyExists);

  auto request = CertificationRequest::FromPem(made->request().ToPem()).value();
  auto certificate = Issue(request, Profile(Role::kPatient)).value();
  auto foreign = Issue(Request(std::nullopt), Profile(Role::kPatient)).value();
  EXPECT_FALSE(made->Install({foreign}).has_value());
  EXPECT_FALSE(made->Install({}).has_value());
  ASSERT_TRUE(made->Install({certificate, issuing_->certificate()}).has_value());

  auto opened = IdentityDirectory::Open(folder_ / "ada");
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  ASSERT_EQ(opened->chain().size(), 2U);
  EXPECT_TRUE(ValidatePath(opened->chain(), *trust_, kForgeNow, Purpose::kClient).has_value());
  EXPECT_TRUE(opened->signing_key().public_key() == made->signing_key().public_key());
}

TEST_F(IdentityDirectoryTest, CertifiesItselfWhereNobodyElseDoes) {
  const Validity year{kForgeNow, kForgeNow + std::chrono::days(365)};
  auto made = IdentityDirectory::Create(folder_ / "ada", {.name = "Ada"}).value();
  ASSERT_TRUE(made.CertifySelf(year, random_).has_value());
  auto opened = IdentityDirectory::Open(folder_ / "ada");
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  ASSERT_EQ(opened->chain().size(), 1U);
  const Certificate& own = opened->chain().front();
  EXPECT_EQ(own.subject(), "CN=Ada");
  EXPECT_EQ(own.issuer(), "CN=Ada");
  EXPECT_EQ(own.not_after(), year.not_after);
  EXPECT_FALSE(own.is_authority());
  EXPECT_TRUE(own.uri_names().empty());
  // No authority's client: it is known by its fingerprint, or not at all.
  EXPECT_FALSE(ValidatePath({{own}}, *trust_, kForgeNow, Purpose::kClient).has_value());
  EXPECT_FALSE(TrustStore::Create({{own}}).has_value());

  const RequestSubject host{.identity = Named(Role::kServer), .dns_names = {"host.example"}};
  auto server = IdentityDirectory::Create(folder_ / "host", host).value();
  ASSERT_TRUE(server.CertifySelf(year, random_).has_value());
  EXPECT_EQ(server.chain().front().identity().value(), Named(Role::kServer));
  EXPECT_EQ(server.chain().front().dns_names(), std::vector<std::string>{"host.example"});

  EXPECT_FALSE(server.CertifySelf({year.not_after, year.not_before}, random_).has_value());
  EXPECT_FALSE(SelfSign(server.request(), made.signing_key(), year, random_).has_value());
  auto nobody = IdentityDirectory::Create(folder_ / "nobody", {}).value();
  EXPECT_THAT(nobody.CertifySelf(year, random_).error().message, HasSubstr("names nobody"));
}

TEST_F(IdentityDirectoryTest, NoticesFilesThatDoNotBelongTogether) {
  RequestSubject subject{.name = "Ada"};
  ASSERT_TRUE(IdentityDirectory::Create(folder_ / "a", subject).has_value());
  ASSERT_TRUE(IdentityDirectory::Create(folder_ / "b", subject).has_value());
  for (const char* file : {"sign.key", "encrypt.key"}) {
    std::filesystem::path kept = folder_ / "kept";
    std::filesystem::rename(folder_ / "a" / file, kept);
    std::filesystem::copy_file(folder_ / "b" / file, folder_ / "a" / file);
    EXPECT_EQ(IdentityDirectory::Open(folder_ / "a").error().code, ErrorCode::kCorruption);
    std::filesystem::rename(kept, folder_ / "a" / file);
  }
  EXPECT_TRUE(IdentityDirectory::Open(folder_ / "a").has_value());
  // The two keys swapped is no identity either.
  std::filesystem::rename(folder_ / "a" / "sign.key", folder_ / "kept");
  std::filesystem::rename(folder_ / "a" / "encrypt.key", folder_ / "a" / "sign.key");
  std::filesystem::rename(folder_ / "kept", folder_ / "a" / "encrypt.key");
  EXPECT_EQ(IdentityDirectory::Open(folder_ / "a").error().code, ErrorCode::kCorruption);
}

}  // namespace
}  // namespace salus::pki
