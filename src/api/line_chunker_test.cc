#include "api/line_chunker.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace salus::api {
namespace {

std::vector<LineChunker::Chunk> CutAll(std::string_view body, std::size_t piece) {
  LineChunker chunker;
  std::vector<LineChunker::Chunk> chunks;
  for (std::size_t at = 0; at < body.size(); at += piece) {
    chunker.Feed(AsBytes(body.substr(at, piece)));
    while (chunker.is_ready()) chunks.push_back(chunker.Take());
  }
  while (!chunker.is_empty()) chunks.push_back(chunker.Take());
  return chunks;
}

TEST(LineChunker, EveryCutGivesTheSameLinesUnderTheSameNumbers) {
  SeededRandom random(7);
  for (int round = 0; round < 40; ++round) {
    std::string body;
    const std::uint64_t lines = random.Below(4'000);
    for (std::uint64_t i = 0; i < lines; ++i) {
      body += std::string(random.Below(i % 50 == 0 ? 40'000 : 60), 'x') + "\n";
    }
    if (round % 2 == 0) body += "the last line";
    std::string joined;
    std::size_t next = 1;
    for (const LineChunker::Chunk& chunk : CutAll(body, 1 + random.Below(70'000))) {
      EXPECT_EQ(chunk.first_line, next);
      EXPECT_LE(chunk.lines, LineChunker::kMaxLines);
      EXPECT_LE(chunk.text.size(), LineChunker::kTargetBytes + 70'000 + 65'537);
      next += chunk.lines;
      joined += chunk.text;
    }
    EXPECT_EQ(joined, body);
    EXPECT_EQ(next, lines + 1 + (round % 2 == 0 ? 1 : 0));
  }
}

TEST(LineChunker, ALineThatIsTooLongKeepsItsNumberAndNotItsBytes) {
  std::string body = "a\n" + std::string(10'000'000, 'y') + "\nb\n";
  std::string joined;
  for (const LineChunker::Chunk& chunk : CutAll(body, 64 * 1024)) joined += chunk.text;
  const std::size_t cut = codec::FlatJsonParser::kMaxLineBytes + 1;
  EXPECT_EQ(joined, "a\n" + std::string(cut, 'y') + "\nb\n");
}

}  // namespace
}  // namespace salus::api
