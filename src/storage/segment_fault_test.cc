// Every call of an append fails, every byte flips, every length is cut: an acknowledged record is
// always there or its loss is reported, and a wrong one is never returned.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/fault_file_system.h"
#include "storage/log_fixture.h"
#include "storage/segment_log.h"

namespace salus::storage {
namespace {

constexpr SegmentLogOptions kSmall{.segment_size_bytes = 8192};
const std::string kFirst = "log/0000000000000000.seg";

struct History {
  std::vector<TestRecord> acknowledged;
  TestFrame unknown;  // the one whose append failed, if any
  bool created = false;
};

// RunAppends makes a log, appends until one append fails, and says what was acknowledged.
History RunAppends(FileSystem& fs, std::uint64_t seed) {
  SeededRandom random(seed);
  History history;
  auto log = SegmentLog::Create(fs, "log", TestLogId(), kSmall);
  if (!log) return history;
  history.created = true;
  for (int i = 0; i < 7; ++i) {
    const TestFrame frame = RandomFrame(random, 1 + random.Next() % 3, 700);
    if (!AppendFrame(**log, frame)) {
      history.unknown = frame;
      return history;
    }
    history.acknowledged.insert(history.acknowledged.end(), frame.begin(), frame.end());
    if (i == 3) (void)(*log)->Prepare();
  }
  return history;
}

void ExpectRecovered(FileSystem& fs, const History& history) {
  SegmentLogOptions options = kSmall;
  options.trusted_record_count = history.acknowledged.size() / 2;
  auto opened = SegmentLog::Open(fs, "log", TestLogId(), options);
  if (!history.created && !opened) {
    EXPECT_EQ(opened.error().code, ErrorCode::kNotFound) << opened.error().message;
    auto again = SegmentLog::Create(fs, "log", TestLogId(), kSmall);
    EXPECT_TRUE(again) << again.error().message;
    return;
  }
  ASSERT_TRUE(opened) << opened.error().message;
  SegmentLog& log = **opened;
  std::vector<TestRecord> expected = history.acknowledged;
  if (log.record_count() > expected.size()) {
    expected.insert(expected.end(), history.unknown.begin(), history.unknown.end());
  }
  ExpectRecords(log, expected);
  // And it goes on.
  SeededRandom random(99);
  for (int i = 0; i < 3; ++i) {
    const TestFrame frame = RandomFrame(random, 2, 1500);
    ASSERT_TRUE(AppendFrame(log, frame));
    expected.insert(expected.end(), frame.begin(), frame.end());
  }
  ExpectRecords(log, expected);
  opened->reset();
  auto reopened = SegmentLog::Open(fs, "log", TestLogId(), kSmall);
  ASSERT_TRUE(reopened) << reopened.error().message;
  EXPECT_EQ((*reopened)->recovery().torn_bytes, 0u);
  ExpectRecords(**reopened, expected);
}

TEST(SegmentFaultTest, AKillAtAnyCallLosesNothingAcknowledged) {
  int kills = 0;
  for (const FaultKind kind :
       {FaultKind::kKillBefore, FaultKind::kKillDuring, FaultKind::kKillAfter}) {
    for (const CrashLoss loss : {CrashLoss::kAll, CrashLoss::kNothing, CrashLoss::kRandomSectors}) {
      for (std::uint64_t call = 1;; ++call) {
        MemoryFileSystem memory;
        FaultFileSystem fs(memory);
        fs.Inject({.operation = {}, .at_call = call, .kind = kind});
        const History history = RunAppends(fs, 1);
        if (!fs.fired()) break;
        ++kills;
        memory.Crash(loss, call);
        SCOPED_TRACE(::testing::Message() << "kind " << static_cast<int>(kind) << " loss "
                                          << static_cast<int>(loss) << " call " << call);
        ExpectRecovered(memory, history);
        if (HasFatalFailure()) return;
      }
    }
  }
  EXPECT_GT(kills, 300);
}

TEST(SegmentFaultTest, TornWritesOfManyShapesAreDroppedWhole) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    MemoryFileSystem memory;
    FaultFileSystem fs(memory);
    const std::uint64_t at = 2 + seed % 10;
    fs.Inject({.operation = FileOperation::kSync, .at_call = at, .kind = FaultKind::kKillBefore});
    const History history = RunAppends(fs, seed);
    memory.Crash(CrashLoss::kRandomSectors, seed);
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    ExpectRecovered(memory, history);
    if (HasFatalFailure()) return;
  }
}

