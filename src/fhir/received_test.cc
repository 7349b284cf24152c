#include "fhir/received.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace salus::fhir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kEvent = R"({ "resourceType":"AuditEvent","id":"a1",
  "text":{"status":"generated","div":"<div>both patients</div>"},
  "contained":[{"resourceType":"Patient","id":"p"}],
  "type":{"code":"rest"}, "recorded":"2026-11-20T09:30:00.10Z","agent":[{"requestor":true}],
  "source":{"observer":{"display":"x"}}, "unheard": 1.50,
  "entity":[{"what":{"reference":"Patient/1"}}, {"what":{"reference":"Observation/7"}},
            {"what":{"reference":"Patient/2"}}, {"what":{"reference":"Patient/1/_history/4"}}]})";

TEST(ReceivedTest, AResourceAloneIsItsBytesWithoutTheBlanksAround) {
  const std::string body = " \n" + std::string(kEvent) + "\r\n";
  const auto events = ReadAuditEvents(body).value();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].text, kEvent);
  EXPECT_EQ(events[0].event.value().id, "a1");
}

TEST(ReceivedTest, TheEntriesOfABundleAreTheirBytes) {
  const std::string body = R"({"entry" : [ {"resource":{"resourceType":"OperationOutcome"},
      "search":{"mode":"outcome"}}, {"fullUrl":"x", "resource" : )" +
                           std::string(kEvent) + R"( }, {"resource":7}], "resourceType":"Bundle"})";
  const auto events = ReadAuditEvents(body).value();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].number, 2u);
  EXPECT_EQ(events[0].text, kEvent);
  EXPECT_EQ(events[1].number, 3u);
  EXPECT_EQ(events[1].text, "7");
  EXPECT_EQ(events[1].event.error().message, "entry[2].resource: must be an object");
  EXPECT_TRUE(ReadAuditEvents(R"({"resourceType":"Bundle"})").value().empty());
}

TEST(ReceivedTest, WhatIsNeitherIsRefused) {
  EXPECT_FALSE(ReadAuditEvents("{"));
  EXPECT_FALSE(ReadAuditEvents("[]"));
  EXPECT_FALSE(ReadAuditEvents("{}"));
  EXPECT_FALSE(ReadAuditEvents(R"({"resourceType":"Bundle","entry":{}})"));
  EXPECT_EQ(ReadAuditEvents(R"({"resourceType":"Patient"})").value().at(0).event.error().message,
            "resourceType: must be AuditEvent");
}

TEST(ReceivedTest, APatientsShareNamesNoOtherPatient) {
  const AuditEvent event = ReadAuditEvents(kEvent).value().at(0).event.value();
  ASSERT_EQ(event.patients.size(), 2u);
  const std::string first = OneForPatient(kEvent, event, 0);
  const std::string second = OneForPatient(kEvent, event, 1);
  const AuditEvent one = ReadAuditEvents(first).value().at(0).event.value();
  EXPECT_THAT(one.patients, ElementsAre(PatientMention{{"", "Patient/1"}, false}));
  EXPECT_EQ(one.entity.size(), 3u);
  const AuditEvent two = ReadAuditEvents(second).value().at(0).event.value();
  EXPECT_THAT(two.patients, ElementsAre(PatientMention{{"", "Patient/2"}, false}));
  EXPECT_EQ(two.entity.size(), 2u);
  for (const std::string& share : {first, second}) {
    EXPECT_THAT(share, Not(HasSubstr("both patients")));
    EXPECT_THAT(share, Not(HasSubstr("contained")));
    EXPECT_THAT(share, HasSubstr("\"unheard\":1.50"));
  }
}

}  // namespace
}  // namespace salus::fhir
