// What was kept is there after any power cut, and what was not kept whole is not.
#include "aggregate/task_transcript.h"

#include <gtest/gtest.h>

#include <vector>

#include "storage/memory_file_system.h"

namespace salus::aggregate {
namespace {

using storage::MemoryFileSystem;

constexpr char kPath[] = "t.transcript";

TaskExchange Numbered(int number, std::size_t size_bytes = 3000) {
  return {.time = Timestamp(std::chrono::milliseconds(1'790'000'000'000 + number)),
          .method = "POST",
          .path = "tasks/T/aggregation_jobs",
          .request = Bytes(size_bytes, static_cast<std::uint8_t>(number)),
          .request_signature = "a",
          .status = 200,
          .answer = Bytes(static_cast<std::size_t>(number) * 7 + 1, 0xff),
          .answer_signature = "b"};
}

Result<std::vector<TaskExchange>> ReadAll(MemoryFileSystem& fs) {
  TRY(const auto file, fs.OpenExisting(kPath, storage::FileAccess::kReadOnly));
  TaskTranscriptReader reader(*file);
  std::vector<TaskExchange> out;
  while (true) {
    TRY(auto next, reader.Next());
    if (!next) return out;
    out.push_back(*std::move(next));
  }
}

void Keep(MemoryFileSystem& fs, int first, int count) {
  const auto transcript = TaskTranscript::Open(fs, kPath);
  ASSERT_TRUE(transcript);
  for (int i = first; i < first + count; ++i) ASSERT_TRUE((*transcript)->Append(Numbered(i)));
}

std::vector<TaskExchange> UpTo(int count) {
  std::vector<TaskExchange> out;
  for (int i = 0; i < count; ++i) out.push_back(Numbered(i));
  return out;
}

TEST(TaskTranscript, GoesOnAfterARestart) {
  MemoryFileSystem fs;
  Keep(fs, 0, 3);
  Keep(fs, 3, 2);
  const auto read = ReadAll(fs);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, UpTo(5));
}

TEST(TaskTranscript, CutsOffWhatPowerKeptFromBeingWhole) {
  MemoryFileSystem fs;
  Keep(fs, 0, 3);
  const Bytes whole = fs.Content(kPath);
  Keep(fs, 3, 1);
  const Bytes longer = fs.Content(kPath);
  for (std::size_t size = whole.size() + 1; size < longer.size(); size += 97) {
    for (const bool has_zeros : {false, true}) {
      // Cut short, or as long as it was to be with zeros where sectors did not arrive.
      Bytes torn(longer.begin(), longer.begin() + static_cast<std::ptrdiff_t>(size));
      if (has_zeros) torn.resize(longer.size());
      fs.SetContent(kPath, torn);
      Keep(fs, 3, 1);
      ASSERT_EQ(fs.Content(kPath), longer) << size << has_zeros;
    }
  }
  Bytes headless = longer;
  std::fill_n(headless.begin() + static_cast<std::ptrdiff_t>(whole.size()), 512, std::uint8_t{0});
  fs.SetContent(kPath, headless);
  Keep(fs, 3, 1);
  EXPECT_EQ(fs.Content(kPath), longer);
}

TEST(TaskTranscript, ACrashLosesNothingThatWasKept) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    MemoryFileSystem fs;
    Keep(fs, 0, 4);
    fs.Crash(storage::CrashLoss::kRandomSectors, seed);
    Keep(fs, 4, 1);
    const auto read = ReadAll(fs);
    ASSERT_TRUE(read) << seed;
    EXPECT_EQ(*read, UpTo(5)) << seed;
  }
}

TEST(TaskTranscript, OtherDamageIsToldAndNothingIsCutOff) {
  MemoryFileSystem fs;
  Keep(fs, 0, 3);
  Bytes content = fs.Content(kPath);
  content[fs.Content(kPath).size() / 3 + 8] = 0x19;  // in a later item, or its head
  fs.SetContent(kPath, content);
  const auto read = ReadAll(fs);
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("item "), std::string::npos);
  content = fs.Content(kPath);
  content[0] = 0x83;  // the head of an array
  fs.SetContent(kPath, content);
  const auto opened = TaskTranscript::Open(fs, kPath);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorruption);
  EXPECT_EQ(fs.Content(kPath), content);
}

TEST(TaskTranscript, AFullDiskLeavesWhatWasThere) {
  MemoryFileSystem fs;
  Keep(fs, 0, 2);
  const Bytes before = fs.Content(kPath);
  fs.SetCapacity(before.size() + 100);
  const auto transcript = TaskTranscript::Open(fs, kPath);
  ASSERT_TRUE(transcript);
  const auto failed = (*transcript)->Append(Numbered(2));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(fs.Content(kPath), before);
  fs.SetCapacity(1 << 20);
  EXPECT_TRUE((*transcript)->Append(Numbered(2)));
  const auto read = ReadAll(fs);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, UpTo(3));
}

TEST(TaskExchange, RefusesWhatItWouldNotWrite) {
  const TaskExchange exchange = Numbered(1, 20);
  const Bytes encoded = exchange.Encode();
  const auto read = TaskExchange::Parse(encoded);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, exchange);
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    Bytes changed = encoded;
    changed[i] ^= 1;
    EXPECT_FALSE(TaskExchange::Parse(changed)) << i;
    EXPECT_FALSE(TaskExchange::Parse(ByteSpan(encoded).first(i))) << i;
  }
  TaskExchange strange = exchange;
  strange.status = 99;
  EXPECT_FALSE(TaskExchange::Parse(strange.Encode()));
  strange = exchange;
  strange.answer_signature.assign(kMaxSignatureBytes + 1, 'a');
  EXPECT_FALSE(TaskExchange::Parse(strange.Encode()));
}

}  // namespace
}  // namespace salus::aggregate
