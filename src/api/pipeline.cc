#include "api/pipeline.h"

#include <algorithm>

namespace salus::api {

namespace {

// Bodies of so many bytes are collected before a handler runs, and need no thread while they come.
constexpr std::size_t kWholeBodyBytes = 512 * 1024;

Caller CallerOf(const http::Request& request) {
  if (request.peer == nullptr || request.peer->attachment == nullptr) return {};
  return *static_cast<const Caller*>(request.peer->attachment.get());
}

Result<http::Query> ReadQuery(const Endpoint& endpoint, const http::Request& request) {
  TRY(http::Query query, http::Query::Parse(request.query));
  TRY_VOID(CheckQuery(endpoint, query));
  return query;
}

void Handle(Attempt& attempt) {
  Bytes collected;
  if (!attempt.exchange->body_is_whole()) {
    Result<Bytes> all = attempt.exchange->ReadWholeBody(attempt.endpoint.body_limit_bytes);
    if (!all) return attempt.RefuseRead(all.error());
    collected = *std::move(all);
  }
  const ByteSpan body =
      attempt.exchange->body_is_whole() ? attempt.exchange->body() : ByteSpan(collected);
  Result<http::Response> response = attempt.endpoint.answer(
      {attempt.service, attempt.exchange->request(), attempt.caller, attempt.query, body});
  if (!response) return attempt.Refuse(response.error());
  attempt.Respond(*std::move(response));
}

void Run(Service& service, const Endpoint& endpoint, std::shared_ptr<http::Exchange> exchange) {
  auto attempt = std::make_shared<Attempt>(service, endpoint, std::move(exchange));
  if (!MayCall(endpoint, attempt->caller)) return attempt->Respond(Forbidden());
  Result<http::Query> query = ReadQuery(endpoint, attempt->exchange->request());
  if (!query) return attempt->Refuse(query.error());
  attempt->query = *std::move(query);
  if (endpoint.stream != nullptr) return endpoint.stream(std::move(attempt));
  Handle(*attempt);
}

}  // namespace

Attempt::Attempt(Service& s, const Endpoint& e, std::shared_ptr<http::Exchange> x)
    : service(s),
      endpoint(e),
      exchange(std::move(x)),
      caller(CallerOf(exchange->request())),
      start(std::chrono::steady_clock::now()) {}

Attempt::~Attempt() {
  service.Account(endpoint, caller, status, std::chrono::steady_clock::now() - start);
}

void Attempt::Respond(http::Response response) {
  status = response.status;
  exchange->Respond(std::move(response));
}

void Attempt::Refuse(const Error& error) { Respond(ErrorResponse(error, endpoint.error_shape)); }

void Attempt::RefuseRead(const Error& error) {
  // What http answers by itself.
  status = error.code == ErrorCode::kResourceExhausted ? 413
           : error.code == ErrorCode::kInvalidArgument ? 400
                                                       : 408;
  exchange->RespondToReadError(error);
}

void Attempt::Begin(int with_status, http::Headers headers) {
  status = with_status;
  exchange->BeginResponse(with_status, std::move(headers));
}

bool MayCall(const Endpoint& endpoint, const Caller& caller) {
  if (endpoint.roles.empty()) return true;
  return caller.identity && endpoint.roles.Has(caller.identity->role);
}

Result<void> CheckQuery(const Endpoint& endpoint, const http::Query& query) {
  for (const auto& [name, value] : query) {
    const auto& known = endpoint.parameters;
    if (std::find(known.begin(), known.end(), name) != known.end()) {
      if (query.Count(name) == 1) continue;
      return InvalidArgument("a query parameter is there twice: send each once");
    }
    std::string names;
    for (const std::string& one : known) names += (names.empty() ? "" : ", ") + one;
    return InvalidArgument(names.empty() ? "this resource takes no query parameters"
                                         : "an unknown query parameter: there are only " + names);
  }
  return {};
}

std::vector<http::Route> RoutesFor(Service& service, Door listener) {
  std::vector<http::Route> routes;
  for (const Endpoint& endpoint : Endpoints()) {
    if (!Opens(endpoint.door, listener)) continue;
    http::Route route;
    route.method = endpoint.method;
    route.pattern = endpoint.pattern;
    route.tag = static_cast<int>(&endpoint - Endpoints().data());
    route.whole_body_bytes = static_cast<std::size_t>(
        std::min<std::uint64_t>(endpoint.body_limit_bytes, kWholeBodyBytes));
    route.content_types = endpoint.content_types;
    route.run_on = endpoint.run_on;
    if (endpoint.never_blocks != nullptr) {
      route.never_blocks = [&service, &endpoint](const http::Request& request, ByteSpan body) {
        return endpoint.never_blocks(service, request, body);
      };
    }
    route.handler = [&service, &endpoint](std::shared_ptr<http::Exchange> exchange) {
      Run(service, endpoint, std::move(exchange));
    };
    route.body_limit_bytes =
        std::min(endpoint.body_limit_bytes, service.node().config().max_body_bytes);
    routes.push_back(std::move(route));
  }
  return routes;
}

http::Response Perform(Service& service, const Endpoint& endpoint, const http::Request& request,
                       const Caller& caller, ByteSpan body) {
  const auto start = std::chrono::steady_clock::now();
  http::Response response = [&] {
    if (!MayCall(endpoint, caller)) return Forbidden();
    const Result<http::Query> query = ReadQuery(endpoint, request);
    if (!query) return ErrorResponse(query.error(), endpoint.error_shape);
    Result<http::Response> answer = endpoint.answer({service, request, caller, *query, body});
    return answer ? *std::move(answer) : ErrorResponse(answer.error(), endpoint.error_shape);
  }();
  service.Account(endpoint, caller, response.status, std::chrono::steady_clock::now() - start);
  return response;
}

}  // namespace salus::api
