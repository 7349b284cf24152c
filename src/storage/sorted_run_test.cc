#include "storage/sorted_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include "base/random.h"

#include "codec/hex.h"
#include "storage/fault_file_system.h"
#include "storage/memory_file_system.h"

namespace salus::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::uint64_t> Find(const SortedRun& run, std::uint64_t key) {
  std::vector<std::uint64_t> values;
  EXPECT_TRUE(run.Find(key, values));
  return values;
}

TEST(SortedRunTest, FindsAllValuesOfAKey) {
  for (const std::uint64_t key_space : {3ull, 500ull, ~0ull}) {
    for (const std::size_t count : {0u, 1u, 315u, 316u, 5000u}) {
      SeededRandom random(count);
      MemoryFileSystem fs;
      std::vector<SortedRunEntry> entries;
      std::multimap<std::uint64_t, std::uint64_t> reference;
      for (std::size_t i = 0; i < count; ++i) {
        const SortedRunEntry entry{random.Next() % key_space, random.Next() & SortedRun::kMaxValue};
        entries.push_back(entry);
        reference.emplace(entry.key, entry.value);
      }
      ASSERT_TRUE(SortedRun::Write(fs, "r", entries, {10, 20}));
      const SortedRun run = SortedRun::Open(fs, "r").value();
      EXPECT_EQ(run.entry_count(), count);
      EXPECT_EQ(run.range().first, 10u);
      EXPECT_EQ(run.range().end, 20u);
      for (std::size_t i = 0; i < count + 10; ++i) {
        const std::uint64_t key = i < count ? entries[i].key : random.Next() % key_space;
        std::vector<std::uint64_t> expected;
        const auto [begin, end] = reference.equal_range(key);
        for (auto it = begin; it != end; ++it) expected.push_back(it->second);
        std::sort(expected.begin(), expected.end());
        ASSERT_EQ(Find(run, key), expected);
        if (expected.size() > 1000) i += 500;
      }
      EXPECT_TRUE(Find(run, 0).size() == reference.count(0));
      EXPECT_TRUE(Find(run, ~0ull).size() == reference.count(~0ull));
    }
  }
}

// The hashes that docs/formats/runs.md shows, computed by another program.
TEST(SortedRunTest, WritesTheDocumentedBytes) {
  MemoryFileSystem fs;
  ASSERT_TRUE(SortedRun::Write(
      fs, "r", {{0xF0E0D0C0B0A09080, 0x0100000002}, {0x1122334455667788, 5}}, {0, 10}));
  const Bytes content = fs.Content("r");
  EXPECT_EQ(content.size(), 2 * kPageBytes + 40);
  EXPECT_EQ(codec::HexEncode(ByteSpan(content).subspan(120, 32)),
            "a87163008ce96187fe965e84835825df2f26df2cf437aec29f9faecc165e0a09");
}

TEST(SortedRunTest, MergesAdjacentRunsInOrder) {
  SeededRandom random(1);
  MemoryFileSystem fs;
  std::vector<SortedRunEntry> all;
  std::vector<SortedRun> runs;
  for (std::uint64_t i = 0; i < 5; ++i) {
    std::vector<SortedRunEntry> entries;
    for (std::size_t k = 0; k < i * 400; ++k) entries.push_back({random.Next() % 1000, i * 10});
    all.insert(all.end(), entries.begin(), entries.end());
    const std::string name = "r" + std::to_string(i);
    ASSERT_TRUE(SortedRun::Write(fs, name, entries, {i * 10, i * 10 + 10}));
    runs.push_back(SortedRun::Open(fs, name).value());
  }
  std::vector<const SortedRun*> pointers;
  for (const SortedRun& run : runs) pointers.push_back(&run);
  ASSERT_TRUE(SortedRun::Merge(fs, pointers, "m"));
  const SortedRun merged = SortedRun::Open(fs, "m").value();
  std::sort(all.begin(), all.end());
  EXPECT_EQ(merged.entry_count(), all.size());
  EXPECT_EQ(merged.range().first, 0u);
  EXPECT_EQ(merged.range().end, 50u);
  SortedRun::Cursor cursor(merged);
  SortedRunEntry entry;
  for (const SortedRunEntry& expected : all) {
    ASSERT_TRUE(cursor.Next(entry).value());
    ASSERT_EQ(entry, expected);
  }
  EXPECT_FALSE(cursor.Next(entry).value());
  std::swap(pointers[0], pointers[1]);
  EXPECT_EQ(SortedRun::Merge(fs, pointers, "x").error().code, ErrorCode::kInvalidArgument);
}

