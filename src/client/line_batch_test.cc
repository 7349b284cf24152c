#include "client/line_batch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace salus::client {
namespace {

// An input that gives as much at a time as it is told.
EventInput TextInput(std::string text, std::size_t at_a_time) {
  EventInput input;
  input.read = [=, at = std::size_t{0}](MutableByteSpan buffer) mutable -> Result<std::size_t> {
    const std::size_t n = std::min({buffer.size(), text.size() - at, at_a_time});
    std::copy_n(text.begin() + static_cast<std::ptrdiff_t>(at), n, buffer.begin());
    at += n;
    return n;
  };
  return input;
}

TEST(LineBatchReaderTest, CutsTheSameBatchesAndBoundsALine) {
  const std::string text =
      "a\r\nb\n\n" + std::string(300'000, 'x') + "\nc\n" + std::string(70'000, 'y');
  std::vector<std::string> first;
  for (const std::size_t at_a_time : {text.size(), std::size_t{65'000}, std::size_t{7}}) {
    LineBatchReader reader(TextInput(text, at_a_time), {.lines = 2, .bytes = 1 << 20});
    std::vector<std::string> batches;
    std::uint64_t lines = 0;
    while (true) {
      const auto batch = reader.Next().value();
      if (!batch) break;
      EXPECT_EQ(batch->first_line, lines + 1);
      lines += batch->lines;
      batches.push_back(batch->text);
    }
    EXPECT_EQ(lines, 6u);
    if (first.empty()) first = batches;
    EXPECT_EQ(batches, first);
  }
  ASSERT_EQ(first.size(), 3u);
  EXPECT_EQ(first[0], "a\r\nb\n");
  EXPECT_EQ(first[1], "\n" + std::string(BatchLimits::kKeptLineBytes, 'x') + "\n");
  EXPECT_EQ(first[2], "c\n" + std::string(BatchLimits::kKeptLineBytes, 'y') + "\n");
}

TEST(LineBatchReaderTest, SendsWhatAPipeHoldsBeforeItWaits) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  LineBatchReader reader(FileInput(ends[0]), {.lines = 100, .bytes = 1 << 20});
  ASSERT_EQ(::write(ends[1], "a\nb\nhalf", 8), 8);
  auto batch = reader.Next().value();
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->text, "a\nb\n");
  EXPECT_FALSE(reader.IsReady());
  ASSERT_EQ(::write(ends[1], "way\n", 4), 4);
  EXPECT_TRUE(reader.IsReady());
  ::close(ends[1]);
  batch = reader.Next().value();
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->text, "halfway\n");
  EXPECT_EQ(batch->first_line, 3u);
  EXPECT_FALSE(reader.Next().value().has_value());
  ::close(ends[0]);
}

TEST(LineBatchReaderTest, EndsBehindTheLineThatReachesALimit) {
  LineBatchReader reader(TextInput("aa\nbbbb\nc\n\nd", 100), {.bytes = 5});
  EXPECT_EQ(reader.Next().value()->text, "aa\nbbbb\n");
  EXPECT_EQ(reader.Next().value()->text, "c\n\nd\n");
  EXPECT_FALSE(reader.Next().value().has_value());
  LineBatchReader all(TextInput("aa\nb\n", 1), {});
  EXPECT_EQ(all.Next().value()->text, "aa\nb\n");
  LineBatchReader none(TextInput("", 1), {});
  EXPECT_FALSE(none.Next().value().has_value());
}

TEST(LineBatchReaderTest, TellsWhatTheInputCouldNot) {
  EventInput input;
  input.read = [](MutableByteSpan) -> Result<std::size_t> { return Unavailable("gone"); };
  EXPECT_EQ(LineBatchReader(input, {}).Next().error().code, ErrorCode::kUnavailable);
  input.read = [](MutableByteSpan buffer) -> Result<std::size_t> { return buffer.size() + 1; };
  EXPECT_EQ(LineBatchReader(input, {}).Next().error().code, ErrorCode::kInternal);
}

}  // namespace
}  // namespace salus::client