TEST(SegmentFaultTest, ASecondKillDuringRecoveryLosesNothing) {
  for (std::uint64_t first = 5; first < 60; ++first) {
    for (std::uint64_t second = 1;; ++second) {
      MemoryFileSystem memory;
      FaultFileSystem fs(memory);
      fs.Inject({.operation = {}, .at_call = first, .kind = FaultKind::kKillDuring});
      const History history = RunAppends(fs, 2);
      if (!fs.fired()) return;
      memory.Crash(CrashLoss::kRandomSectors, first);
      fs.Inject({.operation = {}, .at_call = second, .kind = FaultKind::kKillDuring});
      (void)SegmentLog::Open(fs, "log", TestLogId(), kSmall);
      if (!fs.fired()) break;
      memory.Crash(CrashLoss::kRandomSectors, second);
      SCOPED_TRACE(::testing::Message() << first << " then " << second);
      ExpectRecovered(memory, history);
      if (HasFatalFailure()) return;
    }
  }
}

// A call that fails, once or for a while, costs the appends that it hits and no others.
TEST(SegmentFaultTest, AFailedCallAppendsNothingAndTheLogGoesOn) {
  for (const FaultKind kind : {FaultKind::kIoError, FaultKind::kNoSpace, FaultKind::kShortWrite}) {
    for (const FileOperation operation : {FileOperation::kWrite, FileOperation::kAllocate,
                                          FileOperation::kCreate, FileOperation::kSize}) {
      for (const bool persistent : {false, true}) {
        for (std::uint64_t call = 1;; ++call) {
          SCOPED_TRACE(::testing::Message()
                       << static_cast<int>(kind) << ' ' << static_cast<int>(operation) << ' '
                       << persistent << ' ' << call);
          SeededRandom random(3);
          MemoryFileSystem memory;
          FaultFileSystem fs(memory);
          auto log = SegmentLog::Create(fs, "log", TestLogId(), kSmall).value();
          std::vector<TestRecord> all;
          fs.Inject(
              {.operation = operation, .at_call = call, .kind = kind, .persistent = persistent});
          for (int i = 0; i < 10; ++i) {
            const TestFrame frame = RandomFrame(random, 1 + random.Next() % 3, 900);
            const auto appended = AppendFrame(*log, frame);
            if (appended) {
              all.insert(all.end(), frame.begin(), frame.end());
            } else {
              EXPECT_EQ(appended.error().code, kind == FaultKind::kIoError
                                                   ? ErrorCode::kUnavailable
                                                   : ErrorCode::kResourceExhausted);
            }
            ASSERT_EQ(log->record_count(), all.size());
          }
          const bool fired = fs.fired();
          fs.Heal();
          ExpectRecords(*log, all);
          for (int i = 0; i < 3; ++i) {
            const TestFrame frame = RandomFrame(random, 1, 400);
            ASSERT_TRUE(AppendFrame(*log, frame));
            all.insert(all.end(), frame.begin(), frame.end());
          }
          memory.Crash(CrashLoss::kAll);
          auto opened = SegmentLog::Open(memory, "log", TestLogId(), kSmall);
          ASSERT_TRUE(opened) << opened.error().message;
          ExpectRecords(**opened, all);
          if (HasFatalFailure() || !fired) break;
        }
      }
    }
  }
}

