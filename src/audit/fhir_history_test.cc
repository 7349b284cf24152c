// Every published AuditEvent on its whole way: converted, sealed, logged, asked for, verified, and
// given back as it came.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <map>
#include <set>

#include "audit/audit_fixture.h"
#include "audit/fhir_event.h"

namespace salus::audit {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

fs::path Vectors() {
  const char* const set = std::getenv("SALUS_VECTORS");
  return set != nullptr ? fs::path(set) : fs::path(SALUS_VECTORS_DEFAULT);
}

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The AuditEvents among the JSON files of vectors/audit, by path.
std::map<std::string, std::string> PublishedEvents() {
  std::map<std::string, std::string> out;
  if (!fs::exists(Vectors() / "audit")) return out;
  for (const auto& entry : fs::recursive_directory_iterator(Vectors() / "audit")) {
    if (entry.path().extension() != ".json") continue;
    std::string text = ReadFile(entry.path());
    const auto json = codec::ParseJson(text);
    const bool is_event = json && json->is_object() && json->as_object().contains("resourceType") &&
                          json->at("resourceType") == "AuditEvent";
    if (is_event) out.emplace(entry.path().string(), std::move(text));
  }
  return out;
}

// The resource without what stands around it in its file.
std::string_view Trimmed(std::string_view text) {
  const std::size_t begin = text.find('{');
  return text.substr(begin, text.rfind('}') + 1 - begin);
}

class FhirHistoryTest : public testing::Test, public AuditFixture {
 protected:
  RecordedBatch RecordOffered(std::span<const OfferedEvent> events, RecordOptions options = {}) {
    std::promise<Result<RecordedBatch>> promise;
    recorder->RecordEvents(source, events, options, [&](Result<RecordedBatch> batch) {
      promise.set_value(std::move(batch));
    });
    return promise.get_future().get().value();
  }

  // Gives every subject a key of its own before anything is sealed, so that all of it opens.
  void RegisterAll(std::span<const OfferedEvent> events) {
    for (const OfferedEvent& offered : events) {
      const Subject subject = SubjectOf(*offered.event);
      const auto [person, is_new] = people.try_emplace(subject, Person{subject});
      if (is_new) Register(person->second);
    }
  }

  VerifiedHistory HistoryOf(const Person& person) {
    Device device;
    auto history = Ask(person, device, QuestionOf(person.subject));
    EXPECT_TRUE(history) << history.error().message;
    return history ? *std::move(history) : VerifiedHistory{};
  }

  std::map<Subject, Person> people;
};

TEST_F(FhirHistoryTest, EveryPublishedEventIsGivenBackUnchanged) {
  const auto published = PublishedEvents();
  if (published.empty()) GTEST_SKIP() << "skipped: vectors not found";
  EXPECT_EQ(published.size(), 55u);
  FhirEvents events;
  std::multiset<std::string> sent;
  for (const auto& [path, text] : published) {
    ASSERT_TRUE(events.Add(text, source.id)) << path;
    ASSERT_TRUE(events.offered().back().event)
        << path << ": " << events.offered().back().event.error().message;
    sent.insert(std::string(Trimmed(text)));
  }
  ASSERT_EQ(events.offered().size(), published.size());
  RegisterAll(events.offered());
  for (const RecordedLine& line : RecordOffered(events.offered()).lines) {
    ASSERT_TRUE(line.outcome) << line.outcome.error().message;
    EXPECT_EQ(line.outcome->kind, tlog::OutcomeKind::kLogged);
  }
  std::multiset<std::string> given_back;
  std::size_t of_system = 0;
  for (const auto& [subject, person] : people) {
    for (const VerifiedEvent& verified : HistoryOf(person).events) {
      given_back.insert(EventToFhir(verified.event));
      if (subject == Subject::System()) ++of_system;
    }
  }
  EXPECT_EQ(given_back, sent);
  EXPECT_EQ(of_system, 15u);  // those that name nobody: fhir/audit_event_test.cc lists them

  for (const RecordedLine& line : RecordOffered(events.offered()).lines) {
    EXPECT_EQ(line.outcome.value().kind, tlog::OutcomeKind::kRepeat);
  }
}

constexpr std::string_view kLogin = R"({"resourceType":"AuditEvent","id":"login-1",
  "type":{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"110114"},"action":"E",
  "recorded":"2025-11-20T09:00:00Z","agent":[{"requestor":true,"altId":"601847123"}],
  "source":{"observer":{"display":"directory"}}})";

