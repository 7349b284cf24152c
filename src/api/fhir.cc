#include "audit/fhir_event.h"

#include <condition_variable>
#include <mutex>
#include <optional>

#include "api/handlers.h"
#include "api/ingest.h"
#include "api/service.h"
#include "codec/base64.h"

namespace salus::api {

namespace {

constexpr char kFhirJson[] = "application/fhir+json";

// One issue a logged or refused event, in the order of the body.
codec::JsonObject IssueOf(const audit::RecordedLine& line, bool is_bundle) {
  codec::JsonObject issue;
  if (line.outcome) {
    const bool is_repeat = line.outcome->kind == tlog::OutcomeKind::kRepeat;
    issue["severity"] = "information";
    issue["code"] = is_repeat ? "duplicate" : "informational";
    issue["diagnostics"] = std::string(is_repeat ? "repeat" : "logged") + ": id " + line.event_id +
                           ", entry " + std::to_string(line.outcome->index.value) + ", leaf " +
                           codec::Base64UrlEncode(line.outcome->leaf_hash.span());
  } else {
    issue["severity"] = "error";
    issue["code"] = IssueType(line.outcome.error().code);
    issue["diagnostics"] = ErrorDetail(line.outcome.error());
  }
  if (is_bundle) {
    issue["expression"] =
        codec::JsonArray{"Bundle.entry[" + std::to_string(line.line - 1) + "].resource"};
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
    const int of_line = StatusOf(line.outcome.error().code);
    if (status == 201 || line.outcome.error().code != ErrorCode::kFailedPrecondition) {
      status = of_line;
    }
  }
  return refused > 0 && refused < batch.lines.size() ? 200 : status;
}

Response OutcomeOf(const audit::RecordedBatch& batch, bool is_bundle) {
  Response response;
  response.status = StatusOfBatch(batch);
  response.headers = {{"Content-Type", kFhirJson}, {"Cache-Control", "no-store"}};
  codec::JsonArray issues;
  for (const audit::RecordedLine& line : batch.lines) issues.push_back(IssueOf(line, is_bundle));
  if (batch.lines.size() == 1 && batch.lines[0].outcome) {
    response.headers.Add(
        "Location", "/audit/v1/entries/" + std::to_string(batch.lines[0].outcome->index.value));
  }
  codec::JsonObject outcome;
  outcome["resourceType"] = "OperationOutcome";
  outcome["issue"] = std::move(issues);
  response.body = codec::WriteJson(outcome);
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
  const std::string* atomic = call.query.Find("atomic");
  if (atomic != nullptr && *atomic != "true" && *atomic != "false") {
    return InvalidArgument("atomic: must be true or false");
  }
  const bool is_atomic = atomic != nullptr && *atomic == "true";
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Result<audit::RecordedBatch>> recorded;
  RecordFhir(call.service, source, AsText(call.body), BodyForm::kFhir, {.is_atomic = is_atomic},
             [&](Result<audit::RecordedBatch> done) {
               std::lock_guard lock(mutex);
               recorded = std::move(done);
               changed.notify_one();
             });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return recorded.has_value(); });
  TRY(const audit::RecordedBatch batch, *std::move(recorded));
  if (batch.lines.empty()) return InvalidArgument("entry: the Bundle holds no AuditEvent");
  const bool is_bundle = AsText(call.body).find("\"Bundle\"") != std::string_view::npos;
  return OutcomeOf(batch, is_bundle);
}

}  // namespace salus::api
