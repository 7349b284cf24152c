#include "storage/segment_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "codec/hex.h"
#include "storage/log_fixture.h"
#include "storage/segment_format.h"

namespace salus::storage {
namespace {

using ::testing::HasSubstr;

constexpr SegmentLogOptions kSmall{.segment_size_bytes = 16384};

std::unique_ptr<SegmentLog> MustOpen(FileSystem& fs, const SegmentLogOptions& options) {
  auto log = SegmentLog::Open(fs, "log", TestLogId(), options);
  EXPECT_TRUE(log) << log.error().message;
  return log ? *std::move(log) : nullptr;
}

TEST(SegmentLogTest, ReturnsWhatWasAppendedInEveryWayOfReading) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SeededRandom random(seed);
    MemoryFileSystem fs;
    auto log = SegmentLog::Create(fs, "log", TestLogId(), kSmall).value();
    std::vector<TestRecord> all;
    for (int f = 0; f < 30; ++f) {
      const TestFrame frame = RandomFrame(random, 1 + random.Next() % 12, random.Next() % 900);
      ASSERT_TRUE(AppendFrame(*log, frame, 1000 + f, 5));
      all.insert(all.end(), frame.begin(), frame.end());
      if (random.Next() % 5 == 0) {
        ASSERT_TRUE(log->Prepare());
      }
      if (random.Next() % 7 == 0) {
        SegmentLogOptions options = kSmall;
        options.trusted_record_count = random.Next() % (all.size() + 1);
        log = MustOpen(fs, options);
        EXPECT_EQ(log->recovery().torn_bytes, 0u);
        EXPECT_GE(log->recovery().verified_records, all.size() - options.trusted_record_count);
      }
    }
    EXPECT_GT(fs.List("log").value().size(), 2u);
    ExpectRecords(*log, all);
    std::vector<std::uint64_t> some;
    for (std::uint64_t n = 0; n < all.size(); ++n) {
      const Record record = log->Read(n).value();
      EXPECT_EQ(record.number(), n);
      EXPECT_EQ(ToBytes(record.meta()), all[n].meta);
      EXPECT_EQ(ToBytes(record.payload()), all[n].payload);
      EXPECT_EQ(record.payload_hash(), LeafHash(all[n].payload));
      const FrameView frame = log->FrameOf(n).value();
      EXPECT_EQ(frame.term, 5u);
      EXPECT_LE(frame.first_record, n);
      EXPECT_GT(frame.first_record + frame.record_count, n);
      if (random.Next() % 3 == 0) some.push_back(n);
    }
    std::size_t at = 0;
    ASSERT_TRUE(log->ReadMany(some, [&](const RecordView& view) -> Result<void> {
      EXPECT_EQ(view.number, some[at]);
      EXPECT_EQ(ToBytes(view.meta), all[some[at]].meta);
      EXPECT_EQ(ToBytes(view.payload), all[some[at]].payload);
      EXPECT_EQ(view.payload_hash, LeafHash(all[some[at]].payload));
      ++at;
      return {};
    }));
    EXPECT_EQ(at, some.size());
    const std::uint64_t from = random.Next() % all.size();
    const std::uint64_t to = from + random.Next() % (all.size() - from + 1);
    std::uint64_t next = from;
    ASSERT_TRUE(log->Scan(from, to, [&](const RecordView& view) -> Result<void> {
      EXPECT_EQ(view.number, next++);
      return {};
    }));
    EXPECT_EQ(next, to);
  }
}

// The bytes of docs/formats/segment.md, put together literally.
TEST(SegmentLogTest, WritesTheDocumentedBytes) {
  MemoryFileSystem fs;
  auto log = SegmentLog::Create(fs, "log", TestLogId(), kSmall).value();
  const TestFrame frame = {{ToBytes("m"), ToBytes("hello")}, {{}, {}}};
  ASSERT_TRUE(AppendFrame(*log, frame, 0x0102030405060708, 9));

  Bytes header = ToBytes("SALUSEG1");
  AppendBe<std::uint32_t>(header, 1);
  AppendBe<std::uint64_t>(header, 0);
  AppendBe<std::uint64_t>(header, 0);
  Append(header, TestLogId());
  Append(header, Hash32{});
  Append(header, crypto::Sha256(header));
  header.resize(4096);

  const auto record_hash = [](std::uint64_t number, const TestRecord& record) {
    Bytes message;
    AppendBe(message, number);
    message.push_back(static_cast<std::uint8_t>(record.meta.size()));
    Append(message, record.meta);
    Append(message, LeafHash(record.payload));
    const Hash32 hash = crypto::Sha256(message);
    return Bytes(hash.begin(), hash.begin() + 16);
  };
  Bytes frame_header = ToBytes("FRM1");
  AppendBe<std::uint32_t>(frame_header, 23 + 17);
  AppendBe<std::uint64_t>(frame_header, 0);
  AppendBe<std::uint32_t>(frame_header, 2);
  AppendBe<std::uint32_t>(frame_header, 9);
  AppendBe<std::uint64_t>(frame_header, 0x0102030405060708);
  Bytes hashed;  // previous frame hash || frame header || record hashes
  Append(hashed, Hash32{});
  Append(hashed, frame_header);
  Bytes expected = header;
  Append(expected, frame_header);
  AppendBe<std::uint32_t>(expected, 23);
  AppendBe<std::uint32_t>(expected, 40);
  for (std::uint64_t i = 0; i < 2; ++i) {
    expected.push_back(static_cast<std::uint8_t>(frame[i].meta.size()));
    Append(expected, frame[i].meta);
    Append(expected, frame[i].payload);
    Append(expected, record_hash(i, frame[i]));
    Append(hashed, record_hash(i, frame[i]));
  }
  Append(expected, crypto::Sha256(hashed));
  expected.resize(16384);
  EXPECT_EQ(fs.Content("log/0000000000000000.seg"), expected);
  // The frame hash that the page shows, computed by another program.
  const Bytes frame_hash =
      codec::HexDecode("9ee11e0c6de6622fa9989ea0855a67ce298b8cea78b343eecf69da7f03dc8ab1").value();
  EXPECT_EQ(Bytes(expected.begin() + 0x1050, expected.begin() + 0x1070), frame_hash);
}

