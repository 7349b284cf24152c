// How an Error becomes an answer: one status a code, one body a kind of resource.
#pragma once

#include <span>
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

// Issue is one of an OperationOutcome; type is a code of FHIR's issue-type.
struct Issue {
  std::string severity;
  std::string_view type;
  std::string diagnostics;
  std::string expression = {};  // FHIRPath of what it is about; empty: the whole body
};

// ErrorDetail is what a caller may read of an error.
std::string ErrorDetail(const Error& error);

// IssueTypeOf is the issue type that says a code in FHIR.
std::string_view IssueTypeOf(ErrorCode code);

// OutcomeJson is a FHIR OperationOutcome.
std::string OutcomeJson(std::span<const Issue> issues);

}  // namespace salus::api
