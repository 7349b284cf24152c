#include "audit/fhir_event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/rfc3339.h"

namespace salus::audit {
namespace {

using testing::HasSubstr;

constexpr std::string_view kResource = R"({"resourceType":"AuditEvent","id":"a1",
  "type":{"system":"http://terminology.hl7.org/CodeSystem/audit-event-type","code":"rest"},
  "action":"R","recorded":"2026-11-20T09:30:00.123Z","outcome":"4","outcomeDesc":"half of it",
  "agent":[{"requestor":true,"who":{"identifier":{"value":"dr.example"}}}],
  "source":{"observer":{"display":"ehr"}},
  "entity":[{"what":{"identifier":{"system":"urn:oid:1.2.3","value":"MRN-1"}},
             "role":{"system":"http://terminology.hl7.org/CodeSystem/object-role","code":"1"}}]})";

std::string With(std::string_view member, std::string_view value) {
  codec::Json json = codec::ParseJson(kResource).value();
  if (value.empty()) {
    json.as_object().erase(member);
  } else {
    json.as_object()[member] = codec::ParseJson(value).value();
  }
  return codec::WriteJson(json);
}

FhirEvents Convert(std::string_view body) {
  FhirEvents events;
  EXPECT_TRUE(events.Add(body, "ehr-1"));
  return events;
}

TEST(FhirEventTest, TheMembersOfOneResource) {
  const FhirEvents events = Convert(kResource);
  ASSERT_EQ(events.offered().size(), 1u);
  const Event& event = events.offered()[0].event.value();
  EXPECT_EQ(events.offered()[0].line, 1u);
  EXPECT_EQ(codec::FormatRfc3339(event.time), "2026-11-20T09:30:00.123Z");
  EXPECT_EQ(event.patient, "MRN-1");
  EXPECT_EQ(event.system, "urn:oid:1.2.3");
  EXPECT_EQ(event.user, "dr.example");
  EXPECT_EQ(event.action, Action::kRead);
  EXPECT_EQ(event.outcome, 4);
  EXPECT_EQ(event.detail, "half of it");
  EXPECT_EQ(event.original, kResource);
  EXPECT_EQ(SubjectOf(event), (Subject{SubjectKind::kPatient, "urn:oid:1.2.3", "MRN-1"}));
  EXPECT_TRUE(CheckEvent(event, event.time));
}

// By Python: uuid.uuid5(uuid.UUID("1f1bea17-b173-425a-8372-0fa1511ebb42"), "ehr-1\0a1").
TEST(FhirEventTest, TheIdIsAVersion5Uuid) {
  EXPECT_EQ(FhirEventId("ehr-1", "a1").ToString(), "0936c7f0-1a60-5689-bc9e-32a70eec70e0");
  EXPECT_EQ(Convert(kResource).offered()[0].event->id.ToString(),
            "0936c7f0-1a60-5689-bc9e-32a70eec70e0");
}

// By Python: the same over b"ehr-1\x01" and hashlib.sha256 of the resource in RFC 8785's form.
TEST(FhirEventTest, WithoutAnIdItComesFromTheContent) {
  const FhirEvents events = Convert(With("id", ""));
  EXPECT_EQ(events.offered()[0].event->id.ToString(), "d983b581-4e36-51fe-b58b-7b059863ae91");
}

TEST(FhirEventTest, ThePatientsOfOneResourceAreOneEventEach) {
  const FhirEvents events = Convert(With("entity", R"([{"what":{"reference":"Patient/1"}},
      {"what":{"reference":"Patient/2"}},{"what":{"reference":"Observation/3"}}])"));
  ASSERT_EQ(events.offered().size(), 2u);
  const Event& one = events.offered()[0].event.value();
  const Event& two = events.offered()[1].event.value();
  EXPECT_EQ(one.patient, "Patient/1");
  EXPECT_EQ(two.patient, "Patient/2");
  EXPECT_EQ(one.id.ToString(), two.id.ToString());
  EXPECT_EQ(events.offered()[1].line, 1u);
  // Nobody reads whom else the resource named.
  EXPECT_EQ(one.original.find("Patient/2"), std::string_view::npos);
  EXPECT_EQ(two.original.find("Patient/1"), std::string_view::npos);
  EXPECT_THAT(std::string(two.original), HasSubstr("Observation/3"));
}

