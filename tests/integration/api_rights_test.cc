// Every role at every route: who has not the right learns nothing.

#include "api/endpoint.h"
#include "api_fixture.h"
#include "audit/custody.h"
#include "codec/base64.h"

namespace salus {
namespace {

constexpr std::string_view kForbidden = "not permitted";

// A target that fits an endpoint's pattern.
std::string TargetOf(const api::Endpoint& endpoint) {
  std::string target = endpoint.pattern;
  for (std::size_t at = target.find('{'); at != std::string::npos; at = target.find('{')) {
    target.replace(at, target.find('}') - at + 1, "1");
  }
  return target;
}

class ApiRightsTest : public ApiTest {
 protected:
  // Another identity of the same name, certified too.
  pki::IdentityDirectory Another(pki::Role role, const std::string& id) {
    pki::RequestSubject subject;
    subject.name = "another";
    subject.identity = *pki::Identity::Create(kOrigin, role, id);
    auto identity =
        pki::IdentityDirectory::Create(root_ / ("another-" + std::to_string(others_++)), subject);
    EXPECT_TRUE(identity);
    const auto chain = node_->Certify(identity->request().ToPem(), role, id);
    EXPECT_TRUE(chain && identity->Install(*pki::Certificate::FromPemBundle(*chain)));
    return *std::move(identity);
  }

  int others_ = 0;

