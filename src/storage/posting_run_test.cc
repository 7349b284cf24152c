#include "storage/posting_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include "base/random.h"

#include "codec/hex.h"
#include "storage/memory_file_system.h"

namespace salus::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Reference = std::map<std::uint32_t, std::set<std::uint64_t>>;

std::vector<std::uint64_t> Find(const PostingRun& run, std::uint32_t subject) {
  std::vector<std::uint64_t> records;
  EXPECT_TRUE(run.Find(subject, records));
  EXPECT_EQ(run.Count(subject).value(), records.size());
  return records;
}

std::vector<Posting> RandomPostings(SeededRandom& random, std::size_t count, std::uint32_t subjects,
                                    RecordRange range, Reference& reference) {
  std::vector<Posting> postings;
  for (std::size_t i = 0; i < count; ++i) {
    // A few subjects own most of the postings.
    const auto subject = static_cast<std::uint32_t>(random.Next() % (random.Next() % subjects + 1));
    const std::uint64_t record = range.first + random.Next() % (range.end - range.first);
    postings.push_back({subject, record});
    reference[subject].insert(record);
  }
  return postings;
}

void ExpectSame(const PostingRun& run, const Reference& reference, std::uint32_t subjects) {
  std::uint64_t postings = 0;
  for (const auto& [subject, records] : reference) postings += records.size();
  EXPECT_EQ(run.subject_count(), reference.size());
  EXPECT_EQ(run.posting_count(), postings);
  for (std::uint32_t subject = 0; subject < subjects + 3; ++subject) {
    const auto it = reference.find(subject);
    const std::vector<std::uint64_t> expected =
        it == reference.end() ? std::vector<std::uint64_t>()
                              : std::vector<std::uint64_t>(it->second.begin(), it->second.end());
    ASSERT_EQ(Find(run, subject), expected) << subject;
  }
  EXPECT_THAT(Find(run, ~std::uint32_t{0}), IsEmpty());
}

TEST(PostingRunTest, FindsTheRecordsOfASubject) {
  for (const std::size_t count : {0u, 1u, 1023u, 1025u, 20000u}) {
    for (const std::uint32_t subjects : {1u, 256u, 257u, 3000u}) {
      SeededRandom random(count + subjects);
      Reference reference;
      MemoryFileSystem fs;
      const RecordRange range{1u << 20, (1u << 20) + 30000};
      const auto postings = RandomPostings(random, count, subjects, range, reference);
      ASSERT_TRUE(PostingRun::Write(fs, "p", postings, range));
      const PostingRun run = PostingRun::Open(fs, "p").value();
      EXPECT_EQ(run.range().first, range.first);
      EXPECT_EQ(run.range().end, range.end);
      ExpectSame(run, reference, subjects);
    }
  }
}

// The hash that follows from docs/formats/runs.md, computed by another program.
TEST(PostingRunTest, WritesTheDocumentedBytes) {
  MemoryFileSystem fs;
  const std::vector<Posting> postings = {{9, 103}, {7, 105}, {7, 100}};
  ASSERT_TRUE(PostingRun::Write(fs, "p", postings, {100, 110}));
  EXPECT_EQ(codec::HexEncode(ByteSpan(fs.Content("p")).subspan(120, 32)),
            "18d56dcb931d706c68aab04416f1607a9224319be29f760a1267c36779647814");
}

TEST(PostingRunTest, MergesAdjacentRuns) {
  SeededRandom random(7);
  MemoryFileSystem fs;
  Reference reference;
  std::vector<PostingRun> runs;
  for (std::uint64_t i = 0; i < 4; ++i) {
    const RecordRange range{100 + i * 5000, 100 + (i + 1) * 5000};
    const auto postings = RandomPostings(random, i * 3000, 900, range, reference);
    const std::string name = "p" + std::to_string(i);
    ASSERT_TRUE(PostingRun::Write(fs, name, postings, range));
    runs.push_back(PostingRun::Open(fs, name).value());
  }
  std::vector<const PostingRun*> pointers;
  for (const PostingRun& run : runs) pointers.push_back(&run);
  ASSERT_TRUE(PostingRun::Merge(fs, pointers, "m"));
  const PostingRun merged = PostingRun::Open(fs, "m").value();
  EXPECT_EQ(merged.range().first, 100u);
  EXPECT_EQ(merged.range().end, 20100u);
  ExpectSame(merged, reference, 900);
  std::swap(pointers[0], pointers[2]);
  EXPECT_EQ(PostingRun::Merge(fs, pointers, "x").error().code, ErrorCode::kInvalidArgument);
}

TEST(PostingRunTest, RefusesWhatDoesNotFitItsRange) {
  MemoryFileSystem fs;
  const auto write = [&](std::uint64_t record, RecordRange range) {
    return PostingRun::Write(fs, "p", std::vector<Posting>{{1, record}}, range);
  };
  EXPECT_EQ(write(9, {10, 20}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(write(20, {10, 20}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(write(0, {0, 1ull << 32}).error().code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(write((1ull << 40) + 5, {1ull << 40, (1ull << 40) + 6}));
  EXPECT_THAT(Find(PostingRun::Open(fs, "p").value(), 1), ElementsAre((1ull << 40) + 5));
}

TEST(PostingRunTest, EveryFlippedByteIsDetectedOrUnused) {
  MemoryFileSystem fs;
  std::vector<Posting> postings;
  for (std::uint32_t i = 0; i < 900; ++i) postings.push_back({i % 300, i});
  ASSERT_TRUE(PostingRun::Write(fs, "p", postings, {0, 900}));
  const Bytes good = fs.Content("p");
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= 0x40;
    fs.SetContent("p", bad);
    const auto run = PostingRun::Open(fs, "p");
    if (!run) continue;
    bool detected = false;
    for (const std::uint32_t subject : {0u, 299u}) {
      std::vector<std::uint64_t> records;
      if (!run->Find(subject, records)) {
        detected = true;
      } else {
        ASSERT_THAT(records, ElementsAre(subject, subject + 300, subject + 600));
      }
    }
    if (!detected) {
      ASSERT_TRUE(i >= 152 && i < kPageBytes) << i;
    }
  }
}

}  // namespace
}  // namespace salus::storage
