#include "audit/recorder.h"

#include <gtest/gtest.h>

#include <atomic>

#include "audit/audit_fixture.h"
#include "audit/work_queue.h"

namespace salus::audit {
namespace {

class RecorderTest : public AuditFixture, public testing::Test {};

TEST_F(RecorderTest, IsAtHandOnlyWhereNobodyWouldHaveToWait) {
  const Person anna = MakePatient("anna");
  Register(anna);
  const Subject bert = MakePatient("bert").subject;
  recorder->ForgetSubject(anna.subject);
  EXPECT_FALSE(recorder->IsAtHand(Line(anna.subject, "a1"))) << "no key of today";
  Record(Line(anna.subject, "a1"));
  EXPECT_TRUE(recorder->IsAtHand(Line(anna.subject, "a2")));
  EXPECT_TRUE(recorder->IsAtHand("no event at all\n")) << "refusing needs nobody";
  EXPECT_FALSE(recorder->IsAtHand(Line(anna.subject, "a2") + Line(bert, "b1"))) << "unknown";
  Record(Line(bert, "b1"));
  EXPECT_TRUE(recorder->IsAtHand(Line(anna.subject, "a2") + Line(bert, "b2")));
  Register(anna);  // a policy entry ends the epoch
  EXPECT_FALSE(recorder->IsAtHand(Line(anna.subject, "a2")));
  Record(Line(anna.subject, "a2"));
  EXPECT_TRUE(recorder->IsAtHand(Line(anna.subject, "a3")));
  clock.Advance(std::chrono::hours(24));
  EXPECT_FALSE(recorder->IsAtHand(Line(anna.subject, "a3"))) << "another day";
}

TEST_F(RecorderTest, OneRequestOfManyPatientsKeepsThemApart) {
  std::string lines;
  for (int i = 0; i < 300; ++i) {
    // The same id in two systems is two patients.
    const Subject patient =
        MakePatient("p" + std::to_string(i % 70), i % 140 < 70 ? "" : "urn:other").subject;
    lines += Line(patient, "event-" + std::to_string(i));
  }
  const RecordedBatch batch = Record(lines);
  ASSERT_EQ(batch.lines.size(), 300u);
  EXPECT_EQ(batch.patients.size(), 140u);
  for (int i = 0; i < 300; ++i) {
    const RecordedLine& line = batch.lines[static_cast<std::size_t>(i)];
    const RecordedBatch::Patient& patient = batch.patients[line.patient];
    EXPECT_EQ(line.event_id, "event-" + std::to_string(i));
    EXPECT_EQ(patient.subject.id, "p" + std::to_string(i % 70));
    EXPECT_EQ(patient.subject.system, i % 140 < 70 ? "" : "urn:other");
    EXPECT_EQ(patient.tag.tag, recorder->TagOf(patient.subject).tag);
    const ByteSpan entry = ByteSpan(batch.entries).subspan(line.entry_offset, line.entry_size);
    EXPECT_TRUE(Equal(entry, log->ReadEntry(line.outcome->index)->entry));
  }
}

TEST(WorkQueueTest, RunsEveryJobLightOrHeavy) {
  std::atomic<int> runs{0};
  {
    WorkQueue queue(2);
    for (int i = 0; i < 2000; ++i) {
      queue.Post(i % 7 == 0 ? 1000 : 1, [&runs] { ++runs; });
    }
  }
  EXPECT_EQ(runs, 2000);
}

}  // namespace
}  // namespace salus::audit
