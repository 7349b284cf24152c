// Rosters: what parses is the canonical text of what it says, and every value of its range can be
// measured.
#include "aggregate/peer_roster.h"
#include "base/check.h"

namespace salus::aggregate {
namespace {

void CheckOne(std::string_view text) {
  const auto roster = PeerRoster::Parse(text);
  if (!roster) return;
  CHECK(roster->ToJson() == text);
  const auto again = PeerRoster::Create(roster->fields());
  CHECK(again.has_value() && again->ToJson() == text);
  for (PeerId id = 0; id < roster->size(); ++id) {
    CHECK(roster->Find(roster->parties()[id].fingerprint) == id);
  }
  const PeerRosterFields& fields = roster->fields();
  for (const std::int64_t value : {fields.minimum, fields.maximum}) {
    CHECK(roster->Measure(std::vector<std::int64_t>(roster->values(), value)).has_value());
  }
  CHECK(!roster->Measure(std::vector<std::int64_t>(roster->values(), fields.maximum + 1)));
}

}  // namespace
}  // namespace salus::aggregate

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  salus::aggregate::CheckOne(salus::AsText({data, size}));
  return 0;
}
