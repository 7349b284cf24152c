#include "fhir/audit_event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "codec/rfc3339.h"
#include "fhir/access.h"

namespace salus::fhir {
namespace {

namespace fs = std::filesystem;
using codec::Json;
using testing::HasSubstr;

fs::path Vectors() {
  const char* const set = std::getenv("SALUS_VECTORS");
  return set != nullptr ? fs::path(set) : fs::path(SALUS_VECTORS_DEFAULT);
}

// Every AuditEvent among the JSON files of the vectors, by file name.
std::map<std::string, Json> PublishedEvents() {
  std::map<std::string, Json> out;
  for (const char* folder : {"audit/balp/examples", "audit/fhir-auditevent-r4",
                             "audit/fhir-auditevent-ch-atc", "exchange/own-auditevent"}) {
    if (!fs::exists(Vectors() / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(Vectors() / folder)) {
      if (entry.path().extension() != ".json") continue;
      std::ifstream in(entry.path(), std::ios::binary);
      auto json = codec::ParseJson(std::string{std::istreambuf_iterator<char>(in), {}});
      EXPECT_TRUE(json) << entry.path();
      const bool is_event = json && json->is_object() &&
                            json->as_object().contains("resourceType") &&
                            json->at("resourceType") == "AuditEvent";
      if (is_event) out.emplace(entry.path().filename(), *std::move(json));
    }
  }
  return out;
}

TEST(AuditEventConformanceTest, EveryPublishedEventParsesAndComesBack) {
  const auto events = PublishedEvents();
  if (events.empty()) GTEST_SKIP() << "skipped: vectors not found";
  // 46 of BALP, 9 of FHIR R4, 2 break-glass events. CH:ATC's are XML only.
  EXPECT_EQ(events.size(), 57u);
  std::set<std::string> without_patient;
  std::set<std::string> without_action;
  for (const auto& [name, json] : events) {
    const auto event = ParseAuditEvent(json);
    ASSERT_TRUE(event) << name << ": " << event.error().message;
    EXPECT_EQ(ParseAuditEvent(WriteAuditEvent(*event)).value(), *event) << name;
    if (event->patients.empty()) without_patient.insert(name);
    if (!ActionOf(*event)) without_action.insert(name);
  }
  // Logins, server errors, access to reports on no one, and BALP's token examples, which show
  // only the user's part.
  EXPECT_THAT(
      without_patient,
      testing::ElementsAre(
          "AuditEvent-ex-auditBasicCreateNoPatient.json",
          "AuditEvent-ex-auditBasicDeleteNoPatient.json",
          "AuditEvent-ex-auditBasicQueryGetNoPatient.json",
          "AuditEvent-ex-auditBasicReadNoPatient.json",
          "AuditEvent-ex-auditBasicUpdateNoPatient.json", "AuditEvent-ex-auditPoke-SAML-Comp.json",
          "AuditEvent-ex-auditPoke-SAML-Min.json", "AuditEvent-ex-auditPoke-SAML-Min2.json",
          "AuditEvent-ex-auditPoke-SAML-QDI-Comp.json", "AuditEvent-ex-auditPoke-SAML-QDI-Min.json",
          "AuditEvent-example-error.json", "AuditEvent-example-login.json",
          "AuditEvent-example-logout.json", "AuditEvent-example-search.json",
          "AuditEvent-example.json"));
  // Consent decisions, login and logout, an application's start, the start of an emergency
  // override.
  EXPECT_THAT(without_action, testing::ElementsAre(
                                  "AuditEvent-ex-auditAuthZconsent-deny.json",
                                  "AuditEvent-ex-auditAuthZconsent.json",
                                  "AuditEvent-example-login.json", "AuditEvent-example-logout.json",
                                  "AuditEvent-example.json", "break-glass-start.json"));
}

// The least that R4 asks for.
constexpr std::string_view kLeast = R"({"resourceType":"AuditEvent",
  "type":{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"110114"},
  "recorded":"2026-11-20T10:30:00.1234+01:00","agent":[{"requestor":true}],
  "source":{"observer":{"display":"x"}}})";

Json Least() { return codec::ParseJson(kLeast).value(); }

TEST(AuditEventTest, TheLeastThatR4AsksFor) {
  const AuditEvent event = ParseAuditEvent(Least()).value();
  EXPECT_EQ(codec::FormatRfc3339(event.recorded), "2026-11-20T09:30:00.123Z");
  EXPECT_FALSE(event.action);
  EXPECT_TRUE(event.patients.empty());
  for (const char* required : {"resourceType", "type", "recorded", "agent", "source"}) {
    Json json = Least();
    json.as_object().erase(required);
    EXPECT_EQ(ParseAuditEvent(json).error().message,
              std::string(required) + (required == std::string_view("agent")
                                           ? ": at least one is required"
                                           : ": is missing"));
  }
}

std::string Refusal(std::string_view member, std::string_view value) {
  Json json = Least();
  json.as_object()[member] = codec::ParseJson(value).value();
  const auto event = ParseAuditEvent(json);
  return event ? "taken" : event.error().message;
}

TEST(AuditEventTest, MessagesNameThePath) {
  EXPECT_EQ(Refusal("resourceType", R"("Patient")"), "resourceType: must be AuditEvent");
  EXPECT_EQ(Refusal("agent", "[]"), "agent: at least one is required");
  EXPECT_EQ(Refusal("agent", "[{}]"), "agent[0].requestor: is missing");
  EXPECT_EQ(Refusal("agent", R"([{"requestor":true},7])"), "agent[1]: must be an object");
  EXPECT_EQ(Refusal("agent", R"([{"requestor":true,"who":{"identifier":{"value":7}}}])"),
            "agent[0].who.identifier.value: must be a string");
  EXPECT_EQ(Refusal("agent", R"([{"requestor":true,"network":{"address":[]}}])"),
            "agent[0].network.address: must be a string");
  EXPECT_EQ(Refusal("source", "{}"), "source.observer: is missing");
  EXPECT_EQ(Refusal("action", R"("X")"), "action: must be one of C, R, U, D, E");
  EXPECT_EQ(Refusal("action", R"("")"), "action: must be one of C, R, U, D, E");
  EXPECT_EQ(Refusal("outcome", "0"), "outcome: must be a string");
  EXPECT_EQ(Refusal("outcome", R"("1")"), "outcome: must be one of 0, 4, 8, 12");
  EXPECT_THAT(Refusal("recorded", R"("2026-11-20")"), HasSubstr("recorded: time: too short"));
  EXPECT_EQ(Refusal("entity", R"([{},{"query":"?"}])"), "entity[1].query: must be base64");
  EXPECT_EQ(Refusal("entity", R"([{"name":"a","query":"Pw=="}])"),
            "entity[0].name: must not stand beside query (sev-1)");
  EXPECT_EQ(Refusal("entity", R"([{"detail":[{"type":"a"}]}])"),
            "entity[0].detail[0].value[x]: must be one of valueString and valueBase64Binary");
  EXPECT_EQ(Refusal("subtype", "{}"), "subtype: must be an array");
  EXPECT_EQ(Refusal("meta", R"({"profile":[1]})"), "meta.profile: must hold strings");
  EXPECT_EQ(Refusal("extension", R"([{"url":"x","valueString":"y"}])"), "taken");
  EXPECT_EQ(Refusal("unheard", "null"), "taken");
}

TEST(AuditEventTest, FindsPatientsByRoleReferenceAndType) {
  Json json = Least();
  json.as_object()["entity"] = codec::ParseJson(R"([
    {"what":{"reference":"Patient/1"}},
    {"what":{"reference":"https://x.example/fhir/Patient/2/_history/3"}},
    {"what":{"type":"Patient","identifier":{"system":"urn:s","value":"3"}}},
    {"what":{"identifier":{"value":"4"}},
     "role":{"system":"http://terminology.hl7.org/CodeSystem/object-role","code":"1"}},
    {"what":{"reference":"Patient/1"}},
    {"what":{"reference":"Observation/Patient"}},
    {"what":{"reference":"#Patient/"}},
    {"what":{"display":"Patient/9"}}])")
                                   .value();
  json.as_object()["agent"] = codec::ParseJson(
                                  R"([{"requestor":true,"who":{"reference":"Patient/5"}},
          {"requestor":false,"who":{"reference":"Practitioner/6"}}])")
                                  .value();
  const AuditEvent event = ParseAuditEvent(json).value();
  EXPECT_THAT(event.patients,
              testing::ElementsAre(
                  PatientMention{{"", "Patient/1"}, false},
                  PatientMention{{"", "https://x.example/fhir/Patient/2/_history/3"}, false},
                  PatientMention{{"urn:s", "3"}, false}, PatientMention{{"", "4"}, false},
                  PatientMention{{"", "Patient/5"}, true}));
}

