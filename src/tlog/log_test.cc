#include "tlog/log.h"

#include <gtest/gtest.h>

#include "merkle/hash.h"
#include "storage/fault_file_system.h"
#include "tlog/log_fixture.h"

namespace salus::tlog {
namespace {

using storage::MemoryFileSystem;

class LogTest : public testing::Test, public LogFixture {
 protected:
  void SetUp() override { ASSERT_TRUE(Create(fs)); }

  Outcome Log1(Log& log, std::uint64_t subject, std::uint64_t event, std::uint64_t content = 0) {
    auto done = log.SubmitAndWait(Event(log, subject, event, content));
    EXPECT_TRUE(done->status) << done->status.error().message;
    return done->status ? done->outcomes[0] : Outcome{};
  }

  MemoryFileSystem fs;
};

// The chain, literally as protocol.md P4.1 says it, from what a scan of the log shows.
merkle::MapValue LiteralChain(const Log& log, const SubjectTag& tag, std::uint64_t end) {
  merkle::MapValue value{0, merkle::ChainHead0("example.org/log", tag)};
  const auto number = log.subjects().Find(tag);
  EXPECT_TRUE(log.Scan(0, end, [&](const storage::RecordView& record) -> Result<void> {
    const auto meta = RecordMeta::Parse(record.meta);
    if (meta && meta->subject && number && *meta->subject == *number) {
      ++value.count;
      value.head =
          merkle::ChainStep(value.head, LeafIndex{record.number}, LeafHash(record.payload_hash));
    }
    return {};
  }));
  return value;
}

TEST_F(LogTest, GrantComesRightBeforeTheFirstEntryThatNeedsIt) {
  const auto log = *Open(fs);
  const std::uint64_t first = log->record_count();
  EXPECT_EQ(Log1(*log, 1, 1).index.value, first + 1);
  EXPECT_EQ(Log1(*log, 1, 2).index.value, first + 2);
  const auto grant = log->ReadEntry(LeafIndex{first});
  EXPECT_EQ(AsText(grant->entry), "\x82\x02grant 1");
  EXPECT_EQ(log->ReadEntry(LeafIndex{first + 2})->meta.grant, first);
}

// Whatever kind it is of: its readers refuse what is longer, so it must never be signed.
TEST_F(LogTest, AnEntryThatNobodyWouldReadIsNotLogged) {
  const auto log = *Open(fs);
  const std::uint64_t before = log->record_count();
  const auto submit = [&](std::size_t size) {
    auto submission = std::make_unique<Submission>();
    submission->arena.assign(size, 0);
    NewEntry entry;
    entry.size = size;
    entry.leaf_hash = merkle::HashLeaf(submission->arena);
    submission->entries.push_back(entry);
    return log->SubmitAndWait(std::move(submission))->status;
  };
  const Result<void> refused = submit(65'536);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  auto with_grant = Event(*log, 1, 1);
  with_grant->grants[0]->needs.push_back(std::make_shared<PendingGrant>());
  with_grant->grants[0]->needs[0]->entry.assign(65'536, 0);
  EXPECT_FALSE(log->SubmitAndWait(std::move(with_grant))->status);
  EXPECT_EQ(log->record_count(), before);
  EXPECT_TRUE(submit(65'535));
  EXPECT_EQ(log->record_count(), before + 1);
}

TEST_F(LogTest, RepeatGetsItsFirstIndexAndOtherContentIsAConflict) {
  std::uint64_t index;
  {
    const auto log = *Open(fs);
    const Outcome logged = Log1(*log, 1, 7);
    index = logged.index.value;
    const Outcome repeat = Log1(*log, 1, 7);
    EXPECT_EQ(repeat.kind, OutcomeKind::kRepeat);
    EXPECT_EQ(repeat.index.value, index);
    EXPECT_EQ(repeat.leaf_hash, logged.leaf_hash);
    EXPECT_EQ(Log1(*log, 1, 7, 1).kind, OutcomeKind::kConflict);
  }
  const auto log = *Open(fs);  // and for ever
  EXPECT_EQ(Log1(*log, 1, 7).kind, OutcomeKind::kRepeat);
  EXPECT_EQ(Log1(*log, 1, 7).index.value, index);
}

TEST_F(LogTest, AClockThatJumpsStopsCheckpointsUntilItIsConfirmed) {
  LogOptions options = Options();
  options.manual_checkpoints = false;
  options.interval_quiet = std::chrono::milliseconds(1);
  const auto log = *Log::Open(fs, "log", options, Signer());
  EXPECT_TRUE(log->WaitPublished(Log1(*log, 1, 1).index, std::chrono::minutes(1)));
  clock.JumpUtc(clock.Now() + std::chrono::seconds(31));
  const LeafIndex index = Log1(*log, 1, 2).index;
  // Nobody waits out a minute for what can't come.
  const auto before = log->WaitPublished(index, std::chrono::minutes(1));
  EXPECT_LE(before->size.value, index.value);
  EXPECT_FALSE(log->is_clock_trusted());
  EXPECT_EQ(log->MakeCheckpoint().error().code, ErrorCode::kFailedPrecondition);
  log->ConfirmClock();
  EXPECT_GT(log->WaitPublished(index, std::chrono::minutes(1))->size.value, index.value);
}

TEST_F(LogTest, AfterALongStandstillTheClockIsToBeConfirmed) {
  Log1(**Open(fs), 1, 1);
  clock.Advance(std::chrono::days(29));
  EXPECT_TRUE((*Open(fs))->is_clock_trusted());
  clock.Advance(std::chrono::days(2));
  const auto log = *Open(fs);
  EXPECT_FALSE(log->is_clock_trusted());
  EXPECT_EQ(Log1(*log, 1, 2).kind, OutcomeKind::kLogged);
  EXPECT_FALSE(log->MakeCheckpoint());
  log->ConfirmClock();
  EXPECT_TRUE(log->MakeCheckpoint());
}

TEST_F(LogTest, WhoWaitsForACheckpointDoesNotWaitUntilTheNextWouldBeDue) {
  LogOptions options = Options();
  options.manual_checkpoints = false;
  options.interval_quiet = std::chrono::hours(1);
  const auto log = *Log::Open(fs, "log", options, Signer());
  const LeafIndex index = Log1(*log, 1, 1).index;
  const auto published = log->WaitPublished(index, std::chrono::minutes(1));
  ASSERT_TRUE(published);
  EXPECT_GT(published->size.value, index.value);
}

TEST_F(LogTest, RepeatInsideOneSubmissionIsSeen) {
  const auto log = *Open(fs);
  auto submission = Event(*log, 1, 5);
  submission->entries.push_back(submission->entries[0]);
  const auto done = log->SubmitAndWait(std::move(submission));
  EXPECT_EQ(done->outcomes[0].kind, OutcomeKind::kLogged);
  EXPECT_EQ(done->outcomes[1].kind, OutcomeKind::kRepeat);
  EXPECT_EQ(done->outcomes[0].index, done->outcomes[1].index);
}

TEST_F(LogTest, CheckpointProvesEveryChain) {
  const auto log = *Open(fs);
  for (std::uint64_t i = 0; i < 500; ++i) {
    Log1(*log, i % 7, i);
    if (i % 100 == 50) {
      ASSERT_TRUE(log->MakeCheckpoint());
    }
  }
  const auto checkpoint = *log->MakeCheckpoint();
  for (std::uint64_t s = 0; s < 8; ++s) {
    const SubjectTag tag = TagOf(s);
    const ChainProof chain = log->ProveChain(tag);
    ASSERT_EQ(chain.checkpoint, checkpoint);
    EXPECT_TRUE(chain.proof.Verify(merkle::PositionOf(tag), chain.value, checkpoint->map.map_root));
    const merkle::MapValue literal = LiteralChain(*log, tag, checkpoint->size.value);
    EXPECT_EQ(chain.value.value_or(merkle::MapValue{0, literal.head}), literal);
    EXPECT_EQ(log->EntriesOf(tag, checkpoint->size)->size(), literal.count);
  }
  const LeafIndex last{checkpoint->size.value - 1};
  const auto proof = merkle::ProveInclusion(last, checkpoint->size, log->hashes());
  EXPECT_TRUE(proof->Verify(*log->LeafHashAt(last), last, checkpoint->size, checkpoint->root));
}

TEST_F(LogTest, GrantOlderThanAPolicyEntryIsStale) {
  const auto log = *Open(fs);
  Log1(*log, 1, 1);
  auto policy = Event(*log, 1, 2);
  policy->entries[0].is_policy = true;
  auto late = Event(*log, 1, 3);  // sealed under the grant from before the policy
  EXPECT_EQ(log->SubmitAndWait(std::move(policy))->outcomes[0].kind, OutcomeKind::kLogged);
  EXPECT_EQ(log->SubmitAndWait(std::move(late))->outcomes[0].kind, OutcomeKind::kStaleGrant);
  EXPECT_EQ(Log1(*log, 1, 3).kind, OutcomeKind::kLogged);  // sealed anew
}

TEST_F(LogTest, AGrantMadeBeforeAPolicyAndNeverUsedIsStaleToo) {
  const auto log = *Open(fs);
  Log1(*log, 1, 1);
  grants.erase(1);
  auto late = Event(*log, 1, 3);
  auto policy = Event(*log, 1, 2);
  policy->entries[0].is_policy = true;
  policy->entries[0].grant = nullptr;
  log->SubmitAndWait(std::move(policy));
  EXPECT_EQ(log->SubmitAndWait(std::move(late))->outcomes[0].kind, OutcomeKind::kStaleGrant);
}

TEST_F(LogTest, ReopensWithTheSameRootsChainsAndIndexes) {
  std::shared_ptr<const PublishedCheckpoint> before;
  {
    const auto log = *Open(fs);
    for (std::uint64_t i = 0; i < 2000; ++i) Log1(*log, i % 40, i);
    before = *log->MakeCheckpoint();
    for (std::uint64_t i = 2000; i < 2100; ++i) Log1(*log, i % 40, i);
  }
  for (const bool lose_derived : {false, true}) {
    if (lose_derived) {
      for (const char* path :
           {"log/subjects", "log/index/manifest", "log/hashes/leaves", "log/hashes/nodes"}) {
        ASSERT_TRUE(fs.Remove(path)) << path;
      }
    }
    const auto log = *Open(fs);
    EXPECT_EQ(log->published()->note, before->note);
    const auto after = *log->MakeCheckpoint();
    const auto proof = merkle::ProveConsistency(before->size, after->size, log->hashes());
    EXPECT_TRUE(proof->Verify(before->size, after->size, before->root, after->root));
    for (std::uint64_t s = 0; s < 40; ++s) {
      EXPECT_EQ(*log->ProveChain(TagOf(s)).value, LiteralChain(*log, TagOf(s), after->size.value));
    }
    before = after;
  }
}

TEST_F(LogTest, ADamagedDerivedFileIsRebuiltAndADamagedSegmentRefused) {
  {
    const auto log = *Open(fs);
    for (std::uint64_t i = 0; i < 1000; ++i) Log1(*log, i % 5, i);
    ASSERT_TRUE(log->MakeCheckpoint());
  }
  Bytes nodes = fs.Content("log/hashes/nodes");
  nodes[5] ^= 1;
  fs.SetContent("log/hashes/nodes", nodes);
  {
    const auto log = Open(fs);
    ASSERT_TRUE(log) << log.error().message;
    EXPECT_TRUE((*log)->CheckDerived({}));
  }
  const std::string segment = "log/segments/" + (*fs.List("log/segments"))[0];
  Bytes bytes = fs.Content(segment);
  bytes[bytes.size() / 2] ^= 1;
  fs.SetContent(segment, bytes);
  const auto log = Open(fs);
  if (log) {
    EXPECT_FALSE((*log)->Scan(0, (*log)->record_count(),
                              [](const storage::RecordView&) { return Result<void>(); }));
  }
}

TEST_F(LogTest, ACutTailIsRefusedWithWhatIsMissing) {
  const Bytes old = fs.Content("log/segments/" + (*fs.List("log/segments"))[0]);
  {
    const auto log = *Open(fs);
    for (std::uint64_t i = 0; i < 10; ++i) Log1(*log, 1, i);
    ASSERT_TRUE(log->MakeCheckpoint());
  }
  fs.SetContent("log/segments/" + (*fs.List("log/segments"))[0], old);
  const auto log = Open(fs);
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, ErrorCode::kCorruption);
}

TEST_F(LogTest, AFullDiskRefusesEventsAndKeepsAReserveForQueries) {
  const auto log = *Open(fs);
  Log1(*log, 1, 1);
  fs.SetCapacity(1);
  for (std::uint64_t i = 10; !log->is_full(); ++i) {
    auto done = log->SubmitAndWait(Event(*log, 1, i));
    if (!done->status) {
      EXPECT_EQ(done->status.error().code, ErrorCode::kResourceExhausted);
    }
  }
  EXPECT_EQ(log->SubmitAndWait(Event(*log, 1, 9999))->status.error().code,
            ErrorCode::kResourceExhausted);
  auto query = Event(*log, 1, 10'000);
  query->may_use_reserve = true;
  EXPECT_TRUE(log->SubmitAndWait(std::move(query))->status);
  EXPECT_TRUE(log->MakeCheckpoint());
}

// Every call of the file system in a few commits and a checkpoint is failed or killed in turn; what
// was acknowledged must be there once, and the log must open.
TEST(LogFaultTest, NoAcknowledgedEntryIsLostAtAnyKillPoint) {
  for (const auto kind : {storage::FaultKind::kKillBefore, storage::FaultKind::kKillDuring,
                          storage::FaultKind::kKillAfter}) {
    for (std::uint64_t at = 1;; ++at) {
      LogFixture fixture;
      MemoryFileSystem memory;
      ASSERT_TRUE(fixture.Create(memory));
      storage::FaultFileSystem faulty(memory);
      std::vector<std::pair<std::uint64_t, Outcome>> acknowledged;
      std::uint64_t published = 0;
      bool fired = false;
      {
        auto log = fixture.Open(faulty);
        ASSERT_TRUE(log);
        faulty.Inject({.operation = std::nullopt, .at_call = at, .kind = kind});
        for (std::uint64_t i = 0; i < 6; ++i) {
          auto done = (*log)->SubmitAndWait(fixture.Event(**log, i % 2, i));
          if (done->status) acknowledged.emplace_back(i, done->outcomes[0]);
          if (i % 3 != 2) continue;
          const auto checkpoint = (*log)->MakeCheckpoint();
          if (checkpoint) published = (*checkpoint)->size.value;
        }
        fired = faulty.fired();
      }
      memory.Crash(storage::CrashLoss::kRandomSectors, at);
      auto log = fixture.Open(memory);
      ASSERT_TRUE(log) << "call " << at << ": " << log.error().message;
      EXPECT_GE((*log)->published()->size.value, published) << at;
      for (const auto& [event, outcome] : acknowledged) {
        auto again = (*log)->SubmitAndWait(fixture.Event(**log, event % 2, event));
        ASSERT_TRUE(again->status);
        EXPECT_EQ(again->outcomes[0].kind, OutcomeKind::kRepeat) << at;
        EXPECT_EQ(again->outcomes[0].index, outcome.index) << at;
      }
      EXPECT_TRUE((*log)->MakeCheckpoint());
      EXPECT_TRUE((*log)->CheckDerived({})) << at;
      if (!fired) break;
    }
  }
}

}  // namespace
}  // namespace salus::tlog