TEST(SortedRunTest, RefusesAValueThatDoesNotFit) {
  MemoryFileSystem fs;
  EXPECT_EQ(SortedRun::Write(fs, "r", {{1, SortedRun::kMaxValue + 1}}, {}).error().code,
            ErrorCode::kInvalidArgument);
  ASSERT_TRUE(SortedRun::Write(fs, "r", {{1, SortedRun::kMaxValue}}, {}));
  EXPECT_THAT(Find(SortedRun::Open(fs, "r").value(), 1), ElementsAre(SortedRun::kMaxValue));
}

TEST(SortedRunTest, EveryFlippedByteAndTruncationIsDetected) {
  MemoryFileSystem fs;
  std::vector<SortedRunEntry> entries;
  for (std::uint64_t i = 0; i < 400; ++i) entries.push_back({i * 1000, i});
  ASSERT_TRUE(SortedRun::Write(fs, "r", entries, {0, 400}));
  const Bytes good = fs.Content("r");
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= 0x04;
    fs.SetContent("r", bad);
    const auto run = SortedRun::Open(fs, "r");
    if (!run) {
      ASSERT_EQ(run.error().code, ErrorCode::kCorruption);
      continue;
    }
    bool detected = false;
    for (const std::uint64_t n : {0ull, 399ull}) {
      std::vector<std::uint64_t> values;
      if (!run->Find(n * 1000, values)) {
        detected = true;
      } else {
        ASSERT_THAT(values, ElementsAre(n));
      }
    }
    // Only the padding of the header page is used by nobody.
    if (!detected) {
      ASSERT_TRUE(i >= 152 && i < kPageBytes) << i;
    }
  }
  for (std::size_t size = 0; size < good.size(); size += 13) {
    fs.SetContent("r", Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)));
    ASSERT_EQ(SortedRun::Open(fs, "r").error().code, ErrorCode::kCorruption);
  }
}

TEST(SortedRunTest, AKillLeavesTheOldFileOrTheNewOne) {
  for (std::uint64_t call = 1;; ++call) {
    MemoryFileSystem memory;
    FaultFileSystem fs(memory);
    ASSERT_TRUE(SortedRun::Write(fs, "r", {{1, 1}}, {}));
    fs.Inject({.operation = {}, .at_call = call, .kind = FaultKind::kKillDuring});
    const auto written = SortedRun::Write(fs, "r", {{1, 2}}, {});
    if (!fs.fired()) {
      ASSERT_TRUE(written);
      break;
    }
    memory.Crash(CrashLoss::kRandomSectors, call);
    const auto run = SortedRun::Open(memory, "r");
    ASSERT_TRUE(run) << run.error().message;
    const auto values = Find(*run, 1);
    ASSERT_EQ(values.size(), 1u);
    // A left-over temporary file is no obstacle.
    ASSERT_TRUE(SortedRun::Write(memory, "r", {{1, 3}}, {}));
    EXPECT_THAT(Find(SortedRun::Open(memory, "r").value(), 1), ElementsAre(3));
  }
}

TEST(SortedRunTest, AFailedWriteLeavesNoTemporaryFile) {
  MemoryFileSystem fs;
  fs.SetCapacity(6000);
  const std::vector<SortedRunEntry> entries(1000, {1, 1});
  EXPECT_EQ(SortedRun::Write(fs, "r", entries, {}).error().code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(fs.List(".").value(), IsEmpty());
}

}  // namespace
}  // namespace salus::storage
