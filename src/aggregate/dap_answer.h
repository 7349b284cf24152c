// DapAnswer is an aggregator's answer to a request, as HTTP carries it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "aggregate/dap_id.h"
#include "aggregate/dap_version.h"
#include "base/bytes.h"
#include "base/result.h"

namespace salus::aggregate {

// Shape: location is a path below the aggregator's URL, without a slash in front; retry_after_s is
//        0 where there is nothing to wait for; signature is as task_exchange.h says, or empty.
struct DapAnswer {
  int status = 200;
  std::string media_type = {};
  std::string location = {};
  Bytes body = {};
  int retry_after_s = 0;
  std::string signature = {};

  bool is_success() const { return status >= 200 && status < 300; }
};

// DapProblem is why a request is refused as a whole.
//
// Source: DAP-18 section 3.6; DAP-09 section 3.2. Those without a name there are our own.
enum class DapProblem : std::uint8_t {
  kInvalidMessage,
  kUnrecognizedTask,
  kUnrecognizedAggregationJob,
  kBatchInvalid,
  kInvalidBatchSize,
  kInvalidAggregationParameter,  // DAP-18; invalidMessage in DAP-09
  kBatchMismatch,
  kStepMismatch,
  kBatchOverlap,
  kUnsupportedExtension,  // DAP-18
  kInvalidExtension,      // DAP-18
  kOutdatedConfig,        // DAP-09
  kReportRejected,        // DAP-09
  kReportTooEarly,        // DAP-09
  kUnknownCollectionJob,  // ours
  kPrivacyBudgetSpent,    // ours: the study's budget does not allow another result
};

// ProblemName is the last part of the type, e.g. "batchMismatch"; ProblemOfName finds it again.
std::string_view ProblemName(DapProblem problem);
std::optional<DapProblem> ProblemOfName(std::string_view name);

// ProblemAnswer is a problem document.
//
// Source: RFC 9457; the types are urn:ietf:params:ppm:dap:error:NAME, ours urn:salus:dap:NAME.
DapAnswer ProblemAnswer(DapVersion version, DapProblem problem, const TaskId& task,
                        std::string_view detail = {});
// FailureAnswer tells of an error that is not the caller's: 503 where it may pass, else 500. What
// it was stays here.
DapAnswer FailureAnswer(const Error& error);

// ProblemOf is the problem that another aggregator answered with, as far as it is one of the
// draft's.
std::optional<DapProblem> ProblemOf(const DapAnswer& answer);
// DescribeRefusal is the status and the problem's name, for a message: nothing else of what came.
std::string DescribeRefusal(const DapAnswer& answer);

}  // namespace salus::aggregate