  http::ClientResponse Try(http::Client& client, const api::Endpoint& endpoint) {
    const bool has_body = endpoint.body_limit_bytes > 0;
    return Send(client, endpoint.method, TargetOf(endpoint), has_body ? "{}" : "",
                has_body ? endpoint.content_types.front() : "");
  }
};

TEST_F(ApiRightsTest, AWrongRoleIsRefusedInTheSameWordsEverywhere) {
  for (const pki::Role role : pki::kAllRoles) {
    if (role == pki::Role::kServer) continue;  // its certificates are no client's
    const auto client = ClientOf(role, "stranger");
    for (const api::Endpoint& endpoint : api::Endpoints()) {
      if (!api::Opens(endpoint.door, api::Door::kMachine)) continue;
      if (endpoint.roles.empty() || endpoint.roles.Has(role)) continue;
      const auto response = Try(*client, endpoint);
      EXPECT_EQ(response.status, 403) << pki::RoleName(role) << " " << endpoint.name;
      EXPECT_EQ(response.body, kForbidden) << pki::RoleName(role) << " " << endpoint.name;
    }
  }
}

TEST_F(ApiRightsTest, TheRightRoleWithoutARegistrationIsRefusedToo) {
  for (const auto& [role, target] : std::vector<std::pair<pki::Role, std::string>>{
           {pki::Role::kSource, "/audit/v1/entries/1"},
           {pki::Role::kPatient, "/audit/v1/history/me"},
           {pki::Role::kAuditor, "/audit/v1/queries"},
           {pki::Role::kPatient, "/audit/v1/readers/1"},
           {pki::Role::kPatient, "/audit/v1/custody/1"},
           {pki::Role::kCustodian, "/audit/v1/custody/1"},
           {pki::Role::kAuditor, "/audit/v1/mandates/other"},
           {pki::Role::kWitness, "/log/updates/0-1"},
           {pki::Role::kWitness, "/log/tile/entries/000"}}) {
    const auto client = ClientOf(role, "nobody");
    const auto response = Get(*client, target);
    EXPECT_EQ(response.status, 403) << pki::RoleName(role) << " " << target << response.body;
    EXPECT_EQ(response.body, kForbidden);
  }
}

TEST_F(ApiRightsTest, TheRightRoleIsLetIn) {
  for (const pki::Role role : pki::kAllRoles) {
    if (role == pki::Role::kServer) continue;
    const auto client = ClientOf(role, "member");
    if (role == pki::Role::kSource) {
      ASSERT_TRUE(node_->PutSource("member", "member"));
    }
    for (const api::Endpoint& endpoint : api::Endpoints()) {
      if (!api::Opens(endpoint.door, api::Door::kMachine)) continue;
      const bool is_by_name_only = endpoint.name == "getBundle" || endpoint.name == "getUpdates";
      const bool is_open = endpoint.roles.empty() || role == pki::Role::kSource ||
                           role == pki::Role::kRegistrar || role == pki::Role::kOfficer;
      if (!is_open || is_by_name_only || endpoint.name == "getEntry") continue;
      if (!endpoint.roles.empty() && !endpoint.roles.Has(role)) continue;
      EXPECT_NE(Try(*client, endpoint).status, 403) << pki::RoleName(role) << " " << endpoint.name;
    }
  }
}

TEST_F(ApiRightsTest, OnePatientLearnsNothingOfAnother) {
  ASSERT_TRUE(node_->PutPatient(
      {{audit::SubjectKind::kPatient, "", kOtherPatientId}, "", {}, {}, "", 0, {}}));
  const auto& me = Identity(pki::Role::kPatient, kPatientId);
  ASSERT_TRUE(node_->PutPatient({{audit::SubjectKind::kPatient, "", kPatientId},
                                 "",
                                 me.encryption_key().public_key(),
                                 {},
                                 "",
                                 0,
                                 {}}));
  const auto client = ClientOf(me);
  for (const std::string id : {kOtherPatientId, "nobody-at-all"}) {
    const auto history =
        Post(*client, "/audit/v1/history", "{\"patient\":\"" + id + "\"}", "application/json");
    EXPECT_EQ(history.status, 403);
    EXPECT_EQ(history.body, kForbidden);
    EXPECT_EQ(Get(*client, "/audit/v1/readers/" + id).status, 403);
    EXPECT_EQ(Get(*client, "/audit/v1/custody/" + id).status, 403);
  }
  EXPECT_EQ(Get(*client, std::string("/audit/v1/readers/") + kPatientId).status, 200);
}

// Put registers a person with a certificate, over the registrar's interface.
std::string CertificateBody(const pki::IdentityDirectory& identity, const std::string& name = "") {
  codec::JsonObject body;
  std::string chain;
  for (const pki::Certificate& one : identity.chain()) chain += one.ToPem();
  body["certificate"] = chain;
  if (!name.empty()) body["name"] = name;
  return codec::WriteJson(body);
}

TEST_F(ApiRightsTest, ANewCertificateEndsTheOldOneAtOnce) {
  const auto registrar = ClientOf(pki::Role::kRegistrar, "desk");
  for (const auto& [role, kind, own] :
       {std::tuple(pki::Role::kPatient, "patients", "/audit/v1/history/me"),
        std::tuple(pki::Role::kAuditor, "auditors", "/audit/v1/queries")}) {
    SCOPED_TRACE(kind);
    const auto& first = Identity(role, "77");
    const std::string target = std::string("/audit/v1/") + kind + "/77";
    ASSERT_EQ(Send(*registrar, http::Method::kPut, target, CertificateBody(first, "Ana"),
                   "application/json")
                  .status,
              200);
    const auto old_client = ClientOf(first);
    EXPECT_EQ(Get(*old_client, own).status, 200);
    // Certified for the same id, and registered by nobody yet.
    const auto second = Another(role, "77");
    const auto new_client = ClientOf(second);
    EXPECT_EQ(Get(*new_client, own).status, 403);
    const auto put =
        Send(*registrar, http::Method::kPut, target, CertificateBody(second), "application/json");
    ASSERT_EQ(put.status, 200) << put.body;
    EXPECT_NE(put.body.find("Ana"), std::string::npos) << "the name was not sent, and stays";
    EXPECT_EQ(Get(*old_client, own).status, 403);
    EXPECT_EQ(Get(*new_client, own).status, 200);
  }
}

TEST_F(ApiRightsTest, AReplacedCertificateIsNobodysAtEveryRoute) {
  const auto registrar = ClientOf(pki::Role::kRegistrar, "desk");
  for (const auto& [role, kind] :
       {std::pair(pki::Role::kPatient, "patients"), std::pair(pki::Role::kAuditor, "auditors")}) {
    const std::string target = std::string("/audit/v1/") + kind + "/1";  // as TargetOf
    const auto second = Another(role, "1");
    for (const auto* identity : {&Identity(role, "1"), &second}) {
      ASSERT_EQ(Send(*registrar, http::Method::kPut, target, CertificateBody(*identity),
                     "application/json")
                    .status,
                200);
    }
  }
  ASSERT_TRUE(node_->PutMandate("1", {{audit::SubjectKind::kPatient, "", "1"}}, "review", {}, {}));
  int tried = 0;
  for (const pki::Role role : {pki::Role::kPatient, pki::Role::kAuditor}) {
    const auto client = ClientOf(role, "1");
    for (const api::Endpoint& endpoint : api::Endpoints()) {
      const bool is_for_all = endpoint.roles.empty() || endpoint.roles.Has(pki::Role::kWitness);
      if (is_for_all || !endpoint.roles.Has(role)) continue;
      const auto response = Try(*client, endpoint);
      EXPECT_EQ(response.status, 403) << pki::RoleName(role) << " " << endpoint.name;
      EXPECT_EQ(response.body, kForbidden) << pki::RoleName(role) << " " << endpoint.name;
      ++tried;
    }
  }
  EXPECT_GE(tried, 10);
}

TEST_F(ApiRightsTest, APatientOfANamingSystemIsNobodyElse) {
  const auto registrar = ClientOf(pki::Role::kRegistrar, "desk");
  const auto& here = Identity(pki::Role::kPatient, "77");
  const auto there = Another(pki::Role::kPatient, "77");
  for (const auto& [identity, query] :
       {std::pair(&here, ""), std::pair(&there, "?system=hosp-b")}) {
    ASSERT_EQ(Send(*registrar, http::Method::kPut, std::string("/audit/v1/patients/77") + query,
                   CertificateBody(*identity), "application/json")
                  .status,
              200);
  }
  const auto client_here = ClientOf(here);
  const auto client_there = ClientOf(there);
  EXPECT_EQ(Get(*client_here, "/audit/v1/readers/77").status, 200);
  EXPECT_EQ(Get(*client_here, "/audit/v1/readers/77?system=hosp-b").status, 403);
  EXPECT_EQ(Get(*client_there, "/audit/v1/readers/77").status, 403);
  EXPECT_EQ(Get(*client_there, "/audit/v1/readers/77?system=hosp-b").status, 200);
}

// A key is public: whoever is certified with it under another id is somebody else.
TEST_F(ApiRightsTest, AKeyOfARowIsItsHoldersOnly) {
  const auto& mallory = Identity(pki::Role::kPatient, "mallory");
  audit::PatientRow dora;
  dora.subject = {audit::SubjectKind::kPatient, "", "dora"};
  dora.key = mallory.encryption_key().public_key();
  ASSERT_TRUE(node_->PutPatient(dora));
  const auto client = ClientOf(mallory);
  EXPECT_EQ(Get(*client, "/audit/v1/readers/dora").status, 403);
  EXPECT_EQ(Get(*client, "/audit/v1/history/me").status, 403);
  EXPECT_NE(Get(*client, "/audit/v1/whoami").body.find("\"registered\":false"), std::string::npos);
}

// One certificate, or key, is one patient's, and under the id that it was certified for.
TEST_F(ApiRightsTest, ACertificateIsOnePatients) {
  const auto registrar = ClientOf(pki::Role::kRegistrar, "desk");
  const auto put = [&](const std::string& id, const std::string& body) {
    return Send(*registrar, http::Method::kPut, "/audit/v1/patients/" + id, body,
                "application/json")
        .status;
  };
  const auto& bob = Identity(pki::Role::kPatient, "bob");
  const auto key_body = [](const pki::IdentityDirectory& identity) {
    const crypto::P256PublicKey& key = identity.encryption_key().public_key();
    codec::JsonObject jwk;
    jwk["kty"] = "EC";
    jwk["crv"] = "P-256";
    jwk["x"] = codec::Base64UrlEncode(key.x());
    jwk["y"] = codec::Base64UrlEncode(key.y());
    codec::JsonObject body;
    body["key"] = std::move(jwk);
    return codec::WriteJson(body);
  };
  EXPECT_EQ(put("carl", CertificateBody(bob)), 400);
  EXPECT_EQ(put("bob", CertificateBody(bob)), 200);
  EXPECT_EQ(put("bob", CertificateBody(bob, "Bob")), 200);
  EXPECT_EQ(put("carl?system=hosp-b", CertificateBody(bob)), 409);
  EXPECT_EQ(put("carl", key_body(bob)), 409);
  EXPECT_EQ(put("dora", key_body(Identity(pki::Role::kPatient, "dora"))), 200);
  EXPECT_EQ(put("carl", key_body(Identity(pki::Role::kPatient, "dora"))), 409);
  const auto same = Another(pki::Role::kPatient, "77");
  EXPECT_EQ(put("77?system=hosp-b", CertificateBody(same)), 200);
  EXPECT_EQ(put("77", CertificateBody(same)), 409);
  // What a patient had before is free again.
  EXPECT_EQ(put("77?system=hosp-b", CertificateBody(Another(pki::Role::kPatient, "77"))), 200);
  EXPECT_EQ(put("77", CertificateBody(same)), 200);
  // Two of one call are no exception.
  audit::PatientRow row;
  row.key = crypto::P256PrivateKey::Generate().public_key();
  std::vector<audit::PatientRow> rows(2, row);
  rows[0].subject = {audit::SubjectKind::kPatient, "", "one"};
  rows[1].subject = {audit::SubjectKind::kPatient, "", "two"};
  EXPECT_EQ(node_->PutPatients(rows).error().code, ErrorCode::kConflict);
}

TEST_F(ApiRightsTest, ARegistrarCertifiesOnlyWhomItRegisters) {
  const auto registrar = ClientOf(pki::Role::kRegistrar, "desk");
  for (const pki::Role role : pki::kAllRoles) {
    // A server's own identity can't be made without a host name; its request is refused all the
    // same.
    const auto& identity = Identity(role == pki::Role::kServer ? pki::Role::kPatient : role, "new");
    codec::JsonObject body;
    body["request"] = identity.request().ToPem();
    body["role"] = pki::RoleName(role);
    body["id"] = "new";
    const bool is_allowed =
        role == pki::Role::kPatient || role == pki::Role::kAuditor || role == pki::Role::kSource;
    const auto answer =
        Post(*registrar, "/pki/v1/certificates", codec::WriteJson(body), "application/json");
    EXPECT_EQ(answer.status, is_allowed ? 200 : 400) << pki::RoleName(role) << answer.body;
  }
}

TEST_F(ApiRightsTest, AShareIsReleasedOnce) {
  const audit::Subject patient{audit::SubjectKind::kPatient, "", kPatientId};
  ASSERT_TRUE(node_->PutPatient({patient, "", {}, {}, "", 0, {}}));
  const auto& me = Identity(pki::Role::kPatient, kPatientId);
  ASSERT_TRUE(node_->PutPatient({patient, "", me.encryption_key().public_key(), {}, "", 0, {}}));
  const auto custodian =
      pki::IdentityDirectory::Open(root_ / "data" / "custodians-offline" / "custodian-1");
  ASSERT_TRUE(custodian);
  const auto client = ClientOf(*custodian);
  const auto release = [&](const std::string& share) {
    return Post(*client, std::string("/audit/v1/custody/") + kPatientId + "/release",
                "{\"share\":\"" + share + "\"}", "application/json");
  };
  const auto shares = node_->directory().SharesOf(patient);
  ASSERT_EQ(shares.size(), 2u);
  const auto sealed = [&] {
    return *audit::ReleaseShare(shares[0], custodian->encryption_key(),
                                me.encryption_key().public_key(), random_);
  };
  EXPECT_EQ(release("anything").status, 400);
  const std::string share = sealed();
  const auto first = release(share);
  EXPECT_EQ(first.status, 200) << first.body;
  EXPECT_NE(first.body.find("\"released_count\":1"), std::string::npos) << first.body;
  EXPECT_EQ(release(share).status, 200);
  EXPECT_EQ(release(sealed()).status, 409);
  EXPECT_EQ(node_->directory().SharesOf(patient)[0].released_share, share);
}

}  // namespace
}  // namespace salus
