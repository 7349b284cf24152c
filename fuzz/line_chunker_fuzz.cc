// A body that comes in pieces is cut into the lines that it has, each under its number, whatever
// the pieces are; chunks stay small. The first two bytes choose the pieces' size and how often the
// rest is repeated.
#include <algorithm>
#include <cstdint>
#include <string>

#include "api/line_chunker.h"
#include "base/check.h"
#include "fuzz_input.h"

namespace salus::api {
namespace {

constexpr std::size_t kMaxBody = 400 * 1024;
constexpr std::size_t kLineLimit = codec::FlatJsonParser::kMaxLineBytes + 1;

// What the lines must be, read from the whole body at once.
std::string Expected(std::string_view body) {
  std::string lines;
  while (!body.empty()) {
    const std::size_t feed = body.find('\n');
    lines += body.substr(0, std::min(feed, kLineLimit));
    if (feed == std::string_view::npos) break;
    lines += '\n';
    body.remove_prefix(feed + 1);
  }
  return lines;
}

class Cutter {
 public:
  void Take() {
    const LineChunker::Chunk chunk = chunker.Take();
    CHECK(chunk.first_line == next_line_ && chunk.lines > 0);
    CHECK(chunk.lines <= LineChunker::kMaxLines);
    CHECK(!is_over_);  // only the last line may lack its feed
    is_over_ = !chunk.text.ends_with('\n');
    const auto feeds = std::count(chunk.text.begin(), chunk.text.end(), '\n');
    CHECK(chunk.lines == static_cast<std::size_t>(feeds) + (is_over_ ? 1 : 0));
    next_line_ += chunk.lines;
    joined += chunk.text;
  }

  LineChunker chunker;
  std::string joined;

 private:
  std::size_t next_line_ = 1;
  bool is_over_ = false;
};

void CheckOne(ByteSpan data) {
  fuzz::Input input(data);
  const std::size_t piece = 1 + std::size_t{input.U8()} * 257;
  const std::size_t times = 1 + std::size_t{input.U8()} * 16;
  std::string body;
  for (std::size_t i = 0; i < times && body.size() + input.Rest().size() <= kMaxBody; ++i) {
    body += AsText(input.Rest());
  }
  Cutter cutter;
  for (std::size_t at = 0; at < body.size(); at += piece) {
    cutter.chunker.Feed(AsBytes(std::string_view(body).substr(at, piece)));
    while (cutter.chunker.is_ready()) cutter.Take();
  }
  while (!cutter.chunker.is_empty()) cutter.Take();
  CHECK(cutter.joined == Expected(body));
}

}  // namespace
}  // namespace salus::api

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::api::CheckOne({data, size});
  return 0;
}
