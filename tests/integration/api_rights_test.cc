// Every role at every route: who has not the right learns nothing.

#include "api/endpoint.h"
#include "api_fixture.h"

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

}  // namespace
}  // namespace salus
