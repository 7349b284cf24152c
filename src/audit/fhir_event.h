// FHIR AuditEvents as events of the log, and events of the log as AuditEvents.
//
// Source: docs/formats/fhir-audit-event.md.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/event.h"
#include "audit/recorder.h"
#include "base/result.h"
#include "crypto/sha256.h"
#include "fhir/received.h"

namespace salus::audit {

// FhirEvents is what one body became, ready for Recorder::RecordEvents.
//
// Ownership: owns all the text that its events view; it may be moved.
class FhirEvents {
 public:
  FhirEvents();
  ~FhirEvents();
  FhirEvents(FhirEvents&&) noexcept;
  FhirEvents& operator=(FhirEvents&&) noexcept;

  // Add converts a body: one AuditEvent, or a Bundle of them. source is whose it is: the ids depend
  // on it. The events' lines are `line` for a resource alone, and the numbers of the entries,
  // counted from 1, for a Bundle.
  //
  // A resource that cannot be an event is offered as its error, with the path; what was cut (a
  // user's name over 128 bytes, say) stands whole in `original`. Whatever FHIR leaves out is filled
  // in: a repository must not refuse an event for what it does not say.
  //
  // Errors: InvalidArgument when the body is no JSON, or neither resource.
  Result<void> Add(std::string_view body, std::string_view source, std::size_t line = 1);
  // AddLines converts NDJSON of resources, one a line; a line that fails is offered as its error.
  void AddLines(std::string_view lines, std::string_view source);

  std::span<const OfferedEvent> offered() const { return offered_; }

 private:
  struct Text;
  Result<void> AddPatients(std::size_t line, const fhir::ReceivedEvent& received,
                           std::string_view source);

  std::vector<OfferedEvent> offered_;
  std::vector<std::unique_ptr<const Text>> texts_;
};

// FhirEventId is the id that the log gives a resource: a version 5 UUID (RFC 9562) in the namespace
// 1f1bea17-b173-425a-8372-0fa1511ebb42 over source, 00, resource id.
codec::Uuid FhirEventId(std::string_view source, std::string_view resource_id);
// FhirEventIdOfContent is the same for a resource without an id: over source, 01, and the SHA-256
// of its canonical JSON (RFC 8785).
codec::Uuid FhirEventIdOfContent(std::string_view source, const crypto::Hash32& content);

// EventToFhir writes an event as a FHIR AuditEvent: the resource that it came as, byte for byte,
// where there is one, else the BALP profile of its action.
std::string EventToFhir(const Event& event);

// FhirBundle wraps resources, byte for byte, in a Bundle of the type collection.
std::string FhirBundle(std::span<const std::string> resources);

}  // namespace salus::audit
