#include "audit/fhir_event.h"

#include <algorithm>

#include "api/handlers.h"
#include "api/pipeline.h"
#include "api/service.h"
#include "api/status.h"
#include "api/waiting.h"

namespace salus::api {

namespace {

constexpr char kFhirJson[] = "application/fhir+json";
constexpr std::size_t kMaxIssues = 100;

Result<audit::FhirEvents> Convert(ByteSpan body, const audit::SourceRow& source) {
  audit::FhirEvents events;
  TRY_VOID(events.Add(AsText(body), source.id));
  return events;
}

// An issue a resource that was refused; one for all that was logged.
Response AnswerFhir(Result<audit::RecordedBatch> batch) {
  if (!batch) return ErrorResponse(batch.error(), ErrorShape::kOutcome);
  std::vector<Issue> issues;
  std::size_t good = 0;
  std::optional<ErrorCode> worst;
  for (const audit::RecordedLine& line : batch->lines) {
    if (line.outcome) {
      ++good;
      continue;
    }
    const Error& error = line.outcome.error();
    if (!worst || error.code == ErrorCode::kConflict) worst = error.code;
    if (issues.size() == kMaxIssues) continue;
    issues.push_back({"error", IssueTypeOf(error.code),
                      "entry " + std::to_string(line.line) + ": " + error.message});
  }
  if (good > 0) {
    issues.insert(issues.begin(),
                  {"information", "informational", std::to_string(good) + " logged"});
  }
  const int status = good > 0 || !worst ? 201 : StatusOf(*worst);
  return {status, {{"Content-Type", kFhirJson}}, OutcomeJson(issues)};
}

}  // namespace

Result<Response> PostAuditEvent(const Call& call) {
  TRY(const audit::SourceRow source, call.service.SourceOf(call.caller));
  TRY(const audit::FhirEvents events, Convert(call.body, source));
  return AnswerFhir(Await([&](audit::Recorder::Done done) {
    call.service.node().recorder().RecordEvents(source, events.offered(), {}, std::move(done));
  }));
}

void StreamAuditEvent(std::shared_ptr<Attempt> attempt) {
  const Result<audit::SourceRow> source = attempt->service.SourceOf(attempt->caller);
  if (!source) return attempt->Refuse(source.error());
  Bytes collected;
  if (!attempt->exchange->body_is_whole()) {
    Result<Bytes> all = attempt->exchange->ReadWholeBody(attempt->endpoint.body_limit_bytes);
    if (!all) return attempt->RefuseRead(all.error());
    collected = *std::move(all);
  }
  const bool is_whole = attempt->exchange->body_is_whole();
  const Result<audit::FhirEvents> events =
      Convert(is_whole ? attempt->exchange->body() : ByteSpan(collected), *source);
  if (!events) return attempt->Refuse(events.error());
  attempt->service.node().recorder().RecordEvents(*source, events->offered(), {},
                                                  [attempt](Result<audit::RecordedBatch> batch) {
                                                    attempt->Respond(AnswerFhir(std::move(batch)));
                                                  });
}

}  // namespace salus::api
