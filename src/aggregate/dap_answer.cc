#include "aggregate/dap_answer.h"

#include <array>

#include "base/log.h"
#include "codec/json.h"

namespace salus::aggregate {
namespace {

constexpr std::string_view kDraftPrefix = "urn:ietf:params:ppm:dap:error:";
constexpr std::string_view kOurPrefix = "urn:salus:dap:";
constexpr std::string_view kProblemType = "application/problem+json";
constexpr int kRetryAfter = 5;

struct Named {
  DapProblem problem;
  std::string_view name;
  std::string_view title;
};

constexpr std::array kProblems = {
    Named{DapProblem::kInvalidMessage, "invalidMessage", "The message is malformed."},
    Named{DapProblem::kUnrecognizedTask, "unrecognizedTask", "There is no such task here."},
    Named{DapProblem::kUnrecognizedAggregationJob, "unrecognizedAggregationJob",
          "There is no such aggregation job, or its answer was deleted."},
    Named{DapProblem::kBatchInvalid, "batchInvalid", "The query is no batch of this task."},
    Named{DapProblem::kInvalidBatchSize, "invalidBatchSize", "The batch has too few reports."},
    Named{DapProblem::kInvalidAggregationParameter, "invalidAggregationParameter",
          "This VDAF has no aggregation parameter."},
    Named{DapProblem::kBatchMismatch, "batchMismatch",
          "The aggregators did not aggregate the same reports."},
    Named{DapProblem::kStepMismatch, "stepMismatch", "The aggregation job is at another step."},
    Named{DapProblem::kBatchOverlap, "batchOverlap",
          "Reports of this batch were collected in another."},
    Named{DapProblem::kUnsupportedExtension, "unsupportedExtension",
          "An extension is not supported."},
    Named{DapProblem::kInvalidExtension, "invalidExtension",
          "The extensions are not in strict order."},
    Named{DapProblem::kOutdatedConfig, "outdatedConfig",
          "The report is sealed to a key that is not in use; fetch hpke_config again."},
    Named{DapProblem::kReportRejected, "reportRejected", "The report is not taken."},
    Named{DapProblem::kReportTooEarly, "reportTooEarly",
          "The report's time is in the future; send it again later."},
    Named{DapProblem::kUnknownCollectionJob, "unrecognizedCollectionJob",
          "There is no such collection job."},
    Named{DapProblem::kPrivacyBudgetSpent, "privacyBudgetSpent",
          "The privacy budget of the study is spent."},
};

const Named& Entry(DapProblem problem) {
  for (const Named& entry : kProblems) {
    if (entry.problem == problem) return entry;
  }
  return kProblems.front();
}

bool IsOurs(DapProblem problem) { return problem >= DapProblem::kUnknownCollectionJob; }

int StatusOf(DapProblem problem) {
  return problem == DapProblem::kUnknownCollectionJob ? 404 : 400;
}

}  // namespace

std::string_view ProblemName(DapProblem problem) { return Entry(problem).name; }

std::optional<DapProblem> ProblemOfName(std::string_view name) {
  for (const Named& entry : kProblems) {
    if (entry.name == name) return entry.problem;
  }
  return std::nullopt;
}

DapAnswer ProblemAnswer(DapVersion version, DapProblem problem, const TaskId& task,
                        std::string_view detail) {
  if (version == DapVersion::k09 && problem == DapProblem::kInvalidAggregationParameter) {
    problem = DapProblem::kInvalidMessage;
  }
  const Named& entry = Entry(problem);
  codec::JsonObject document;
  document["type"] =
      std::string(IsOurs(problem) ? kOurPrefix : kDraftPrefix) + std::string(entry.name);
  document["title"] = entry.title;
  document["status"] = StatusOf(problem);
  if (!detail.empty()) document["detail"] = detail;
  document["taskid"] = task.ToText();
  return {.status = StatusOf(problem),
          .media_type = std::string(kProblemType),
          .location = {},
          .body = ToBytes(codec::WriteJson(document))};
}

DapAnswer FailureAnswer(const Error& error) {
  Log(LogLevel::kError, "aggregator: a request failed",
      {{"code", CodeName(error.code)}, {"error", error.message}});
  const bool passes =
      error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kResourceExhausted;
  codec::JsonObject document;
  document["type"] = "about:blank";
  document["title"] = passes ? "Try again later." : "The server failed.";
  document["status"] = passes ? 503 : 500;
  return {.status = passes ? 503 : 500,
          .media_type = std::string(kProblemType),
          .location = {},
          .body = ToBytes(codec::WriteJson(document)),
          .retry_after_s = passes ? kRetryAfter : 0};
}

std::optional<DapProblem> ProblemOf(const DapAnswer& answer) {
  if (answer.status < 400 || answer.status >= 500) return std::nullopt;
  if (!answer.media_type.starts_with(kProblemType)) return std::nullopt;
  const auto document = codec::ParseJson(AsText(answer.body));
  if (!document || !document->is_object()) return std::nullopt;
  const auto type = codec::StringAt(document->as_object(), "type");
  if (!type) return std::nullopt;
  for (const std::string_view prefix : {kDraftPrefix, kOurPrefix}) {
    if (type->starts_with(prefix)) return ProblemOfName(type->substr(prefix.size()));
  }
  return std::nullopt;
}

std::string DescribeRefusal(const DapAnswer& answer) {
  const auto problem = ProblemOf(answer);
  return std::to_string(answer.status) +
         (problem ? " " + std::string(ProblemName(*problem)) : std::string());
}

}  // namespace salus::aggregate
