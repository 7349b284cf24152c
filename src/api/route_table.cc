// The route table: what salusd serves, to whom, and what it leaves in the log.

#include "api/aggregate_routes.h"
#include "api/endpoint.h"
#include "api/handlers.h"
#include "api/ingest.h"

namespace salus::api {

namespace {

using http::Method;
using pki::Role;

constexpr std::uint64_t kSmallBody = 64 * 1024;
constexpr std::uint64_t kMandateBody = 16 * 1024 * 1024;  // a mandate can name 100,000 patients
constexpr std::uint64_t kFhirBody = 4 * 1024 * 1024;
constexpr char kJson[] = "application/json";
constexpr char kHistoryCbor[] = "application/vnd.salus.history+cbor";
constexpr char kText[] = "text/plain";
constexpr char kOctets[] = "application/octet-stream";

const std::vector<std::string> kHistoryParameters = {"after", "from",       "to",
                                                     "wait",  "known_size", "purpose"};
const std::vector<std::string> kPageParameters = {"offset", "limit"};

std::vector<Endpoint> SourceRoutes() {
  return {
      {.method = Method::kPost,
       .pattern = "/audit/v1/events",
       .roles = Role::kSource,
       .name = "postEvents",
       .summary = "Log access events, one JSON object a line; one answer line an event",
       .entry = "kind 1, one an event",
       .parameters = {"atomic", "keys", "entries"},
       .content_types = {kNdjson, kFhirNdjson},
       .body_limit_bytes = ~std::uint64_t{0},  // as the configuration says
       .answers = kNdjson,
       .answer = AnswerEvents,
       .stream = StreamEvents,
       .never_blocks = EventsNeverBlock,
       .is_repeatable = true,
       .is_quiet = true},
      {.method = Method::kPost,
       .pattern = "/fhir/AuditEvent",
       .roles = Role::kSource,
       .name = "postAuditEvent",
       .summary = "Log a FHIR R4 AuditEvent, or a Bundle of them",
       .entry = "kind 1, one an event and patient",
       .parameters = {"atomic"},
       .content_types = {"application/fhir+json", kJson},
       .body_limit_bytes = kFhirBody,
       .answers = "application/fhir+json",
       .answer = PostAuditEvent,
       .stream = StreamAuditEvent,
       .error_shape = ErrorShape::kOutcome,
       .is_repeatable = true,
       .is_quiet = true},
      {.pattern = "/audit/v1/entries/{index}",
       .roles = Role::kSource,
       .name = "getEntry",
       .summary = "The source's own entry, sealed as it stands, with proofs that it is in the log, "
                  "and under whom it was filed",
       .entry = "none: the source gets back what it sent",
       .answer = GetEntry,
       .is_quiet = true},  // a source that reconciles asks for each of its entries
  };
}

std::vector<Endpoint> ReaderRoutes() {
  const Roles readers = Roles(Role::kPatient) | Role::kAuditor;
  return {
      {.method = Method::kPost,
       .pattern = "/audit/v1/history",
       .roles = readers | Role::kOfficer,
       .name = "postHistory",
       .summary = "A patient's history, with all that is needed to verify it; or its next page",
       .entry = "kind 6, in the patient's chain",
       .content_types = {kJson},
       .body_limit_bytes = kSmallBody,
       .answers = kHistoryCbor,
       .answer = PostHistory},
      {.pattern = "/audit/v1/history/me",
       .roles = readers | Role::kOfficer,
       .name = "getOwnHistory",
       .summary = "The caller's own history",
       .entry = "kind 6, in the caller's chain",
       .parameters = kHistoryParameters,
       .answers = kHistoryCbor,
       .answer = GetOwnHistory},
      {.pattern = "/audit/v1/queries",
       .roles = readers,
       .name = "getQueries",
       .summary = "Who asked about the caller: the own history, of which kind 6 is the answer",
       .entry = "kind 6, in the caller's chain",
       .parameters = kHistoryParameters,
       .answers = kHistoryCbor,
       .answer = GetOwnHistory},
      {.pattern = "/audit/v1/readers/{patient}",
       .roles = Role::kPatient,
       .name = "getReaders",
       .summary = "The auditors entitled to read the patient today",
       .entry = "none: the patient asks about itself",
       .parameters = {"system"},
       .answer = GetReaders},
      {.method = Method::kPost,
       .pattern = "/audit/v1/shares",
       .roles = Role::kPatient,
       .name = "postShare",
       .summary = "Open past days to an auditor, with keys re-sealed on the patient's device",
       .entry = "kind 4, in the patient's chain",
       .content_types = {kJson},
       .body_limit_bytes = 1024 * 1024,
       .answer = PostShare},
  };
}

std::vector<Endpoint> RegistrarRoutes() {
  const Roles lists = Roles(Role::kRegistrar) | Role::kOfficer;
  const auto put = [](const char* pattern, const char* name, const char* summary, Answer answer) {
    return Endpoint{.method = Method::kPut,
                    .pattern = pattern,
                    .roles = Role::kRegistrar,
                    .name = name,
                    .summary = summary,
                    .entry = "kind 4",
                    .content_types = {kJson},
                    .body_limit_bytes = kSmallBody,
                    .answer = answer};
  };
  const auto get = [&](const char* pattern, const char* name, const char* summary, Answer answer,
                       std::vector<std::string> parameters) {
    return Endpoint{.pattern = pattern,
                    .roles = lists,
                    .name = name,
                    .summary = summary,
                    .entry = "none: who is registered is the registrar's own knowledge",
                    .parameters = std::move(parameters),
                    .answer = answer};
  };
  Endpoint put_patient = put("/audit/v1/patients/{id}", "putPatient",
                             "Register a patient, or give it a key of its own", PutPatient);
  put_patient.parameters = {"system"};
  return {
      std::move(put_patient),
      put("/audit/v1/auditors/{id}", "putAuditor", "Register an auditor", PutAuditor),
      put("/audit/v1/sources/{id}", "putSource", "Register a source", PutSource),
      get("/audit/v1/patients/{id}", "getPatient", "A registered patient", GetPatient, {"system"}),
      get("/audit/v1/auditors/{id}", "getAuditor", "A registered auditor", GetAuditor, {}),
      get("/audit/v1/sources/{id}", "getSource", "A registered source", GetSource, {}),
      get("/audit/v1/patients", "listPatients", "All patients", ListPatients, kPageParameters),
      get("/audit/v1/auditors", "listAuditors", "All auditors", ListAuditors, kPageParameters),
      get("/audit/v1/sources", "listSources", "All sources", ListSources, kPageParameters),
      {.method = Method::kPost,
       .pattern = "/pki/v1/certificates",
       .roles = Role::kRegistrar,
       .name = "postCertificate",
       .summary = "Certify a request",
       .entry = "kind 5, before the certificate is released",
       .content_types = {kJson},
       .body_limit_bytes = 128 * 1024,
       .answer = PostCertificate},
  };
}

std::vector<Endpoint> OfficerRoutes() {
  return {
      {.method = Method::kPut,
       .pattern = "/audit/v1/mandates/{auditor}",
       .roles = Role::kOfficer,
       .name = "putMandate",
       .summary = "Say which patients an auditor may read, from a day on",
       .entry = "kind 4, in the chains of the auditor, the mandate and each patient",
       .content_types = {kJson},
       .body_limit_bytes = kMandateBody,
       .answer = PutMandate},
      {.pattern = "/audit/v1/mandates/{auditor}",
       .roles = Roles(Role::kOfficer) | Role::kAuditor,
       .name = "getMandate",
       .summary = "An auditor's mandate",
       .entry = "none: the officer and the auditor know it already",
       .answer = GetMandate},
      {.method = Method::kPut,
       .pattern = "/audit/v1/system",
       .roles = Role::kOfficer,
       .name = "putSystemReader",
       .summary = "Seal the events that concern no patient to this officer's key from now on",
       .entry = "kind 4, in the system subject's chain",
       .content_types = {kJson},
       .body_limit_bytes = kSmallBody,
       .answer = PutSystemReader},
      {.method = Method::kPost,
       .pattern = "/audit/v1/clock",
       .roles = Role::kOfficer,
       .name = "postClock",
       .summary = "Confirm the server's clock, so that checkpoints go on after it jumped",
       .entry = "kind 4, in clear",
       .content_types = {kJson},
       .body_limit_bytes = kSmallBody,
       .answer = PostClock},
      {.pattern = "/audit/v1/custody/{patient}",
       .roles = Roles(Role::kCustodian) | Role::kPatient,
       .name = "getCustody",
       .summary = "A custodian's sealed share; to the patient, what was released",
       .entry = "none: nothing is opened here",
       .parameters = {"system"},
       .answer = GetCustody},
      {.method = Method::kPost,
       .pattern = "/audit/v1/custody/{patient}/release",
       .roles = Role::kCustodian,
       .name = "postRelease",
       .summary = "Release a share, re-sealed to the enrolled patient's key",
       .entry = "kind 4, in the patient's chain",
       .parameters = {"system"},
       .content_types = {kJson},
       .body_limit_bytes = kSmallBody,
       .answer = PostRelease},
      {.pattern = "/audit/v1/whoami",
       .roles = Roles::All(),
       .name = "getWhoami",
       .summary = "What the caller's certificate says",
       .entry = "none: it is the caller's own",
       .answer = GetWhoami},
  };
}

// What people's data is added up for is told to everybody, by those who do it.
std::vector<Endpoint> NoticeRoutes() {
  const Roles publishers = Roles(Role::kResearcher) | Role::kOfficer | Role::kRegistrar;
  return {
      {.method = Method::kPut,
       .pattern = "/audit/v1/tasks/{task}",
       .roles = publishers,
       .name = "putTask",
       .summary = "Announce an aggregation: what is asked of people, and what for",
       .entry = "kind 7, in clear",
       .content_types = {kJson},
       .body_limit_bytes = kSmallBody,
       .answer = PutTask},
      {.method = Method::kPut,
       .pattern = "/audit/v1/tasks/{task}/result",
       .roles = publishers,
       .name = "putTaskResult",
       .summary = "Say what came of an announced aggregation, or of one of its batches",
       .entry = "kind 7, in clear",
       .parameters = {"batch"},
       .content_types = {kJson},
       .body_limit_bytes = kSmallBody,
       .answer = PutTaskResult},
      {.pattern = "/audit/v1/tasks",
       .door = Door::kBoth,
       .name = "listNotices",
       .summary = "What people's data is and was added up for: entries as they stand in the log",
       .entry = "none: public",
       .parameters = kPageParameters,
       .answer = ListNotices,
       .is_quiet = true},
  };
}

// What proves the log is for everybody; only what shows how often a patient is touched is not.
std::vector<Endpoint> LogRoutes() {
  constexpr char kPublicData[] = "none: public";
  const auto open = [&](const char* pattern, const char* name, const char* summary,
                        const char* type, Answer answer) {
    return Endpoint{.pattern = pattern,
                    .door = Door::kBoth,
                    .name = name,
                    .summary = summary,
                    .entry = kPublicData,
                    .answers = type,
                    .answer = answer,
                    .is_quiet = true};
  };
  Endpoint bundle = open("/log/tile/entries/{path...}", "getBundle",
                         "A bundle of sealed entries, to admitted followers", kOctets, GetBundle);
  bundle.entry = "none: followers copy the whole log";
  bundle.is_by_admission = true;
  return {
      open("/log/checkpoint", "getCheckpoint", "The newest published checkpoint", kText,
           GetCheckpoint),
      open("/log/checkpoint.pending", "getPendingCheckpoint",
           "The newest signed checkpoint, for witnesses", kText, GetCheckpoint),
      open("/log/tile/{path...}", "getTile", "A tile of hashes (C2SP tlog-tiles)", kOctets,
           GetTile),
      std::move(bundle),
      {.pattern = "/log/updates/{range}",
       .roles = Roles::All(),
       .name = "getUpdates",
       .summary = "Chain steps as CBOR [index, tag], to admitted map verifiers",
       .entry = "none: map verifiers follow the whole log",
       .answers = "application/cbor-seq",
       .answer = GetUpdates,
       .is_quiet = true},
      open("/connect.json", "getConnect", "What `salus connect` pins", kJson, GetConnect),
      open("/healthz", "getHealth", "The process answers", kText, GetHealth),
      open("/readyz", "getReadiness", "The log can take events", kText, GetReadiness),
      open("/openapi.json", "getOpenApi", "This interface, as OpenAPI 3.1", kJson, GetOpenApi),
  };
}

std::vector<Endpoint> AllRoutes() {
  std::vector<Endpoint> all;
  for (auto part : {SourceRoutes(), ReaderRoutes(), RegistrarRoutes(), OfficerRoutes(),
                    NoticeRoutes(), AggregateRoutes(), LogRoutes()}) {
    std::move(part.begin(), part.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace

std::span<const Endpoint> Endpoints() {
  static const std::vector<Endpoint> endpoints = AllRoutes();
  return endpoints;
}

}  // namespace salus::api
