#include "api/status.h"

#include "codec/json.h"
#include "http/problem.h"

namespace salus::api {

namespace {

constexpr char kNotPermitted[] = "not permitted";

}  // namespace

// FHIR's required issue types (http://hl7.org/fhir/issue-type).
std::string_view IssueTypeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kVerificationFailed:
      return "invalid";
    case ErrorCode::kNotFound:
      return "not-found";
    case ErrorCode::kAlreadyExists:
      return "duplicate";
    case ErrorCode::kUnauthenticated:
      return "login";
    case ErrorCode::kPermissionDenied:
      return "forbidden";
    case ErrorCode::kFailedPrecondition:
      return "business-rule";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kResourceExhausted:
      return "no-store";
    case ErrorCode::kUnavailable:
      return "transient";
    case ErrorCode::kCorruption:
    case ErrorCode::kInternal:
      return "exception";
  }
  return "exception";
}

std::string ErrorDetail(const Error& error) {
  if (error.code == ErrorCode::kInternal || error.code == ErrorCode::kCorruption) {
    return "the server can't answer this; its log says more";
  }
  return error.message;
}

int StatusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kVerificationFailed:
      return 400;
    case ErrorCode::kUnauthenticated:
      return 401;
    case ErrorCode::kPermissionDenied:
      return 403;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kConflict:
    case ErrorCode::kFailedPrecondition:
      return 409;
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kResourceExhausted:
      return 507;
    case ErrorCode::kCorruption:
    case ErrorCode::kInternal:
      return 500;
  }
  return 500;
}

http::Response Forbidden() { return http::Response::Text(403, kNotPermitted); }

std::string OutcomeJson(std::span<const Issue> issues) {
  codec::JsonArray list;
  for (const Issue& one : issues) {
    codec::JsonObject issue;
    issue["severity"] = one.severity;
    issue["code"] = one.type;
    if (!one.diagnostics.empty()) issue["diagnostics"] = one.diagnostics;
    if (!one.expression.empty()) issue["expression"] = codec::JsonArray{one.expression.c_str()};
    list.push_back(std::move(issue));
  }
  codec::JsonObject outcome;
  outcome["resourceType"] = "OperationOutcome";
  outcome["issue"] = std::move(list);
  return codec::WriteJson(outcome);
}

http::Response ErrorResponse(const Error& error, ErrorShape shape) {
  if (error.code == ErrorCode::kPermissionDenied) return Forbidden();
  const int status = StatusOf(error.code);
  http::Response response;
  if (shape == ErrorShape::kOutcome) {
    const Issue issue{"error", IssueTypeOf(error.code), ErrorDetail(error)};
    response = {status, {{"Content-Type", "application/fhir+json"}}, OutcomeJson({&issue, 1})};
  } else {
    response = http::Problem(status, "", ErrorDetail(error));
  }
  if (status == 503) response.headers.Add("Retry-After", "1");
  return response;
}

}  // namespace salus::api
