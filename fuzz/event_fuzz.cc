// Events: what a source sends comes back as it was sent, and a plaintext that decodes is the only
// one of its event.
#include "audit/event.h"
#include "base/check.h"
#include "codec/flat_json.h"

namespace salus::audit {
namespace {

// Some moment after all times that an event may have.
constexpr std::int64_t kNowMs = 4'000'000'000'000;

void CheckLine(std::string_view line) {
  thread_local codec::FlatJsonParser parser;
  const auto members = parser.Parse(line);
  if (!members) return;
  const Result<Event> event = ReadEventMembers(*members, FromUnixMillis(kNowMs));
  if (!event) return;
  Bytes plaintext;
  const EncodedEvent encoded = EncodeEvent(*event, plaintext);
  CHECK(plaintext.size() % 256 == 0 && encoded.content_size < plaintext.size());
  const Result<Event> decoded = DecodeEvent(plaintext);
  CHECK(decoded.has_value());
  CHECK(EventToJson(*decoded) == EventToJson(*event));
}

void CheckPlaintext(ByteSpan plaintext) {
  const Result<Event> event = DecodeEvent(plaintext);
  if (!event) return;
  Bytes again;
  EncodeEvent(*event, again);
  CHECK(Equal(again, plaintext));
}

}  // namespace
}  // namespace salus::audit

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const salus::ByteSpan bytes(data, size);
  salus::audit::CheckLine(salus::AsText(bytes));
  salus::audit::CheckPlaintext(bytes);
  return 0;
}
