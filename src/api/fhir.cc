#include "api/handlers.h"
#include "api/service.h"

namespace salus::api {

// The conversion of FHIR's AuditEvent is not there yet; the route is, with its rights and its
// shape.
Result<Response> PostAuditEvent(const Call& call) {
  TRY_VOID(call.service.SourceOf(call.caller));
  return Unavailable("this server takes events as NDJSON only: POST /audit/v1/events");
}

}  // namespace salus::api
