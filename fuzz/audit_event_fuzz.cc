// An AuditEvent that is taken is written and read back as the same event; every access in it is
// written as BALP and gives the same patient, user, action and time.
#include <cstdint>

#include "base/check.h"
#include "fhir/balp.h"

namespace salus::fhir {
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto json = codec::ParseJson({reinterpret_cast<const char*>(data), size});
  if (!json) return 0;
  const auto events = ParseAuditEvents(*json);
  if (!events) return 0;
  for (const Result<AuditEvent>& event : *events) {
    if (!event) continue;
    CHECK(ParseAuditEvent(WriteAuditEvent(*event)).value() == *event);
    const auto accesses = AccessesOf(*event);
    if (!accesses) continue;
    for (const Access& access : *accesses) {
      const AuditEvent balp = ParseAuditEvent(WriteAuditEvent(BalpEvent(access))).value();
      const auto back = AccessesOf(balp).value();
      CHECK(!back.empty());
      CHECK(back[0].patient == access.patient);
      CHECK(back[0].user == access.user);
      CHECK(back[0].action == access.action);
      CHECK(back[0].time == access.time);
      CHECK(back[0].outcome == access.outcome);
    }
  }
  return 0;
}

}  // namespace salus::fhir