TEST(SegmentFaultTest, AfterAFailedSyncNothingIsAcknowledged) {
  MemoryFileSystem memory;
  FaultFileSystem fs(memory);
  auto log = SegmentLog::Create(fs, "log", TestLogId(), kSmall).value();
  fs.Inject({.operation = FileOperation::kSync, .at_call = 2, .kind = FaultKind::kIoError});
  ASSERT_TRUE(AppendFrame(*log, TestFrame(1)));
  EXPECT_FALSE(AppendFrame(*log, TestFrame(1)));
  fs.Heal();  // the disk says "ok" again, but what was written is gone
  EXPECT_EQ(AppendFrame(*log, TestFrame(1)).error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(log->record_count(), 1u);
  memory.Crash(CrashLoss::kAll);
  auto opened = SegmentLog::Open(memory, "log", TestLogId(), kSmall);
  ASSERT_TRUE(opened) << opened.error().message;
  ExpectRecords(**opened, TestFrame(1));
}

TEST(SegmentFaultTest, AFullDiskIsToldBeforeAnythingIsWritten) {
  for (std::uint64_t capacity = 8192; capacity <= 5 * 8192; capacity += 1024) {
    SeededRandom random(4);
    MemoryFileSystem fs;
    fs.SetCapacity(capacity);
    auto log = SegmentLog::Create(fs, "log", TestLogId(), kSmall).value();
    std::vector<TestRecord> all;
    TestFrame frame;
    Result<void> appended;
    do {
      frame = RandomFrame(random, 1, 2000);
      appended = AppendFrame(*log, frame);
      if (appended) all.insert(all.end(), frame.begin(), frame.end());
    } while (appended);
    EXPECT_EQ(appended.error().code, ErrorCode::kResourceExhausted);
    EXPECT_EQ(fs.List("log").value().size(), capacity / 8192);
    ExpectRecords(*log, all);
    // A record that still fits into the current segment is taken.
    if (log->free_bytes_in_segment() >= 96) {
      ASSERT_TRUE(AppendFrame(*log, TestFrame(1)));
      all.emplace_back();
    }
    fs.SetCapacity(capacity + 8192);
    ASSERT_TRUE(AppendFrame(*log, frame));
    all.insert(all.end(), frame.begin(), frame.end());
    ExpectRecords(*log, all);
  }
}

// SmallLog is two segments with a few frames; the last one is the only one not known as committed.
struct SmallLog {
  MemoryFileSystem fs;
  std::vector<TestRecord> all;
  std::vector<std::string> files;

  SmallLog() {
    SeededRandom random(5);
    auto log = SegmentLog::Create(fs, "log", TestLogId(), kSmall).value();
    for (const std::size_t bytes : {1200u, 2200u, 900u, 300u}) {
      TestFrame frame = {{RandomBytes(random, 5), RandomBytes(random, bytes)},
                         {{}, RandomBytes(random, 11)}};
      EXPECT_TRUE(AppendFrame(*log, frame));
      all.insert(all.end(), frame.begin(), frame.end());
    }
    const std::vector<std::string> names = fs.List("log").value();
    for (const std::string& name : names) files.push_back("log/" + name);
    EXPECT_EQ(files.size(), 2u);
  }

  // Judge opens the log as if trusted records were known to be committed and reads all of it.
  // Returns what became of the damage; a wrong record fails the test.
  enum class Fate { kUnused, kDetected, kDroppedUntrusted };
  Fate Judge(std::uint64_t trusted) {
    SegmentLogOptions options = kSmall;
    options.access = FileAccess::kReadOnly;
    options.trusted_record_count = trusted;
    auto opened = SegmentLog::Open(fs, "log", TestLogId(), options);
    if (!opened) {
      EXPECT_TRUE(opened.error().code == ErrorCode::kCorruption ||
                  opened.error().code == ErrorCode::kFailedPrecondition)
          << opened.error().message;
      return Fate::kDetected;
    }
    const SegmentLog& log = **opened;
    EXPECT_GE(log.record_count(), trusted);
    bool detected = false;
    for (std::uint64_t n = 0; n < log.record_count(); ++n) {
      const auto record = log.Read(n);
      if (!record) {
        EXPECT_EQ(record.error().code, ErrorCode::kCorruption) << record.error().message;
        detected = true;
      } else {
        EXPECT_EQ(ToBytes(record->meta()), all[n].meta);
        EXPECT_EQ(ToBytes(record->payload()), all[n].payload);
      }
    }
    const auto scanned =
        log.Scan(0, log.record_count(), [&](const RecordView& view) -> Result<void> {
          EXPECT_EQ(ToBytes(view.payload), all[view.number].payload);
          EXPECT_EQ(ToBytes(view.meta), all[view.number].meta);
          EXPECT_EQ(view.frame.time_ms, 7u);
          EXPECT_EQ(view.frame.term, 3u);
          return {};
        });
    if (!scanned) {
      EXPECT_EQ(scanned.error().code, ErrorCode::kCorruption) << scanned.error().message;
      detected = true;
    }
    if (detected) return Fate::kDetected;
    return log.record_count() < all.size() ? Fate::kDroppedUntrusted : Fate::kUnused;
  }
};

// UsedEnd is where the frames of a file end.
std::size_t UsedEnd(const Bytes& content) {
  std::size_t end = content.size();
  while (end > 0 && content[end - 1] == 0) --end;
  return end;
}

TEST(SegmentFaultTest, EveryFlippedByteIsDetectedOrUnused) {
  SmallLog log;
  for (const std::string& file : log.files) {
    const Bytes good = log.fs.Content(file);
    const std::size_t used = UsedEnd(good);
    for (std::size_t i = 0; i < good.size(); ++i) {
      if (i > used + 64 && i % 61 != 0) continue;  // unwritten space: a sample will do
      Bytes bad = good;
      bad[i] ^= static_cast<std::uint8_t>(1 << (i % 8));
      log.fs.SetContent(file, bad);
      const auto fate = log.Judge(log.all.size());
      // Only space behind the frames may be changed unseen.
      if (fate != SmallLog::Fate::kDetected) {
        ASSERT_EQ(fate, SmallLog::Fate::kUnused);
        ASSERT_GE(i, used) << file;
      }
      // With the last frame not known as committed, damage in it is a torn write; elsewhere not.
      const auto untrusted = log.Judge(log.all.size() - 2);
      if (untrusted == SmallLog::Fate::kDroppedUntrusted) {
        ASSERT_EQ(file, log.files.back());
        ASSERT_GE(i, used - 500);
      }
    }
    log.fs.SetContent(file, good);
  }
  EXPECT_EQ(log.Judge(log.all.size()), SmallLog::Fate::kUnused);
}

TEST(SegmentFaultTest, NothingTrustedButLaterFramesStillProveDamage) {
  SmallLog log;
  const Bytes good = log.fs.Content(log.files[0]);
  // Any byte of the first frame, its header above all: never a silently shorter log.
  for (std::size_t i = 4096; i < 4096 + 1300; ++i) {
    Bytes bad = good;
    bad[i] ^= 0x10;
    log.fs.SetContent(log.files[0], bad);
    ASSERT_EQ(log.Judge(0), SmallLog::Fate::kDetected) << i;
  }
  // Whole sectors zeroed.
  for (std::size_t i = 0; i + 512 <= UsedEnd(good); i += 512) {
    Bytes bad = good;
    std::fill_n(bad.begin() + static_cast<std::ptrdiff_t>(i), 512, std::uint8_t{0});
    if (bad == good) continue;
    log.fs.SetContent(log.files[0], bad);
    ASSERT_EQ(log.Judge(0), SmallLog::Fate::kDetected) << i;
  }
}

TEST(SegmentFaultTest, EveryTruncationIsDetectedOrUnused) {
  SmallLog log;
  for (const std::string& file : log.files) {
    const Bytes good = log.fs.Content(file);
    const std::size_t used = UsedEnd(good);
    for (std::size_t size = 0; size < good.size(); size += size < used + 64 ? 1 : 97) {
      log.fs.SetContent(file,
                        Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)));
      const auto fate = log.Judge(log.all.size());
      if (fate != SmallLog::Fate::kDetected) {
        ASSERT_EQ(fate, SmallLog::Fate::kUnused);
        ASSERT_GE(size, used) << file;
      }
    }
    log.fs.SetContent(file, good);
  }
}

TEST(SegmentFaultTest, AnOlderFileOfTheSameLogIsDetected) {
  SeededRandom random(6);
  MemoryFileSystem fs;
  auto log = SegmentLog::Create(fs, "log", TestLogId(), kSmall).value();
  std::vector<Bytes> ages;
  for (int i = 0; i < 4; ++i) {
    ages.push_back(fs.Content(kFirst));
    ASSERT_TRUE(AppendFrame(*log, {{{}, RandomBytes(random, 700)}}));
  }
  SegmentLogOptions trusting = kSmall;
  trusting.trusted_record_count = 4;
  for (const Bytes& old : ages) {
    fs.SetContent(kFirst, old);
    EXPECT_EQ(SegmentLog::Open(fs, "log", TestLogId(), trusting).error().code,
              ErrorCode::kCorruption);
  }
}

}  // namespace
}  // namespace salus::storage