TEST_F(FhirHistoryTest, WithoutAnOfficerTheSystemsEventsWaitForTheCustodians) {
  FhirEvents events;
  ASSERT_TRUE(events.Add(kLogin, source.id));
  const RecordedBatch batch = RecordOffered(events.offered());
  ASSERT_TRUE(batch.lines.at(0).outcome);
  EXPECT_EQ(batch.patients.at(0).subject, Subject::System());
  const auto row = directory->FindPatient(Subject::System());
  ASSERT_TRUE(row);
  EXPECT_FALSE(row->key);
  EXPECT_TRUE(row->custody_key);
  EXPECT_TRUE(directory->patients().empty());

  // An officer's key opens what comes from then on, and the rest once the custodians released it.
  const Person officer{Subject::System()};
  Register(officer);
  const VerifiedHistory history = HistoryOf(officer);
  EXPECT_TRUE(history.events.empty());
  // The event, and the entry that says who holds its key.
  EXPECT_EQ(history.waiting_for_custodians + history.under_older_key, 2u);
}

// An officer asks in the system subject's name, and about nobody else; nobody else asks about it.
TEST_F(FhirHistoryTest, AnOfficerReadsWhatConcernsNoPatient) {
  const Person officer{Subject::System()};
  Register(officer);
  const Person anna = MakePatient("anna");
  Register(anna);
  FhirEvents events;
  ASSERT_TRUE(events.Add(kLogin, source.id));
  ASSERT_TRUE(RecordOffered(events.offered()).lines.at(0).outcome);
  EXPECT_EQ(HistoryOf(officer).events.size(), 1u);
  const auto code_of = [&](const Person& asker, const Person& about) {
    const auto answer = historian->Answer(asker.subject, QuestionOf(about.subject));
    return answer ? ErrorCode{} : answer.error().code;
  };
  EXPECT_EQ(code_of(officer, anna), ErrorCode::kPermissionDenied);
  EXPECT_EQ(code_of(anna, officer), ErrorCode::kPermissionDenied);
}

TEST_F(FhirHistoryTest, APatientCalledSystemIsNotTheSystem) {
  const Person patient = MakePatient("system");
  Register(patient);
  FhirEvents events;
  ASSERT_TRUE(events.Add(kLogin, source.id));
  RecordOffered(events.offered());
  const auto ids = Events(patient.subject, 1);
  const VerifiedHistory history = HistoryOf(patient);
  ASSERT_EQ(history.events.size(), 1u);
  EXPECT_EQ(history.events[0].event.id.ToString(), ids[0]);
  EXPECT_TRUE(directory->FindPatient(patient.subject)->key);
}

TEST_F(FhirHistoryTest, AnotherContentUnderTheSameIdIsAConflict) {
  FhirEvents first;
  FhirEvents second;
  ASSERT_TRUE(first.Add(kLogin, source.id));
  std::string changed(kLogin);
  changed.replace(changed.find("601847123"), 9, "601847124");
  ASSERT_TRUE(second.Add(changed, source.id));
  EXPECT_TRUE(RecordOffered(first.offered()).lines.at(0).outcome);
  EXPECT_EQ(RecordOffered(second.offered()).lines.at(0).outcome.error().code, ErrorCode::kConflict);
}

TEST_F(FhirHistoryTest, OneBadEntryRefusesAnAtomicRequestOnly) {
  FhirEvents events;
  ASSERT_TRUE(events.Add(R"({"resourceType":"Bundle","entry":[{"resource":)" + std::string(kLogin) +
                             R"(},{"resource":{"resourceType":"Patient"}}]})",
                         source.id));
  const RecordedBatch refused = RecordOffered(events.offered(), {.is_atomic = true});
  ASSERT_EQ(refused.lines.size(), 2u);
  EXPECT_FALSE(refused.lines[0].outcome);
  const RecordedBatch kept = RecordOffered(events.offered());
  EXPECT_TRUE(kept.lines[0].outcome);
  EXPECT_EQ(kept.lines[1].line, 2u);
  EXPECT_THAT(kept.lines[1].outcome.error().message, HasSubstr("entry[1].resource"));
}

TEST_F(FhirHistoryTest, NdjsonStillNeedsAPatient) {
  std::promise<Result<RecordedBatch>> promise;
  recorder->RecordLines(
      source, R"({"id":"1","time":"2025-11-20T09:00:00Z","user":"u","action":"read"}
{"id":"2","time":"2025-11-20T09:00:00Z","user":"u","action":"execute","patient":"p"}
)",
      {}, [&](Result<RecordedBatch> batch) { promise.set_value(std::move(batch)); });
  const RecordedBatch batch = promise.get_future().get().value();
  EXPECT_EQ(batch.lines.at(0).outcome.error().message, "patient: is missing");
  EXPECT_THAT(batch.lines.at(1).outcome.error().message, HasSubstr("action: execute"));
}

}  // namespace
}  // namespace salus::audit
