// How an Error becomes an answer: one status a code, one body a kind of resource.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace salus::api {

// StatusOf is the only place that maps an ErrorCode to an HTTP status.
int StatusOf(ErrorCode code);

// ErrorShape is what the body of an error looks like: RFC 9457, or a FHIR OperationOutcome.
enum class ErrorShape { kProblem, kOutcome };

// Forbidden is the one answer to everybody without the right. It says nothing about what exists.
http::Response Forbidden();

// ErrorResponse says what happened. What only the operator can act on (Internal, Corruption) keeps
// its message to itself.
//
// Source: RFC 9457; FHIR R4 OperationOutcome.
http::Response ErrorResponse(const Error& error, ErrorShape shape);

// IssueType is the code of an issue in an OperationOutcome, of FHIR's required issue types.
std::string_view IssueType(ErrorCode code);
// ErrorDetail is what a caller may read of an error.
std::string ErrorDetail(const Error& error);

// OutcomeJson is a FHIR OperationOutcome with one issue.
std::string OutcomeJson(std::string_view severity, std::string_view code,
                        std::string_view diagnostics);

}  // namespace salus::api
