// What an aggregator does by itself over months, with a clock that is turned.

#include <gtest/gtest.h>

#include <fstream>

#include "aggregate/dap_hpke_key.h"
#include "aggregate/prio3.h"
#include "node/aggregation_upkeep.h"
#include "node/config.h"
#include "node_fixture.h"
#include "storage/database.h"

namespace salus::integration {
namespace {

using aggregate::OpenTask;
using aggregate::ReportStore;
using aggregate::TaskFile;
using aggregate::TaskParty;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class AggregateUpkeepTest : public testing::Test {
 protected:
  AggregateUpkeepTest() { Configure(28, 90); }

  void Configure(std::uint32_t key_days, std::uint32_t keep_days) {
    fixture_.Close();
    node::Config config;
    config.origin = NodeFixture::kOrigin;
    config.interval_loaded = config.interval_quiet = config.interval_idle = hours(24);
    config.aggregate.key_days = key_days;
    config.aggregate.keep_days = keep_days;
    config.aggregate.is_leader = config.aggregate.is_helper = true;
    std::ofstream(fixture_.directory + "/salus.toml", std::ios::trunc) << config.ToToml();
    fixture_.Open();
    ASSERT_NE(fixture_.node->aggregation(), nullptr);
  }

  ReportStore& store() { return fixture_.node->aggregation()->parts().store; }
  std::uint8_t CurrentKey() { return store().hpke_keys().Configs().configs.at(0).id; }
  bool IsOpenedWith(std::uint8_t key) { return store().hpke_keys().Find(key) != nullptr; }

  // Pass lets time go by as for a server that runs, which makes checkpoints, and looks after it.
  void Pass(std::chrono::milliseconds time) {
    fixture_.clock.Advance(time);
    ASSERT_TRUE(fixture_.node->log().MakeCheckpoint());
    node::AggregationUpkeep upkeep(*fixture_.node);
    for (int steps = 0; steps < 100; ++steps) {
      const auto more = upkeep.Step();
      ASSERT_TRUE(more) << more.error().message;
      if (!*more) return;
    }
    FAIL() << "there is always more";
  }

  // NewTask takes reports for two hours from now, or for ever.
  const OpenTask* NewTask(TaskParty party, bool has_end = true) {
    auto parameters = aggregate::DapTaskParameters{
        .id = aggregate::TaskId::Random(fixture_.random),
        .leader_url = "https://localhost:8443/dap",
        .helper_url = "https://localhost:8444/dap",
        .vdaf = {.profile = aggregate::ProfileOf(aggregate::DapVersion::k18),
                 .circuit = aggregate::Circuit::kSum,
                 .max_measurement = 255},
        .interval = std::nullopt,
        .purpose = "to test upkeep",
        .statistic = {.name = "height", .unit = "cm"},
        .noise = std::nullopt,
        .task_info = {}};
    const auto hour = static_cast<std::uint64_t>(
        std::chrono::floor<hours>(fixture_.clock.Now()).time_since_epoch().count());
    if (has_end) parameters.interval = aggregate::DapInterval{.start = hour, .duration = 2};
    auto task = aggregate::DapTask::Create(std::move(parameters));
    EXPECT_TRUE(task) << task.error().message;
    TaskFile file{.party = party,
                  .task = *task,
                  .leader_root = fixture_.node->root_certificate_pem(),
                  .helper_root = fixture_.node->root_certificate_pem()};
    file.verify_key = SecretBytes((*aggregate::Prio3::Create(task->vdaf()))->verify_key_bytes());
    file.aggregator_token = SecretBytes(AsBytes("aggregator-token-of-the-test"));
    if (party == TaskParty::kLeader) {
      file.collector_token = SecretBytes(AsBytes("collector-token-of-the-test"));
    }
    file.collector_config = aggregate::DapHpkeKey::Generate(1, fixture_.random).config();
    const auto added = fixture_.node->aggregation()->AddTask(file);
    EXPECT_TRUE(added) << added.error().message;
    return *added;
  }

  // Report is the number of one, its answer what became of it.
  aggregate::Admission Report(const OpenTask& task, std::uint8_t number) {
    const Bytes body(40, number);
    const aggregate::NewReport report{
        .id = aggregate::ReportId(std::array<std::uint8_t, 16>{number}),
        .bucket = std::nullopt,
        .config_id = CurrentKey(),
        .body = body};
    const auto admitted = store().AddReports(task, {&report, 1});
    EXPECT_TRUE(admitted);
    return admitted->front();
  }
  // Work is done with all that waits; nothing of it can be opened.
  void Work(const OpenTask& task) {
    const auto waiting = store().ReadWaiting(task, 100);
    ASSERT_TRUE(waiting && !waiting->empty());
    aggregate::LeaderJob job;
    job.first_place = waiting->front().place;
    job.last_place = waiting->back().place;
    aggregate::JobOutcome outcome;
    outcome.refused[aggregate::ReportError::kHpkeDecryptError] = waiting->size();
    ASSERT_TRUE(store().FinishJob(task, job, outcome));
  }
  std::int64_t CountIds(const OpenTask& task) {
    auto db = storage::Database::Open(fixture_.directory + "/aggregate/aggregate.db",
                                      storage::DatabaseAccess::kReadOnly);
    EXPECT_TRUE(db);
    auto count = db->Prepare("SELECT COUNT(*) FROM report_ids WHERE task = ?");
    EXPECT_TRUE(count && count->BindAll(task.number()) && count->Step());
    return count->Int(0);
  }
  bool HasEnded(const OpenTask& task) { return store().Count(task)->has_ended; }

  NodeFixture fixture_{1};
};

TEST_F(AggregateUpkeepTest, AKeyIsReplacedAfterFourWeeksAndForgottenADayLater) {
  const std::uint8_t first = CurrentKey();
  Pass(days(27) + hours(23));
  EXPECT_EQ(CurrentKey(), first);
  EXPECT_EQ(fixture_.node->aggregation()->Key()->age_days, 27);
  fixture_.Open();  // how old it is is in the file
  Pass(hours(1));
  const std::uint8_t second = CurrentKey();
  EXPECT_NE(second, first);
  EXPECT_EQ(fixture_.node->aggregation()->Key()->age_days, 0);
  EXPECT_TRUE(IsOpenedWith(first));
  Pass(hours(24));
  EXPECT_TRUE(IsOpenedWith(first));
  Pass(minutes(10));
  EXPECT_FALSE(IsOpenedWith(first));
  EXPECT_EQ(CurrentKey(), second);
}

TEST_F(AggregateUpkeepTest, AKeyThatAReportWaitsForStays) {
  const OpenTask* const task = NewTask(TaskParty::kLeader);
  const std::uint8_t key = CurrentKey();
  ASSERT_EQ(Report(*task, 1), aggregate::Admission::kTaken);
  Pass(days(28));
  Pass(days(5));
  EXPECT_NE(CurrentKey(), key);
  EXPECT_TRUE(IsOpenedWith(key));
  Work(*task);
  Pass(minutes(10));
  EXPECT_FALSE(IsOpenedWith(key));
}

TEST_F(AggregateUpkeepTest, AHelpersKeyStaysForFourWeeksMore) {
  NewTask(TaskParty::kHelper, false);
  const std::uint8_t first = CurrentKey();
  Pass(days(28));
  const std::uint8_t second = CurrentKey();
  Pass(days(28));
  EXPECT_NE(CurrentKey(), second);
  EXPECT_TRUE(IsOpenedWith(first));
  Pass(days(1) + minutes(10));
  EXPECT_FALSE(IsOpenedWith(first));
  EXPECT_TRUE(IsOpenedWith(second));
}

TEST_F(AggregateUpkeepTest, HowLongAKeyIsOfferedIsConfigured) {
  Configure(0, 90);
  const std::uint8_t key = CurrentKey();
  for (int month = 0; month < 12; ++month) Pass(days(29));
  EXPECT_EQ(CurrentKey(), key);
  Configure(7, 90);
  Pass(minutes(1));
  const std::uint8_t next = CurrentKey();
  EXPECT_NE(next, key);
  Pass(days(6));
  EXPECT_EQ(CurrentKey(), next);
  Pass(days(1));
  EXPECT_NE(CurrentKey(), next);
}

TEST_F(AggregateUpkeepTest, AKeyOfTheFutureIsReplaced) {
  fixture_.clock.Advance(days(20));
  ASSERT_TRUE(store().RotateHpkeKey(fixture_.clock.Now() + days(300)));
  const std::uint8_t key = CurrentKey();
  Pass(minutes(1));
  EXPECT_NE(CurrentKey(), key);
}

// What is done then can't be taken back: keys are forgotten, tasks end for good.
TEST_F(AggregateUpkeepTest, AClockThatJumpedTurnsNoKeyAndEndsNoTask) {
  const OpenTask* const task = NewTask(TaskParty::kLeader);
  const std::uint8_t key = CurrentKey();
  ASSERT_TRUE(fixture_.node->log().MakeCheckpoint());
  fixture_.clock.JumpUtc(fixture_.clock.Now() + days(400));
  node::AggregationUpkeep upkeep(*fixture_.node);
  EXPECT_EQ(upkeep.Step().error().code, ErrorCode::kFailedPrecondition);
  EXPECT_FALSE(*upkeep.Step());
  EXPECT_EQ(CurrentKey(), key);
  EXPECT_FALSE(HasEnded(*task));
  ASSERT_TRUE(fixture_.node->ConfirmClock("officer"));
  Pass(minutes(1));
  EXPECT_NE(CurrentKey(), key);
  EXPECT_TRUE(HasEnded(*task));
}

// Nothing but a key that was replaced is due: no new one, and no end of a task.
TEST_F(AggregateUpkeepTest, AClockThatJumpedForgetsNoKey) {
  const std::uint8_t first = CurrentKey();
  ASSERT_TRUE(fixture_.node->aggregation()->RotateKeys());
  const std::uint8_t second = CurrentKey();
  Pass(hours(1));
  fixture_.clock.JumpUtc(fixture_.clock.Now() + days(3));
  node::AggregationUpkeep upkeep(*fixture_.node);
  EXPECT_EQ(upkeep.Step().error().code, ErrorCode::kFailedPrecondition);
  EXPECT_FALSE(*upkeep.Step());
  EXPECT_EQ(fixture_.node->aggregation()->RetireKeys().error().code,
            ErrorCode::kFailedPrecondition);
  EXPECT_TRUE(IsOpenedWith(first));
  ASSERT_TRUE(fixture_.node->ConfirmClock("officer"));
  Pass(minutes(1));
  EXPECT_FALSE(IsOpenedWith(first));
  EXPECT_EQ(CurrentKey(), second);
}

// Who asks for a new key is told, and the old keys stay.
TEST_F(AggregateUpkeepTest, AClockThatJumpedRotatesNoKey) {
  for (const auto jump : {days(3), -days(3)}) {
    SCOPED_TRACE(jump.count());
    node::Aggregation& aggregation = *fixture_.node->aggregation();
    ASSERT_TRUE(fixture_.node->log().MakeCheckpoint());
    const std::uint8_t first = CurrentKey();
    ASSERT_TRUE(aggregation.RotateKeys());
    const std::uint8_t second = CurrentKey();
    fixture_.clock.JumpUtc(fixture_.clock.Now() + jump);
    const auto rotated = aggregation.RotateKeys();
    ASSERT_FALSE(rotated);
    EXPECT_EQ(rotated.error().code, ErrorCode::kFailedPrecondition);
    EXPECT_NE(rotated.error().message.find("salus log confirm-clock"), std::string::npos);
    EXPECT_EQ(CurrentKey(), second);
    EXPECT_TRUE(IsOpenedWith(first));
    fixture_.clock.JumpUtc(fixture_.clock.Now() - jump);
    fixture_.Open();
  }
}

TEST_F(AggregateUpkeepTest, WhereNoKeyIsDueNoCheckpointIsMade) {
  const auto size = [&] { return fixture_.node->log().published()->size.value; };
  ASSERT_TRUE(fixture_.node->aggregation()->RotateKeys());
  Pass(hours(1));
  const std::uint64_t before = size();
  node::AggregationUpkeep upkeep(*fixture_.node);
  EXPECT_FALSE(*upkeep.Step());
  EXPECT_EQ(size(), before);
  fixture_.clock.Advance(days(1));
  EXPECT_FALSE(*upkeep.Step());
  EXPECT_GT(size(), before);
}

TEST_F(AggregateUpkeepTest, AStudyThatIsOverIsPrunedAfterNinetyDays) {
  const OpenTask* task = NewTask(TaskParty::kLeader);
  const OpenTask* const endless = NewTask(TaskParty::kLeader, false);
  const OpenTask* const helped = NewTask(TaskParty::kHelper);
  const OpenTask* const waiting = NewTask(TaskParty::kLeader);
  const aggregate::TaskId id = task->task().id();
  for (const OpenTask* one : {task, endless}) {
    ASSERT_EQ(Report(*one, 1), aggregate::Admission::kTaken);
    ASSERT_EQ(Report(*one, 2), aggregate::Admission::kTaken);
    Work(*one);
  }
  ASSERT_EQ(Report(*waiting, 1), aggregate::Admission::kTaken);
  const Timestamp end = *task->End();
  Pass(end - fixture_.clock.Now());
  for (int month = 0; month < 3; ++month) Pass(days(30));
  EXPECT_FALSE(HasEnded(*task)) << "clocks may be late";
  EXPECT_EQ(CountIds(*task), 2);
  EXPECT_EQ(Report(*task, 2), aggregate::Admission::kReplayed);
  Pass(seconds(300));
  EXPECT_TRUE(HasEnded(*task));
  EXPECT_TRUE(HasEnded(*helped));
  EXPECT_FALSE(HasEnded(*endless));
  EXPECT_FALSE(HasEnded(*waiting));
  EXPECT_EQ(CountIds(*task), 0);
  EXPECT_EQ(CountIds(*endless), 2);
  EXPECT_EQ(Report(*task, 2), aggregate::Admission::kEnded);
  EXPECT_EQ(Report(*endless, 2), aggregate::Admission::kReplayed);
  fixture_.Open();
  task = store().FindTask(id);
  // Whatever the clock says.
  fixture_.clock.JumpUtc(end - hours(1));
  EXPECT_EQ(Report(*task, 2), aggregate::Admission::kEnded);
  EXPECT_EQ(Report(*task, 3), aggregate::Admission::kEnded);
  EXPECT_EQ(CountIds(*task), 0);
}

TEST_F(AggregateUpkeepTest, HowLongIdsAreKeptIsConfigured) {
  Configure(28, 1);
  const OpenTask* const task = NewTask(TaskParty::kHelper);
  Pass(*task->End() - fixture_.clock.Now() + hours(24));
  EXPECT_FALSE(HasEnded(*task));
  Pass(seconds(300));
  EXPECT_TRUE(HasEnded(*task));
}

}  // namespace
}  // namespace salus::integration
