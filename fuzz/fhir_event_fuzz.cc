// What becomes an event passes the same limits as NDJSON or is refused by name; it comes back from
// the plaintext of an entry with the resource as it came, byte for byte, out of a Bundle too.
#include <cstdint>

#include "audit/fhir_event.h"
#include "base/check.h"

namespace salus::audit {
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  FhirEvents lines;
  lines.AddLines(body, "source");
  FhirEvents events;
  if (!events.Add(body, "source")) return 0;
  for (const OfferedEvent& offered : events.offered()) {
    if (!offered.event || !CheckEvent(*offered.event, offered.event->time)) continue;
    Bytes plaintext;
    EncodeEvent(*offered.event, plaintext);
    const Event event = DecodeEvent(plaintext).value();
    CHECK(SubjectOf(event) == SubjectOf(*offered.event));
    const std::string given_back = EventToFhir(event);
    CHECK(given_back == offered.event->original);
    // Wrapped and taken again it is the same event.
    FhirEvents again;
    CHECK(again.Add(FhirBundle({&given_back, 1}), "source"));
    const Result<Event>& same = again.offered()[0].event;
    CHECK(same && same->original == event.original && SubjectOf(*same) == SubjectOf(event));
  }
  return 0;
}

}  // namespace salus::audit
