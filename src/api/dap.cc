// DAP: what clients, collectors and leaders ask of an aggregator. Errors are the draft's problem
// documents.

#include <algorithm>
#include <functional>
#include <optional>
#include <string>

#include "aggregate/dap_aggregation.h"
#include "aggregate/dap_media_type.h"
#include "aggregate/dap_path.h"
#include "aggregate/task_exchange.h"
#include "api/aggregators.h"
#include "api/handlers.h"
#include "api/secret_access.h"
#include "api/service.h"
#include "codec/json.h"
#include "http/problem.h"
#include "node/aggregation.h"

namespace salus::api {

namespace {

using aggregate::AggregationJobId;
using aggregate::CollectionJobId;
using aggregate::DapAnswer;
using aggregate::DapMessageType;
using aggregate::DapProblem;
using aggregate::DapVersion;
using aggregate::OpenTask;
using aggregate::ProblemAnswer;
using aggregate::TaskId;

constexpr char kHpkeCacheControl[] = "max-age=3600";

// Asked is what a request must fulfil before an aggregator sees it.
struct Asked {
  enum class Of { kLeader, kHelper };
  enum class By { kAnybody, kAggregator, kCollector };
  Of of = Of::kLeader;
  By by = By::kAnybody;
  std::optional<DapVersion> version = {};      // the only one that has this method
  std::optional<DapMessageType> message = {};  // what the body is
};

struct DapCall {
  Aggregators& aggregators;
  const OpenTask& task;
  TaskId id;
  const Call& call;
};

Response ToResponse(DapAnswer answer, std::string_view base_path) {
  Response response;
  response.status = answer.status;
  if (!answer.media_type.empty()) response.headers.Add("Content-Type", answer.media_type);
  if (!answer.location.empty()) {
    response.headers.Add("Location", std::string(base_path) + answer.location);
  }
  if (!answer.signature.empty()) {
    response.headers.Add(aggregate::kSignatureHeader, answer.signature);
  }
  if (answer.retry_after_s > 0) {
    response.headers.Add("Retry-After", std::to_string(answer.retry_after_s));
  }
  response.body = std::string(AsText(answer.body));
  return response;
}

Response Refuse(DapVersion version, DapProblem problem, const TaskId& task,
                std::string_view detail = {}) {
  return ToResponse(ProblemAnswer(version, problem, task, detail), {});
}

// DAP-18 has no type for it, DAP-09 has.
Response Unauthorized(DapVersion version, const TaskId& task) {
  if (version == DapVersion::k18) {
    Response response = http::Problem(401, "", "show the token of the task, as a bearer token");
    response.headers.Add("WWW-Authenticate", "Bearer");
    return response;
  }
  codec::JsonObject document;
  document["type"] = "urn:ietf:params:ppm:dap:error:unauthorizedRequest";
  document["title"] = "The token of the task is not shown.";
  document["status"] = 403;
  document["taskid"] = task.ToText();
  return {403, {{"Content-Type", "application/problem+json"}}, codec::WriteJson(document)};
}

bool ShowsToken(const Call& call, const SecretBytes& token) {
  std::string_view shown = call.request.Find("DAP-Auth-Token").value_or("");
  const std::string_view authorization = call.request.Find("Authorization").value_or("");
  constexpr std::string_view kScheme = "Bearer ";
  if (authorization.size() > kScheme.size() &&
      http::EqualIgnoreCase(authorization.substr(0, kScheme.size()), kScheme)) {
    shown = authorization.substr(kScheme.size());
  }
  return !token.empty() && ConstantTimeEqual(AsBytes(shown), token.view(ApiSecrets::Token()));
}

// On the machine door the certificate must be of the right role too: a token that leaked is of no
// use there. The leader of a helper is a partner: a server's certificate can't be a client's.
bool MayAsk(const Call& call, Asked::By by, const OpenTask& task) {
  if (by == Asked::By::kAnybody) return true;
  const bool is_aggregator = by == Asked::By::kAggregator;
  const pki::Role role = is_aggregator ? pki::Role::kPartner : pki::Role::kResearcher;
  const bool shows_certificate = call.request.peer != nullptr;
  if (shows_certificate &&
      !Roles(role).Has(call.caller.identity ? call.caller.identity->role : pki::Role::kPatient)) {
    return false;
  }
  return ShowsToken(call,
                    is_aggregator ? task.config().aggregator_token : task.config().collector_token);
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Parameters but `message` (`version`, `charset`) are passed over.
bool IsMediaType(std::string_view given, std::string_view wanted) {
  const std::size_t wanted_end = std::min(wanted.find(';'), wanted.size());
  const std::size_t given_end = std::min(given.find(';'), given.size());
  if (!http::EqualIgnoreCase(Trim(given.substr(0, given_end)), wanted.substr(0, wanted_end))) {
    return false;
  }
  if (wanted_end == wanted.size()) return true;
  const std::string_view parameter = wanted.substr(wanted_end + 1);  // "message=upload-req"
  const std::string quoted = "message=\"" + std::string(parameter.substr(8)) + "\"";
  for (std::string_view rest = given.substr(given_end); !rest.empty();) {
    rest.remove_prefix(1);
    const std::size_t end = std::min(rest.find(';'), rest.size());
    const std::string_view one = Trim(rest.substr(0, end));
    if (http::EqualIgnoreCase(one, parameter) || http::EqualIgnoreCase(one, quoted)) return true;
    rest = rest.substr(end);
  }
  return false;
}

// PathBelowBase is the path as the caller had it, whatever stands before the aggregator's own.
std::string PathBelowBase(const DapCall& dap) {
  const std::string_view path = dap.call.request.path;
  const std::size_t begin = path.find(aggregate::TaskPath(dap.id, ""));
  return std::string(path.substr(std::min(begin, path.size())));
}

// SignAndKeep signs an answer to an aggregator or a collector. What is given is durable in the
// transcript before it leaves; what is refused, or not there yet, changes nothing and is not kept.
DapAnswer SignAndKeep(const DapCall& dap, DapAnswer answer) {
  if (answer.status >= 500) return answer;
  const http::Request& request = dap.call.request;
  aggregate::TaskExchange exchange{
      .time = {},
      .method = std::string(http::MethodName(request.method)),
      .path = PathBelowBase(dap),
      .request = ToBytes(dap.call.body),
      .request_signature = std::string(request.Find(aggregate::kSignatureHeader).value_or("")),
      .status = answer.status,
      .answer = answer.body,
      .answer_signature = {}};
  if (exchange.request_signature.size() > aggregate::kMaxSignatureBytes) {
    exchange.request_signature.clear();
  }
  node::TaskTranscripts& transcripts = dap.aggregators.aggregation().transcripts();
  auto signature = transcripts.Sign(exchange.AnswerText());
  if (!signature) return aggregate::FailureAnswer(signature.error());
  answer.signature = exchange.answer_signature = *std::move(signature);
  if (!answer.is_success() || answer.body.empty()) return answer;
  const auto kept = transcripts.Keep(dap.id, std::move(exchange));
  return kept ? std::move(answer) : aggregate::FailureAnswer(kept.error());
}

std::string BasePathOf(const OpenTask& task) {
  const auto& parameters = task.task().parameters();
  return PathOfUrl(task.is_leader() ? parameters.leader_url : parameters.helper_url);
}

Response NoAggregator() {
  return http::Problem(404, "", "this server does not aggregate: salus.toml, aggregate.role");
}

// ForTask checks all that is the same for every resource of a task, in the draft's order.
template <typename Handle>
Result<Response> ForTask(const Call& call, const Asked& asked, Handle handle) {
  Aggregators* const aggregators = call.service.aggregators();
  if (aggregators == nullptr) return NoAggregator();
  const auto id = TaskId::Parse(call.request.Parameter("task"));
  if (!id) return Refuse(DapVersion::k18, DapProblem::kUnrecognizedTask, TaskId());
  const OpenTask* const task = aggregators->aggregation().parts().store.FindTask(*id);
  if (task == nullptr || task->is_leader() != (asked.of == Asked::Of::kLeader)) {
    return Refuse(DapVersion::k18, DapProblem::kUnrecognizedTask, *id);
  }
  const DapVersion version = task->version();
  if (!MayAsk(call, asked.by, *task)) return Unauthorized(version, *id);
  if (asked.version && *asked.version != version) {
    return Refuse(version, DapProblem::kInvalidMessage, *id,
                  version == DapVersion::k18 ? "the task speaks DAP-18, which has not this method"
                                             : "the task speaks DAP-09, which has not this method");
  }
  if (asked.message) {
    const std::string_view wanted = aggregate::MediaType(version, *asked.message);
    if (!IsMediaType(call.request.Find("Content-Type").value_or(""), wanted)) {
      return Refuse(version, DapProblem::kInvalidMessage, *id,
                    "the Content-Type must be " + std::string(wanted));
    }
  }
  const DapCall dap{*aggregators, *task, *id, call};
  DapAnswer answer = handle(dap);
  if (asked.by != Asked::By::kAnybody) answer = SignAndKeep(dap, std::move(answer));
  return ToResponse(std::move(answer), BasePathOf(*task));
}

template <typename Id>
std::optional<Id> JobOf(const DapCall& dap) {
  const auto id = Id::Parse(dap.call.request.Parameter("job"));
  if (!id) return std::nullopt;
  return *id;
}

DapAnswer NoJob(const DapCall& dap, DapProblem problem) {
  return ProblemAnswer(dap.task.version(), problem, dap.id);
}

constexpr Asked kFromAnybody{.message = DapMessageType::kUploadRequest};
constexpr Asked kFromCollector{.by = Asked::By::kCollector};
constexpr Asked kFromLeader{.of = Asked::Of::kHelper, .by = Asked::By::kAggregator};

constexpr Asked Only(Asked asked, DapVersion version,
                     std::optional<DapMessageType> message = std::nullopt) {
  asked.version = version;
  if (message) asked.message = message;
  return asked;
}

Result<Response> Upload(const Call& call, DapVersion version) {
  return ForTask(call, Only(kFromAnybody, version), [](const DapCall& dap) {
    const auto record = dap.aggregators.aggregation().RecordOf(dap.id);
    if (record && record->is_closed) {
      return ProblemAnswer(dap.task.version(),
                           dap.task.version() == DapVersion::k09 ? DapProblem::kReportRejected
                                                                 : DapProblem::kUnrecognizedTask,
                           dap.id, "the task is closed: it takes no more reports");
    }
    return dap.aggregators.leader().HandleUpload(dap.id, dap.call.body);
  });
}

}  // namespace

Result<Response> GetHpkeConfig(const Call& call) {
  Aggregators* const aggregators = call.service.aggregators();
  if (aggregators == nullptr) return NoAggregator();
  const aggregate::ReportStore& store = aggregators->aggregation().parts().store;
  DapVersion version = DapVersion::k18;
  if (const std::string* text = call.query.Find("task_id")) {
    const auto id = TaskId::Parse(*text);
    const OpenTask* const task = id ? store.FindTask(*id) : nullptr;
    if (task == nullptr) {
      return Refuse(DapVersion::k09, DapProblem::kUnrecognizedTask, id ? *id : TaskId());
    }
    version = task->version();
  }
  Response response = ToResponse(aggregate::HpkeConfigAnswer(store, version), {});
  if (response.status == 200) response.headers.Add("Cache-Control", kHpkeCacheControl);
  return response;
}

Result<Response> PostReports(const Call& call) { return Upload(call, DapVersion::k18); }
Result<Response> PutReport(const Call& call) { return Upload(call, DapVersion::k09); }

Result<Response> PostAggregationJobs(const Call& call) {
  const Asked asked = Only(kFromLeader, DapVersion::k18, DapMessageType::kAggregationJobInitReq);
  return ForTask(call, asked, [](const DapCall& dap) {
    return dap.aggregators.helper().HandleAggregationInit(dap.id, std::nullopt, dap.call.body);
  });
}

Result<Response> PutAggregationJob(const Call& call) {
  const Asked asked = Only(kFromLeader, DapVersion::k09, DapMessageType::kAggregationJobInitReq);
  return ForTask(call, asked, [](const DapCall& dap) {
    const auto job = JobOf<AggregationJobId>(dap);
    if (!job) return NoJob(dap, DapProblem::kInvalidMessage);
    return dap.aggregators.helper().HandleAggregationInit(dap.id, *job, dap.call.body);
  });
}

// Prio3 is verified in one round: there is nothing to continue, whatever the message says.
Result<Response> PostAggregationJob(const Call& call) {
  Asked asked = kFromLeader;
  asked.message = DapMessageType::kAggregationJobContinueReq;
  return ForTask(call, asked, [](const DapCall& dap) {
    const auto job = JobOf<AggregationJobId>(dap);
    if (!job || !dap.aggregators.helper().HandleAggregationPoll(dap.id, *job).is_success()) {
      return NoJob(dap, DapProblem::kUnrecognizedAggregationJob);
    }
    const auto request =
        aggregate::AggregationJobContinueReq::Parse(dap.task.version(), dap.call.body);
    return NoJob(dap, request ? DapProblem::kStepMismatch : DapProblem::kInvalidMessage);
  });
}

Result<Response> GetAggregationJob(const Call& call) {
  return ForTask(call, Only(kFromLeader, DapVersion::k18), [](const DapCall& dap) {
    const auto job = JobOf<AggregationJobId>(dap);
    if (!job) return NoJob(dap, DapProblem::kUnrecognizedAggregationJob);
    return dap.aggregators.helper().HandleAggregationPoll(dap.id, *job);
  });
}

Result<Response> DeleteAggregationJob(const Call& call) {
  return ForTask(call, kFromLeader, [](const DapCall& dap) {
    const auto job = JobOf<AggregationJobId>(dap);
    if (!job) return NoJob(dap, DapProblem::kUnrecognizedAggregationJob);
    return dap.aggregators.helper().HandleAggregationDelete(dap.id, *job);
  });
}

Result<Response> PostAggregateShares(const Call& call) {
  Asked asked = kFromLeader;
  asked.message = DapMessageType::kAggregateShareReq;
  return ForTask(call, asked, [](const DapCall& dap) {
    return dap.aggregators.helper().HandleAggregateShare(dap.id, dap.call.body);
  });
}

Result<Response> GetAggregateShare(const Call& call) {
  return ForTask(call, Only(kFromLeader, DapVersion::k18), [](const DapCall& dap) {
    const auto share = JobOf<CollectionJobId>(dap);
    if (!share) return NoJob(dap, DapProblem::kUnknownCollectionJob);
    return dap.aggregators.helper().HandleAggregateSharePoll(dap.id, *share);
  });
}

Result<Response> DeleteAggregateShare(const Call& call) {
  return ForTask(call, Only(kFromLeader, DapVersion::k18), [](const DapCall& dap) {
    const auto share = JobOf<CollectionJobId>(dap);
    if (!share) return NoJob(dap, DapProblem::kUnknownCollectionJob);
    return dap.aggregators.helper().HandleAggregateShareDelete(dap.id, *share);
  });
}

Result<Response> PostCollectionJobs(const Call& call) {
  const Asked asked = Only(kFromCollector, DapVersion::k18, DapMessageType::kCollectionJobReq);
  return ForTask(call, asked, [](const DapCall& dap) {
    DapAnswer answer =
        dap.aggregators.leader().HandleCollection(dap.id, std::nullopt, dap.call.body);
    dap.aggregators.Wake();
    return answer;
  });
}

Result<Response> PutCollectionJob(const Call& call) {
  const Asked asked = Only(kFromCollector, DapVersion::k09, DapMessageType::kCollectionJobReq);
  return ForTask(call, asked, [](const DapCall& dap) {
    const auto job = JobOf<CollectionJobId>(dap);
    if (!job) return NoJob(dap, DapProblem::kInvalidMessage);
    DapAnswer answer = dap.aggregators.leader().HandleCollection(dap.id, *job, dap.call.body);
    dap.aggregators.Wake();
    return answer;
  });
}

// A job is polled by GET, by POST in DAP-09.
Result<Response> PollCollectionJob(const Call& call) {
  const bool is_get = call.request.method != http::Method::kPost;
  const Asked asked = Only(kFromCollector, is_get ? DapVersion::k18 : DapVersion::k09);
  return ForTask(call, asked, [](const DapCall& dap) {
    const auto job = JobOf<CollectionJobId>(dap);
    if (!job) return NoJob(dap, DapProblem::kUnknownCollectionJob);
    return dap.aggregators.leader().HandleCollectionPoll(dap.id, *job);
  });
}

Result<Response> DeleteCollectionJob(const Call& call) {
  return ForTask(call, kFromCollector, [](const DapCall& dap) {
    const auto job = JobOf<CollectionJobId>(dap);
    if (!job) return NoJob(dap, DapProblem::kUnknownCollectionJob);
    return dap.aggregators.leader().HandleCollectionDelete(dap.id, *job);
  });
}

// A browser asks before it sends what no form could send.
Result<Response> AnswerPreflight(const Call&) {
  return Response{204,
                  {{"Access-Control-Allow-Methods", "GET, POST, PUT"},
                   {"Access-Control-Allow-Headers", "Content-Type"},
                   {"Access-Control-Max-Age", "86400"}},
                  {}};
}

}  // namespace salus::api
