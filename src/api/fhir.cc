#include "audit/fhir_event.h"

#include "api/handlers.h"
#include "api/ingest.h"
#include "api/pipeline.h"
#include "api/service.h"
#include "api/status.h"
#include "api/waiting.h"
#include "codec/base64.h"
#include "codec/json_slice.h"

namespace salus::api {

namespace {

constexpr char kFhirJson[] = "application/fhir+json";
constexpr std::size_t kMaxIssues = 10'000;

// One issue an event, in the order of the body.
Issue IssueOf(const audit::RecordedLine& line, bool is_bundle) {
  Issue issue;
  if (line.outcome) {
    const bool is_repeat = line.outcome->kind == tlog::OutcomeKind::kRepeat;
    issue.severity = "information";
    issue.type = is_repeat ? "duplicate" : "informational";
    issue.diagnostics = std::string(is_repeat ? "repeat" : "logged") + ": id " +
                        std::string(line.event_id) + ", entry " +
                        std::to_string(line.outcome->index.value) + ", leaf " +
                        codec::Base64UrlEncode(line.outcome->leaf_hash.span());
  } else {
    issue.severity = "error";
    issue.type = IssueTypeOf(line.outcome.error().code);
    issue.diagnostics = ErrorDetail(line.outcome.error());
  }
  if (is_bundle) {
    issue.expression = "Bundle.entry[" + std::to_string(line.line - 1) + "].resource";
  }
  return issue;
}

// 201 when every event is in the log, the error's status when none is, 200 when some are: the
// issues say which.
int StatusOfBatch(const audit::RecordedBatch& batch) {
  std::size_t refused = 0;
  int status = 201;
  for (const audit::RecordedLine& line : batch.lines) {
    if (line.outcome) continue;
    ++refused;
    // Of an atomic request's lines the bad one counts, not those that it took with it.
    const ErrorCode code = line.outcome.error().code;
    if (status == 201 || code != ErrorCode::kFailedPrecondition) status = StatusOf(code);
  }
  return refused > 0 && refused < batch.lines.size() ? 200 : status;
}

bool IsBundle(std::string_view body) {
  for (const codec::JsonMemberSlice& member : codec::JsonMembers(body)) {
    if (member.name == "resourceType") return member.value == "\"Bundle\"";
  }
  return false;
}

Response AnswerFhir(const Result<audit::RecordedBatch>& batch, bool is_bundle) {
  if (!batch) return ErrorResponse(batch.error(), ErrorShape::kOutcome);
  if (batch->lines.empty()) {
    return ErrorResponse(InvalidArgument("entry: the Bundle holds no AuditEvent"),
                         ErrorShape::kOutcome);
  }
  std::vector<Issue> issues;
  for (const audit::RecordedLine& line : batch->lines) {
    if (issues.size() == kMaxIssues) break;
    issues.push_back(IssueOf(line, is_bundle));
  }
  Response response{StatusOfBatch(*batch),
                    {{"Content-Type", kFhirJson}, {"Cache-Control", "no-store"}},
                    OutcomeJson(issues)};
  const audit::RecordedLine& first = batch->lines[0];
  if (batch->lines.size() == 1 && first.outcome) {
    response.headers.Add("Location",
                         "/audit/v1/entries/" + std::to_string(first.outcome->index.value));
  }
  return response;
}

}  // namespace

void RecordFhir(Service& service, const audit::SourceRow& source, std::string_view body,
                BodyForm form, const audit::RecordOptions& options, audit::Recorder::Done done) {
  service.fhir_slots().acquire();
  audit::FhirEvents events;
  Result<void> converted;
  if (form == BodyForm::kFhirLines) {
    events.AddLines(body, source.id);
  } else {
    converted = events.Add(body, source.id);
  }
  service.fhir_slots().release();
  if (!converted) return done(std::move(converted.error()));
  service.node().recorder().RecordEvents(source, events.offered(), options, std::move(done));
}

Result<Response> PostAuditEvent(const Call& call) {
  TRY(const audit::SourceRow source, call.service.SourceOf(call.caller));
  TRY(const bool is_atomic, ReadFlag(call.query, "atomic", false));
  const std::string_view body = AsText(call.body);
  return AnswerFhir(Await([&](audit::Recorder::Done done) {
                      RecordFhir(call.service, source, body, BodyForm::kFhir,
                                 {.is_atomic = is_atomic}, std::move(done));
                    }),
                    IsBundle(body));
}

void StreamAuditEvent(std::shared_ptr<Attempt> attempt) {
  const Result<audit::SourceRow> source = attempt->service.SourceOf(attempt->caller);
  if (!source) return attempt->Refuse(source.error());
  const Result<bool> is_atomic = ReadFlag(attempt->query, "atomic", false);
  if (!is_atomic) return attempt->Refuse(is_atomic.error());
  Bytes collected;
  const bool is_whole = attempt->exchange->body_is_whole();
  if (!is_whole) {
    Result<Bytes> all = attempt->exchange->ReadWholeBody(attempt->endpoint.body_limit_bytes);
    if (!all) return attempt->RefuseRead(all.error());
    collected = *std::move(all);
  }
  const std::string_view body = AsText(is_whole ? attempt->exchange->body() : ByteSpan(collected));
  RecordFhir(attempt->service, *source, body, BodyForm::kFhir, {.is_atomic = *is_atomic},
             [attempt, is_bundle = IsBundle(body)](Result<audit::RecordedBatch> batch) {
               attempt->Respond(AnswerFhir(batch, is_bundle));
             });
}

}  // namespace salus::api
