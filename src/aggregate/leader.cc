#include "aggregate/leader.h"

#include <utility>

#include "aggregate/dap_media_type.h"
#include "aggregate/input_share.h"

namespace salus::aggregate {
namespace {

// The outcome of an upload in DAP-09, which has an answer for one report only.
DapAnswer AnswerOne(const TaskId& task, std::optional<ReportError> error) {
  if (!error || *error == ReportError::kReportReplayed) return {.status = 201};
  switch (*error) {
    case ReportError::kOutdatedConfig:
      return ProblemAnswer(DapVersion::k09, DapProblem::kOutdatedConfig, task);
    case ReportError::kReportTooEarly:
      return ProblemAnswer(DapVersion::k09, DapProblem::kReportTooEarly, task);
    case ReportError::kInvalidMessage:
      return ProblemAnswer(DapVersion::k09, DapProblem::kInvalidMessage, task);
    default:
      return ProblemAnswer(DapVersion::k09, DapProblem::kReportRejected, task);
  }
}

// Outside the task's interval is report_dropped to a client, whichever side.
ReportError AsUploadError(ReportError error) {
  if (error == ReportError::kTaskExpired || error == ReportError::kTaskNotStarted) {
    return ReportError::kReportDropped;
  }
  return error;
}

// A batch that was collected is report_replayed to a client.
std::optional<ReportError> ErrorOf(Admission admission) {
  if (admission == Admission::kTaken) return std::nullopt;
  if (admission == Admission::kOutdated) return ReportError::kOutdatedConfig;
  if (admission == Admission::kEnded) return ReportError::kTaskExpired;
  return ReportError::kReportReplayed;
}

}  // namespace

Leader::Leader(const AggregatorParts& parts, Channel& channel, const Options& options)
    : parts_(parts), channel_(channel), options_(options) {}
Leader::~Leader() = default;

DapAnswer Leader::HandleUpload(const TaskId& task_id, ByteSpan body) {
  const OpenTask* const task = parts_.store.FindTask(task_id);
  if (task == nullptr || !task->is_leader()) {
    return ProblemAnswer(DapVersion::k18, DapProblem::kUnrecognizedTask, task_id);
  }
  const auto request = UploadRequest::Parse(task->version(), body);
  if (!request) {
    return ProblemAnswer(task->version(), DapProblem::kInvalidMessage, task_id,
                         request.error().message);
  }
  const Timestamp now = parts_.clock.Now();
  const HpkeKeyRing keys = parts_.store.hpke_keys();
  std::vector<std::optional<ReportError>> errors(request->reports.size());
  std::vector<Bytes> bodies;
  std::vector<NewReport> offered;
  std::vector<std::size_t> places;
  bodies.reserve(request->reports.size());
  for (std::size_t i = 0; i < request->reports.size(); ++i) {
    const DapReport& report = request->reports[i];
    errors[i] = CheckReport(*task, report.metadata, now);
    if (!errors[i] && keys.Find(report.leader_share.config_id) == nullptr) {
      errors[i] = ReportError::kOutdatedConfig;
    }
    if (!errors[i] && !HasSizesOfTask(*task, report)) errors[i] = ReportError::kInvalidMessage;
    if (errors[i]) continue;
    bodies.push_back(report.Encode(task->version()));
    NewReport next{.id = report.metadata.id,
                   .bucket = std::nullopt,
                   .config_id = report.leader_share.config_id,
                   .body = bodies.back()};
    if (task->by_time()) next.bucket = BucketOf(*task, report.metadata.time);
    offered.push_back(std::move(next));
    places.push_back(i);
  }
  Result<std::vector<Admission>> admissions;
  if (!offered.empty()) admissions = parts_.store.AddReports(*task, offered);
  if (!admissions) return FailureAnswer(admissions.error());
  bool is_collected = false;
  for (std::size_t k = 0; k < places.size(); ++k) {
    errors[places[k]] = ErrorOf((*admissions)[k]);
    is_collected = is_collected || (*admissions)[k] == Admission::kCollected;
  }
  if (task->version() == DapVersion::k09) {
    if (is_collected) {
      return ProblemAnswer(DapVersion::k09, DapProblem::kReportRejected, task_id);
    }
    return AnswerOne(task_id, errors.front());
  }
  UploadErrors refused;
  for (std::size_t i = 0; i < errors.size(); ++i) {
    if (!errors[i]) continue;
    refused.statuses.push_back(
        {.id = request->reports[i].metadata.id, .error = AsUploadError(*errors[i])});
  }
  if (refused.statuses.empty()) return {};
  return {.media_type = std::string(MediaType(DapVersion::k18, DapMessageType::kUploadErrors)),
          .body = refused.Encode()};
}

// One thing that fails does not keep the others from going on: a job that the helper can't take now
// may have nothing to do with a batch that is there.
Result<bool> Leader::Advance(const OpenTask& task) {
  bool moved = false;
  std::optional<Error> first_error;
  const auto note = [&](const Result<bool>& step) {
    if (step) {
      moved = moved || *step;
    } else if (!first_error) {
      first_error = step.error();
    }
  };
  note(AdvanceJob(task));
  auto collections = parts_.store.UnfinishedCollections(task);
  if (!collections) return first_error ? *first_error : collections.error();
  for (Collection& collection : *collections) {
    note(AdvanceCollection(task, std::move(collection)));
  }
  if (first_error) return *std::move(first_error);
  return moved;
}

}  // namespace salus::aggregate