TEST(SegmentLogTest, ChainsSegmentsAndPreallocatesThem) {
  MemoryFileSystem fs;
  auto log = SegmentLog::Create(fs, "log", TestLogId(), kSmall).value();
  const TestFrame frame = {{{}, Bytes(8000, 'x')}};
  ASSERT_TRUE(AppendFrame(*log, frame));
  EXPECT_FALSE(log->prepared());
  ASSERT_TRUE(log->Prepare());
  EXPECT_TRUE(log->prepared());
  EXPECT_EQ(fs.Content("log/0000000000000001.seg"), Bytes(16384));
  ASSERT_TRUE(AppendFrame(*log, frame));
  EXPECT_FALSE(log->prepared());
  EXPECT_EQ(AsText(ByteSpan(fs.Content("log/0000000000000001.seg")).first(8)), "SALUSEG1");
  ASSERT_TRUE(log->VerifyFrames(0, 2));
}

TEST(SegmentLogTest, RefusesWhatItCanNotHold) {
  MemoryFileSystem fs;
  auto log = SegmentLog::Create(fs, "log", TestLogId(), kSmall).value();
  EXPECT_EQ(AppendFrame(*log, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(AppendFrame(*log, {{Bytes(256), {}}}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(AppendFrame(*log, {{{}, Bytes(16384)}}).error().code, ErrorCode::kInvalidArgument);
  // The largest frame that a segment of 16384 bytes holds: 32 + 4 + 17 + 32 bytes around it.
  EXPECT_TRUE(AppendFrame(*log, {{{}, Bytes(12288 - 85)}}));
  EXPECT_EQ(log->free_bytes_in_segment(), 0u);
  EXPECT_EQ(log->Read(1).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(log->Scan(0, 2, nullptr).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(log->ReadMany(std::vector<std::uint64_t>{0, 1},
                          [](const RecordView&) { return Result<void>(); })
                .error()
                .code,
            ErrorCode::kNotFound);
  EXPECT_EQ(log->ReadMany(std::vector<std::uint64_t>{1, 0}, nullptr).error().code,
            ErrorCode::kInvalidArgument);
}

TEST(SegmentLogTest, AVisitorCanStop) {
  MemoryFileSystem fs;
  auto log = SegmentLog::Create(fs, "log", TestLogId(), kSmall).value();
  ASSERT_TRUE(AppendFrame(*log, TestFrame(5)));
  int seen = 0;
  const auto stopped = log->Scan(0, 5, [&](const RecordView&) -> Result<void> {
    if (++seen == 2) return Conflict("enough");
    return {};
  });
  EXPECT_EQ(stopped.error().code, ErrorCode::kConflict);
  EXPECT_EQ(seen, 2);
}

TEST(SegmentLogTest, IsNeverMadeOverAnythingNorOpenedAsAnother) {
  MemoryFileSystem fs;
  EXPECT_EQ(SegmentLog::Open(fs, "log", TestLogId(), kSmall).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(SegmentLog::Create(fs, "log", TestLogId(), kSmall));
  EXPECT_EQ(SegmentLog::Create(fs, "log", TestLogId(), kSmall).error().code,
            ErrorCode::kAlreadyExists);
  EXPECT_EQ(SegmentLog::Open(fs, "log", Hash32{}, kSmall).error().code,
            ErrorCode::kFailedPrecondition);
  ASSERT_TRUE(fs.MakeDirectory("empty"));
  EXPECT_EQ(SegmentLog::Open(fs, "empty", TestLogId(), kSmall).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(SegmentLog::Create(fs, "empty", TestLogId(), kSmall));
  EXPECT_EQ(SegmentLog::Create(fs, "odd", TestLogId(), {.segment_size_bytes = 10000}).error().code,
            ErrorCode::kInvalidArgument);
}

TEST(SegmentLogTest, ReadOnlyChangesNothing) {
  MemoryFileSystem fs;
  auto log = SegmentLog::Create(fs, "log", TestLogId(), kSmall).value();
  ASSERT_TRUE(AppendFrame(*log, TestFrame(3)));
  Bytes content = fs.Content("log/0000000000000000.seg");
  content[5000] = 1;  // as if a frame was torn
  fs.SetContent("log/0000000000000000.seg", content);
  SegmentLogOptions options = kSmall;
  options.access = FileAccess::kReadOnly;
  const auto reader = MustOpen(fs, options);
  EXPECT_GT(reader->recovery().torn_bytes, 0u);
  EXPECT_EQ(AppendFrame(*reader, TestFrame(1)).error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(reader->Prepare().error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(fs.Content("log/0000000000000000.seg"), content);
  ExpectRecords(*reader, TestFrame(3));
}

TEST(SegmentLogTest, AMissingOrExchangedSegmentIsNamed) {
  SeededRandom random(1);
  MemoryFileSystem fs;
  auto log = SegmentLog::Create(fs, "log", TestLogId(), kSmall).value();
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(AppendFrame(*log, {{{}, RandomBytes(random, 9000)}}));
  const std::string second = "log/0000000000000001.seg";
  const Bytes content = fs.Content(second);

  ASSERT_TRUE(fs.Remove(second));
  const auto missing = SegmentLog::Open(fs, "log", TestLogId(), kSmall);
  EXPECT_EQ(missing.error().code, ErrorCode::kCorruption);
  EXPECT_THAT(missing.error().message, HasSubstr(second));

  fs.SetContent(second, fs.Content("log/0000000000000002.seg"));
  EXPECT_EQ(SegmentLog::Open(fs, "log", TestLogId(), kSmall).error().code, ErrorCode::kCorruption);

  fs.SetContent(second, Bytes(16384));
  EXPECT_EQ(SegmentLog::Open(fs, "log", TestLogId(), kSmall).error().code, ErrorCode::kCorruption);

  // The last one can go unseen only while nothing is known to be committed in it.
  fs.SetContent(second, content);
  ASSERT_TRUE(fs.Remove("log/0000000000000003.seg"));
  SegmentLogOptions trusting = kSmall;
  trusting.trusted_record_count = 4;
  EXPECT_EQ(SegmentLog::Open(fs, "log", TestLogId(), trusting).error().code,
            ErrorCode::kCorruption);
}

TEST(SegmentLogTest, ReadersRunBesideTheAppender) {
  MemoryFileSystem fs;
  auto log = SegmentLog::Create(fs, "log", TestLogId(), kSmall).value();
  constexpr std::uint64_t kRecords = 600;
  const auto payload_of = [](std::uint64_t n) { return Bytes(n % 300, std::uint8_t(n)); };
  std::vector<std::thread> readers;
  std::atomic<int> wrong{0};
  for (std::uint64_t seed = 0; seed < 2; ++seed) {
    readers.emplace_back([&, seed] {
      SeededRandom random(seed);
      for (std::uint64_t count = 0; count < kRecords;) {
        count = log->record_count();
        if (count == 0) continue;
        const std::uint64_t n = random.Next() % 2 == 0 ? count - 1 : random.Next() % count;
        const auto record = log->Read(n);
        if (!record || ToBytes(record->payload()) != payload_of(n)) ++wrong;
        if (!log->Scan(n, count, [](const RecordView&) { return Result<void>(); })) ++wrong;
      }
    });
  }
  std::thread preparer([&] {
    while (log->record_count() < kRecords) {
      if (!log->Prepare()) ++wrong;
    }
  });
  for (std::uint64_t n = 0; n < kRecords; n += 3) {
    ASSERT_TRUE(
        AppendFrame(*log, {{{}, payload_of(n)}, {{}, payload_of(n + 1)}, {{}, payload_of(n + 2)}}));
  }
  for (std::thread& reader : readers) reader.join();
  preparer.join();
  EXPECT_EQ(wrong, 0);
}

TEST(FrameDirectoryTest, FindsTheFrameOfEveryRecord) {
  FrameDirectory directory;
  std::vector<std::uint64_t> firsts;
  std::uint64_t next = 0;
  for (int i = 0; i < 20000; ++i) {
    directory.Add({next, 0, 0});
    firsts.push_back(next);
    next += 1 + static_cast<std::uint64_t>(i % 5);
  }
  for (std::uint64_t record = 0; record < next; record += 7) {
    const auto expected = std::upper_bound(firsts.begin(), firsts.end(), record) - firsts.begin();
    ASSERT_EQ(directory.IndexOf(record), static_cast<std::uint64_t>(expected - 1));
  }
}

TEST(SegmentFormatTest, NamesAreStrict) {
  EXPECT_EQ(SegmentName(0x1f), "000000000000001f.seg");
  EXPECT_EQ(ParseSegmentName("000000000000001f.seg"), 0x1fu);
  for (const char* bad : {"000000000000001F.seg", "1f.seg", "000000000000001f.tmp", "",
                          "00000000000000-1.seg", "000000000000001f.seg.tmp"}) {
    EXPECT_FALSE(ParseSegmentName(bad)) << bad;
  }
}

}  // namespace
}  // namespace salus::storage
