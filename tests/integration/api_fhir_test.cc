// FHIR over TLS: POST /fhir/AuditEvent, and lines of resources on /audit/v1/events.

#include <gmock/gmock.h>

#include "api_fixture.h"
#include "audit/fhir_event.h"

namespace salus {
namespace {

using codec::JsonObject;
using testing::HasSubstr;

constexpr char kFhir[] = "application/fhir+json";
constexpr char kFhirLines[] = "application/fhir+ndjson";

std::string Resource(std::string_view id, std::string_view patient, std::string_view user = "dr") {
  return R"({"resourceType":"AuditEvent","id":")" + std::string(id) +
         R"(","type":{"code":"rest"},"action":"R","recorded":"2024-11-20T09:30:00Z",)"
         R"("agent":[{"requestor":true,"altId":")" +
         std::string(user) +
         R"("}],"source":{"observer":{"display":"kis"}},"entity":[{"what":{"identifier":)"
         R"({"value":")" +
         std::string(patient) + R"("},"type":"Patient"}}]})";
}

class ApiFhirTest : public ApiSourceTest {
 protected:
  static codec::JsonArray Issues(const http::ClientResponse& response) {
    const auto outcome = codec::ParseJson(response.body);
    EXPECT_TRUE(outcome) << response.body;
    EXPECT_EQ(outcome->at("resourceType").as_string(), "OperationOutcome");
    return outcome->at("issue").as_array();
  }
};

TEST_F(ApiFhirTest, OneEventIsCreatedAndThenARepeat) {
  const auto created = Post(*client_, "/fhir/AuditEvent", Resource("a1", kPatientId), kFhir);
  ASSERT_EQ(created.status, 201) << created.body;
  const auto issues = Issues(created);
  ASSERT_EQ(issues.size(), 1u);
  EXPECT_EQ(issues[0].at("severity").as_string(), "information");
  EXPECT_THAT(issues[0].at("diagnostics").as_string().c_str(),
              HasSubstr(audit::FhirEventId("kis", "a1").ToString()));
  const auto location = created.headers.Find("Location");
  ASSERT_TRUE(location);
  EXPECT_THAT(std::string(*location), HasSubstr("/audit/v1/entries/"));

  const auto repeat = Post(*client_, "/fhir/AuditEvent", Resource("a1", kPatientId), kFhir);
  EXPECT_EQ(repeat.status, 201);
  EXPECT_EQ(Issues(repeat)[0].at("code").as_string(), "duplicate");
  const auto conflict =
      Post(*client_, "/fhir/AuditEvent", Resource("a1", kPatientId, "another"), kFhir);
  EXPECT_EQ(conflict.status, 409);
  EXPECT_EQ(Issues(conflict)[0].at("code").as_string(), "conflict");
}

TEST_F(ApiFhirTest, ABundleSaysWhichEntryIsBad) {
  const std::string bundle = R"({"resourceType":"Bundle","type":"batch","entry":[{"resource":)" +
                             Resource("a", kPatientId) +
                             R"(},{"resource":{"resourceType":"Patient"}},{"resource":)" +
                             Resource("b", kOtherPatientId) + "}]}";
  const auto atomic = Post(*client_, "/fhir/AuditEvent?atomic=true", bundle, kFhir);
  EXPECT_EQ(atomic.status, 400);
  const auto response = Post(*client_, "/fhir/AuditEvent", bundle, kFhir);
  EXPECT_EQ(response.status, 200) << response.body;
  const auto issues = Issues(response);
  ASSERT_EQ(issues.size(), 3u);
  EXPECT_EQ(issues[0].at("severity").as_string(), "information");
  EXPECT_EQ(issues[1].at("severity").as_string(), "error");
  EXPECT_EQ(issues[1].at("expression").at(0).as_string(), "Bundle.entry[1].resource");
  EXPECT_EQ(issues[2].at("expression").at(0).as_string(), "Bundle.entry[2].resource");
  EXPECT_EQ(response.body.find(kPatientId), std::string::npos);
}

TEST_F(ApiFhirTest, BadBodiesAreRefusedWithAnOutcome) {
  for (const char* body : {"", "[]", "{", R"({"resourceType":"Patient"})",
                           R"({"resourceType":"Bundle","entry":[]})"}) {
    const auto response = Post(*client_, "/fhir/AuditEvent", body, kFhir);
    EXPECT_EQ(response.status, 400) << body;
    EXPECT_EQ(Issues(response)[0].at("severity").as_string(), "error");
  }
  EXPECT_EQ(Post(*client_, "/fhir/AuditEvent", "{}", "text/plain").status, 415);
  EXPECT_EQ(Post(*client_, "/fhir/AuditEvent?atomic=maybe", "{}", kFhir).status, 400);
}

TEST_F(ApiFhirTest, LinesOfResourcesGetTheAnswersAndReceiptsOfLines) {
  const std::string login = R"({"resourceType":"AuditEvent","id":"l","type":{"code":"110114"},)"
                            R"("action":"E","recorded":"2024-11-20T09:00:00Z","agent":)"
                            R"([{"requestor":true,"altId":"u"}],"source":{"observer":)"
                            R"({"display":"kis"}}})";
  const auto response =
      Post(*client_, "/audit/v1/events", Resource("a", kPatientId) + "\n{}\n" + login + "\n",
           std::string(kFhirLines));
  ASSERT_EQ(response.status, 200) << response.body;
  const auto lines = Lines(response.body);
  ASSERT_EQ(lines.size(), 7u) << response.body;
  EXPECT_EQ(lines[0].at("id").as_string(), kPatientId);
  EXPECT_EQ(lines[1].at("status").as_string(), "logged");
  EXPECT_EQ(lines[2].at("status").as_string(), "refused");
  EXPECT_EQ(lines[2].at("line").to_number<int>(), 2);
  EXPECT_EQ(lines[3].at("role").as_string(), "system");
  EXPECT_EQ(lines[4].at("line").to_number<int>(), 3);
  EXPECT_TRUE(lines[5].contains("receipt"));
  EXPECT_EQ(lines[6].at("logged").to_number<int>(), 2);
}

}  // namespace
}  // namespace salus
