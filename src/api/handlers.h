// The handlers, one a row of the route table, grouped by the file that they stand in. Internal to
// the module.
#pragma once

#include "api/endpoint.h"
#include "codec/json.h"

namespace salus::api {

using http::Response;

// history.cc
Result<Response> PostHistory(const Call& call);
Result<Response> GetOwnHistory(const Call& call);
// entries.cc
Result<Response> GetEntry(const Call& call);
// fhir.cc
Result<Response> PostAuditEvent(const Call& call);
void StreamAuditEvent(std::shared_ptr<Attempt> attempt);
// patients.cc
Result<Response> PutPatient(const Call& call);
Result<Response> GetPatient(const Call& call);
Result<Response> ListPatients(const Call& call);
// auditors.cc
Result<Response> PutAuditor(const Call& call);
Result<Response> GetAuditor(const Call& call);
Result<Response> ListAuditors(const Call& call);
// sources.cc
Result<Response> PutSource(const Call& call);
Result<Response> GetSource(const Call& call);
Result<Response> ListSources(const Call& call);
// mandates.cc
Result<Response> PutMandate(const Call& call);
Result<Response> GetMandate(const Call& call);
// officer.cc
Result<Response> PutSystemReader(const Call& call);
Result<Response> PostClock(const Call& call);
// custody.cc
Result<Response> GetCustody(const Call& call);
Result<Response> PostRelease(const Call& call);
// readers.cc
Result<Response> GetReaders(const Call& call);
Result<Response> PostShare(const Call& call);
// identities.cc
Result<Response> GetWhoami(const Call& call);
Result<Response> PostCertificate(const Call& call);
// notices.cc
Result<Response> PutTask(const Call& call);
Result<Response> PutTaskResult(const Call& call);
Result<Response> ListNotices(const Call& call);
// dap.cc
Result<Response> GetHpkeConfig(const Call& call);
Result<Response> AnswerPreflight(const Call& call);
Result<Response> PostReports(const Call& call);
Result<Response> PutReport(const Call& call);
Result<Response> PostAggregationJobs(const Call& call);
Result<Response> PutAggregationJob(const Call& call);
Result<Response> PostAggregationJob(const Call& call);
Result<Response> GetAggregationJob(const Call& call);
Result<Response> DeleteAggregationJob(const Call& call);
Result<Response> PostAggregateShares(const Call& call);
Result<Response> GetAggregateShare(const Call& call);
Result<Response> DeleteAggregateShare(const Call& call);
Result<Response> PostCollectionJobs(const Call& call);
Result<Response> PutCollectionJob(const Call& call);
Result<Response> PollCollectionJob(const Call& call);
Result<Response> DeleteCollectionJob(const Call& call);
// aggregate_tasks.cc
Result<Response> ListAggregateTasks(const Call& call);
Result<Response> PostAggregateTask(const Call& call);
Result<Response> PostTaskClose(const Call& call);
Result<Response> GetHpkeKey(const Call& call);
Result<Response> PostHpkeKey(const Call& call);
// log_files.cc
Result<Response> GetCheckpoint(const Call& call);
Result<Response> GetTile(const Call& call);
Result<Response> GetBundle(const Call& call);
Result<Response> GetUpdates(const Call& call);
Result<Response> GetConnect(const Call& call);
// health.cc
Result<Response> GetHealth(const Call& call);
Result<Response> GetReadiness(const Call& call);
// openapi.cc
Result<Response> GetOpenApi(const Call& call);

// JsonResponse is a 200 with a value.
Response JsonResponse(const codec::Json& value);

}  // namespace salus::api
