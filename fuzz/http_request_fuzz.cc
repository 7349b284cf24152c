// Arbitrary bytes as an HTTP/1.1 connection: however they are cut into pieces, the reader must see
// the same requests, bodies and refusals.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/random.h"
#include "http/request_parser.h"

namespace {

using salus::ByteSpan;
using salus::http::RequestReader;

// Limits that small inputs can reach.
constexpr salus::http::HeadLimits kLimits{512, 8, 128};

// Transcript is what a reader makes of the bytes. piece_bytes gives the size of the next piece.
template <typename PieceBytes>
std::string Transcript(ByteSpan bytes, PieceBytes piece_bytes) {
  RequestReader reader(kLimits);
  std::string out;
  while (true) {
    const ByteSpan piece = bytes.first(std::min<std::size_t>(bytes.size(), piece_bytes()));
    bytes = bytes.subspan(piece.size());
    ByteSpan input = piece;
    while (true) {
      const RequestReader::Step step = reader.Next(input);
      CHECK(step.consumed <= input.size());
      input = input.subspan(step.consumed);
      if (step.event == RequestReader::Event::kNeedMore) {
        CHECK(input.empty());
        break;
      }
      if (step.event == RequestReader::Event::kBody) {
        CHECK(!step.body.empty());
        out += salus::AsText(step.body);
        continue;
      }
      if (step.event == RequestReader::Event::kRefused) {
        CHECK(step.refusal.status >= 400);
        return out + "!" + std::to_string(step.refusal.status);
      }
      if (step.event == RequestReader::Event::kEnd) {
        out += "<end>";
        continue;
      }
      const std::string head = reader.TakeHead();
      CHECK(head.size() <= kLimits.header_bytes && head.ends_with("\r\n\r\n"));
      salus::http::Request request;
      salus::http::Framing framing;
      if (auto refusal = ParseHead(head, kLimits, request, framing)) {
        return out + "!" + std::to_string(refusal->status);
      }
      // What is accepted has one framing only, and its views lie within the head.
      CHECK(framing.chunked != framing.content_length.has_value());
      CHECK(request.fields.size() <= kLimits.header_count);
      for (const auto& [name, value] : request.fields) {
        CHECK(salus::http::IsValidField(name, value));
        CHECK(name.data() >= head.data() && value.data() <= head.data() + head.size());
      }
      CHECK(request.target.size() <= kLimits.target_bytes);
      CHECK(request.path.size() <= request.target.size());
      out += "<" + std::string(request.target) + ">";
      reader.StartBody(framing);
    }
    if (bytes.empty()) return out + (reader.in_head() ? "<part>" : "");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteSpan bytes(data, size);
  const std::string whole = Transcript(bytes, [&] { return size; });
  CHECK(Transcript(bytes, [] { return std::size_t{1}; }) == whole);
  salus::SeededRandom random(size == 0 ? 0 : data[0] * 31u + size);
  CHECK(Transcript(bytes, [&] { return std::size_t{1} + random.Below(20); }) == whole);
  return 0;
}