TEST(FhirEventTest, WithoutAPatientItIsTheSystems) {
  const FhirEvents events = Convert(With("entity", ""));
  const Event& event = events.offered()[0].event.value();
  EXPECT_EQ(SubjectOf(event), Subject::System());
  EXPECT_TRUE(CheckEvent(event, event.time));
  Bytes plaintext;
  EncodeEvent(event, plaintext);
  const Event decoded = DecodeEvent(plaintext).value();
  EXPECT_EQ(SubjectOf(decoded), Subject::System());
  EXPECT_EQ(decoded.original, event.original);
}

TEST(FhirEventTest, WhatIsNoneOfTheActionsIsExecute) {
  EXPECT_EQ(Convert(With("action", R"("E")")).offered()[0].event->action, Action::kExecute);
  EXPECT_EQ(Convert(With("action", "")).offered()[0].event->action, Action::kExecute);
}

TEST(FhirEventTest, LongAndStrangeTextIsCutAndTheResourceKeepsIt) {
  std::string name(127, 'x');
  name += "\\u00e9\\n";
  const FhirEvents events = Convert(With("agent", R"([{"requestor":true,"altId":"a\nb"}])"));
  EXPECT_EQ(events.offered()[0].event->user, "a b");
  const FhirEvents longer =
      Convert(With("agent", R"([{"requestor":true,"altId":")" + name + R"("}])"));
  EXPECT_EQ(longer.offered()[0].event->user, std::string(127, 'x'));
  EXPECT_EQ(Convert(With("agent", R"([{"requestor":false}])")).offered()[0].event->user, "ehr");
}

TEST(FhirEventTest, TooLongAResourceIsRefusedByName) {
  const std::string body = With("unheard", '"' + std::string(kMaxOriginalBytes, 'x') + '"');
  const FhirEvents events = Convert(body);
  ASSERT_EQ(events.offered().size(), 1u);
  EXPECT_THAT(events.offered()[0].event.error().message,
              HasSubstr("bytes, and at most 32768 are kept"));
}

TEST(FhirEventTest, ABadEntryLeavesTheOthersAlone) {
  const FhirEvents events = Convert(
      R"({"resourceType":"Bundle","entry":[{"resource":)" + std::string(kResource) +
      R"(},{"resource":{"resourceType":"Patient"}},{"resource":)" + std::string(kResource) + "}]}");
  ASSERT_EQ(events.offered().size(), 3u);
  EXPECT_EQ(events.offered()[1].line, 2u);
  EXPECT_THAT(events.offered()[1].event.error().message, HasSubstr("entry[1].resource"));
  EXPECT_EQ(events.offered()[2].line, 3u);
  EXPECT_EQ(events.offered()[2].event->original, kResource);
}

TEST(FhirEventTest, LinesOfResources) {
  const std::string line = codec::WriteJson(codec::ParseJson(kResource).value());
  FhirEvents events;
  events.AddLines(line + "\r\n\n{\n" + line, "ehr-1");
  ASSERT_EQ(events.offered().size(), 3u);
  EXPECT_EQ(events.offered()[0].event->original, line);
  EXPECT_EQ(events.offered()[1].line, 3u);
  EXPECT_FALSE(events.offered()[1].event);
  EXPECT_EQ(events.offered()[2].line, 4u);
}

TEST(FhirEventTest, BodiesThatAreNeither) {
  FhirEvents events;
  EXPECT_FALSE(events.Add("", "ehr-1"));
  EXPECT_FALSE(events.Add("[]", "ehr-1"));
  EXPECT_TRUE(events.offered().empty());
}

TEST(FhirEventTest, GivenBackUnchangedOrAsBalp) {
  const FhirEvents events = Convert(kResource);
  EXPECT_EQ(EventToFhir(*events.offered()[0].event), kResource);
  Event event = *events.offered()[0].event;
  event.original = "MSH|^~\\&|not FHIR";
  event.outcome = 0;
  const std::string text = EventToFhir(event);
  EXPECT_THAT(text, HasSubstr("IHE.BasicAudit.PatientRead"));
  const FhirEvents again = Convert(text);
  EXPECT_EQ(again.offered()[0].event->patient, "MRN-1");
  EXPECT_EQ(again.offered()[0].event->action, Action::kRead);
}

TEST(FhirEventTest, ABundleHoldsTheResourcesAsTheyAre) {
  const std::vector<std::string> two = {std::string(kResource), std::string(kResource)};
  const FhirEvents events = Convert(FhirBundle(two));
  ASSERT_EQ(events.offered().size(), 2u);
  EXPECT_EQ(events.offered()[1].event->original, kResource);
  EXPECT_TRUE(Convert(FhirBundle({})).offered().empty());
}

}  // namespace
}  // namespace salus::audit
