// AuditEvents with the very bytes that they came as.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "fhir/audit_event.h"

namespace salus::fhir {

// ReceivedEvent is one AuditEvent of a body.
//
// Ownership: text is a view of the body.
struct ReceivedEvent {
  std::size_t number = 1;  // of its entry in a Bundle, counted from 1; 1 for a resource alone
  std::string_view text;   // the resource as it came; empty where the entry has none
  Result<AuditEvent> event;
};

// ReadAuditEvents reads a body: one AuditEvent, or a Bundle of them, as ParseAuditEvents.
//
// Errors: InvalidArgument when the body is no JSON, or neither of them.
Result<std::vector<ReceivedEvent>> ReadAuditEvents(std::string_view body);

// OneForPatient is a resource that names several patients, without the entities that name the
// others, and without the narrative and the contained resources, which might. The other bytes stay
// as they are. It is what the source would have sent had it reported each patient alone, as BALP
// asks for.
//
// Shape:  text is the resource that event was read from; patient is a place in event.patients.
std::string OneForPatient(std::string_view text, const AuditEvent& event, std::size_t patient);

}  // namespace salus::fhir
