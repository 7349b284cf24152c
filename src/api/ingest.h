// Ingest takes event lines in and answers them, line by line, as they become durable.
//
// Source: protocol.md P5.1; docs/formats/http-api.md.
#pragma once

#include <memory>

#include "api/endpoint.h"
#include "api/pipeline.h"
#include "audit/recorder.h"
#include "base/result.h"

namespace salus::api {

inline constexpr char kNdjson[] = "application/x-ndjson";
inline constexpr char kFhirNdjson[] = "application/fhir+ndjson";
inline constexpr std::size_t kMaxAtomicBytes = 4 * 1024 * 1024;

// BodyForm is what a body of events is written as.
enum class BodyForm {
  kLines,      // our NDJSON
  kFhirLines,  // one AuditEvent or Bundle a line
  kFhir,       // one AuditEvent or Bundle
};

// ReadFlag is a parameter that is true or false. Errors: InvalidArgument.
Result<bool> ReadFlag(const http::Query& query, std::string_view name, bool otherwise);

// RecordFhir converts a body and records its events; body is not needed after it returns.
//
// Errors inside done: InvalidArgument when the body as a whole is no FHIR; else as RecordEvents.
void RecordFhir(Service& service, const audit::SourceRow& source, std::string_view body,
                BodyForm form, const audit::RecordOptions& options, audit::Recorder::Done done);

// StreamEvents answers POST /audit/v1/events. A body that is there whole needs no thread while its
// events become durable; a longer one is read in chunks, of which two are under way at most.
void StreamEvents(std::shared_ptr<Attempt> attempt);

// EventsNeverBlock says whether StreamEvents may run on a loop: a few events of patients whose keys
// are at hand.
bool EventsNeverBlock(Service& service, const http::Request& request, ByteSpan body);

// AnswerEvents does the same with a whole body, and waits: for the file exchange.
Result<http::Response> AnswerEvents(const Call& call);

}  // namespace salus::api
