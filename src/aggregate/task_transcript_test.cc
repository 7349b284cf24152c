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

TEST(TaskTranscript, MovesAsideWhatPowerKeptFromBeingWhole) {
  MemoryFileSystem fs;
  Keep(fs, 0, 3);
  const Bytes whole = fs.Content(kPath);
  Keep(fs, 3, 1);
  const Bytes longer = fs.Content(kPath);
  const std::string beside = std::string(kPath) + ".torn-" + std::to_string(whole.size());
  for (std::size_t size = whole.size() + 1; size < longer.size(); size += 97) {
    for (const bool has_zeros : {false, true}) {
      // Cut short, or as long as it was to be with zeros where sectors did not arrive.
      Bytes torn(longer.begin(), longer.begin() + static_cast<std::ptrdiff_t>(size));
      if (has_zeros) torn.resize(longer.size());
      fs.SetContent(kPath, torn);
      Keep(fs, 3, 1);
      ASSERT_EQ(fs.Content(kPath), longer) << size << has_zeros;
      torn.erase(torn.begin(), torn.begin() + static_cast<std::ptrdiff_t>(whole.size()));
      ASSERT_EQ(fs.Content(beside), torn) << size << has_zeros;
    }
  }
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

TEST(TaskTranscript, DamageIsToldAndNothingIsLost) {
  MemoryFileSystem fs;
  Keep(fs, 0, 1);
  const std::size_t first = fs.Content(kPath).size();
  Keep(fs, 1, 2);
  Bytes content = fs.Content(kPath);
  content[first + 100] ^= 1;
  fs.SetContent(kPath, content);
  const auto read = ReadAll(fs);
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("item 2"), std::string::npos);
  Keep(fs, 3, 1);
  const Bytes behind(content.begin() + static_cast<std::ptrdiff_t>(first), content.end());
  EXPECT_EQ(fs.Content(std::string(kPath) + ".torn-" + std::to_string(first)), behind);
  const auto after = ReadAll(fs);
  ASSERT_TRUE(after);
  EXPECT_EQ(*after, (std::vector<TaskExchange>{Numbered(0), Numbered(3)}));
}

TEST(TaskTranscript, AFileThatIsNoneIsNotTouched) {
  MemoryFileSystem fs;
  for (const std::string_view text : {"{\"party\": \"collector\"}", "Xsalus task transcript 1",
                                      "Wsalus task transcript 2", "notes", "X"}) {
    fs.SetContent(kPath, ToBytes(AsBytes(text)));
    const auto opened = TaskTranscript::Open(fs, kPath);
    ASSERT_FALSE(opened) << text;
    EXPECT_EQ(opened.error().code, ErrorCode::kAlreadyExists) << text;
    EXPECT_EQ(fs.Content(kPath), ToBytes(AsBytes(text)));
    EXPECT_FALSE(ReadAll(fs)) << text;
  }
  // Empty, or begun in part, it is one that power kept from being begun.
  for (const std::size_t zeros : {0u, 3u, 24u}) {
    fs.SetContent(kPath, Bytes(zeros));
    Keep(fs, 0, 1);
    const auto read = ReadAll(fs);
    ASSERT_TRUE(read) << zeros;
    EXPECT_EQ(*read, UpTo(1));
  }
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