TEST(AuditEventTest, ABundleReportsItsBadEntries) {
  const std::string text = R"({"resourceType":"Bundle","type":"searchset","entry":[
    {"resource":)" + std::string(kLeast) +
                           R"(},
    {"resource":{"resourceType":"Patient"}},
    {"resource":{"resourceType":"OperationOutcome"},"search":{"mode":"outcome"}},
    {"fullUrl":"x"}, 5,
    {"resource":)" + std::string(kLeast) +
                           "}]}";
  const auto events = ParseAuditEvents(codec::ParseJson(text).value()).value();
  ASSERT_EQ(events.size(), 5u);
  EXPECT_TRUE(events[0]);
  EXPECT_EQ(events[1].error().message, "entry[1].resource.resourceType: must be AuditEvent");
  EXPECT_EQ(events[2].error().message, "entry[3].resource: is missing");
  EXPECT_FALSE(events[3]);
  EXPECT_TRUE(events[4]);
  EXPECT_EQ(ParseAuditEvents(Least()).value().size(), 1u);
  EXPECT_TRUE(
      ParseAuditEvents(codec::ParseJson(R"({"resourceType":"Bundle"})").value()).value().empty());
  EXPECT_FALSE(ParseAuditEvents(Json(1)));
}

}  // namespace
}  // namespace salus::fhir
