// A process that is killed while it changes a mandate over more patients than one commit takes:
// what patients were told and who may read them agree, at once where a right ended, and in all when
// the next process has opened the directory.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "audit/history.h"
#include "audit/verified_readers.h"
#include "audit/verify.h"
#include "node/data_check.h"
#include "node_fixture.h"

namespace salus::integration {
namespace {

using audit::Subject;

constexpr int kPatients = 1300;
constexpr char kAuditor[] = "auditor-b";

std::vector<Subject> PatientsFrom(int first, int end) {
  std::vector<Subject> patients;
  for (int i = first; i < end; ++i) patients.push_back(NodeFixture::Patient(i));
  std::ranges::sort(patients);
  return patients;
}

class MandateKillTest : public testing::Test {
 protected:
  void SetUp() override { Set(PatientsFrom(0, kPatients - 100)); }

  void Set(const std::vector<Subject>& patients) {
    const Result<void> put = fixture_.node->PutMandate(kAuditor, patients, "quality", {}, {});
    ASSERT_TRUE(put) << put.error().message;
  }

  // The child begins to set the mandate, and dies when so many entries of it are in the log.
  void KillAfter(std::uint64_t entries, const std::vector<Subject>& patients) {
    before_ = fixture_.node->log().record_count();
    fixture_.Close();
    const auto act = [&] {
      fixture_.Open();
      const std::uint64_t end = fixture_.node->log().record_count() + entries;
      std::jthread watcher([end, node = fixture_.node.get()] {
        while (node->log().record_count() < end) std::this_thread::yield();
        ::kill(::getpid(), SIGKILL);
      });
      Set(patients);
      watcher.join();
    };
    EXPECT_EXIT(act(), testing::KilledBySignal(SIGKILL), "");
  }

  std::vector<Subject> Mandated() {
    const auto row = fixture_.node->directory().FindMandate(kAuditor);
    return row ? row->patients : std::vector<Subject>();
  }

  // What the patient's own verified chain says of the auditor, and whom its keys went to.
  void ExpectReader(int patient, bool is_reader) {
    ASSERT_TRUE(fixture_.Send(fixture_.Line(patient, next_++)));
    const Subject subject = NodeFixture::Patient(patient);
    audit::HistoryQuestion question;
    question.subject = subject;
    ASSERT_TRUE(fixture_.node->historian().Answer(subject, question));
    ASSERT_TRUE(fixture_.node->log().MakeCheckpoint());
    const auto answer = fixture_.node->historian().Answer(subject, question);
    ASSERT_TRUE(answer) << answer.error().message;
    const audit::PinnedLog pinned = fixture_.node->pinned();
    audit::ReaderKeys keys;
    keys.own_key = &fixture_.patient_keys[static_cast<std::size_t>(patient)];
    keys.reader = subject;
    audit::VerifyQuestion asked;
    asked.log = &pinned;
    asked.subject = subject;
    asked.keys = &keys;
    asked.now = fixture_.clock.Now();
    const auto history = audit::VerifyHistory(asked, *answer);
    ASSERT_TRUE(history) << history.error().message;
    const auto readers = audit::VerifiedReaders(*history);
    ASSERT_TRUE(readers) << "patient " << patient << ": " << readers.error().message;
    const bool is_told = std::ranges::any_of(*readers, [](const audit::VerifiedReader& reader) {
      return reader.auditor == kAuditor && reader.has_mandate;
    });
    EXPECT_EQ(is_told, is_reader) << "patient " << patient;
    const Day today = DayOf(fixture_.clock.Now());
    EXPECT_EQ(fixture_.node->directory().IsEntitled(kAuditor, subject, today), is_reader);
  }

  NodeFixture fixture_{kPatients};
  std::uint64_t before_ = 0;
  std::uint64_t next_ = 5000;
};

TEST_F(MandateKillTest, RightsEndFirstAndTheNextStartTellsTheOthers) {
  const std::vector<Subject> old = Mandated();
  const std::vector<Subject> target = PatientsFrom(600, kPatients);
  std::vector<Subject> both;
  std::ranges::set_intersection(old, target, std::back_inserter(both));
  for (const std::uint64_t entries : {1, 900, 1600, 2200}) {
    SCOPED_TRACE(entries);
    KillAfter(entries, target);
    // Whatever was logged: nobody may read who is told not to, or who was not told.
    fixture_.Open(node::NodeAccess::kReadOnly);
    EXPECT_THAT(Mandated(), testing::AnyOf(both, target));
    fixture_.Open();
    EXPECT_EQ(Mandated(), target);
    EXPECT_TRUE(fixture_.node->directory().begun_mandates().empty());
    for (const Subject& patient : PatientsFrom(0, kPatients)) {
      const auto row = fixture_.node->directory().FindPatient(patient);
      ASSERT_TRUE(row);
      EXPECT_GT(row->origin.entry_index, before_);
    }
    for (const int patient : {0, 599}) ExpectReader(patient, false);
    for (const int patient : {600, 1199, 1299}) ExpectReader(patient, true);
    Set(old);
  }
}

TEST_F(MandateKillTest, TheNextActFinishesWhatAnErrorBrokeOff) {
  KillAfter(900, {});
  // As after an error: the process goes on with what is stored.
  fixture_.Open(node::NodeAccess::kAsk);
  ASSERT_FALSE(fixture_.node->directory().begun_mandates().empty());
  EXPECT_TRUE(Mandated().empty());
  audit::PatientRow named;
  named.subject = NodeFixture::Patient(1100);
  named.name = "Ana";
  ASSERT_TRUE(fixture_.node->PutPatient(named));
  EXPECT_TRUE(fixture_.node->directory().begun_mandates().empty());
  fixture_.Open();
  for (const int patient : {0, 1100, 1199}) ExpectReader(patient, false);
}

}  // namespace
}  // namespace salus::integration
