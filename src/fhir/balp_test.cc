#include "fhir/balp.h"

#include <gtest/gtest.h>

#include "codec/rfc3339.h"
#include "fhir/terminology.h"

namespace salus::fhir {
namespace {

constexpr Action kActions[] = {Action::kCreate, Action::kRead,  Action::kDelete, Action::kChange,
                               Action::kQuery,  Action::kPrint, Action::kCopy};

Access Full(Action action) {
  Access access;
  access.id = "evt 1/with any text";
  access.time = codec::ParseRfc3339("2026-11-20T09:30:00.123Z").value();
  access.action = action;
  access.patient = {"urn:oid:1.2.3", "MRN-1"};
  access.user = "dr.example";
  access.user_name = "Dr Example";
  access.role = "physician";
  access.organization = "General Hospital";
  access.purpose = "BTG";
  access.place = "Ward 3";
  access.record = "DiagnosticReport/7";
  access.category = "laboratory";
  access.detail = "by telephone";
  if (action == Action::kQuery) access.query = ToBytes("GET /fhir/Observation?patient=1");
  access.client = "ward-pc-3";
  access.client_address = "10.1.2.3";
  access.server = "ehr";
  access.server_address = "https://ehr.example.org/fhir";
  access.source = "ehr";
  access.site = "ehr.example.org";
  return access;
}

TEST(BalpTest, EveryActionComesBackAsItWas) {
  for (const Action action : kActions) {
    const Access access = Full(action);
    const codec::Json json = WriteAuditEvent(BalpEvent(access));
    const AuditEvent event = ParseAuditEvent(json).value();
    EXPECT_EQ(event, BalpEvent(access)) << ActionName(action);
    EXPECT_EQ(ActionOf(event), action) << ActionName(action);
    const auto back = AccessesOf(event).value();
    ASSERT_EQ(back.size(), 1u);
    EXPECT_EQ(back[0], access) << ActionName(action);
  }
}

TEST(BalpTest, TheTable) {
  const std::pair<Action, std::string> expected[] = {
      {Action::kCreate, "C create PatientCreate"}, {Action::kRead, "R read PatientRead"},
      {Action::kDelete, "D delete PatientDelete"}, {Action::kChange, "U update PatientUpdate"},
      {Action::kQuery, "E search PatientQuery"},   {Action::kPrint, "R read PatientRead 9"},
      {Action::kCopy, "R read PatientRead 10"}};
  for (const auto& [action, text] : expected) {
    const AuditEvent event = BalpEvent(Full(action));
    std::string row(1, static_cast<char>(*event.action));
    for (const Coding& subtype : event.subtype) row += " " + subtype.code;
    row += " " + event.profile.at(0).substr(kBalpBase.size());
    for (const AuditEntity& entity : event.entity) {
      if (!entity.lifecycle.code.empty()) row += " " + entity.lifecycle.code;
    }
    EXPECT_EQ(row, text);
  }
}

TEST(BalpTest, AFailedAccessClaimsNoProfile) {
  Access access = Full(Action::kRead);
  access.outcome = AuditOutcome::kSeriousFailure;
  const AuditEvent event = BalpEvent(access);
  EXPECT_TRUE(event.profile.empty());
  EXPECT_EQ(AccessesOf(event).value().at(0), access);
}

TEST(BalpTest, TheLeastAccessStillNamesAllThatBalpRequires) {
  for (const Action action : kActions) {
    Access access;
    access.action = action;
    access.patient = {"", "Patient/1"};
    access.user = "u";
    const AuditEvent event = BalpEvent(access);
    EXPECT_EQ(event.patients.at(0).id.value, "Patient/1");
    EXPECT_EQ(event.entity.at(0).what.reference, "Patient/1");
    for (const AuditAgent& agent : event.agent) {
      EXPECT_FALSE(agent.who == Reference{});
      EXPECT_EQ(agent.network_address.empty(), agent.requestor);
    }
    const Access back = AccessesOf(event).value().at(0);
    EXPECT_EQ(back.user, "u");
    EXPECT_EQ(back.action, action);
    EXPECT_EQ(back.record, "");
  }
}

AuditEvent Foreign() {
  AuditEvent event;
  event.agent.push_back({});
  event.agent[0].alt_id = "someone";
  event.entity.push_back({});
  event.entity[0].what.reference = "Patient/1";
  event.patients = PatientsOf(event);
  return event;
}

TEST(ActionTest, OfForeignEvents) {
  AuditEvent event = Foreign();
  EXPECT_EQ(ActionOf(event), std::nullopt);
  event.subtype = {{std::string(kRestfulInteraction), "vread", ""}};
  EXPECT_EQ(ActionOf(event), Action::kRead);
  event.subtype[0].code = "patch";
  EXPECT_EQ(ActionOf(event), Action::kChange);
  event.subtype[0].code = "search-type";
  EXPECT_EQ(ActionOf(event), Action::kQuery);
  event.subtype.clear();
  event.action = AuditActionCode::kExecute;
  EXPECT_EQ(ActionOf(event), std::nullopt);
  event.entity[0].query = ToBytes("?");
  EXPECT_EQ(ActionOf(event), Action::kQuery);
  event.action = AuditActionCode::kRead;
  EXPECT_EQ(ActionOf(event), Action::kRead);
  event.type = {std::string(kDicom), "110106", "Export"};
  EXPECT_EQ(ActionOf(event), Action::kCopy);
  event.entity[0].lifecycle = {std::string(kDicomLifecycle), "9", ""};
  EXPECT_EQ(ActionOf(event), Action::kPrint);
}

TEST(AccessTest, OneForEachPatientAndNoneWithout) {
  AuditEvent event = Foreign();
  event.action = AuditActionCode::kRead;
  event.entity.push_back(event.entity[0]);
  event.entity[1].what.reference = "Patient/2";
  event.agent[0].who.reference = "Patient/3";
  event.patients = PatientsOf(event);
  const auto two = AccessesOf(event).value();
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[1].patient.value, "Patient/2");
  EXPECT_EQ(two[1].user, "Patient/3");

  event.entity.clear();
  event.patients = PatientsOf(event);
  EXPECT_EQ(AccessesOf(event).value().at(0).patient.value, "Patient/3");

  event.agent[0].who.reference = "Practitioner/3";
  event.patients = PatientsOf(event);
  EXPECT_EQ(AccessesOf(event).error().message, "entity: none names a patient");
  event.agent[0] = {};
  EXPECT_FALSE(AccessesOf(event));
}

TEST(ActionTest, NamesThereAndBack) {
  for (const Action action : kActions) EXPECT_EQ(ActionFromName(ActionName(action)), action);
  EXPECT_EQ(ActionFromName("Read"), std::nullopt);
  EXPECT_EQ(ActionFromName(""), std::nullopt);
}

}  // namespace
}  // namespace salus::fhir
